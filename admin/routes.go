package admin

import (
	"crypto/sha256"
	"encoding/hex"
	"io/fs"
	"net/http"

	"github.com/scarab-go/scarab/admin/internal/ui"
	"github.com/scarab-go/scarab/admin/state"
)

func (h *handler) routes() http.Handler {
	mux := http.NewServeMux()
	at := func(pattern string, f func(*visit) error) {
		method, path := cutPattern(pattern)
		mux.Handle(method+" "+h.cfg.Prefix+path, h.page(f))
	}
	members := func(pattern string, f func(*visit) error) { at(pattern, h.loggedIn(f)) }

	at("GET /login", h.loginPage)
	at("GET /login/link", h.linkPage)
	at("POST /login/link", h.linkLogin)
	at("POST /login", h.passwordLogin)
	at("POST /logout", h.logout)
	at("POST /language", h.setLanguage)
	members("GET /{$}", h.home)
	members("GET /t/{table}", h.table(Read, h.list))
	members("GET /t/{table}/new", h.table(Write, h.newRow))
	members("POST /t/{table}/new", h.table(Write, h.createRow))
	members("GET /t/{table}/row/{key}", h.table(Read, h.row(h.editRow)))
	members("POST /t/{table}/row/{key}", h.table(Write, h.row(h.updateRow)))
	members("GET /t/{table}/row/{key}/delete", h.table(Write, h.row(h.askDelete)))
	members("POST /t/{table}/row/{key}/delete", h.table(Write, h.row(h.deleteRow)))
	members("GET /t/{table}/row/{key}/file/{column}", h.table(Read, h.row(h.download)))
	members("GET /t/{table}/export/{format}", h.table(Read, h.export))
	members("POST /t/{table}/selected", h.table(Write, h.selected))
	members("POST /undo/{name}", h.undoDelete)
	members("POST /schema", h.rereadSchema)
	members("GET /session", h.sessionPage)
	members("POST /session/{do}", h.sessionDo)
	if h.cfg.Sessions != nil {
		members("GET /sessions", h.area(state.Sessions, Read, h.sessionsPage))
		members("GET /sessions/live", h.area(state.Sessions, Read, h.sessionsLive))
		members("GET /sessions/{handle}", h.area(state.Sessions, Read, h.oneSession))
		members("POST /sessions/end", h.area(state.Sessions, Write, h.endSession))
		members("POST /sessions/end-user", h.area(state.Sessions, Write, h.endUser))
		members("POST /sessions/end-all", h.area(state.Sessions, Write, h.endAll))
	}
	members("POST /session/end-others", h.endOthers)
	if h.cfg.State != nil {
		members("GET /audit", h.area(state.Audit, Read, h.auditPage))
	}
	at("GET /", func(*visit) error { return &problem{status: http.StatusNotFound} })
	mux.Handle("GET "+h.cfg.Prefix+"/static/", http.StripPrefix(h.cfg.Prefix+"/static/", staticFiles()))
	return mux
}

func cutPattern(p string) (method, path string) {
	for i := range p {
		if p[i] == ' ' {
			return p[:i], p[i+1:]
		}
	}
	return "", p
}

func staticFiles() http.Handler {
	files := http.FileServerFS(ui.Static())
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Cache-Control", "public, max-age=86400")
		files.ServeHTTP(w, r)
	})
}

// staticVersion changes with the stylesheet, so that browsers fetch it anew.
var staticVersion = func() string {
	sheet, err := fs.ReadFile(ui.Static(), "style.css")
	if err != nil {
		panic(err) // it is embedded
	}
	sum := sha256.Sum256(sheet)
	return hex.EncodeToString(sum[:6])
}()
