// Command screenshots takes the pictures of the administration interface that
// docs/admin.md shows. It serves the interface over a sample shop in a
// temporary folder, and looks at it with a real Chromium:
//
//	go run ./cmd/scarab/internal/screenshots docs/screenshots
package main

import (
	"context"
	"errors"
	"fmt"
	"log"
	"os"
	"path/filepath"

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

func run(ctx context.Context, folder string) (err error) {
	if err := os.MkdirAll(folder, 0o755); err != nil {
		return err
	}
	dir, err := os.MkdirTemp("", "scarab-screenshots")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	s, err := serve(ctx, dir)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, s.stop()) }()
	b, err := browser.Start(ctx)
	if err != nil {
		return err
	}
	defer b.Close()
	tab, err := b.Window()
	if err != nil {
		return err
	}
	c := &camera{Tab: tab, site: s}
	for _, p := range pictures {
		png, err := c.take(p)
		if err != nil {
			return fmt.Errorf("%s: %w", p.name, err)
		}
		file := filepath.Join(folder, p.name+".png")
		if err := os.WriteFile(file, png, 0o644); err != nil {
			return err
		}
		fmt.Println(file)
	}
	return nil
}

// A camera is a tab that takes pictures of a site.
type camera struct {
	*browser.Tab
	site     *site
	language string
}

func (c *camera) take(p picture) ([]byte, error) {
	if p.width == 0 {
		p.width = 1280
	}
	if p.height == 0 {
		p.height = 800
	}
	if p.scheme == "" {
		p.scheme = "light"
	}
	if err := c.Look(p.width, p.height, p.scheme); err != nil {
		return nil, err
	}
	if err := c.speak(p.language); err != nil {
		return nil, err
	}
	if p.path != "" {
		if _, err := c.Open(c.site.base + p.path); err != nil {
			return nil, err
		}
	}
	if p.before != nil {
		if err := p.before(c); err != nil {
			return nil, err
		}
	}
	if err := c.PointAway(); err != nil {
		return nil, err
	}
	png, err := c.Screenshot()
	if err != nil {
		return nil, err
	}
	return small(png)
}

// speak uses the switch at the foot of the page that is open.
func (c *camera) speak(language string) error {
	if language == c.language {
		return nil
	}
	button := language
	if button == "" {
		button = "en"
	}
	c.language = language
	_, err := c.Click(`.foot button[value="` + button + `"]`)
	return err
}
