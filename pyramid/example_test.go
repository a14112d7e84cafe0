package pyramid_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"time"

	"github.com/scarab-go/scarab"
	"github.com/scarab-go/scarab/memstore"
	"github.com/scarab-go/scarab/pyramid"
)

// A cookie that Pyramid 2 made, with SignedCookieSessionFactory and its defaults.
const cookie = "hHBhFBYPZ4xQoulEVEv_4Ulj_pKEcO6hVDWaQWVUfEyuQHh5lasb5z4OXx0JLQ-EJsuX-bxPoJtOODu_b753iFsxNzAwMDAwMDA3LCAxNzAwMDAwMDAwLjI1LCB7Il9jc3JmdF8iOiAiMDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWYwMTIzNDU2NyIsICJ1c2VyIjogImJvYiJ9XQ"

const secret = "correct horse battery staple, but sixty-four characters long!!!"

var now = time.Unix(1700000008, 0)

// Go and Pyramid share the session: both read and write Pyramid's cookie.
func ExampleSignedCookie() {
	backend, err := pyramid.SignedCookie(pyramid.SignedConfig{Secrets: []string{secret}})
	if err != nil {
		panic(err)
	}
	sessions, err := scarab.New(backend, scarab.Config{
		Cookie:   scarab.Cookie{Name: "session"},
		Lifetime: scarab.Never,
		Clock:    func() time.Time { return now },
	})
	if err != nil {
		panic(err)
	}
	h := sessions.Wrap(sessions.HandlerFunc(func(w http.ResponseWriter, r *http.Request, s *scarab.Session) error {
		fmt.Fprintln(w, "hello,", s.Get("user"))
		return nil
	}))
	r := httptest.NewRequest("GET", "/", nil)
	r.Header.Set("Cookie", "session="+cookie)
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	fmt.Print(w.Body)
	// Output: hello, bob
}

// Go takes Pyramid's sessions over: it reads its cookie, and writes its own
// format to its own cookie.
func ExampleSignedCookie_fallback() {
	old, err := pyramid.SignedCookie(pyramid.SignedConfig{Secrets: []string{secret}})
	if err != nil {
		panic(err)
	}
	sessions, err := scarab.New(scarab.Stored(memstore.New()), scarab.Config{
		Fallbacks: []scarab.Fallback{{Backend: old, CookieName: "session"}},
		Clock:     func() time.Time { return now },
	})
	if err != nil {
		panic(err)
	}
	h := sessions.Wrap(sessions.HandlerFunc(func(w http.ResponseWriter, r *http.Request, s *scarab.Session) error {
		fmt.Fprintln(w, "hello,", s.Get("user"))
		return nil
	}))
	r := httptest.NewRequest("GET", "/", nil)
	r.Header.Set("Cookie", "session="+cookie)
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	fmt.Print(w.Body)
	fmt.Println(w.Header().Get("Set-Cookie")[:15])
	// Output:
	// hello, bob
	// __Host-session=
}

// What the command scarab inspect prints.
func ExampleInspect() {
	report, err := pyramid.Inspect(now, pyramid.InspectConfig{Format: "signed", Secrets: []string{secret}}, cookie)
	if err != nil {
		panic(err)
	}
	json.NewEncoder(os.Stdout).Encode(report)

	report, err = pyramid.Inspect(now, pyramid.InspectConfig{Format: "signed", Secrets: []string{"another"}}, cookie)
	if err != nil {
		panic(err)
	}
	json.NewEncoder(os.Stdout).Encode(report)
	// Output:
	// {"verdict":"accept","created":1700000000.25,"accessed":1700000007,"state":{"_csrft_":"0123456789abcdef0123456789abcdef01234567","user":"bob"}}
	// {"verdict":"reject","reason":"value is forged, damaged or of another key"}
}
