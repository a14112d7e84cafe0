package admin

import (
	"net/http"

	"github.com/scarab-go/scarab/admin/internal/ui"
)

// loginPage tells how to log in.
func (h *handler) loginPage(v *visit) error {
	if v.s.Principal() != "" {
		return v.redirect(v.url("/"))
	}
	return v.show(http.StatusOK, v.t("Log in"), ui.Login{Action: v.url("/login")})
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
	v.s.Login(principal)
	v.s.SetLabel(device(v.r.UserAgent()))
	v.succeed(v.t("Welcome, %s. The link is used up.", principal))
	return v.redirect(v.url("/"))
}

func (v *visit) badLink() error {
	return &problem{
		status: http.StatusForbidden,
		text:   v.t("This login link does not work: it was used, or it is older than five minutes."),
		hint:   v.t("Press Enter in the terminal where the command runs for another one."),
		back:   v.h.cfg.LoginURL,
	}
}

func (h *handler) logout(v *visit) error {
	v.s.Invalidate()
	v.succeed(v.t("You are logged out.")) // in the new session that begins here
	return v.redirect(h.cfg.LoginURL)
}
