package scarabtest

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/scarab-go/scarab"
)

var overlapScenarios = []httpScenario{
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
