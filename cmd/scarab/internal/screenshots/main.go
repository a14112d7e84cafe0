// Command screenshots takes the pictures of the administration interface that
// the README shows. It starts the real command over a sample shop in a
// temporary folder, and a real Chromium:
//
//	go run ./cmd/scarab/internal/screenshots docs/screenshots
package main

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"log"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"

	"github.com/scarab-go/scarab/cmd/scarab/internal/browser"
)

func main() {
	log.SetFlags(0)
	if len(os.Args) != 2 {
		log.Fatal("usage: screenshots FOLDER")
	}
	if err := run(context.Background(), os.Args[1]); err != nil {
		log.Fatal(err)
	}
}

// A picture is a page, and how to look at it.
type picture struct {
	name, path string
	width      int64
	scheme     string
	language   string
	before     func(*browser.Tab) error
}

var pictures = []picture{
	{"tables", "/", 1280, "light", "en", nil},
	{"list", "/t/orders?q=paid&sort=placed_at&dir=desc", 1280, "light", "en", nil},
	{"list-dark", "/t/customers?page=2", 1280, "dark", "en", nil},
	{"list-narrow", "/t/products", 420, "light", "en", nil},
	{"form", "/t/orders/row/7", 1280, "light", "en", nil},
	{"form-mistake", "/t/products/row/4", 1280, "light", "en", mistake},
	{"delete", "/t/orders/row/7/delete", 1280, "light", "en", nil},
	{"undo", "/t/orders/row/9/delete", 1280, "light", "en", func(t *browser.Tab) error { _, err := t.Click("form.actions .danger"); return err }},
	{"this-session", "/session", 1280, "light", "en", push},
	{"all-sessions", "/sessions", 1280, "dark", "en", nil},
	{"audit", "/audit", 1280, "light", "en", nil},
	{"russian", "/t/customers/row/5", 1280, "light", "ru", nil},
	{"japanese", "/session", 1280, "dark", "ja", nil},
}

func mistake(t *browser.Tab) error {
	if err := t.Type(`[name="v.price"]`, "much"); err != nil {
		return err
	}
	_, err := t.Click(".row-form .actions .primary")
	return err
}

func push(t *browser.Tab) error {
	for _, message := range []string{"Saved your cart.", "Two lamps are waiting."} {
		if err := t.Type("#message0", message); err != nil {
			return err
		}
		if _, err := t.Click(`button[value="push"]`); err != nil {
			return err
		}
	}
	return nil
}

func run(ctx context.Context, folder string) error {
	if err := os.MkdirAll(folder, 0o755); err != nil {
		return err
	}
	dir, err := os.MkdirTemp("", "scarab-screenshots")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	program := filepath.Join(dir, "scarab")
	if out, err := exec.CommandContext(ctx, "go", "build", "-o", program, "github.com/scarab-go/scarab/cmd/scarab").CombinedOutput(); err != nil {
		return fmt.Errorf("building the command: %w\n%s", err, out)
	}
	link, stop, err := serve(ctx, program, dir)
	if err != nil {
		return err
	}
	defer stop()
	b, err := browser.Start(ctx)
	if err != nil {
		return err
	}
	defer b.Close()
	tab, err := b.Window()
	if err != nil {
		return err
	}
	if _, err := tab.Open(link); err != nil {
		return err
	}
	if err := take(tab, folder, picture{name: "login", width: 1280, scheme: "light"}, ""); err != nil {
		return err
	}
	if _, err := tab.Click("button.primary"); err != nil {
		return err
	}
	base := link[:strings.Index(link, "/login")]
	language := "en"
	for _, p := range pictures {
		if p.language != language {
			if _, err := tab.Click(`.foot button[value="` + p.language + `"]`); err != nil {
				return err
			}
			language = p.language
		}
		if err := take(tab, folder, p, base); err != nil {
			return fmt.Errorf("%s: %w", p.name, err)
		}
	}
	return nil
}

// take takes a picture of a page; without a base, of the one that is open.
func take(tab *browser.Tab, folder string, p picture, base string) error {
	if err := tab.Look(p.width, 800, p.scheme); err != nil {
		return err
	}
	if base != "" {
		if _, err := tab.Open(base + p.path); err != nil {
			return err
		}
	}
	if p.before != nil {
		if err := p.before(tab); err != nil {
			return err
		}
	}
	png, err := tab.ViewportScreenshot()
	if err != nil {
		return err
	}
	file := filepath.Join(folder, p.name+".png")
	fmt.Println(file)
	return os.WriteFile(file, png, 0o644)
}

var linkLine = regexp.MustCompile(`^\s+(http://\S+)$`)

// serve starts the command, and returns the login link it prints.
func serve(ctx context.Context, program, dir string) (link string, stop func(), err error) {
	c := exec.CommandContext(ctx, program, "serve", "--addr", "127.0.0.1:0")
	c.Dir = dir
	out, err := c.StdoutPipe()
	if err != nil {
		return "", nil, err
	}
	if err := c.Start(); err != nil {
		return "", nil, err
	}
	stop = func() {
		c.Process.Signal(os.Interrupt)
		c.Wait()
	}
	lines := bufio.NewScanner(out)
	for lines.Scan() {
		if m := linkLine.FindStringSubmatch(lines.Text()); m != nil {
			go io.Copy(io.Discard, out)
			return m[1], stop, nil
		}
	}
	stop()
	return "", nil, fmt.Errorf("scarab serve printed no link: %w", lines.Err())
}
