package main

import (
	"net/http"
	"testing"
)

// The ways in which people use the interface.

// Pages are in the language that the browser asks for, and from the switch on
// in the one that was chosen.
func languages(p *page, s *process) {
	p.open(s.base+"/t/tags", http.StatusOK)
	for _, l := range []struct{ language, word string }{{"ru", "Новая строка"}, {"ja", "行を追加"}, {"en", "New row"}} {
		p.click(`.foot button[value="`+l.language+`"]`, http.StatusOK)
		p.shows(true, l.word)
		p.isAt(s.base + "/t/tags")
		p.must(p.Reload())
		p.shows(true, l.word)
		if got := ask[string](p, "document.documentElement.lang"); got != l.language {
			p.t.Errorf("lang=%q, want %q", got, l.language)
		}
	}
	for header, word := range map[string]string{"ja,en;q=0.5": "ログイン", "ru-RU": "Войти", "de,en": "Log in"} {
		visitor := newWindow(p.t)
		visitor.must(visitor.Languages(header))
		visitor.open(s.base+"/login", http.StatusOK)
		visitor.shows(true, word)
	}
}

// The dark scheme has dark grounds and light text, the light one the opposite.
func dark(p *page, s *process) {
	defer func() { p.must(p.Look(1280, 860, "light")) }()
	brightness := func(property string) int {
		return ask[int](p, `getComputedStyle(document.body).`+property+`.match(/\d+/g).slice(0, 3).reduce((sum, part) => sum + Number(part), 0)`)
	}
	p.open(s.base+"/t/tags", http.StatusOK)
	for scheme, isDark := range map[string]bool{"dark": true, "light": false} {
		p.must(p.Look(1280, 860, scheme))
		if ground, text := brightness("backgroundColor"), brightness("color"); (ground < 150) != isDark || (text > 600) != isDark {
			p.t.Errorf("%s: of 765 the ground is %d bright and the text %d", scheme, ground, text)
		}
	}
}

// No page has to be moved sideways on a screen of 320 pixels (WCAG 2.2, 1.4.10),
// and the menu is there.
func narrow(p *page, s *process) {
	p.must(p.Look(320, 640, "light"))
	defer func() { p.must(p.Look(1280, 860, "light")) }()
	for _, path := range []string{"/t/orders?o.status=is&f.status=paid", "/t/orders/row/7/delete", "/session", "/sessions", "/audit"} {
		p.open(s.base+path, http.StatusOK)
		p.fits(path)
	}
	p.must(p.Press(".menu summary"))
	p.click(`.menu a[href="/t/tags"]`, http.StatusOK)
	p.click("tbody .row-link", http.StatusOK)
	p.fits("a form")
	p.save(http.StatusOK)
	p.shows(true, "Nothing was changed.")
}

// Everything can be reached and done by keyboard.
func keyboard(t *testing.T, s *process) {
	p := newWindow(t)
	p.open(s.anotherLink(), http.StatusOK)
	p.enterOn("button.primary", http.StatusOK)
	p.shows(true, "Welcome, admin.")

	p.open(s.base+"/t/tags", http.StatusOK)
	p.must(p.Key("\t"))
	if got := ask[string](p, "document.activeElement.className"); got != "skip" {
		t.Errorf("the first stop is %q", got)
	}
	p.enterOn("tbody .row-link", http.StatusOK)
	p.tabTo(`[name="v.color"]`)
	p.must(p.Key("\b\b\b\b\b\b\b\b"))
	p.must(p.Key("#0a0b0c"))
	if _, err := p.KeyTo("\r"); err != nil { // Enter saves, and does nothing else
		t.Fatal(err)
	}
	p.shows(true, "The row was saved.")
	p.shows(true, "#0a0b0c")

	p.open(s.base+"/t/orders/row/8", http.StatusOK)
	p.enterOn("a.danger", http.StatusOK)
	p.enterOn("form.actions .danger", http.StatusOK)
	p.enterOn(".flash button", http.StatusOK)
	p.shows(true, "back in orders")
}

// All of it works without scripts.
func withoutScripts(t *testing.T, s *process) {
	p := newWindow(t)
	p.must(p.WithoutScripts())
	p.logIn(s)
	eachRowScenario(t, p, s)

	p.open(s.base+"/t/orders", http.StatusOK)
	p.fill(`[role="search"] [name="q"]`, "cancelled")
	p.click(`[role="search"] .search button`, http.StatusOK)
	p.shows(false, "delivered\t")
	p.must(p.Press(`tbody input[name="key"]`))
	p.click(`button[value="ask-edit"]`, http.StatusOK)
	p.shows(true, "Edit 1 row")

	p.open(s.base+"/session", http.StatusOK)
	p.fill("#message0", "by hand")
	p.click(`button[value="push"]`, http.StatusOK)
	p.shows(true, "1 waiting")
	p.click(`.foot button[value="ja"]`, http.StatusOK)
	p.shows(true, "1 件待機中")
	p.click(`.foot button[value="en"]`, http.StatusOK)

	p.open(s.base+"/sessions", http.StatusOK)
	p.shows(true, "active")
	p.click(`tr:has(.tag) button[form="end"]`, http.StatusOK)
	p.shows(true, "You are logged out.")
}
