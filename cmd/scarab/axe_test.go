package main

import (
	"crypto/sha256"
	"encoding/hex"
	"net/http"
	"os"
	"os/exec"
	"strings"
	"testing"

	"github.com/scarab-go/scarab/internal/testserver"
)

// axe-core looks at pages for what keeps people from using them. It is not part
// of this repository: npm puts it into the folder node_modules beside this file.
const (
	axeVersion = "4.14.1"
	axeFile    = "node_modules/axe-core/axe.min.js"
	axeSHA256  = "29348999450cdf2849a8e70b7912fc2da85a849da39c0d0d5394f51d4a9ed95c"
)

func axe(t *testing.T) string {
	t.Helper()
	text, err := os.ReadFile(axeFile)
	if err != nil {
		npm, missing := exec.LookPath("npm")
		if missing != nil {
			testserver.Missing(t, "npm, for axe-core", "npm")
		}
		out, err := exec.CommandContext(t.Context(), npm, "install", "--no-save", "--no-package-lock", "--ignore-scripts", "--no-audit", "--no-fund", "axe-core@"+axeVersion).CombinedOutput()
		if err != nil {
			testserver.Missing(t, "axe-core (npm says: "+strings.TrimSpace(string(out))+")", "axe-core "+axeVersion+" with npm in cmd/scarab")
		}
		if text, err = os.ReadFile(axeFile); err != nil {
			t.Fatal(err)
		}
	}
	if sum := sha256.Sum256(text); hex.EncodeToString(sum[:]) != axeSHA256 {
		t.Fatalf("%s is not axe-core %s: remove the folder node_modules", axeFile, axeVersion)
	}
	return string(text)
}

// No page has what a machine can tell to be against WCAG 2.2 AA, in either
// colour scheme, on a wide screen and a narrow one, in any language.
func TestBrowser_axe(t *testing.T) {
	script := axe(t)
	s := start(t, t.TempDir(), "--sessions", "memory:")
	p := newWindow(t)
	p.open(s.link, http.StatusOK)
	inspectPage(p, script, "the login link")
	p.click("button.primary", http.StatusOK)
	inspectPage(p, script, "the welcome")
	for _, look := range []struct {
		width    int64
		scheme   string
		language string
	}{{1280, "light", "en"}, {400, "dark", "en"}, {1280, "dark", "ru"}, {400, "light", "ja"}} {
		p.must(p.Look(look.width, 800, look.scheme))
		p.open(s.base+"/session", http.StatusOK)
		p.click(`.foot button[value="`+look.language+`"]`, http.StatusOK)
		for _, path := range []string{
			"/", "/t/customers", "/t/customers?q=ada&o.city=is&f.city=Lima", "/t/customers?q=nothing+at+all", "/t/orders", "/t/sales_by_month", "/t/products/new", "/t/products/row/3", "/t/orders/row/7",
			"/t/orders/row/7/delete", "/session", "/sessions", "/audit", "/t/nothing",
		} {
			if _, err := p.Open(s.base + path); err != nil {
				p.must(err)
			}
			inspectPage(p, script, look.language+" "+look.scheme+" "+path)
		}
		p.open(s.base+"/t/products/row/4", http.StatusOK)
		p.fill(`[name="v.price"]`, "much")
		p.click(".row-form .actions .primary", http.StatusUnprocessableEntity)
		inspectPage(p, script, look.language+" "+look.scheme+" a mistake")
	}
}

// inspectPage asks axe-core about the page.
func inspectPage(p *page, script, what string) {
	p.t.Helper()
	ask[bool](p, script+"; true")
	found := ask[[]string](p, `axe.run({runOnly: ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]}).then(
		(r) => r.violations.flatMap((v) => v.nodes.map((n) => v.id + ": " + v.help + ": " + n.html + " " + n.failureSummary)))`)
	for _, violation := range found {
		p.t.Errorf("%s: %s", what, violation)
	}
}
