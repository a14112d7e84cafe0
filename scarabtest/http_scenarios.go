package scarabtest

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"reflect"
	"slices"
	"strings"
	"time"

	"github.com/scarab-go/scarab"
)

const (
	counter = scarab.Key[int]("counter")
	ticket  = scarab.Key[string]("ticket")
	notices = scarab.Queue[string]("notices")
)

func setN(n int) func(*scarab.Session) { return func(s *scarab.Session) { s.Set("n", n) } }

func login(name string) func(*scarab.Session) {
	return func(s *scarab.Session) { s.Login(name) }
}

func nothing(*scarab.Session) {}

// has reports whether the session has n at the key n, and is principal's.
func has(n any, principal string) func(*scarab.Session) error {
	return func(s *scarab.Session) error {
		if s.Get("n") != n || s.Principal() != principal {
			return fmt.Errorf("the session is of %q with n=%v, want %q and %v", s.Principal(), s.Get("n"), principal, n)
		}
		return nil
	}
}

func empty(s *scarab.Session) error {
	if !s.IsNew() {
		return fmt.Errorf("the session is not new: it is of %q with %d values", s.Principal(), s.Len())
	}
	return nil
}

var httpScenarios = []httpScenario{
	{
		name:   "values",
		clause: "Whole numbers are int64, others float64, and json.Number if they are out of range; lists are []any and objects map[string]any.",
		check: func(ctx context.Context, s *scene) error {
			values := []struct {
				key       string
				set, want any
			}{
				{"z", "text \"quoted\" <ä> ☃ 🪲 \x00", nil}, {"a", 7, int64(7)}, {"half", 0.5, nil},
				{"large", json.Number("123456789012345678901234567890"), nil}, {"least", int64(-9223372036854775808), nil},
				{"none", nil, nil}, {"yes", true, nil}, {"list", []any{int64(1), "x", []any{}}, nil},
				{"object", map[string]any{"a": int64(1), "b": map[string]any{}}, nil}, {"", "no key", nil}, {"ключ", "k", nil},
			}
			return errors.Join(
				s.steps(ctx, func(session *scarab.Session) {
					for _, v := range values {
						session.Set(v.key, v.set)
					}
				}),
				s.asks(ctx, func(session *scarab.Session) error {
					var errs []error
					keys := slices.Collect(session.Keys())
					for i, v := range values {
						if v.want == nil {
							v.want = v.set
						}
						if got, ok := session.Lookup(v.key); !ok || !reflect.DeepEqual(got, v.want) {
							errs = append(errs, fmt.Errorf("at %q is %#v, want %#v", v.key, got, v.want))
						}
						if len(keys) <= i || keys[i] != v.key {
							errs = append(errs, fmt.Errorf("the keys come in the order %q", keys))
						}
					}
					return errors.Join(errs...)
				}),
			)
		},
	},
	{
		name:   "changes",
		clause: "Delete removes key.",
		check: func(ctx context.Context, s *scene) error {
			return errors.Join(
				s.steps(ctx,
					func(session *scarab.Session) { session.SetAll(map[string]any{"a": 1, "b": 2, "c": []any{1}}) },
					func(session *scarab.Session) { session.Delete("a"); session.Set("d", 4) },
					func(session *scarab.Session) {
						session.Get("c").([]any)[0] = "changed in place"
						session.Changed()
						counter.Update(session, func(n int) int { return n + 1 })
					},
				),
				s.asks(ctx, func(session *scarab.Session) error {
					if got, want := fmt.Sprint(session.Get("a"), session.Get("b"), session.Get("c"), session.Get("d"), session.Len()), "<nil> 2 [changed in place] 4 4"; got != want {
						return fmt.Errorf("the session holds %s, want %s", got, want)
					}
					return nil
				}),
			)
		},
	},
	{
		name:   "cookie",
		clause: "Browsers hold a name that starts with __Host- to Secure, Path=/ and no Domain, so that no other host can set it (RFC 6265bis, section 4.1.3).",
		check: func(ctx context.Context, s *scene) error {
			p, err := s.get(ctx, setN(1))
			if err != nil {
				return err
			}
			if len(p.Refused) > 0 {
				return fmt.Errorf("the browser refuses %q", p.Refused)
			}
			cookies := s.Cookies("/")
			if len(cookies) != 1 {
				return fmt.Errorf("the browser has %d cookies, want 1", len(cookies))
			}
			if c := cookies[0]; c.Name != sceneCookie || !c.Secure || !c.HttpOnly || c.SameSite != http.SameSiteLaxMode || c.Path != "/" || c.Domain != "" || !c.Expires.IsZero() {
				return fmt.Errorf("the cookie is %+v", c)
			}
			// Reading it needs no other.
			p, err = s.get(ctx, func(session *scarab.Session) { session.Get("n") })
			if err != nil {
				return err
			}
			return errors.Join(setsCookie("a request that reads", p, false), s.asks(ctx, has(int64(1), "")))
		},
	},
	{
		name:   "flash",
		clause: "A Queue is a list of flash messages of type T with a name: messages that the next page shows, once.",
		check: func(ctx context.Context, s *scene) error {
			var shown []string
			page := s.path(handler(func(session *scarab.Session) {
				shown = append(session.PopFlash(), notices.Pop(session)...)
			}))
			post := s.path(func(w http.ResponseWriter, r *http.Request) {
				handler(func(session *scarab.Session) {
					session.Flash("saved")
					session.Flash("saved")
					notices.Push(session, "notice")
					notices.PushUnique(session, "notice")
					http.Redirect(w, r, page, http.StatusSeeOther)
				})(w, r)
			})
			for i, want := range []string{"saved saved notice", ""} {
				method, path := http.MethodPost, post
				if i > 0 { // a reload
					method, path = http.MethodGet, page
				}
				if _, err := s.send(ctx, s.Client, method, path); err != nil {
					return err
				}
				if got := strings.Join(shown, " "); got != want {
					return fmt.Errorf("page %d shows %q, want %q", i+1, got, want)
				}
			}
			return nil
		},
	},
	{
		name:   "idle",
		clause: "IdleTimeout is how long a session lives without being used, at least a second.",
		check: func(ctx context.Context, s *scene) error {
			errs := []error{s.steps(ctx, setN(1))}
			for range 3 {
				s.clock.Advance(50 * time.Minute)
				errs = append(errs, s.asks(ctx, has(int64(1), "")))
			}
			s.clock.Advance(61 * time.Minute)
			return errors.Join(append(errs, s.asks(ctx, empty))...)
		},
	},
	{
		name:   "lifetime",
		clause: "Lifetime is how long a session lives however much it is used, counted from its creation or its last Login.",
		check: func(ctx context.Context, s *scene) error {
			errs := []error{s.steps(ctx, setN(1))}
			for range 47 {
				s.clock.Advance(30 * time.Minute)
				errs = append(errs, s.asks(ctx, has(int64(1), "")))
			}
			errs = append(errs, s.steps(ctx, login("anna")))
			for range 47 {
				s.clock.Advance(30 * time.Minute)
				errs = append(errs, s.asks(ctx, has(int64(1), "anna")))
			}
			s.clock.Advance(31 * time.Minute)
			return errors.Join(append(errs, s.asks(ctx, empty))...)
		},
	},
	{
		name:   "timeouts",
		clause: "SetTimeouts gives this session an idle timeout and a lifetime of its own, counted from now; 0 keeps what it has, Never is none.",
		check: func(ctx context.Context, s *scene) error {
			errs := []error{s.steps(ctx, setN(1), func(session *scarab.Session) { session.SetTimeouts(10*time.Minute, 30*time.Minute) })}
			for range 3 {
				s.clock.Advance(9 * time.Minute)
				errs = append(errs, s.asks(ctx, has(int64(1), "")))
			}
			s.clock.Advance(4 * time.Minute) // the lifetime
			errs = append(errs, s.asks(ctx, empty), s.steps(ctx, setN(2), func(session *scarab.Session) { session.SetTimeouts(10*time.Minute, 0) }))
			s.clock.Advance(11 * time.Minute)
			errs = append(errs, s.asks(ctx, empty), s.steps(ctx, setN(3), func(session *scarab.Session) { session.SetTimeouts(scarab.Never, scarab.Never) }))
			s.clock.Advance(30 * time.Hour)
			return errors.Join(append(errs, s.asks(ctx, has(int64(3), "")))...)
		},
	},
	{
		name:   "persistent",
		clause: "SetPersistent decides whether the cookie outlives the browser (\"remember me\"), until the session's deadline and at most 400 days.",
		check: func(ctx context.Context, s *scene) error {
			errs := []error{s.steps(ctx, setN(1))}
			s.Restart()
			errs = append(errs, s.asks(ctx, empty), s.steps(ctx, setN(2), func(session *scarab.Session) { session.SetPersistent(true) }))
			s.Restart()
			return errors.Join(append(errs, s.asks(ctx, has(int64(2), "")))...)
		},
	},
	{
		name:   "login",
		clause: "The session gets a new secret, a new CSRF token and its lifetime from now; what it holds is kept, unless it is of another principal.",
		check: func(ctx context.Context, s *scene) error {
			var before, after string
			if err := s.steps(ctx, setN(1), func(session *scarab.Session) { before = session.CSRFToken() }); err != nil {
				return err
			}
			old := s.token()
			in := s.clock.Advance(time.Minute)
			if err := s.steps(ctx, login("anna")); err != nil {
				return err
			}
			if s.token() == old {
				return errors.New("the cookie that was known before the login is the one after it")
			}
			return errors.Join(
				s.asks(ctx, has(int64(1), "anna")),
				s.asks(ctx, func(session *scarab.Session) error {
					if after = session.CSRFToken(); after == before || after == "" {
						return errors.New("the CSRF token is the one from before the login")
					}
					if !session.AuthTime().Equal(in.UTC()) {
						return fmt.Errorf("AuthTime is %v, want %v", session.AuthTime(), in)
					}
					return nil
				}),
				s.steps(ctx, login("berta")),
				s.asks(ctx, has(nil, "berta")),
			)
		},
	},
	{
		name:   "login-ends-old",
		clause: "[Session.Login] makes whatever was known before it worthless.",
		check: func(ctx context.Context, s *scene) error {
			if err := s.steps(ctx, setN(1)); err != nil {
				return err
			}
			old := s.token()
			if err := s.steps(ctx, login("anna")); err != nil {
				return err
			}
			err := s.oldIsDead(ctx, old, "the cookie from before the login")
			return errors.Join(err, s.asks(ctx, has(int64(1), "anna")))
		},
		needs: ends,
	},
	{
		name:   "renew",
		clause: "Renew gives the session a new secret and keeps its contents: the token that the browser has now opens nothing once the answer is sent.",
		check: func(ctx context.Context, s *scene) error {
			if err := s.steps(ctx, setN(1)); err != nil {
				return err
			}
			old := s.token()
			if err := s.steps(ctx, (*scarab.Session).Renew); err != nil {
				return err
			}
			if s.token() == old {
				return errors.New("the cookie is the same")
			}
			err := s.oldIsDead(ctx, old, "the cookie from before Renew")
			return errors.Join(err, s.asks(ctx, has(int64(1), "")))
		},
		needs: ends,
	},
	{
		name:   "invalidate",
		clause: "The Session can be used on, as a new one.",
		check: func(ctx context.Context, s *scene) error {
			errs := []error{
				s.steps(ctx, setN(1), login("anna"), (*scarab.Session).Invalidate),
			}
			if got := s.token(); got != "" {
				errs = append(errs, fmt.Errorf("the browser has the cookie %q after a logout", got))
			}
			return errors.Join(append(errs,
				s.asks(ctx, empty),
				s.steps(ctx, setN(1), func(session *scarab.Session) {
					session.Invalidate()
					session.Flash("goodbye")
				}),
				s.asks(ctx, func(session *scarab.Session) error {
					if got := session.PeekFlash(); len(got) != 1 || session.Has("n") || session.Principal() != "" {
						return fmt.Errorf("after a logout with a message the session has %d keys and the messages %q", session.Len(), got)
					}
					return nil
				}))...)
		},
	},
	{
		name:   "invalidate-ends",
		clause: "Invalidate ends the session: all data is gone, its token opens nothing any more, whatever other requests do, and the cookie is cleared.",
		check: func(ctx context.Context, s *scene) error {
			var tokens []string
			for _, f := range []func(*scarab.Session){setN(1), setN(2), login("anna"), setN(3)} {
				if err := s.steps(ctx, f); err != nil {
					return err
				}
				tokens = append(tokens, s.token())
			}
			errs := []error{s.steps(ctx, (*scarab.Session).Invalidate)}
			last := len(tokens) - 1
			errs = append(errs, s.isNew(ctx, "the cookie from before the logout", tokens[last]))
			s.clock.Advance(2 * time.Minute)
			return errors.Join(append(errs, s.isNew(ctx, "the cookie from before the logout", tokens[last]))...)
		},
		needs: ends,
	},
	{
		name:   "forged",
		clause: "a cookie that is forged, unknown, malformed, oversized or ambiguous",
		check: func(ctx context.Context, s *scene) error {
			if err := s.steps(ctx, setN(1)); err != nil {
				return err
			}
			v := s.token()
			var errs []error
			for _, forged := range []string{"x", "A" + v, v[1:], v[:len(v)/2], v + v, strings.Repeat("A", 64), strings.Repeat("x", 4000), v[:9] + string(v[9]^1) + v[10:], v[:len(v)-9] + string(v[len(v)-9]^1) + v[len(v)-8:]} {
				c := s.NewBrowser()
				c.Header = http.Header{"Cookie": {sceneCookie + "=" + forged}}
				what := "the forged cookie " + short([]byte(forged))
				var wasNew error
				p, err := s.getFrom(ctx, c, func(session *scarab.Session) { wasNew = empty(session) })
				if errs = append(errs, err, wasNew); err != nil {
					continue
				}
				errs = append(errs, setsCookie(what, p, false))
				if _, err = s.getFrom(ctx, c, setN(2)); err == nil && c.Cookie("/", sceneCookie) == forged {
					err = fmt.Errorf("%s was adopted", what)
				}
				errs = append(errs, err)
			}
			return errors.Join(append(errs, s.asks(ctx, has(int64(1), "")))...)
		},
	},
	{
		name:   "ambiguous",
		clause: "a cookie that is forged, unknown, malformed, oversized or ambiguous",
		check: func(ctx context.Context, s *scene) error {
			if err := s.steps(ctx, setN(1)); err != nil {
				return err
			}
			mine := s.token()
			other := s.NewBrowser()
			if _, err := s.getFrom(ctx, other, setN(2)); err != nil {
				return err
			}
			theirs := other.Cookie("/", sceneCookie)
			ask := func(cookies string, check func(*scarab.Session) error) error {
				c := s.NewBrowser()
				c.Header = http.Header{"Cookie": {cookies}}
				if err := s.asksFrom(ctx, c, check); err != nil {
					return fmt.Errorf("with the cookies %q: %w", cookies, err)
				}
				return nil
			}
			const name = sceneCookie + "="
			return errors.Join(
				ask(name+mine+"; "+name+theirs, empty),
				ask(name+mine+"; "+name+mine, has(int64(1), "")),
				ask(name+"x; "+name+mine, has(int64(1), "")),
				ask("__host-session="+mine, empty), // which any host of the domain could set
			)
		},
	},
	{
		name:   "too-large",
		clause: "ErrTooLarge: the session does not fit; see [TooLargeError].",
		check: func(ctx context.Context, s *scene) error {
			if err := s.steps(ctx, setN(1)); err != nil {
				return err
			}
			n := 1
			for _, size := range []int{50_000, 500_000} {
				large := strings.Repeat("x", size)
				p, err := s.request(ctx, s.Client, http.MethodGet, func(session *scarab.Session) {
					session.Set("n", size)
					session.Set("large", large)
				})
				if err != nil {
					return err
				}
				// All of it or nothing of it.
				if p.Status == http.StatusOK {
					n = size
				} else if err := status(p, http.StatusInternalServerError); err != nil {
					return err
				}
				err = s.asks(ctx, func(session *scarab.Session) error {
					if text, _ := session.Get("large").(string); p.Status == http.StatusOK && text != large {
						return fmt.Errorf("of %d bytes that were saved %d are there", size, len(text))
					}
					return has(int64(n), "")(session)
				})
				if err != nil {
					return err
				}
			}
			return nil
		},
	},
	{
		name:   "parallel",
		clause: "Requests of one session that overlap keep all their changes: those of the slower one are applied again to what the faster one saved.",
		check: func(ctx context.Context, s *scene) error {
			const n = 16
			if err := s.steps(ctx, setN(1)); err != nil {
				return err
			}
			all := make([]*pending, n)
			for i := range all {
				var err error
				if all[i], err = s.begin(ctx, s.Client); err != nil {
					return err
				}
			}
			errs := parallel(n, func(i int) error {
				p, err := all[i].end(func(session *scarab.Session) {
					session.Set(fmt.Sprint("key ", i), i)
					counter.Update(session, func(n int) int { return n + 1 })
					session.Flash("saved")
				})
				if err == nil {
					err = errors.Join(status(p, http.StatusOK), setsCookie("a request that saves", p, false))
				}
				return err
			})
			return errors.Join(errors.Join(errs...), s.asks(ctx, func(session *scarab.Session) error {
				keys := 0
				for i := range n {
					if session.Get(fmt.Sprint("key ", i)) == int64(i) {
						keys++
					}
				}
				if c, f := counter.Get(session), len(session.PeekFlash()); c != n || keys != n || f != n {
					return fmt.Errorf("of %d requests at once %d were counted, %d set their key, %d left their message", n, c, keys, f)
				}
				return nil
			}))
		},
		needs: merges,
	},
	{
		name:   "flash-overlap",
		clause: "Two requests that pop at the same time both show what was there; a message that is pushed meanwhile stays for the next.",
		check: func(ctx context.Context, s *scene) error {
			if err := s.steps(ctx, func(session *scarab.Session) { session.Flash("saved") }); err != nil {
				return err
			}
			var first, second, third []string
			slow, err := s.begin(ctx, s.Client)
			if err != nil {
				return err
			}
			if err := s.steps(ctx,
				func(session *scarab.Session) { first = session.PopFlash() },
				func(session *scarab.Session) { session.Flash("another") },
			); err != nil {
				return err
			}
			p, err := slow.end(func(session *scarab.Session) { second = session.PopFlash() })
			if err != nil {
				return err
			}
			if err := errors.Join(status(p, http.StatusOK), s.steps(ctx, func(session *scarab.Session) { third = session.PopFlash() })); err != nil {
				return err
			}
			if got := fmt.Sprint(first, second, third); got != "[saved] [saved] [another]" {
				return fmt.Errorf("the two that overlap and the one after them show %s", got)
			}
			return nil
		},
		needs: merges,
	},
	{
		name:   "once",
		clause: "Pop removes the value and returns it, once: if another request takes or changes it before this one's commit, the commit fails with ErrPopped (409).",
		check: func(ctx context.Context, s *scene) error {
			const n = 8
			if err := s.steps(ctx, func(session *scarab.Session) { ticket.Set(session, "one") }); err != nil {
				return err
			}
			all := make([]*pending, n)
			for i := range all {
				var err error
				if all[i], err = s.begin(ctx, s.Client); err != nil {
					return err
				}
			}
			pages := make([]*Page, n)
			errs := parallel(n, func(i int) (err error) {
				pages[i], err = all[i].end(func(session *scarab.Session) { ticket.Pop(session) })
				return err
			})
			if err := errors.Join(errs...); err != nil {
				return err
			}
			won := 0
			for _, p := range pages {
				if p.Status == http.StatusOK {
					won++
				} else if err := status(p, http.StatusConflict); err != nil {
					return err
				}
			}
			if won != 1 {
				return fmt.Errorf("of %d requests that took the value at once, %d succeeded", n, won)
			}
			return nil
		},
		needs: merges,
	},
	{
		name:   "logout-stays",
		clause: "A session that was ended meanwhile is not brought back: the changes are refused with 409.",
		check: func(ctx context.Context, s *scene) error {
			if err := s.steps(ctx, setN(1), login("anna")); err != nil {
				return err
			}
			token, tab := s.token(), s.with(s.token())
			writer, err := s.begin(ctx, tab)
			if err != nil {
				return err
			}
			reader, err := s.begin(ctx, tab)
			if err != nil {
				return err
			}
			s.clock.Advance(20 * time.Minute) // a touch is due
			if err := s.steps(ctx, (*scarab.Session).Invalidate); err != nil {
				return err
			}
			wrote, err := writer.end(setN(2))
			if err != nil {
				return err
			}
			read, err := reader.end(nothing)
			if err != nil {
				return err
			}
			return errors.Join(
				status(wrote, http.StatusConflict), setsCookie("a request that writes to an ended session", wrote, false),
				status(read, http.StatusOK), setsCookie("a request that reads an ended session", read, false),
				s.isNew(ctx, "the cookie from before the logout", token),
			)
		},
		needs: merges,
	},
	{
		name:   "logout-beats-renewal",
		clause: "Invalidate ends the session: all data is gone, its token opens nothing any more, whatever other requests do, and the cookie is cleared.",
		check: func(ctx context.Context, s *scene) error {
			if err := s.steps(ctx, setN(1)); err != nil {
				return err
			}
			old := s.token()
			logout, err := s.begin(ctx, s.with(old))
			if err != nil {
				return err
			}
			if err := s.steps(ctx, (*scarab.Session).Renew); err != nil {
				return err
			}
			p, err := logout.end((*scarab.Session).Invalidate)
			if err != nil {
				return err
			}
			return errors.Join(status(p, http.StatusOK),
				s.isNew(ctx, "the cookie that a renewal made while the logout was under way", s.token()),
				s.isNew(ctx, "the cookie from before", old))
		},
		needs: forLife,
	},
	{
		name:   "superseded",
		clause: "ErrSuperseded: the request came with a token that was renewed away a moment ago, and has changes.",
		check: func(ctx context.Context, s *scene) error {
			if err := s.steps(ctx, setN(1)); err != nil {
				return err
			}
			old := s.token()
			if err := s.steps(ctx, login("anna")); err != nil {
				return err
			}
			tab := s.with(old)
			wrote, err := s.request(ctx, tab, http.MethodGet, func(session *scarab.Session) { session.Flash("lost") })
			if err != nil {
				return err
			}
			read, err := s.request(ctx, tab, http.MethodGet, nothing)
			if err != nil {
				return err
			}
			return errors.Join(
				status(wrote, http.StatusConflict), setsCookie("a superseded request that writes", wrote, false),
				status(read, http.StatusOK), setsCookie("a superseded request that reads", read, false),
				s.asks(ctx, has(int64(1), "anna")),
			)
		},
		needs: forLife,
	},
	{
		name:   "two-logins",
		clause: "ErrEnded: the session was invalidated, revoked or logged in anew while this request was under way, and the request has changes that cannot be kept.",
		check: func(ctx context.Context, s *scene) error {
			if err := s.steps(ctx, setN(1)); err != nil {
				return err
			}
			tab := s.with(s.token())
			berta, err := s.begin(ctx, tab)
			if err != nil {
				return err
			}
			plain, err := s.begin(ctx, tab)
			if err != nil {
				return err
			}
			if err := s.steps(ctx, login("anna")); err != nil {
				return err
			}
			late, err := berta.end(func(session *scarab.Session) {
				session.Login("berta")
				session.Set("n", "berta's")
			})
			if err != nil {
				return err
			}
			wrote, err := plain.end(setN(2))
			if err != nil {
				return err
			}
			return errors.Join(
				status(late, http.StatusConflict), setsCookie("the login that came second", late, false),
				status(wrote, http.StatusConflict), setsCookie("a request from before the login", wrote, false),
				s.asks(ctx, has(int64(1), "anna")),
			)
		},
		needs: merges,
	},
}

// oldIsDead reports whether a value that was renewed away opens nothing, now
// and when the grace for requests under way is over.
func (s *scene) oldIsDead(ctx context.Context, old, what string) error {
	errs := []error{s.asksFrom(ctx, s.with(old), func(session *scarab.Session) error {
		if session.Len() > 0 || session.Principal() != "" {
			return fmt.Errorf("%s opens the session of %q with %d values", what, session.Principal(), session.Len())
		}
		return nil
	})}
	s.clock.Advance(2 * time.Minute)
	return errors.Join(append(errs, s.isNew(ctx, what, old))...)
}
