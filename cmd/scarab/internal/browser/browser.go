// Package browser drives a real Chromium, for tests and for screenshots.
package browser

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"time"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/input"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/chromedp"
)

// ErrMissing: there is no Chromium on this machine.
var ErrMissing = errors.New("browser: Chromium is not installed")

// A Browser is a running Chromium.
type Browser struct {
	ctx  context.Context
	stop func()
}

// Start starts a Chromium with nothing in it, until Close.
func Start(ctx context.Context) (*Browser, error) {
	path := ""
	for _, name := range []string{"chromium", "chromium-browser", "google-chrome"} {
		if found, err := exec.LookPath(name); err == nil {
			path = found
			break
		}
	}
	if path == "" {
		return nil, ErrMissing
	}
	dir, err := os.MkdirTemp("", "scarab-browser")
	if err != nil {
		return nil, err
	}
	// What makes pages appear faster to people makes them slower to load here.
	const features = "Translate,BackForwardCache,PaintHolding,RenderDocument,SpareRendererForSitePerProcess,MediaRouter,OptimizationHints"
	options := append(chromedp.DefaultExecAllocatorOptions[:],
		chromedp.ExecPath(path), chromedp.NoSandbox, chromedp.DisableGPU, chromedp.UserDataDir(dir), chromedp.WindowSize(1280, 860),
		chromedp.Flag("disable-component-update", true), chromedp.Flag("disable-features", features), chromedp.Flag("lang", "en-US"))
	allocator, stopAllocator := chromedp.NewExecAllocator(ctx, options...)
	root, stopRoot := chromedp.NewContext(allocator, chromedp.WithErrorf(func(string, ...any) {}))
	b := &Browser{root, func() { stopRoot(); stopAllocator(); os.RemoveAll(dir) }}
	if err := chromedp.Do(root); err != nil {
		b.stop()
		return nil, fmt.Errorf("browser: %w", err)
	}
	return b, nil
}

// Close ends the browser.
func (b *Browser) Close() { b.stop() }

// A Tab shows pages. Its methods return once the page that they lead to is
// loaded.
type Tab struct {
	ctx  context.Context
	stop func()
}

// Window opens a tab that shares no cookies with any other.
func (b *Browser) Window() (*Tab, error) {
	return newTab(chromedp.NewContext(b.ctx, chromedp.WithNewBrowserContext()))
}

// Tab opens another tab of the same window.
func (t *Tab) Tab() (*Tab, error) {
	return newTab(chromedp.NewContext(t.ctx))
}

// newTab makes a tab that believes to have the focus, as each of several that
// are used at the same time must.
func newTab(ctx context.Context, stop context.CancelFunc) (*Tab, error) {
	err := chromedp.Do(ctx)
	if err == nil {
		_, err = chromedp.Call(ctx, emulation.SetFocusEmulationEnabled, emulation.SetFocusEmulationEnabledParams{Enabled: true})
	}
	return &Tab{ctx, stop}, err
}

// Close closes the tab.
func (t *Tab) Close() { t.stop() }

// patience bounds each step.
const patience = 30 * time.Second

func run[T any](t *Tab, what string, a chromedp.Action[T]) (T, error) {
	ctx, stop := context.WithTimeout(t.ctx, patience)
	defer stop()
	v, err := chromedp.Run(ctx, a)
	if err != nil {
		err = fmt.Errorf("browser: %s: %w", what, err)
	}
	return v, err
}

// Open goes to an address, and returns the status of the answer.
func (t *Tab) Open(address string) (int, error) {
	return t.navigate("opening "+address, chromedp.Navigate(address))
}

// Reload loads the page again.
func (t *Tab) Reload() error {
	_, err := run(t, "reloading", chromedp.Reload())
	return err
}

// Click presses the first element that a CSS selector finds, and waits for the
// page that it leads to. It returns the status of the answer.
func (t *Tab) Click(selector string) (int, error) {
	return t.navigate("clicking "+selector, chromedp.Click(selector))
}

func (t *Tab) navigate(what string, step chromedp.Action[chromedp.Void]) (int, error) {
	ctx, stop := context.WithTimeout(t.ctx, patience)
	defer stop()
	answer, err := chromedp.RunResponse(ctx, step)
	if err != nil {
		return 0, fmt.Errorf("browser: %s: %w", what, err)
	}
	if answer == nil {
		return 0, nil
	}
	return int(answer.Status), nil
}

// Press presses an element without waiting for another page.
func (t *Tab) Press(selector string) error {
	_, err := run(t, "pressing "+selector, chromedp.Click(selector))
	return err
}

// Type replaces what is in a field.
func (t *Tab) Type(selector, text string) error {
	_, err := run(t, "typing into "+selector, chromedp.Steps(chromedp.Clear(selector), chromedp.SendKeys(selector, text)))
	return err
}

// Key presses keys, wherever the focus is.
func (t *Tab) Key(keys string) error {
	_, err := run(t, "pressing keys", chromedp.KeyEvent(keys))
	return err
}

// KeyTo presses keys that lead to another page.
func (t *Tab) KeyTo(keys string) (int, error) {
	return t.navigate("pressing keys", chromedp.KeyEvent(keys))
}

// Wait waits until an element is visible.
func (t *Tab) Wait(selector string) error {
	_, err := run(t, "waiting for "+selector, chromedp.WaitVisible(selector))
	return err
}

// Text returns the visible text of the page.
func (t *Tab) Text() (string, error) {
	return run(t, "reading the page", chromedp.Evaluate[string]("document.body.innerText"))
}

// URL returns the address of the page.
func (t *Tab) URL() (string, error) { return run(t, "reading the address", chromedp.Location()) }

// Evaluate runs a script in the page, past its Content-Security-Policy.
func Evaluate[T any](t *Tab, script string) (T, error) {
	return run(t, "evaluating", chromedp.Evaluate[T](script, chromedp.EvalAwaitPromise))
}

// WithoutScripts switches the scripts of pages off.
func (t *Tab) WithoutScripts() error {
	_, err := chromedp.Call(t.ctx, emulation.SetScriptExecutionDisabled, emulation.SetScriptExecutionDisabledParams{Value: true})
	return err
}

// Look sets the size of the window and the colour scheme, "light" or "dark".
func (t *Tab) Look(width, height int64, scheme string) error {
	if _, err := run(t, "resizing", chromedp.EmulateViewport(width, height)); err != nil {
		return err
	}
	_, err := chromedp.Call(t.ctx, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{
		Features: []*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: scheme}},
	})
	return err
}

// Languages sets what the browser asks for.
func (t *Tab) Languages(header string) error {
	if _, err := chromedp.Call(t.ctx, network.Enable, network.EnableParams{}); err != nil {
		return err
	}
	_, err := chromedp.Call(t.ctx, network.SetExtraHTTPHeaders, network.SetExtraHTTPHeadersParams{Headers: network.Headers{"Accept-Language": header}})
	return err
}

// PointAway moves the pointer to a corner, so that nothing is under it.
func (t *Tab) PointAway() error {
	_, err := chromedp.Call(t.ctx, input.DispatchMouseEvent, input.DispatchMouseEventParams{Type: input.DispatchMouseEventTypeMouseMoved})
	return err
}

// Screenshot returns what the window shows of the page as PNG.
func (t *Tab) Screenshot() ([]byte, error) {
	return run(t, "taking a picture", chromedp.CaptureScreenshot())
}

// Quote makes a JavaScript string.
func Quote(s string) string {
	return `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`, "\n", `\n`).Replace(s) + `"`
}
