package admin

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"github.com/scarab-go/scarab"
	"github.com/scarab-go/scarab/admin/internal/schema"
	"github.com/scarab-go/scarab/admin/internal/ui"
	"github.com/scarab-go/scarab/admin/state"
	"github.com/scarab-go/scarab/csrf"
)

// A visit is one request for a page.
type visit struct {
	h        *handler
	w        http.ResponseWriter
	r        *http.Request
	ctx      context.Context // of the request, with a deadline for the database
	extras   context.Context // see extra
	s        *scarab.Session
	schema   *tables
	language ui.Language

	permissions map[string]Permission

	table      *schema.Table // of the pages about one
	permission Permission
	key        []any // of the pages about a row
	keyText    string

	form  url.Values // what was sent; see parseForm
	files map[string][]byte

	ends []context.CancelFunc // of the contexts

	taken    bool // messages are what was waiting
	messages []ui.Flash
}

// page makes a handler of f, whose error becomes a page of its own.
func (h *handler) page(f func(*visit) error) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		v := &visit{h: h, w: w, r: r, schema: h.schema.Load(), language: ui.Accepted(r.Header.Get("Accept-Language"))}
		v.startAgain()
		defer v.end()
		s, err := session(r)
		if err == nil {
			v.s = s
			if chosen := ui.Language(language.Get(s)); chosen.Known() {
				v.language = chosen
			}
			err = f(v)
		}
		if err != nil {
			v.fail(err)
		}
	})
}

// startAgain gives the visit the whole of its time for the database.
func (v *visit) startAgain() {
	v.end()
	ctx, end := context.WithTimeout(v.r.Context(), v.h.cfg.Timeout)
	v.ctx, v.extras, v.ends = ctx, nil, []context.CancelFunc{end}
}

func (v *visit) end() {
	for _, end := range v.ends {
		end()
	}
}

// loggedIn sends those who are not to the page where they can.
func (h *handler) loggedIn(f func(*visit) error) func(*visit) error {
	return func(v *visit) error {
		if v.s.Principal() != "" {
			return f(v)
		}
		if v.r.Method != http.MethodGet {
			return &problem{status: http.StatusForbidden, text: v.t("You are not logged in any more, so nothing was changed."), back: h.cfg.LoginURL}
		}
		return v.redirect(h.cfg.LoginURL)
	}
}

// table finds the table that the address names. A table that one may not see
// is answered as one that does not exist.
func (h *handler) table(need Permission, f func(*visit) error) func(*visit) error {
	return func(v *visit) error {
		slug := v.r.PathValue("table")
		t := v.schema.slugs[slug]
		if t == nil && h.cfg.Clock().Sub(v.schema.read) > time.Second { // it may be new
			if err := h.readSchema(v.ctx); err != nil {
				return err
			}
			v.schema = h.schema.Load()
			t = v.schema.slugs[slug]
		}
		if t == nil || v.may(t) == None {
			return &problem{status: http.StatusNotFound, text: v.t("There is no such table.")}
		}
		v.table, v.permission = t, v.may(t)
		if need > v.permission {
			return &problem{status: http.StatusForbidden, text: v.t("You may look at this table, but not change it."), back: v.tableURL(t)}
		}
		if need == Write && !t.Writable() {
			return &problem{status: http.StatusForbidden, text: v.readOnlyReason(t), back: v.tableURL(t)}
		}
		return f(v)
	}
}

// area checks that the visitor may see an area.
func (h *handler) area(name string, need Permission, f func(*visit) error) func(*visit) error {
	return func(v *visit) error {
		switch may := v.mayUse(name); {
		case may == None:
			return &problem{status: http.StatusNotFound}
		case may < need:
			return &problem{status: http.StatusForbidden, text: v.t("You may look at this, but not change it.")}
		}
		return f(v)
	}
}

func (v *visit) may(t *schema.Table) Permission { return v.mayUse(t.FullName()) }

// mayUse asks once for each name and request.
func (v *visit) mayUse(name string) Permission {
	p, ok := v.permissions[name]
	if !ok {
		p = v.h.cfg.Access(v.ctx, v.s.Principal(), name)
		if v.permissions == nil {
			v.permissions = map[string]Permission{}
		}
		v.permissions[name] = p
	}
	return p
}

func (v *visit) readOnlyReason(t *schema.Table) string {
	if t.View {
		return v.t("A view is read only.")
	}
	return v.t("This table has no primary key, so its rows cannot be told apart: it is read only.")
}

func (v *visit) t(format string, args ...any) string { return v.language.Sprintf(format, args...) }

// url is an address of the interface.
func (v *visit) url(path string) string { return v.h.cfg.Prefix + path }

func (v *visit) tableURL(t *schema.Table) string { return v.url("/t/" + t.Slug()) }

func (v *visit) rowURL(t *schema.Table, key string) string {
	return v.tableURL(t) + "/row/" + url.PathEscape(key)
}

// redirect ends a visit with another page.
func (v *visit) redirect(to string) error {
	http.Redirect(v.w, v.r, to, http.StatusSeeOther)
	return nil
}

// show ends a visit with a page.
func (v *visit) show(status int, title string, b ui.Body) error {
	field, err := csrf.Field(v.r.Context())
	if err != nil {
		return err
	}
	p := ui.Page{
		Language: v.language, Site: v.h.cfg.Title, Prefix: v.h.cfg.Prefix, Title: title, Body: b, CSRF: field, Version: staticVersion,
		User: v.s.Principal(), Flashes: v.flashes(), Here: v.here(),
	}
	if p.User != "" {
		for _, t := range v.schema.Tables {
			if v.may(t) == None {
				continue
			}
			item := ui.NavItem{Name: t.FullName(), URL: v.tableURL(t), Current: t == v.table}
			if t.View {
				item.Note = v.t("view")
			}
			p.Tables = append(p.Tables, item)
		}
		p.Places = v.places(b)
	}
	return ui.Render(v.w, status, p)
}

// here is the address of this page, to come back to; of an answer to a form,
// the page that shows the form.
func (v *visit) here() string {
	if v.r.Method == http.MethodGet && v.r.URL.Path != v.url("/login/link") {
		return v.r.URL.RequestURI()
	}
	if v.s.Principal() == "" {
		return v.url("/login")
	}
	return v.url("/")
}

// places are the links beside the tables.
func (v *visit) places(b ui.Body) []ui.NavItem {
	_, own := b.(ui.Session)
	_, all := b.(ui.Sessions)
	_, audit := b.(ui.Audit)
	out := []ui.NavItem{{Name: v.t("This session"), URL: v.url("/session"), Current: own}}
	if v.h.cfg.Sessions != nil && v.mayUse(state.Sessions) != None {
		out = append(out, ui.NavItem{Name: v.t("All sessions"), URL: v.url("/sessions"), Current: all})
	}
	if v.h.cfg.State != nil && v.mayUse(state.Audit) != None {
		out = append(out, ui.NavItem{Name: v.t("Audit log"), URL: v.url("/audit"), Current: audit})
	}
	return out
}

// A problem is an error that is told to the visitor.
type problem struct {
	status     int
	text, hint string
	back       string
	retry      time.Duration // when it is worth another try; 0: not said
}

func (p *problem) Error() string { return http.StatusText(p.status) + ": " + p.text }

// fail ends a visit with a page about err.
func (v *visit) fail(err error) {
	var p *problem
	if !errors.As(err, &p) {
		p = v.explain(err)
	}
	if p.text == "" && p.status == http.StatusNotFound {
		p.text = v.t("There is no such page.")
	}
	if v.s == nil {
		scarab.DefaultOnError(v.w, v.r, err)
		return
	}
	if p.back == "" {
		p.back = v.url("/")
	}
	if p.retry > 0 {
		v.w.Header().Set("Retry-After", strconv.Itoa(int(p.retry/time.Second)+1))
	}
	if err := v.show(p.status, v.t(http.StatusText(p.status)), ui.Problem{Status: p.status, Text: p.text, Hint: p.hint, Back: p.back}); err != nil {
		v.h.cfg.Logger.ErrorContext(v.ctx, "admin: page", "path", v.r.URL.Path, "error", err)
		http.Error(v.w, http.StatusText(http.StatusInternalServerError), http.StatusInternalServerError)
	}
}

// refused is the page for a request that the protection against cross-site
// requests did not let pass.
func (h *handler) refused(w http.ResponseWriter, r *http.Request, err error) {
	h.page(func(v *visit) error {
		var refused *csrf.Error
		if !errors.As(err, &refused) {
			return err
		}
		h.cfg.Logger.WarnContext(v.ctx, "admin: request refused", "path", r.URL.Path, "error", err)
		return &problem{
			status: http.StatusForbidden,
			text:   v.t("The form you sent was not one that this site made for your session, so nothing was changed."),
			hint:   v.t("If you have logged in or out in another tab since you opened it, go back, reload the page and try again. (%s)", refused.Error()),
		}
	}).ServeHTTP(w, r)
}
