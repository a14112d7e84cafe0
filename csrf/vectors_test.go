package csrf_test

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"strings"
	"testing"

	"github.com/scarab-go/scarab"
	"github.com/scarab-go/scarab/csrf"
)

// Vectors that Pyramid's own functions produced. Each is answered as Pyramid
// answers it, or is listed with the reason why not; and each that is listed is
// answered otherwise.

type tokenVector struct {
	ID          string            `json:"id"`
	Stored      *string           `json:"stored"`
	Method      string            `json:"method"`
	Path        string            `json:"path"`
	Headers     map[string]string `json:"headers"`
	Form        map[string]string `json:"form"`
	Body        *string           `json:"body"`
	ContentType *string           `json:"content_type"`
	Expect      struct {
		Result any `json:"result"`
	} `json:"expect"`
}

func TestPyramidTokenVectors(t *testing.T) {
	differ := map[string]string{
		"get-form-body":                "GET is safe here and not checked; Pyramid's function checks what it is called for",
		"header-none":                  "GET, as above; and the header cannot be switched off",
		"custom-names":                 "header and field have fixed names: one less thing that two sides of a form can disagree about",
		"custom-names-default-ignored": "as above",
		"token-none":                   "the form field cannot be switched off",
		"both-none":                    "neither can the header",
		"stored-empty-legacy":          "better: an empty token verifies nothing",
	}
	p, err := csrf.New(csrf.Config{})
	if err != nil {
		t.Fatal(err)
	}
	sessions, err := scarab.New(scarab.Stored(&mapStore{}), scarab.Config{})
	if err != nil {
		t.Fatal(err)
	}
	var v tokenVector
	mux := http.NewServeMux()
	mux.HandleFunc("GET /store", func(_ http.ResponseWriter, r *http.Request) {
		s, err := scarab.From(r.Context())
		if err != nil {
			t.Error(err)
			return
		}
		s.Set("started", true)
		if v.Stored != nil {
			s.Set("_csrft_", *v.Stored)
		}
	})
	mux.Handle("/", p.Require(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {})))
	server := &site{Server: httptest.NewTLSServer(sessions.Wrap(mux))}
	defer server.Close()

	run(t, "testdata/csrf_token_check.json", differ, func(t *testing.T, vector tokenVector) (string, bool, bool) {
		v = vector
		b := server.visitor(t)
		b.get("/store")
		body := ""
		switch {
		case v.Body != nil:
			body = *v.Body
		case v.Form != nil:
			form := url.Values{}
			for name, value := range v.Form {
				form.Set(name, value)
			}
			body = form.Encode()
		}
		var headers []string
		if v.ContentType != nil && *v.ContentType != "" {
			headers = append(headers, "Content-Type: "+*v.ContentType)
		}
		for name, value := range v.Headers {
			headers = append(headers, name+": "+value)
		}
		a := b.send(v.Method, v.Path, strings.NewReader(body), headers...)
		return v.ID, v.Expect.Result == true, a.status == http.StatusOK
	})
}

type originVector struct {
	ID      string          `json:"id"`
	URL     string          `json:"url"`
	Origin  *string         `json:"origin"`
	Referer *string         `json:"referer"`
	Trusted []string        `json:"trusted"`
	Setting json.RawMessage `json:"setting"`
	Expect  struct {
		Result any `json:"result"`
	} `json:"expect"`
}

// trusted returns the vector's list, as Config.TrustedOrigins has it: with a
// scheme. What has no counterpart is left out.
func (v *originVector) trusted() (list []string) {
	entries := v.Trusted
	if entries == nil {
		var text string
		if json.Unmarshal(v.Setting, &text) == nil {
			entries = strings.Fields(text)
		} else {
			json.Unmarshal(v.Setting, &entries)
		}
	}
	for _, e := range entries {
		switch {
		case strings.Contains(e, "://"):
			list = append(list, e)
		case e != "" && e != "null" && e[0] != '.':
			list = append(list, "https://"+e)
		}
	}
	return list
}

func TestPyramidOriginVectors(t *testing.T) {
	const (
		ports    = "origins are compared as browsers compare them: case and default port do not matter, and port 80 is not the default of https"
		absent   = "a request without any of the headers is for the second gate, as with allow_no_origin"
		wildcard = "no wildcards: every origin is listed, or a forgotten subdomain is trusted too"
	)
	differ := map[string]string{
		"http-anything":             "better: a site on plain http is protected too",
		"missing":                   absent,
		"missing-no-raise":          absent,
		"empty-referer":             absent,
		"empty-origin-no-fallback":  "an empty header is an absent one, so Referer counts",
		"empty-origin-allowed":      "better: an empty Origin does not hide a foreign Referer",
		"uppercase-origin":          ports,
		"default-port-in-origin":    ports,
		"default-port-in-both":      ports,
		"port-80-on-https":          ports,
		"port-80-on-https-explicit": ports,
		"trusted-with-scheme":       "trusted origins are written with their scheme, which is the point of an origin",
		"wildcard-sub":              wildcard,
		"wildcard-deep":             wildcard,
		"wildcard-itself":           wildcard,
		"wildcard-with-port":        wildcard,
		"null-trusted":              "better: null is the origin of every sandboxed frame and cannot be trusted",
		"origin-list-last-good":     "better: a list of origins is no origin",
		"origin-trailing-space":     "net/http trims header values, as RFC 9110, section 5.5 says",
		"origin-slash":              "no browser sends it, and Origin is read strictly",
	}
	run(t, "testdata/csrf_origin_check.json", differ, func(t *testing.T, v originVector) (string, bool, bool) {
		u, err := url.Parse(v.URL)
		if err != nil {
			t.Fatal(err)
		}
		p, err := csrf.New(csrf.Config{Mode: csrf.OriginOnly, TrustedOrigins: v.trusted(), Insecure: u.Scheme == "http"})
		if err != nil {
			t.Fatal(err)
		}
		h := p.Wrap(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
		start := httptest.NewTLSServer
		if u.Scheme == "http" {
			start = httptest.NewServer
		}
		server := start(h)
		defer server.Close()
		b := &browser{t: t, client: server.Client(), base: server.URL}
		headers := []string{"Host: " + u.Host}
		if v.Origin != nil {
			headers = append(headers, "Origin: "+*v.Origin)
		}
		if v.Referer != nil {
			headers = append(headers, "Referer: "+*v.Referer)
		}
		a := b.do("POST", u.Path, nil, headers...)
		return v.ID, v.Expect.Result == true, a.status == http.StatusOK
	})
}

func run[V any](t *testing.T, file string, differ map[string]string, check func(*testing.T, V) (id string, pyramid, ours bool)) {
	data, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	var vectors struct{ Vectors []V }
	if err := json.Unmarshal(data, &vectors); err != nil || len(vectors.Vectors) == 0 {
		t.Fatalf("%d vectors, %v", len(vectors.Vectors), err)
	}
	for _, v := range vectors.Vectors {
		id, pyramid, ours := check(t, v)
		reason, listed := differ[id]
		delete(differ, id)
		if listed != (pyramid != ours) {
			t.Errorf("%s: Pyramid lets it pass %v, we %v; listed: %q", id, pyramid, ours, reason)
		}
	}
	for id := range differ {
		t.Errorf("no vector %q", id)
	}
}
