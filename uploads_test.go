package scarab_test

import (
	"bytes"
	"io"
	"mime/multipart"
	"net/http"
	"net/http/httptest"
	"os"
	"testing"

	"github.com/scarab-go/scarab"
	"github.com/scarab-go/scarab/csrf"
	"github.com/scarab-go/scarab/memstore"
)

// The files of an upload are gone when its request is over: net/http removes
// those of its own request, and middleware hands on a copy.
func TestWrap_uploads(t *testing.T) {
	f, err := scarab.New(scarab.Stored(memstore.New()), scarab.Config{Insecure: true})
	if err != nil {
		t.Fatal(err)
	}
	p, err := csrf.New(csrf.Config{Mode: csrf.OriginOnly})
	if err != nil {
		t.Fatal(err)
	}
	for name, wrap := range map[string]func(http.Handler) http.Handler{
		"Wrap":          f.Wrap,
		"csrf":          p.Wrap,
		"both":          func(h http.Handler) http.Handler { return f.Wrap(p.Wrap(h)) },
		"HandlerFunc":   func(h http.Handler) http.Handler { return f.Wrap(f.HandlerFunc(served(h))) },
		"within a copy": func(h http.Handler) http.Handler { return f.Wrap(f.Wrap(h)) },
	} {
		t.Run(name, func(t *testing.T) {
			tmp := t.TempDir()
			t.Setenv("TMPDIR", tmp)
			server := httptest.NewServer(wrap(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				if err := r.ParseMultipartForm(1); err != nil {
					t.Error(err)
				}
				if files, _ := os.ReadDir(tmp); len(files) != 1 {
					t.Errorf("%d files while the request is served", len(files))
				}
				io.WriteString(w, "page")
			})))
			var body bytes.Buffer
			m := multipart.NewWriter(&body)
			file, _ := m.CreateFormFile("file", "big")
			file.Write(make([]byte, 11<<20))
			m.Close()
			res, err := http.Post(server.URL, m.FormDataContentType(), &body)
			if err != nil {
				t.Fatal(err)
			}
			io.Copy(io.Discard, res.Body)
			res.Body.Close()
			server.Config.Shutdown(t.Context()) // returns when the connection is idle, the request over
			server.Close()
			if left, _ := os.ReadDir(tmp); len(left) > 0 {
				t.Errorf("%s is left on disk", left[0].Name())
			}
		})
	}
}

func served(h http.Handler) func(http.ResponseWriter, *http.Request, *scarab.Session) error {
	return func(w http.ResponseWriter, r *http.Request, _ *scarab.Session) error { h.ServeHTTP(w, r); return nil }
}
