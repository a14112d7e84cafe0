package admin

import (
	"encoding/json"
	"net/http"
	"strings"
	"time"

	"github.com/scarab-go/scarab"
	"github.com/scarab-go/scarab/admin/internal/ui"
)

const (
	visits = scarab.Key[int]("visits")
	popped = scarab.Queue[ui.Popped]("popped")
)

// trials are the queues that the page "this session" plays with: the default
// one and one with a name.
var trials = []struct {
	name  string
	queue scarab.Queue[string]
}{{"default", ""}, {"extra", "extra"}}

// sessionPage shows the visitor's own session.
func (h *handler) sessionPage(v *visit) error {
	visits.Update(v.s, func(n int) int { return n + 1 })
	v.flashes() // so that they are not listed as waiting
	now := h.cfg.Clock()
	at := func(name string, t time.Time) ui.Fact {
		if t.IsZero() {
			return ui.Fact{Name: name, Value: v.t("never")}
		}
		return ui.Fact{Name: name, Value: v.left(t.Sub(now)), Note: t.UTC().Format("2006-01-02 15:04:05 UTC")}
	}
	past := func(name string, t time.Time) ui.Fact {
		if t.IsZero() {
			return ui.Fact{Name: name, Value: v.t("never")}
		}
		return ui.Fact{Name: name, Value: t.UTC().Format("2006-01-02 15:04:05 UTC"), Note: v.t("%s ago", v.left(now.Sub(t)))}
	}
	handle := v.s.Handle()
	if handle == "" {
		handle = v.t("none: everything is in the cookie")
	}
	isNew := v.t("no")
	if v.s.IsNew() {
		isNew = v.t("yes")
	}
	b := ui.Session{Action: v.url("/session"), Others: h.cfg.Sessions != nil, Visits: visits.Get(v.s), Facts: []ui.Fact{
		{Name: v.t("Principal"), Value: v.s.Principal()},
		{Name: v.t("Handle"), Value: handle, Mono: v.s.Handle() != ""},
		{Name: v.t("New"), Value: isNew},
		past(v.t("Created"), v.s.Created()),
		past(v.t("Logged in"), v.s.AuthTime()),
		at(v.t("Time left if unused"), v.s.Expires()),
		at(v.t("Time left at most"), v.s.Deadline()),
	}}
	if results := popped.Pop(v.s); len(results) > 0 {
		b.Popped = &results[len(results)-1]
	}
	for _, q := range trials {
		b.Queues = append(b.Queues, ui.Queue{Name: q.name, Messages: q.queue.Peek(v.s)})
	}
	for key, value := range v.s.All() {
		b.Values = append(b.Values, ui.Fact{Name: key, Value: shown(key, value)})
	}
	return v.show(http.StatusOK, v.t("This session"), b)
}

// shown writes a value of the session as JSON. The CSRF token is cut: a
// picture of the page must be worth nothing.
func shown(key string, value any) string {
	text, err := json.Marshal(value)
	if err != nil {
		return err.Error()
	}
	if key == "_csrft_" && len(text) > 8 {
		return string(text[:7]) + "…"
	}
	return string(text)
}

// left writes a duration for people, in its two largest units.
func (v *visit) left(d time.Duration) string {
	d = max(d, 0).Round(time.Second)
	days, hours, minutes, seconds := int(d/(24*time.Hour)), int(d/time.Hour)%24, int(d/time.Minute)%60, int(d/time.Second)%60
	switch {
	case days > 0:
		return v.t("%d d %d h", days, hours)
	case hours > 0:
		return v.t("%d h %d min", hours, minutes)
	case minutes > 0:
		return v.t("%d min %d s", minutes, seconds)
	default:
		return v.t("%d s", seconds)
	}
}

// sessionDo is the buttons of that page.
func (h *handler) sessionDo(v *visit) error {
	switch v.r.PathValue("do") {
	case "renew":
		v.s.Renew()
		v.succeed(v.t("The session has a new token; everything else is as before."))
	case "csrf":
		v.s.NewCSRFToken()
		v.succeed(v.t("The session has a new CSRF token. Forms that are open in other tabs do not work any more."))
	case "invalidate":
		return h.logout(v)
	case "queue":
		if err := v.tryQueue(); err != nil {
			return err
		}
	default:
		return &problem{status: http.StatusNotFound}
	}
	return v.redirect(v.url("/session"))
}

func (v *visit) tryQueue() error {
	name, message := v.r.PostFormValue("queue"), strings.TrimSpace(v.r.PostFormValue("message"))
	for _, q := range trials {
		if q.name != name {
			continue
		}
		do := v.r.PostFormValue("do")
		if (do == "push" || do == "unique") && (message == "" || len(message) > 1000) {
			v.warn(v.t("Write a message of at most 1000 bytes to push."))
			return nil
		}
		switch do {
		case "push":
			q.queue.Push(v.s, message)
			v.succeed(v.t("Pushed to queue %s.", name))
		case "unique":
			before := len(q.queue.Peek(v.s))
			q.queue.PushUnique(v.s, message)
			if len(q.queue.Peek(v.s)) == before {
				v.warn(v.t("An equal message is waiting in queue %s, so it was not pushed again.", name))
			} else {
				v.succeed(v.t("Pushed to queue %s.", name))
			}
		case "peek":
			popped.Push(v.s, ui.Popped{Queue: name, Verb: "Peek", Messages: q.queue.Peek(v.s)})
		case "pop":
			popped.Push(v.s, ui.Popped{Queue: name, Verb: "Pop", Messages: q.queue.Pop(v.s)})
		default:
			return &problem{status: http.StatusBadRequest, text: v.t("There is no such button.")}
		}
		return nil
	}
	return &problem{status: http.StatusNotFound, text: v.t("There is no such queue.")}
}
