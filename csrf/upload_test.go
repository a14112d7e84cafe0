package csrf_test

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"hash"
	"io"
	"math/rand/v2"
	"mime/multipart"
	"net/http"
	"os"
	"runtime"
	"strings"
	"testing"

	"github.com/scarab-go/scarab/csrf"
)

// A big upload with its token in the form streams through to the handler: it is
// neither held in memory nor left on disk.
func TestUploadStreams(t *testing.T) {
	const size = 64 << 20
	temp := t.TempDir()
	t.Setenv("TMPDIR", temp)
	var peak uint64
	s := newSite(t, csrf.Config{}, func(_ *site, mux *http.ServeMux) {
		mux.HandleFunc("POST /upload", func(w http.ResponseWriter, r *http.Request) {
			sum := sha256.New()
			parts, err := r.MultipartReader()
			if err != nil {
				t.Error(err)
				return
			}
			var names []string
			n := int64(0)
			for {
				part, err := parts.NextPart()
				if err == io.EOF {
					break
				}
				if err != nil {
					t.Error(err)
					return
				}
				names = append(names, part.FormName())
				if part.FormName() != "file" {
					continue
				}
				for {
					m, err := io.CopyN(sum, part, 1<<20)
					n += m
					var mem runtime.MemStats
					runtime.ReadMemStats(&mem)
					peak = max(peak, mem.HeapAlloc)
					if err != nil {
						break
					}
				}
			}
			fmt.Fprintf(w, "%d %v %x", n, names, sum.Sum(nil))
		})
	})
	s.get("/start")
	token := s.form("/form")

	upload := func(fields ...string) (body io.Reader, contentType string, sum hash.Hash) {
		in, out := io.Pipe()
		form := multipart.NewWriter(out)
		sum = sha256.New()
		go func() {
			for i := 0; i < len(fields); i += 2 {
				if fields[i] == "file" {
					part, _ := form.CreateFormFile("file", "big.bin")
					source := io.LimitReader(rand.NewChaCha8([32]byte{1}), size)
					if _, err := io.Copy(io.MultiWriter(part, sum), source); err != nil {
						out.CloseWithError(err)
						return
					}
					continue
				}
				form.WriteField(fields[i], fields[i+1])
			}
			form.Close()
			out.Close()
		}()
		t.Cleanup(func() { in.Close() })
		return in, form.FormDataContentType(), sum
	}

	runtime.GC()
	var mem runtime.MemStats
	runtime.ReadMemStats(&mem)
	before := mem.HeapAlloc
	body, contentType, sum := upload("title", "T", "csrf_token", token, "file", "")
	a := s.send("POST", "/upload", body, "Content-Type: "+contentType, sameOrigin)
	a.want(t, http.StatusOK, fmt.Sprintf("%d [title csrf_token file] %x", size, sum.Sum(nil)))
	if peak == 0 || peak > before+16<<20 {
		t.Errorf("the heap grew from %d to %d MiB for an upload of %d", before>>20, peak>>20, size>>20)
	}

	// With the token in the header the body is not looked at.
	body, contentType, sum = upload("file", "")
	a = s.send("POST", "/upload", body, "Content-Type: "+contentType, sameOrigin, "X-CSRF-Token: "+token)
	a.want(t, http.StatusOK, fmt.Sprintf("%d [file] %x", size, sum.Sum(nil)))

	// What is refused is refused early: the client is told before it has sent
	// everything, if it listens.
	body, contentType, _ = upload("file", "", "csrf_token", token)
	refused(t, s, body, contentType, "before the files")
	body, contentType, _ = upload("csrf_token", "wrong", "file", "")
	refused(t, s, body, contentType, "wrong token")

	left, err := os.ReadDir(temp)
	if err != nil || len(left) > 0 {
		t.Errorf("left on disk: %v, %v", left, err)
	}
}

// refused sends a body that the server will not read to its end. The client may
// see the answer or a broken connection; that the handler did not run is what
// the answer of another kind would show.
func refused(t *testing.T, s *site, body io.Reader, contentType, text string) {
	t.Helper()
	r, err := http.NewRequest("POST", s.URL+"/upload", body)
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Content-Type", contentType)
	r.Header.Set("Sec-Fetch-Site", "same-origin")
	resp, err := s.client.Do(r)
	if err == nil {
		defer resp.Body.Close()
		answer, _ := io.ReadAll(resp.Body)
		if resp.StatusCode != http.StatusForbidden || !strings.Contains(string(answer), text) {
			t.Errorf("%d %q, want 403 %q", resp.StatusCode, answer, text)
		}
	}
	events := s.kinds()
	if len(events) != 1 || !strings.HasPrefix(events[0], "csrf_blocked ") {
		t.Errorf("events: %q (%v)", events, err)
	}
}

// A handler that parses the form itself, and one behind a limit, find the body
// as it was sent.
func TestUploadSmall(t *testing.T) {
	s := newSite(t, csrf.Config{}, func(_ *site, mux *http.ServeMux) {
		mux.HandleFunc("POST /parse", func(w http.ResponseWriter, r *http.Request) {
			r.Body = http.MaxBytesReader(w, r.Body, 4<<10)
			if err := r.ParseMultipartForm(1 << 10); err != nil {
				var tooBig *http.MaxBytesError
				fmt.Fprint(w, errors.As(err, &tooBig), err)
				return
			}
			f, h, err := r.FormFile("file")
			if err != nil {
				t.Error(err)
				return
			}
			content, err := io.ReadAll(f)
			fmt.Fprint(w, h.Filename, len(content), err, r.PostFormValue("title"))
		})
	})
	s.get("/start")
	for _, tt := range []struct {
		size int
		want string
	}{{2000, "a.txt 2000 <nil> T"}, {5000, "true http: request body too large"}} {
		var body strings.Builder
		form := multipart.NewWriter(&body)
		form.WriteField("title", " T")
		form.WriteField("csrf_token", s.form("/form"))
		part, _ := form.CreateFormFile("file", "a.txt ")
		io.WriteString(part, strings.Repeat("x", tt.size))
		form.Close()
		a := s.send("POST", "/parse", strings.NewReader(body.String()), "Content-Type: "+form.FormDataContentType(), sameOrigin)
		a.want(t, http.StatusOK, tt.want)
	}
}
