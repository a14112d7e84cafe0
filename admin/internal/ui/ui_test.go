package ui

import (
	"io/fs"
	"net/http/httptest"
	"regexp"
	"testing"
)

// The Content-Security-Policy of the pages allows no script and no style in
// them.
func TestTemplates_nothingInline(t *testing.T) {
	inline := regexp.MustCompile(`(?i)<style|\sstyle=|\son[a-z]+=|javascript:|<script[^>]*>[^<]`)
	for _, found := range []string{`<p style="color: red">`, `<b onclick="f()">`, `<script>f()</script>`} {
		if !inline.MatchString(found) {
			t.Errorf("%s is not found", found)
		}
	}
	names, err := fs.Glob(templates, "templates/*.html")
	if err != nil || len(names) < 10 {
		t.Fatalf("%d templates, %v", len(names), err)
	}
	for _, name := range names {
		text, err := fs.ReadFile(templates, name)
		if err != nil {
			t.Fatal(err)
		}
		if m := inline.Find(text); m != nil {
			t.Errorf("%s has %s", name, m)
		}
	}
}

func TestRender_allBodies(t *testing.T) {
	for _, b := range []Body{Home{}, List{}, Form{Fields: []FormField{{Input: "text"}, {Input: "radio"}, {Input: "textarea"}, {Input: "select"}, {Input: "file"}, {Input: "fixed"}}}, Question{}, Session{}, Sessions{}, OneSession{}, Audit{}, Login{}, LoginLink{}, Problem{}} {
		for _, l := range Languages {
			w := httptest.NewRecorder()
			if err := Render(w, 200, Page{Language: l, Body: b}); err != nil {
				t.Errorf("%T in %s: %v", b, l, err)
			}
		}
	}
}
