package admin

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/scarab-go/scarab"
	"github.com/scarab-go/scarab/admin/internal/ui"
	"github.com/scarab-go/scarab/admin/state"
)

// Sessions is what the page about the application's sessions needs. Store is
// the one that Factory keeps sessions in, and a [scarab.Scanner]; without it,
// as for sessions in cookies, the page shows events only.
//
// The page shows the device and the address of a session that has a [Label].
type Sessions struct {
	Factory *scarab.Factory
	Store   scarab.Store
	Events  *Events
}

// Bounds of what the page reads.
const (
	sessionsShown   = 200
	sessionsCounted = 100_000
)

// Count counts the live sessions, up to a hundred thousand.
func (s *Sessions) Count(ctx context.Context, now time.Time) (int, error) {
	n := 0
	err := s.each(ctx, now, func(scarab.Record) bool {
		n++
		return n < sessionsCounted
	})
	return n, err
}

// each visits the live sessions until f says that it is enough.
func (s *Sessions) each(ctx context.Context, now time.Time, f func(scarab.Record) bool) error {
	scanner, ok := s.Store.(scarab.Scanner)
	if !ok {
		return errors.ErrUnsupported
	}
	for r, err := range scanner.Scan(ctx) {
		if err != nil {
			return err
		}
		if !r.Expired(now) && !f(r) {
			return nil
		}
	}
	return nil
}

// sessionsPage lists the sessions.
func (h *handler) sessionsPage(v *visit) error {
	user := v.r.URL.Query().Get("user")
	live, err := v.liveSessions(user)
	if err != nil {
		return err
	}
	return v.show(http.StatusOK, v.t("All sessions"), ui.Sessions{
		Live: live, LiveURL: v.url("/sessions/live") + "?" + query("user", user), Action: v.url("/sessions"), URL: v.url("/sessions"), User: user, MayEnd: live.MayEnd,
	})
}

// liveSessions is the part of the page that changes.
func (v *visit) liveSessions(user string) (ui.SessionsLive, error) {
	now := v.h.cfg.Clock()
	out := ui.SessionsLive{MayEnd: v.mayUse(state.Sessions) == Write, At: now.UTC().Format("15:04:05"), Language: v.language}
	var found []scarab.Record
	total := 0
	err := v.h.cfg.Sessions.each(v.ctx, now, func(r scarab.Record) bool {
		if user != "" && r.Principal != user {
			return true
		}
		total++
		r.Data = nil
		found = append(found, r)
		if len(found) >= 2*sessionsShown {
			found = newest(found)
		}
		return total < sessionsCounted
	})
	if err != nil && !errors.Is(err, errors.ErrUnsupported) {
		return out, err
	}
	out.Count = v.count(total, total < sessionsCounted)
	if err != nil {
		out.Count = "?"
	}
	out.More = total > sessionsShown
	own := v.s.Handle()
	for _, r := range newest(found) {
		out.Sessions = append(out.Sessions, v.sessionRow(r, own, now))
	}
	if events := v.h.cfg.Sessions.Events; events != nil {
		if user == "" && err == nil {
			events.Sample(total)
		}
		out.Chart, out.Rejected, out.Events = v.eventViews(events, now)
	}
	return out, nil
}

// newest keeps those that were seen last.
func newest(list []scarab.Record) []scarab.Record {
	slices.SortFunc(list, func(a, b scarab.Record) int { return b.Seen.Compare(a.Seen) })
	return list[:min(len(list), sessionsShown)]
}

func (v *visit) sessionRow(r scarab.Record, own string, now time.Time) ui.SessionRow {
	handle := r.Handle.String()
	row := ui.SessionRow{
		Handle: handle, User: r.Principal, Created: v.ago(r.Created, now), Seen: v.ago(r.Seen, now), Own: handle == own, URL: v.url("/sessions/" + handle),
	}
	row.Device, row.Address, _ = strings.Cut(r.Label, labelSeparator)
	if !r.Expires.IsZero() {
		row.Expires = v.left(r.Expires.Sub(now))
	}
	if r.Principal != "" {
		row.UserURL = v.url("/sessions") + "?" + query("user", r.Principal)
	}
	return row
}

func (v *visit) ago(t, now time.Time) string {
	if t.IsZero() {
		return v.t("never")
	}
	return v.t("%s ago", v.left(now.Sub(t)))
}

// endSession ends one session.
func (h *handler) endSession(v *visit) error {
	handle := v.r.PostFormValue("handle")
	if _, err := scarab.ParseHandle(handle); err != nil {
		return &problem{status: http.StatusBadRequest, text: v.t("There is no such session.")}
	}
	if handle == v.s.Handle() {
		return h.logout(v)
	}
	if err := h.cfg.Sessions.Factory.Revoke(v.ctx, handle); err != nil {
		return v.cannotEnd(err)
	}
	v.record("end", state.Sessions, handle, nil)
	v.succeed(v.t("The session was ended."))
	return v.redirect(v.url("/sessions"))
}

func (v *visit) cannotEnd(err error) error {
	if errors.Is(err, errors.ErrUnsupported) {
		return &problem{status: http.StatusNotImplemented, text: v.t("Where these sessions are kept, they cannot be ended from here."), back: v.url("/session")}
	}
	return err
}

// endUser ends all sessions of a user, and logins that are under way.
func (h *handler) endUser(v *visit) error {
	user := v.r.PostFormValue("user")
	if user == "" {
		return &problem{status: http.StatusBadRequest, text: v.t("There is no such user.")}
	}
	n, err := h.cfg.Sessions.Factory.RevokePrincipal(v.ctx, user)
	if err != nil {
		return v.cannotEnd(err)
	}
	v.record("end", state.Sessions, "", map[string]state.Change{"user": {From: &user}})
	if user == v.s.Principal() {
		return h.logout(v)
	}
	v.succeed(v.t("%d sessions of %s were ended.", n, user))
	return v.redirect(v.url("/sessions"))
}

// endAll ends every session, and the visitor's own last.
func (h *handler) endAll(v *visit) error {
	users, handles := map[string]bool{}, []string{}
	own := v.s.Handle()
	err := h.cfg.Sessions.each(v.ctx, h.cfg.Clock(), func(r scarab.Record) bool {
		if handle := r.Handle.String(); handle != own {
			handles = append(handles, handle)
		}
		users[r.Principal] = true
		return true
	})
	if err != nil {
		return v.cannotEnd(err)
	}
	v.record("end", state.Sessions, "", nil)
	for _, handle := range handles {
		if err := h.cfg.Sessions.Factory.Revoke(v.ctx, handle); err != nil {
			return v.cannotEnd(err)
		}
	}
	for user := range users {
		if user == "" {
			continue
		}
		if _, err := h.cfg.Sessions.Factory.RevokePrincipal(v.ctx, user); err != nil {
			return v.cannotEnd(err)
		}
	}
	return h.logout(v)
}

// endOthers ends the visitor's own sessions in other browsers.
func (h *handler) endOthers(v *visit) error {
	if h.cfg.Sessions == nil {
		return &problem{status: http.StatusNotFound}
	}
	n, err := h.cfg.Sessions.Factory.RevokePrincipal(v.ctx, v.s.Principal(), v.s)
	if err != nil {
		return v.cannotEnd(err)
	}
	own := v.s.Principal()
	v.record("end", state.Sessions, "", map[string]state.Change{"user": {From: &own}})
	v.succeed(v.t("You are logged out in %d other places.", n))
	return v.redirect(v.url("/session"))
}
