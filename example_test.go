package scarab_test

import (
	"fmt"
	"html/template"
	"io"
	"log"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/url"
	"regexp"
	"strings"

	"github.com/scarab-go/scarab"
	"github.com/scarab-go/scarab/csrf"
	"github.com/scarab-go/scarab/memstore"
)

// The whole of it: a factory, Wrap around the handlers, From inside of them.
func ExampleNew() {
	sessions, err := scarab.New(scarab.Stored(memstore.New()), scarab.Config{})
	if err != nil {
		log.Fatal(err)
	}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /{name}", func(w http.ResponseWriter, r *http.Request) {
		s, err := scarab.From(r.Context())
		if err != nil {
			http.Error(w, "try again in a moment", http.StatusServiceUnavailable)
			return
		}
		before := s.Get("name")
		s.Set("name", r.PathValue("name"))
		fmt.Fprintf(w, "hello %s, you were %v", r.PathValue("name"), before)
	})

	ann := visitor(sessions.Wrap(mux)) // http.ListenAndServeTLS, and a browser
	defer ann.leave()
	fmt.Println(ann.get("/ann"))
	fmt.Println(ann.get("/anna"))
	// Output:
	// hello ann, you were <nil>
	// hello anna, you were ann
}

// A counter loses no visit, however many tabs there are: Update runs again if
// another request was faster.
func ExampleKey_Update() {
	const visits = scarab.Key[int]("visits") // declared once, beside what uses it

	sessions, err := scarab.New(scarab.Stored(memstore.New()), scarab.Config{})
	if err != nil {
		log.Fatal(err)
	}
	page := sessions.HandlerFunc(func(w http.ResponseWriter, r *http.Request, s *scarab.Session) error {
		visits.Update(s, func(n int) int { return n + 1 })
		_, err := fmt.Fprintf(w, "visit %d", visits.Get(s))
		return err
	})

	ann := visitor(sessions.Wrap(page))
	defer ann.leave()
	fmt.Println(ann.get("/"))
	fmt.Println(ann.get("/"))
	fmt.Println(ann.get("/"))
	// Output:
	// visit 1
	// visit 2
	// visit 3
}

// Login makes every token known before worthless, and keeps the cart; Invalidate
// is the logout.
func ExampleSession_Login() {
	sessions, err := scarab.New(scarab.Stored(memstore.New()), scarab.Config{})
	if err != nil {
		log.Fatal(err)
	}
	mux := http.NewServeMux()
	handle := func(pattern string, h func(http.ResponseWriter, *http.Request, *scarab.Session) error) {
		mux.Handle(pattern, sessions.HandlerFunc(h))
	}
	handle("GET /{$}", func(w http.ResponseWriter, r *http.Request, s *scarab.Session) error {
		who := s.Principal()
		if who == "" {
			who = "nobody"
		}
		_, err := fmt.Fprintf(w, "%s, with %d in the cart", who, scarab.Key[int]("cart").Get(s))
		return err
	})
	handle("POST /buy", func(w http.ResponseWriter, r *http.Request, s *scarab.Session) error {
		scarab.Key[int]("cart").Update(s, func(n int) int { return n + 1 })
		http.Redirect(w, r, "/", http.StatusSeeOther)
		return nil
	})
	handle("POST /login", func(w http.ResponseWriter, r *http.Request, s *scarab.Session) error {
		if r.FormValue("password") != "open sesame" { // yours will compare a hash
			http.Error(w, "wrong password", http.StatusUnauthorized)
			return nil
		}
		s.Login(r.FormValue("user"))
		http.Redirect(w, r, "/", http.StatusSeeOther)
		return nil
	})
	handle("POST /logout", func(w http.ResponseWriter, r *http.Request, s *scarab.Session) error {
		s.Invalidate()
		http.Redirect(w, r, "/", http.StatusSeeOther)
		return nil
	})

	ann := visitor(sessions.Wrap(mux))
	defer ann.leave()
	fmt.Println(ann.post("/buy", nil))
	fmt.Println(ann.post("/login", url.Values{"user": {"ann"}, "password": {"please"}}))
	fmt.Println(ann.post("/login", url.Values{"user": {"ann"}, "password": {"open sesame"}}))
	fmt.Println(ann.post("/logout", nil))
	// Output:
	// nobody, with 1 in the cart
	// wrong password
	// ann, with 1 in the cart
	// nobody, with 0 in the cart
}

// A flash message outlives a redirect, and no more than that.
func ExampleSession_Flash() {
	sessions, err := scarab.New(scarab.Stored(memstore.New()), scarab.Config{})
	if err != nil {
		log.Fatal(err)
	}
	mux := http.NewServeMux()
	mux.Handle("POST /save", sessions.HandlerFunc(func(w http.ResponseWriter, r *http.Request, s *scarab.Session) error {
		s.Flash("Saved.")
		http.Redirect(w, r, "/list", http.StatusSeeOther)
		return nil
	}))
	mux.Handle("GET /list", sessions.HandlerFunc(func(w http.ResponseWriter, r *http.Request, s *scarab.Session) error {
		_, err := fmt.Fprintf(w, "messages: %q", s.PopFlash())
		return err
	}))

	ann := visitor(sessions.Wrap(mux))
	defer ann.leave()
	fmt.Println(ann.post("/save", nil)) // follows the redirect
	fmt.Println(ann.get("/list"))       // a reload
	// Output:
	// messages: ["Saved."]
	// messages: []
}

// Queues have names and types: a message can be more than text.
func ExampleQueue() {
	type notice struct{ Level, Text string }
	const notices = scarab.Queue[notice]("notices")

	sessions, err := scarab.New(scarab.Stored(memstore.New()), scarab.Config{})
	if err != nil {
		log.Fatal(err)
	}
	mux := http.NewServeMux()
	mux.Handle("POST /import", sessions.HandlerFunc(func(w http.ResponseWriter, r *http.Request, s *scarab.Session) error {
		notices.Push(s, notice{"info", "12 rows imported"})
		notices.PushUnique(s, notice{"warning", "a row was empty"})
		notices.PushUnique(s, notice{"warning", "a row was empty"})
		http.Redirect(w, r, "/", http.StatusSeeOther)
		return nil
	}))
	mux.Handle("GET /{$}", sessions.HandlerFunc(func(w http.ResponseWriter, r *http.Request, s *scarab.Session) error {
		for _, n := range notices.Pop(s) {
			fmt.Fprintf(w, "%s: %s\n", n.Level, n.Text)
		}
		return nil
	}))

	ann := visitor(sessions.Wrap(mux))
	defer ann.leave()
	fmt.Println(ann.post("/import", nil))
	// Output:
	// info: 12 rows imported
	// warning: a row was empty
}

// A form carries a token; what another site's page sends has none, and is
// refused before the handler runs.
func Example_form() {
	sessions, err := scarab.New(scarab.Stored(memstore.New()), scarab.Config{})
	if err != nil {
		log.Fatal(err)
	}
	protection, err := csrf.New(csrf.Config{})
	if err != nil {
		log.Fatal(err)
	}
	page := template.Must(template.New("page").Funcs(template.FuncMap{"csrf": csrf.Field}).
		Parse(`<form method="post">{{csrf .Context}}<input name="name" value="{{.Name}}"></form>`))

	mux := http.NewServeMux()
	mux.Handle("GET /", sessions.HandlerFunc(func(w http.ResponseWriter, r *http.Request, s *scarab.Session) error {
		return page.Execute(w, map[string]any{"Context": r.Context(), "Name": s.SetDefault("name", "nobody")})
	}))
	mux.Handle("POST /", sessions.HandlerFunc(func(w http.ResponseWriter, r *http.Request, s *scarab.Session) error {
		s.Set("name", r.FormValue("name"))
		_, err := fmt.Fprintf(w, "hello %s", s.Get("name"))
		return err
	}))

	ann := visitor(sessions.Wrap(protection.Wrap(mux)))
	defer ann.leave()
	form := ann.get("/")
	token := regexp.MustCompile(`name="csrf_token" value="([^"]+)"`).FindStringSubmatch(form)[1]
	fmt.Println(ann.post("/", url.Values{"name": {"ann"}, "csrf_token": {token}}))

	ann.site = "https://evil.example"
	refused, _, _ := strings.Cut(ann.post("/", url.Values{"name": {"mallory"}}), ":")
	fmt.Println(refused)
	// Output:
	// hello ann
	// Forbidden
}

// A caller is a browser on a server of its own.
type caller struct {
	client  *http.Client
	address string
	site    string // whose page the browser shows
	leave   func()
}

func visitor(h http.Handler) *caller {
	server := httptest.NewTLSServer(h)
	client := server.Client()
	client.Jar, _ = cookiejar.New(nil)
	return &caller{client, server.URL, server.URL, server.Close}
}

func (v *caller) get(path string) string { return v.do("GET", path, nil) }

// post sends a form, and follows the redirect.
func (v *caller) post(path string, form url.Values) string { return v.do("POST", path, form) }

func (v *caller) do(method, path string, form url.Values) string {
	r, err := http.NewRequest(method, v.address+path, strings.NewReader(form.Encode()))
	if err != nil {
		return err.Error()
	}
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	r.Header.Set("Origin", v.site)
	res, err := v.client.Do(r)
	if err != nil {
		return err.Error()
	}
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	if err != nil {
		return err.Error()
	}
	return strings.TrimSpace(string(body))
}
