package admin

import (
	"errors"
	"net/http"

	"github.com/scarab-go/scarab"
	"github.com/scarab-go/scarab/admin/internal/ui"
	"github.com/scarab-go/scarab/admin/state"
)

// oneSession shows what a session holds: keys and sizes, and the values to
// those who may see them.
func (h *handler) oneSession(v *visit) error {
	now := h.cfg.Clock()
	handle, err := scarab.ParseHandle(v.r.PathValue("handle"))
	if err != nil || h.cfg.Sessions.Store == nil {
		return &problem{status: http.StatusNotFound, text: v.t("There is no such session, or not any more.")}
	}
	rec, err := h.cfg.Sessions.Store.Load(v.ctx, handle, now)
	if errors.Is(err, scarab.ErrNoSession) {
		return &problem{status: http.StatusNotFound, text: v.t("There is no such session, or not any more."), back: v.url("/sessions")}
	}
	if err != nil {
		return err
	}
	row := v.sessionRow(rec, v.s.Handle(), now)
	b := ui.OneSession{
		Handle: row.Handle, User: row.User, Own: row.Own, MayEnd: v.mayUse(state.Sessions) == Write, Action: v.url("/sessions"), Back: v.url("/sessions"),
		Hidden: v.mayUse(state.Values) == None,
		Facts: []ui.Fact{
			{Name: v.t("User"), Value: row.User}, {Name: v.t("Device"), Value: row.Device}, {Name: v.t("Address"), Value: row.Address},
			{Name: v.t("Handle"), Value: row.Handle, Mono: true}, {Name: v.t("Created"), Value: row.Created}, {Name: v.t("Last seen"), Value: row.Seen},
			{Name: v.t("Time left"), Value: row.Expires}, {Name: v.t("Size"), Value: v.t("%d bytes", len(rec.Data))}, {Name: v.t("Version"), Value: v.t("%d", rec.Version)},
		},
	}
	values, err := rec.Values()
	if err != nil {
		b.Note = v.t("What it holds cannot be read: %v", err)
	}
	for _, value := range values {
		fact := ui.Fact{Name: value.Key, Value: v.t("%d bytes", len(value.JSON)), Mono: true}
		if !b.Hidden {
			fact.Note, fact.Value = fact.Value, cutJSON(value)
		}
		b.Values = append(b.Values, fact)
	}
	return v.show(http.StatusOK, v.t("Session of %s", orNobody(v, row.User)), b)
}

func orNobody(v *visit, user string) string {
	if user == "" {
		return v.t("nobody")
	}
	return user
}

func cutJSON(value scarab.Value) string {
	// Whoever sees the token could forge requests of the session's owner.
	if value.Key == "_csrft_" {
		return "…"
	}
	text, more := cut(string(value.JSON), 2000)
	if more {
		text += "…"
	}
	return text
}
