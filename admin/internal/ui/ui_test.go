package ui

import (
	"net/http/httptest"
	"testing"
)

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
