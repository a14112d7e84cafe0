package scarabtest

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/scarab-go/scarab"
)

var endedScenarios = []httpScenario{
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
