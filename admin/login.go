package admin

import (
	"net/http"
	"strings"

	"github.com/scarab-go/scarab/admin/internal/ui"
	"github.com/scarab-go/scarab/admin/state"
)

// loginPage tells how to log in.
func (h *handler) loginPage(v *visit) error {
	if v.s.Principal() != "" {
		return v.redirect(v.url("/"))
	}
	return v.showLogin(http.StatusOK, "", "")
}

func (v *visit) showLogin(status int, name, problem string) error {
	b := ui.Login{Action: v.url("/login"), Name: name, Error: problem, Link: v.h.cfg.Links != nil}
	if v.h.cfg.State != nil {
		var err error
		if b.Password, err = v.h.cfg.State.HasUsers(v.ctx); err != nil {
			return err
		}
	}
	return v.show(status, v.t("Log in"), b)
}

// passwordLogin is the form of that page.
func (h *handler) passwordLogin(v *visit) error {
	if h.cfg.State == nil {
		return &problem{status: http.StatusNotFound}
	}
	v.r.Body = http.MaxBytesReader(v.w, v.r.Body, 16<<10)
	name, password := strings.TrimSpace(v.r.PostFormValue("name")), v.r.PostFormValue("password")
	now, from, counted := h.cfg.Clock(), address(v.r.RemoteAddr), strings.ToLower(name)
	if wait := h.logins.wait(now, counted, from); wait > 0 {
		return &problem{status: http.StatusTooManyRequests, text: v.t("Too many attempts. Please wait %s and try again.", v.left(wait)), back: v.url("/login"), retry: wait}
	}
	h.logins.try(now, counted, from)
	if len(password) > 4*state.MaxPassword || len(name) > 256 {
		return v.showLogin(http.StatusForbidden, "", v.t("Name and password do not fit together."))
	}
	user, ok, err := h.cfg.State.CheckPassword(v.ctx, name, password)
	if err != nil {
		return err
	}
	if !ok {
		h.cfg.Logger.WarnContext(v.ctx, "admin: login failed", "address", from)
		return v.showLogin(http.StatusForbidden, name, v.t("Name and password do not fit together."))
	}
	h.logins.succeed(counted, from)
	return v.logIn(user, v.t("Welcome, %s.", user))
}

// logIn begins the session of principal.
func (v *visit) logIn(principal, welcome string) error {
	chosen := language.Get(v.s)
	v.s.Login(principal)
	if chosen != "" {
		language.Set(v.s, chosen)
	}
	v.s.SetLabel(Label(v.r))
	v.record("login", state.Sessions, "", nil)
	v.succeed(welcome)
	return v.redirect(v.url("/"))
}

// linkPage is where a one-time link leads. Looking at it uses nothing up:
// browsers, mail programs and chats fetch links on their own.
func (h *handler) linkPage(v *visit) error {
	token := v.r.URL.Query().Get("token")
	principal, ok := h.cfg.Links.look(token)
	if !ok {
		return v.badLink()
	}
	return v.show(http.StatusOK, v.t("Log in"), ui.LoginLink{Action: v.url("/login/link"), Token: token, User: principal})
}

func (h *handler) linkLogin(v *visit) error {
	principal, ok := h.cfg.Links.take(v.r.PostFormValue("token"))
	if !ok {
		return v.badLink()
	}
	return v.logIn(principal, v.t("Welcome, %s. The link is used up.", principal))
}

func (v *visit) badLink() error {
	return &problem{
		status: http.StatusForbidden,
		text:   v.t("This login link does not work: it was used, or it is older than five minutes."),
		hint:   v.t("Press Enter in the terminal where the command runs for another one."),
		back:   v.h.cfg.LoginURL,
	}
}

// logout ends the session, and says so in the new one that begins here.
func (h *handler) logout(v *visit) error {
	chosen := language.Get(v.s)
	v.s.Invalidate()
	if chosen != "" {
		language.Set(v.s, chosen)
	}
	v.succeed(v.t("You are logged out."))
	return v.redirect(h.cfg.LoginURL)
}
