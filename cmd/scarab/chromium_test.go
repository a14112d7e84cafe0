package main

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"sync"
	"testing"

	"github.com/scarab-go/scarab/cmd/scarab/internal/browser"
	"github.com/scarab-go/scarab/internal/testserver"
)

// Chromium is the browser that all tests share. It starts with the first one
// that needs it.
var chromium struct {
	sync.Mutex
	*browser.Browser
}

func closeChromium() {
	if chromium.Browser != nil {
		chromium.Close()
	}
}

// A page is a tab that a test looks at. Its methods fail the test.
type page struct {
	*browser.Tab
	t *testing.T
}

// newWindow opens a window with no cookies, in the browser that all tests
// share.
func newWindow(t *testing.T) *page {
	t.Helper()
	chromium.Lock()
	defer chromium.Unlock()
	if chromium.Browser == nil {
		b, err := browser.Start(context.Background())
		if errors.Is(err, browser.ErrMissing) {
			testserver.Missing(t, "Chromium", "chromium")
		}
		if err != nil {
			t.Fatal(err)
		}
		chromium.Browser = b
	}
	tab, err := chromium.Window()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(tab.Close)
	return &page{tab, t}
}

func (p *page) must(err error) {
	p.t.Helper()
	if err != nil {
		text, _ := p.Text()
		address, _ := p.URL()
		p.t.Fatalf("%v\nat %s:\n%s", err, address, text)
	}
}

func (p *page) open(address string, want int) {
	p.t.Helper()
	status, err := p.Open(address)
	p.must(err)
	if status != want {
		p.t.Errorf("%s: status %d, want %d", address, status, want)
	}
}

func (p *page) click(selector string, want int) {
	p.t.Helper()
	status, err := p.Click(selector)
	p.must(err)
	if status != want {
		text, _ := p.Text()
		p.t.Errorf("%s: status %d, want %d\n%s", selector, status, want, text)
	}
}

func (p *page) fill(selector, text string) {
	p.t.Helper()
	p.must(p.Type(selector, text))
}

func (p *page) shows(want bool, text string) {
	p.t.Helper()
	got, err := p.Text()
	p.must(err)
	if strings.Contains(got, text) != want {
		p.t.Errorf("shows %q: %t, want %t\n%s", text, !want, want, got)
	}
}

// logIn follows a new login link.
func (p *page) logIn(s *process) {
	p.t.Helper()
	p.open(s.anotherLink(), http.StatusOK)
	p.click("button.primary", http.StatusOK)
	p.shows(true, "Welcome, admin.")
}

// in is the page for a part of the test.
func (p *page) in(t *testing.T) *page { return &page{p.Tab, t} }

// secondTab is another tab of the same window.
func (p *page) secondTab() *page {
	p.t.Helper()
	tab, err := p.Tab.Tab()
	p.must(err)
	p.t.Cleanup(tab.Close)
	return &page{tab, p.t}
}

// save presses the button of a row's form.
func (p *page) save(want int) {
	p.t.Helper()
	p.click(".row-form .actions .primary", want)
}

// isAt checks the address.
func (p *page) isAt(want string) {
	p.t.Helper()
	got, err := p.URL()
	p.must(err)
	if got != want {
		p.t.Errorf("the page is %s, want %s", got, want)
	}
}

// fits checks that the page is not wider than the window, and that no text of
// a heading, a label or a button is cut off.
func (p *page) fits(what string) {
	p.t.Helper()
	if wider := ask[int](p, "document.documentElement.scrollWidth - document.documentElement.clientWidth"); wider > 0 {
		p.t.Errorf("%s is %d pixels wider than the window", what, wider)
	}
	cut := ask[[]string](p, `[...document.querySelectorAll("h1, h2, h3, label, legend, button, .button, summary, .flash p, .hint, dt")]
		.filter((e) => !e.closest(".visually-hidden, .skip") && e.checkVisibility() && e.scrollWidth > e.clientWidth + 1 && e.clientWidth > 0).map((e) => e.outerHTML)`)
	for _, element := range cut {
		p.t.Errorf("%s: text is cut off: %s", what, element)
	}
}

// has checks what is in a field.
func (p *page) has(name, want string) {
	p.t.Helper()
	if got := p.value(name); got != want {
		p.t.Errorf("the field %s has %q, want %q", name, got, want)
	}
}

func (p *page) value(name string) string {
	p.t.Helper()
	return ask[string](p, `document.querySelector('[name="`+name+`"]').value`)
}

// enterOn moves the focus to a button or link as the key does, and presses
// Enter.
func (p *page) enterOn(selector string, want int) {
	p.t.Helper()
	p.tabTo(selector)
	status, err := p.KeyTo("\r")
	p.must(err)
	if status != want {
		p.t.Errorf("Enter on %s: status %d, want %d", selector, status, want)
	}
}

// tabTo moves the focus as the key does, until it is there.
func (p *page) tabTo(selector string) {
	p.t.Helper()
	for range 120 {
		p.must(p.Key("\t"))
		if ask[bool](p, "document.activeElement.matches("+browser.Quote(selector)+")") {
			return
		}
	}
	p.t.Fatalf("the focus never gets to %s", selector)
}

func ask[T any](p *page, script string) T {
	p.t.Helper()
	v, err := browser.Evaluate[T](p.Tab, script)
	p.must(err)
	return v
}
