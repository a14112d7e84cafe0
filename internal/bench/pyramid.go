package main

import (
	"context"
	_ "embed"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os/exec"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/scarab-go/scarab"
	"github.com/scarab-go/scarab/cookiecodec"
	"github.com/scarab-go/scarab/internal/bench/app"
	"github.com/scarab-go/scarab/internal/bench/plot"
)

// The counter page of Pyramid's documentation, in Pyramid and in Go, with the
// same secret and the same cookie.

//go:embed pyramid_counter.py
var pyramidCounter string

// python is Debian's, which has Debian's packages; another one may come first
// in PATH.
const python = "/usr/bin/python3"

const (
	pyramidSecret = "a secret of both, which is long enough for what it signs with it"
	pyramidCookie = "session"
)

// pyramidClients are how many browsers ask at the same time: one, for what a
// request takes, and many, for how many requests a server can take.
var pyramidClients = []int{1, clients}

// pyramid measures Pyramid beside scarab: each server has one core, and the
// clients another.
func (r *run) pyramid() error {
	if err := pyramidMissing(r.ctx); err != nil {
		return err
	}
	out, err := r.child("pyramid", onOtherCores, strconv.FormatBool(r.quick))
	if err != nil {
		return err
	}
	return json.Unmarshal(out, &r.facts)
}

// pyramidMissing says what Pyramid lacks on this machine.
func pyramidMissing(ctx context.Context) error {
	if err := exec.CommandContext(ctx, python, "-c", "import pyramid, waitress").Run(); err != nil {
		return missing("python3-pyramid or python3-waitress is missing: run scripts/setup.sh")
	}
	return nil
}

// pyramidSites starts both servers, scarab's first. The cookie is one that both
// read.
func pyramidSites(ctx context.Context, cleanup func(func())) (sites []*site, cookie string, err error) {
	cmd, err := childCommand(ctx, onFirstCore, "counter")
	if err != nil {
		return nil, "", err
	}
	ours, err := startServer("scarab/signed", cmd)
	if err != nil {
		return nil, "", err
	}
	cleanup(ours.stop)
	args := append(append([]string(nil), onFirstCore...), python, "-u", "-c", pyramidCounter, pyramidSecret)
	theirs, err := startServer("Pyramid", exec.CommandContext(ctx, args[0], args[1:]...))
	if err != nil {
		return nil, "", err
	}
	cleanup(theirs.stop)
	if theirs.name, err = theirs.line(); err != nil { // with its version
		return nil, "", err
	}
	cookie, err = counterCookie(time.Now())
	return []*site{ours, theirs}, cookie, err
}

func counterCodec() (scarab.Codec, error) {
	return cookiecodec.NewSigned(cookiecodec.SignedConfig{SecretText: []string{pyramidSecret}})
}

// counterCookie returns a cookie with the session S, as one that was set at now.
func counterCookie(now time.Time) (string, error) {
	codec, err := counterCodec()
	if err != nil {
		return "", err
	}
	values := map[string]any{"_csrft_": app.S.CSRF, "_f_": []string{app.S.Message}}
	for _, v := range app.S.Values {
		values[v.Key] = v.Value
	}
	payload, err := json.Marshal([]any{now.Unix(), now.Unix(), values})
	if err != nil {
		return "", err
	}
	value, err := codec.Encode(pyramidCookie, payload)
	return pyramidCookie + "=" + value, err
}

// serveCounter serves the page in Go until stdin ends. The session has
// Pyramid's defaults, so that either reads the other's.
func serveCounter() error {
	codec, err := counterCodec()
	if err != nil {
		return err
	}
	sessions, err := scarab.New(scarab.InCookie(codec), scarab.Config{
		Cookie:        scarab.Cookie{Name: pyramidCookie, AllowScriptAccess: true},
		Insecure:      true,
		IdleTimeout:   20 * time.Minute,
		TouchInterval: time.Nanosecond,
		Lifetime:      scarab.Never,
	})
	if err != nil {
		return err
	}
	const counter = scarab.Key[int]("counter")
	page := sessions.HandlerFunc(func(w http.ResponseWriter, _ *http.Request, s *scarab.Session) error {
		n := counter.Get(s) + 1
		counter.Set(s, n)
		w.Header().Set("Content-Type", "text/html; charset=UTF-8")
		_, err := fmt.Fprintf(w, "<p>You were here %d times.</p>", n)
		return err
	})
	return listen((&http.Server{Handler: sessions.Wrap(page)}).Serve)
}

// A counterAnswer is what a browser gets.
type counterAnswer struct {
	status     int
	kind, page string
	cookie     string // as name=value
}

// counterPage asks a site for its page.
func counterPage(ctx context.Context, s *site, cookie string) (a counterAnswer, err error) {
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+s.addr+"/", nil)
	if err != nil {
		return a, err
	}
	r.Header.Set("Cookie", cookie)
	resp, err := http.DefaultClient.Do(r)
	if err != nil {
		return a, err
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	a = counterAnswer{status: resp.StatusCode, kind: resp.Header.Get("Content-Type"), page: string(body)}
	for _, c := range resp.Cookies() {
		a.cookie = c.Name + "=" + c.Value
	}
	return a, err
}

// sameAnswers fails unless both sites answer the cookie with the same page.
func sameAnswers(ctx context.Context, sites []*site, cookie string) error {
	var first counterAnswer
	for i, s := range sites {
		a, err := counterPage(ctx, s, cookie)
		if err != nil {
			return fmt.Errorf("%s: %w", s.name, err)
		}
		if a.status != http.StatusOK || a.cookie == "" {
			return fmt.Errorf("%s answers %+v", s.name, a)
		}
		a.cookie = "" // the time is in it
		if i == 0 {
			first = a
		} else if a != first {
			return fmt.Errorf("%s answers %+v, %s %+v", sites[0].name, first, s.name, a)
		}
	}
	return nil
}

// measureCounters lets both servers take their turn in every pass.
func (r *run) measureCounters() error {
	defer r.bed.mark()()
	sites, cookie, err := pyramidSites(r.ctx, r.bed.Cleanup)
	if err != nil {
		return err
	}
	if err := sameAnswers(r.ctx, sites, cookie); err != nil {
		return err
	}
	var crowds []*socketCrowd
	for _, n := range pyramidClients {
		for _, s := range sites {
			c, err := newCounterCrowd(s, cookie, n)
			if err != nil {
				return err
			}
			r.bed.Cleanup(c.hangUp)
			crowds = append(crowds, c)
		}
	}
	for pass := range 1 + r.passes(5) {
		for _, c := range crowds {
			if err := c.pass(r.ctx, r.budget(time.Second)); err != nil {
				return fmt.Errorf("%s: %w", c.site.name, err)
			}
			if pass == 0 { // both warm up
				c.fact.Passes = nil
				clear(c.more)
			}
		}
	}
	for _, c := range crowds {
		r.add(c.done())
	}
	return nil
}

// newCounterCrowd opens n connections that send the same cookie again and again.
func newCounterCrowd(s *site, cookie string, n int) (*socketCrowd, error) {
	c := &socketCrowd{site: s, crowd: crowd{
		fact: &Fact{Part: "pyramid", Library: s.name, Work: "count", X: float64(n)}, more: map[string][]float64{}}}
	for range n {
		b, err := dial(s.addr)
		if err != nil {
			return nil, err
		}
		b.next = []byte("GET / HTTP/1.1\r\nHost: " + s.addr + "\r\nUser-Agent: bench\r\nAccept: text/html\r\nCookie: " + cookie + "\r\n\r\n")
		c.browsers = append(c.browsers, b)
	}
	return c, nil
}

func (r *Results) pyramidTable() string {
	facts := r.Part("pyramid")
	var rows [][]string
	for _, f := range facts {
		peer := facts[slices.IndexFunc(facts, func(g *Fact) bool { return g.X == f.X && !strings.HasPrefix(g.Library, "scarab/") })]
		rows = append(rows, []string{strong(f.Library), count(f.X), plot.Number(f.Value()), figure(Ratio(f, peer), times),
			plot.Duration(f.Get("p50")), plot.Duration(f.Get("p99")), plot.Duration(f.Get("cpu")), percent(f.Get("load"))})
	}
	return table(true, []string{"", "connections", "a second", "of Pyramid", "p50", "p99", "server's CPU", "clients' core"}, rows)
}
