package main

import (
	"fmt"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
)

// What people do, with the real command in a real browser, over every kind of
// database.
func TestBrowser(t *testing.T) {
	for name, serve := range shops {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := serve(t)
			p := newWindow(t)
			t.Run("log in by the one-time link", func(t *testing.T) { logInOnce(p.in(t), s) })
			eachRowScenario(t, p, s)
			t.Run("a forged post from another site", func(t *testing.T) { forgedPost(p.in(t), s) })
			t.Run("languages", func(t *testing.T) { languages(p.in(t), s) })
			t.Run("dark", func(t *testing.T) { dark(p.in(t), s) })
			t.Run("narrow", func(t *testing.T) { narrow(p.in(t), s) })
			t.Run("keyboard only", func(t *testing.T) { keyboard(t, s) })
			victim := newWindow(t)
			t.Run("ended from a second browser", func(t *testing.T) { endFromElsewhere(newWindow(t), victim.in(t), s) })
			t.Run("without scripts", func(t *testing.T) { withoutScripts(t, s) })
			t.Run("the open page notices that it was ended", func(t *testing.T) { noticesTheEnd(victim.in(t), s) })
		})
	}
}

// eachRowScenario does what can be done to rows. It leaves them as they were,
// but for a tag more.
func eachRowScenario(t *testing.T, p *page, s *process) {
	t.Run("create, and see the message once", func(t *testing.T) { create(p.in(t), s) })
	t.Run("edit with a mistake", func(t *testing.T) { mistake(p.in(t), s) })
	t.Run("conflict of two tabs", func(t *testing.T) { conflict(p.in(t), s) })
	t.Run("delete and undo", func(t *testing.T) { deleteAndUndo(p.in(t), s) })
}

// Looking at the link uses nothing up; its button does.
func logInOnce(p *page, s *process) {
	other := newWindow(p.t)
	other.open(s.link, http.StatusOK)
	p.open(s.link, http.StatusOK)
	p.must(p.Reload())
	p.shows(true, "This link logs you in as admin.")
	p.click("button.primary", http.StatusOK)
	p.shows(true, "Welcome, admin.")
	p.isAt(s.base + "/")
	other.click("button.primary", http.StatusForbidden)
	other.shows(true, "This login link does not work: it was used")
	other.open(s.link, http.StatusForbidden)
	other.open(s.base+"/", http.StatusOK)
	other.isAt(s.base + "/login")
}

// created counts what tests create.
var created atomic.Int64

func create(p *page, s *process) {
	name := fmt.Sprintf("fragrant <b> %d", created.Add(1))
	p.open(s.base+"/t/tags/new", http.StatusOK)
	p.fill(`[name="v.name"]`, name)
	p.save(http.StatusOK)
	p.shows(true, "The row was added to tags.")
	p.shows(true, name)
	p.must(p.Reload())
	p.shows(false, "The row was added to tags.")
	p.shows(true, name)
}

func mistake(p *page, s *process) {
	const email, field = "daria.bergstroem.1@example.com", `document.querySelector('[name="v.email"]')`
	p.open(s.base+"/t/customers/row/2", http.StatusOK)
	wasEmail, wasCity := p.value("v.email"), p.value("v.city")
	p.fill(`[name="v.email"]`, email)
	p.fill(`[name="v.city"]`, "Nara")
	p.save(http.StatusUnprocessableEntity)
	p.shows(true, "Nothing is saved yet")
	if got := ask[string](p, `document.getElementById(`+field+`.getAttribute("aria-describedby")).innerText`); !strings.HasPrefix(got, "Another row has this value already") {
		p.t.Errorf("at the field it says %q", got)
	}
	if got := ask[string](p, `[...document.querySelectorAll("[aria-invalid=true]")].map((e) => e.name).join()`); got != "v.email" {
		p.t.Errorf("marked are %q", got)
	}
	p.has("v.email", email)
	p.has("v.city", "Nara")
	p.fill(`[name="v.email"]`, wasEmail)
	p.save(http.StatusOK)
	p.shows(true, "The row was saved.")
	p.open(s.base+"/t/customers/row/2", http.StatusOK)
	p.has("v.city", "Nara")
	p.fill(`[name="v.city"]`, wasCity)
	p.save(http.StatusOK)
}

func conflict(p *page, s *process) {
	other := p.secondTab()
	p.open(s.base+"/t/products/row/5", http.StatusOK)
	was := p.value("v.name")
	other.open(s.base+"/t/products/row/5", http.StatusOK)
	p.fill(`[name="v.name"]`, "First tab")
	p.save(http.StatusOK)
	other.fill(`[name="v.name"]`, "Second tab")
	other.save(http.StatusConflict)
	other.shows(true, "Someone else has changed this row since you opened it.")
	other.shows(true, "First tab")
	other.has("v.name", "Second tab")
	// Whoever has seen both may decide.
	other.save(http.StatusOK)
	p.open(s.base+"/t/products/row/5", http.StatusOK)
	p.has("v.name", "Second tab")
	p.fill(`[name="v.name"]`, was)
	p.save(http.StatusOK)
}

func deleteAndUndo(p *page, s *process) {
	const pointing = `document.querySelector(".related").innerText`
	p.open(s.base+"/t/orders/row/3", http.StatusOK)
	before := ask[string](p, pointing)
	p.click("a.danger", http.StatusOK)
	p.shows(true, "will be deleted too")
	p.click("form.actions .danger", http.StatusOK)
	p.shows(true, "was deleted from orders")
	p.secondTab().open(s.base+"/t/orders/row/3", http.StatusNotFound)
	p.click(".flash button", http.StatusOK)
	p.shows(true, "back in orders")
	p.open(s.base+"/t/orders/row/3", http.StatusOK)
	if after := ask[string](p, pointing); after != before || !strings.Contains(after, "order_lines") {
		p.t.Errorf("what points at the row was\n%s\nand is\n%s", before, after)
	}
}
