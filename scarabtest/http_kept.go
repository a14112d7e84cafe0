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

var keptScenarios = []httpScenario{
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
}
