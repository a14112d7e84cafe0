// Package ui is what the interface looks like: the templates, the stylesheet,
// and the data that each page is made of. It knows neither databases nor
// sessions, so that every page can be shown in every state without them.
package ui

import (
	"bytes"
	"embed"
	"fmt"
	"html/template"
	"io"
	"io/fs"
	"net/http"
	"strconv"
	"strings"
)

//go:embed templates/*.html
var templates embed.FS

//go:embed static
var static embed.FS

// Static is the stylesheet and the pictures.
func Static() fs.FS {
	sub, err := fs.Sub(static, "static")
	if err != nil {
		panic(err) // the directory is embedded above
	}
	return sub
}

// A Page is what all pages have in common. Body is one of the types of this
// package; it names the template.
type Page struct {
	Language Language
	Site     string // the name of the application
	Prefix   string // of all addresses, without a slash at the end
	Title    string
	User     string // empty: nobody is logged in
	Tables   []NavItem
	Places   []NavItem // other pages
	Flashes  []Flash
	CSRF     template.HTML // the hidden field of every form
	Body     Body
	Here     string // the address to come back to
	Version  string // of the static files
}

// A Body is the data of one page.
type Body interface{ template() string }

// A NavItem is a link of the navigation.
type NavItem struct {
	Name    string
	URL     string
	Note    string // such as "view"
	Current bool
}

// A Flash is a message shown once.
type Flash struct {
	Kind string // "success", "warning", "error"
	Text string
	Undo string // address to post to; empty: nothing to undo
}

// Languages are the choices at the foot of the page.
func (p Page) Languages() []Choice {
	var out []Choice
	for _, l := range Languages {
		out = append(out, Choice{Value: string(l), Label: l.Name(), Selected: l == p.Language})
	}
	return out
}

// Symbol is what stands in front of the message, for those who do not see colours.
func (f Flash) Symbol() string {
	return map[string]string{"success": "✓", "warning": "!", "error": "✕"}[f.Kind]
}

var pages = func() map[Language]*template.Template {
	m := make(map[Language]*template.Template)
	for _, l := range Languages {
		m[l] = template.Must(template.New("").Funcs(l.funcs()).ParseFS(templates, "templates/*.html"))
	}
	return m
}()

// Render writes the page, or nothing if that fails.
func Render(w http.ResponseWriter, status int, p Page) error {
	if _, ok := pages[p.Language]; !ok {
		p.Language = English
	}
	var body bytes.Buffer
	t := pages[p.Language]
	if err := t.ExecuteTemplate(&body, p.Body.template()+".html", p); err != nil {
		return fmt.Errorf("page %q: %w", p.Body.template(), err)
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.Header().Set("Content-Language", string(p.Language))
	w.WriteHeader(status)
	_, err := body.WriteTo(w)
	return err
}

// RenderLive writes the part of the page about sessions that changes.
func RenderLive(w io.Writer, live SessionsLive) error {
	if !live.Language.Known() {
		live.Language = English
	}
	return pages[live.Language].ExecuteTemplate(w, "live", live)
}

func (l Language) funcs() template.FuncMap {
	return template.FuncMap{
		"t": l.Sprintf,
		// dict makes the data of a template that takes more than one thing.
		"dict": func(pairs ...any) map[string]any {
			m := make(map[string]any, len(pairs)/2)
			for i := 0; i+1 < len(pairs); i += 2 {
				m[pairs[i].(string)] = pairs[i+1]
			}
			return m
		},
		"percent": func(part, whole int) string {
			return strconv.FormatFloat(100*float64(part)/float64(max(whole, 1)), 'f', 2, 64) + "%"
		},
		"lines": func(s string) int { return min(max(strings.Count(s, "\n")+2, 3), 20) },
	}
}
