package main

import (
	"bufio"
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"io"
	"math/big"
	"net"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"
)

// A process is a scarab serve that is running.
type process struct {
	t     testing.TB
	cmd   *exec.Cmd
	in    io.WriteCloser
	lines *bufio.Scanner
	base  string
	link  string
	log   bytes.Buffer // to be read when it has ended
}

var linkLine = regexp.MustCompile(`^\s+(https?://[^/]+)(/login/link\?token=\w+)$`)

// start runs scarab serve in a folder, on a port of its own.
func start(t testing.TB, dir string, args ...string) *process {
	t.Helper()
	p := &process{t: t, cmd: prepare(t, dir, append([]string{"serve", "--addr", "127.0.0.1:0"}, args...)...)}
	p.cmd.Stderr = &p.log
	out, err := p.cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if p.in, err = p.cmd.StdinPipe(); err != nil {
		t.Fatal(err)
	}
	if err := p.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	p.lines = bufio.NewScanner(out)
	p.readLink()
	t.Cleanup(p.stop)
	return p
}

// emptyDir is a folder with a database that has no tables: serve starts faster
// than with a shop to make.
func emptyDir(t testing.TB) string {
	t.Helper()
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "app.sqlite"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	return dir
}

// readLink reads what is printed up to the next login link.
func (p *process) readLink() {
	p.t.Helper()
	for p.lines.Scan() {
		if m := linkLine.FindStringSubmatch(p.lines.Text()); m != nil {
			p.base, p.link = m[1], m[1]+m[2]
			return
		}
	}
	p.t.Fatal("no login link was printed")
}

// anotherLink presses Enter, and returns the link that is printed.
func (p *process) anotherLink() string {
	p.t.Helper()
	if _, err := io.WriteString(p.in, "\n"); err != nil {
		p.t.Fatal(err)
	}
	p.readLink()
	return p.link
}

func (p *process) stop() {
	if p.cmd.ProcessState != nil {
		return
	}
	p.cmd.Process.Signal(os.Interrupt)
	if err := p.cmd.Wait(); err != nil {
		p.t.Errorf("scarab serve ended with %v", err)
	}
	if p.t.Failed() {
		p.t.Logf("its log:\n%s", &p.log)
	}
}

// A visitor is a browser that keeps cookies; scarabtest.Client cannot look into another process.
type visitor struct {
	t testing.TB
	*http.Client
}

func newBrowser(t testing.TB) *visitor {
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	return &visitor{t, &http.Client{Jar: jar, Timeout: 30 * time.Second}}
}

func (b *visitor) get(address string) (where, body string) {
	b.t.Helper()
	r, err := b.Get(address)
	if err != nil {
		b.t.Fatal(err)
	}
	defer r.Body.Close()
	text, err := io.ReadAll(r.Body)
	if err != nil {
		b.t.Fatal(err)
	}
	return r.Request.URL.Path, string(text)
}

var tokenField = regexp.MustCompile(`name="csrf_token" value="([^"]+)"`)

func (b *visitor) post(page, address string, form url.Values) (where, body string) {
	b.t.Helper()
	m := tokenField.FindStringSubmatch(page)
	if m == nil {
		b.t.Fatalf("no token in\n%s", page)
	}
	form.Set("csrf_token", m[1])
	req, err := http.NewRequest(http.MethodPost, address, strings.NewReader(form.Encode()))
	if err != nil {
		b.t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	req.Header.Set("Origin", address[:strings.Index(address, "/login")])
	r, err := b.Do(req)
	if err != nil {
		b.t.Fatal(err)
	}
	defer r.Body.Close()
	text, err := io.ReadAll(r.Body)
	if err != nil {
		b.t.Fatal(err)
	}
	return r.Request.URL.Path, string(text)
}

func (b *visitor) logIn(p *process) {
	b.t.Helper()
	_, page := b.get(p.link)
	_, token, _ := strings.Cut(p.link, "token=")
	if where, body := b.post(page, p.base+"/login/link", url.Values{"token": {token}}); where != "/" || !strings.Contains(body, "Welcome, admin") {
		b.t.Fatalf("logging in led to %s\n%s", where, body)
	}
}

// follow sends the cookies of the old address to the new one: a restart takes
// another port.
func (b *visitor) follow(from, to *process) {
	old, err := url.Parse(from.base)
	if err != nil {
		b.t.Fatal(err)
	}
	next, err := url.Parse(to.base)
	if err != nil {
		b.t.Fatal(err)
	}
	b.Jar.SetCookies(next, b.Jar.Cookies(old))
}

// Sessions outlive a restart, wherever they are kept but in memory.
func TestServe_restart(t *testing.T) {
	for _, tt := range []struct {
		sessions string
		survives bool
		files    []string
	}{
		{"", true, []string{"app.sqlite", "app-scarab.sqlite"}},
		{"sqlite:own.db", true, []string{"app.sqlite", "own.db"}},
		{"cookie", true, []string{"app.sqlite", "app-scarab.key"}},
		{"signed:", true, []string{"app.sqlite", "app-scarab.key"}},
		{"memory:", false, []string{"app.sqlite"}},
	} {
		t.Run(tt.sessions, func(t *testing.T) {
			t.Parallel()
			dir := emptyDir(t)
			var args []string
			if tt.sessions != "" {
				args = []string{"--sessions", tt.sessions}
			}
			first := start(t, dir, args...)
			b := newBrowser(t)
			b.logIn(first)
			if _, body := b.get(first.base + "/session"); !strings.Contains(body, "Visits to this page: <strong>1</strong>") {
				t.Fatalf("the first visit:\n%s", body)
			}
			first.stop()
			second := start(t, dir, args...)
			b.follow(first, second)
			where, body := b.get(second.base + "/session")
			if survives := where == "/session" && strings.Contains(body, "Visits to this page: <strong>2</strong>"); survives != tt.survives {
				t.Errorf("survives: %t, want %t\n%s", survives, tt.survives, body)
			}
			for _, name := range tt.files {
				info, err := os.Stat(filepath.Join(dir, name))
				if err != nil || name != "app.sqlite" && info.Mode().Perm() != 0o600 {
					t.Errorf("%s: %v, %v", name, info, err)
				}
			}
		})
	}
}

// The sample shop opens at the first start, and stays what it has become.
func TestServe_sample(t *testing.T) {
	dir := t.TempDir()
	p := start(t, dir)
	b := newBrowser(t)
	b.logIn(p)
	_, body := b.get(p.base + "/")
	for _, table := range []string{"customers", "orders", "order_lines", "products", "product_tags", "tags", "sales_by_month"} {
		if !strings.Contains(body, `href="/t/`+table+`"`) {
			t.Errorf("no table %s", table)
		}
	}
	if strings.Contains(body, "scarab_") {
		t.Error("scarab's own tables are listed")
	}
	if _, body = b.get(p.base + "/t/orders?sort=placed_at&dir=desc&page=3"); !strings.Contains(body, "Page 3 of 30") {
		t.Errorf("a page of orders:\n%s", body)
	}
	p.stop()
	if out := start(t, dir); out == nil {
		t.Error("no second start")
	}
}

// Enter prints another link, and the first still works.
func TestServe_anotherLink(t *testing.T) {
	p := start(t, emptyDir(t), "--sessions", "memory:")
	first := p.link
	if p.anotherLink() == first {
		t.Error("the same link again")
	}
	newBrowser(t).logIn(p)
	p.link = first
	newBrowser(t).logIn(p)
}

// Off this machine, or with a certificate on it, cookies have the __Host-
// prefix and are Secure.
func TestServe_TLS(t *testing.T) {
	dir := emptyDir(t)
	pool := certificate(t, dir)
	p := start(t, dir, "--sessions", "memory:", "--tls-cert", "cert.pem", "--tls-key", "key.pem")
	if !strings.HasPrefix(p.base, "https://") {
		t.Fatalf("serving on %s", p.base)
	}
	b := newBrowser(t)
	b.Transport = &http.Transport{TLSClientConfig: &tls.Config{RootCAs: pool}}
	b.logIn(p)
	address, err := url.Parse(p.base)
	if err != nil {
		t.Fatal(err)
	}
	if cookies := b.Jar.Cookies(address); len(cookies) != 1 || cookies[0].Name != "__Host-session" {
		t.Errorf("cookies %v", cookies)
	}
}

// certificate writes one for 127.0.0.1.
func certificate(t testing.TB, dir string) *x509.CertPool {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour), IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	secret, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	for name, block := range map[string]*pem.Block{"cert.pem": {Type: "CERTIFICATE", Bytes: der}, "key.pem": {Type: "PRIVATE KEY", Bytes: secret}} {
		if err := os.WriteFile(filepath.Join(dir, name), pem.EncodeToMemory(block), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	pool := x509.NewCertPool()
	pool.AddCert(cert)
	return pool
}
