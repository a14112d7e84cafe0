package admin

import (
	"net/http"
	"strings"

	"github.com/scarab-go/scarab"
	"github.com/scarab-go/scarab/admin/internal/ui"
)

// language is what the visitor has chosen; before that the browser says it.
const language = scarab.Key[string]("language")

// setLanguage is the switch at the foot of every page.
func (h *handler) setLanguage(v *visit) error {
	chosen := ui.Language(v.r.PostFormValue("language"))
	if !chosen.Known() {
		return &problem{status: http.StatusBadRequest, text: v.t("There is no such language.")}
	}
	language.Set(v.s, string(chosen))
	return v.redirect(v.local(v.r.PostFormValue("back")))
}

// local is the address if it is one of this interface, and else its first
// page: a form must not lead to a stranger.
func (v *visit) local(address string) string {
	if !strings.HasPrefix(address, v.h.cfg.Prefix+"/") || strings.HasPrefix(address, "//") || strings.ContainsAny(address, "\\\r\n") {
		return v.url("/")
	}
	return address
}
