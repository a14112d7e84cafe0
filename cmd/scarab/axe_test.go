package main

import (
	"bufio"
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io/fs"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/scarab-go/scarab/internal/testserver"
)

// axe-core looks at pages for what keeps people from using them. It is not part
// of this repository: scripts/setup.sh puts the version that package.json names
// into node_modules.
const (
	axeFile   = "node_modules/axe-core/axe.min.js"
	axeSHA256 = "29348999450cdf2849a8e70b7912fc2da85a849da39c0d0d5394f51d4a9ed95c"
)

func axe(t *testing.T) string {
	t.Helper()
	text, err := os.ReadFile(axeFile)
	if errors.Is(err, fs.ErrNotExist) {
		testserver.Missing(t, "axe-core", "it with npm install in cmd/scarab")
	}
	if err != nil {
		t.Fatal(err)
	}
	if sum := sha256.Sum256(text); hex.EncodeToString(sum[:]) != axeSHA256 {
		t.Fatalf("%s is not the version that is known: remove the folder node_modules, and run scripts/setup.sh", axeFile)
	}
	return string(text)
}

// Every page in every state is whole on a wide screen and on a narrow one, in
// every language, and has nothing that a machine can tell to be against WCAG
// 2.2 AA, in either colour scheme. The states are those of the storybook.
func TestBrowser_everyState(t *testing.T) {
	t.Parallel()
	script, base := axe(t), storybook(t)
	p := newWindow(t)
	p.open(base, http.StatusOK)
	stories := ask[[]string](p, `[...document.querySelectorAll('a[href^="/en/"]')].map((a) => a.getAttribute("href").slice(4))`)
	if len(stories) < 20 {
		t.Fatalf("only %d stories: %q", len(stories), stories)
	}
	for _, name := range stories {
		for _, look := range []struct{ language, scheme string }{{"en", "light"}, {"ru", "dark"}, {"ja", ""}} {
			what := name + " in " + look.language
			p.must(p.Look(1280, 860, cmp.Or(look.scheme, "light")))
			p.open(base+look.language+"/"+name, http.StatusOK)
			p.fits(what)
			noInline(p, what)
			if look.scheme != "" {
				inspectPage(p, script, what+", "+look.scheme)
			}
			p.must(p.Look(320, 640, "light"))
			p.fits(what + ", narrow")
		}
	}
}

// The pages of the command are as good as those of the storybook.
func TestBrowser_realPages(t *testing.T) {
	t.Parallel()
	script := axe(t)
	s := start(t, t.TempDir(), "--sessions", "memory:")
	p := newWindow(t)
	p.open(s.link, http.StatusOK)
	inspectPage(p, script, "the login link")
	p.click("button.primary", http.StatusOK)
	inspectPage(p, script, "the welcome")
	for path, status := range map[string]int{
		"/t/customers?q=ada&o.city=is&f.city=Lima": 200, "/t/customers?q=nothing+at+all": 200, "/t/sales_by_month": 200, "/t/products/new": 200, "/t/orders/row/7": 200,
		"/t/orders/row/7/delete": 200, "/session": 200, "/sessions": 200, "/audit": 200, "/t/nothing": 404,
	} {
		p.open(s.base+path, status)
		noInline(p, path)
		inspectPage(p, script, path)
	}
	if ask[bool](p, `new Promise((done) => {
		const script = document.createElement("script");
		script.text = "window.ran = true";
		document.body.append(script);
		setTimeout(() => done(window.ran === true), 0);
	})`) {
		t.Error("an inline script ran")
	}
	p.open(s.base+"/t/products/row/4", http.StatusOK)
	p.fill(`[name="v.price"]`, "much")
	p.save(http.StatusUnprocessableEntity)
	inspectPage(p, script, "a mistake")
}

// storybook serves every page in every state, and returns the address.
func storybook(t *testing.T) string {
	t.Helper()
	program := filepath.Join(t.TempDir(), "storybook")
	if out, err := exec.CommandContext(t.Context(), "go", "build", "-o", program, "github.com/scarab-go/scarab/admin/cmd/storybook").CombinedOutput(); err != nil {
		t.Fatalf("building the storybook: %v\n%s", err, out)
	}
	c := exec.Command(program, "-addr", "127.0.0.1:0")
	out, err := c.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		c.Process.Kill()
		c.Wait() // reports that it was killed
	})
	line, err := bufio.NewReader(out).ReadString('\n')
	_, address, ok := strings.Cut(strings.TrimSpace(line), "The pages are on ")
	if !ok {
		t.Fatalf("the storybook says %q, %v", line, err)
	}
	return address
}

// noInline checks that the page asks for nothing that its
// Content-Security-Policy refuses.
func noInline(p *page, what string) {
	p.t.Helper()
	found := ask[[]string](p, `[...document.querySelectorAll("*")].filter((e) => e.matches("style, script:not([src])") || [...e.attributes].some((a) => a.name === "style" || a.name.startsWith("on"))).map((e) => e.outerHTML)`)
	for _, element := range found {
		p.t.Errorf("%s has a script or a style inside: %s", what, element)
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
