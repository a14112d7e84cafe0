package pyramid

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/url"
	"path/filepath"
	"sort"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/bradfitz/gomemcache/memcache"
	"github.com/scarab-go/scarab"
	scarabcsrf "github.com/scarab-go/scarab/csrf"
	"github.com/scarab-go/scarab/internal/testserver"
	"github.com/scarab-go/scarab/pyramid/internal/peer"
)

const interopApp = "testdata/generate/interop_app.py"

// goApp is a Go application with the same pages as the peer, on a real socket.
func goApp(t testing.TB, b scarab.Backend, csrf CSRFConfig, change ...func(*scarab.Config)) string {
	t.Helper()
	cfg := scarab.Config{
		Insecure: true, Cookie: scarab.Cookie{Name: "session"}, IdleTimeout: 20 * time.Minute, TouchInterval: 1,
		OnError: func(w http.ResponseWriter, r *http.Request, err error) {
			t.Errorf("%s: %v", r.URL, err)
			scarab.DefaultOnError(w, r, err)
		},
	}
	for _, f := range change {
		f(&cfg)
	}
	f, err := scarab.New(b, cfg)
	if err != nil {
		t.Fatal(err)
	}
	mux := http.NewServeMux()
	page := func(pattern string, h func(s *scarab.Session, w http.ResponseWriter, r *http.Request) any) {
		mux.Handle(pattern, f.HandlerFunc(func(w http.ResponseWriter, r *http.Request, s *scarab.Session) error {
			answer := h(s, w, r)
			w.Header().Set("Content-Type", "application/json")
			return json.NewEncoder(w).Encode(answer)
		}))
	}
	messages := func(list []any) any { return map[string]any{"messages": append([]any{}, list...)} }
	page("GET /get", func(s *scarab.Session, _ http.ResponseWriter, r *http.Request) any {
		key := scarab.Key[json.RawMessage](r.FormValue("k"))
		raw, err := key.Lookup(s)
		return map[string]any{"found": err == nil, "v": raw}
	})
	page("POST /set", func(s *scarab.Session, _ http.ResponseWriter, r *http.Request) any {
		s.Set(r.FormValue("k"), json.RawMessage(r.FormValue("v")))
		return "ok"
	})
	page("POST /flash", func(s *scarab.Session, _ http.ResponseWriter, r *http.Request) any {
		scarab.Queue[any](r.FormValue("queue")).Push(s, r.FormValue("m"))
		return "ok"
	})
	page("GET /pop", func(s *scarab.Session, _ http.ResponseWriter, r *http.Request) any {
		return messages(scarab.Queue[any](r.FormValue("queue")).Pop(s))
	})
	page("GET /csrf", func(s *scarab.Session, w http.ResponseWriter, r *http.Request) any {
		if csrf.Cookie != nil {
			return map[string]string{"token": csrf.Cookie.Token(w, r)}
		}
		return map[string]string{"token": s.CSRFToken()}
	})
	page("POST /invalidate", func(s *scarab.Session, _ http.ResponseWriter, r *http.Request) any {
		s.Invalidate()
		return "ok"
	})
	page("POST /login", func(s *scarab.Session, _ http.ResponseWriter, r *http.Request) any {
		s.Login(r.FormValue("name"))
		return "ok"
	})
	page("GET /principal", func(s *scarab.Session, _ http.ResponseWriter, r *http.Request) any { return s.Principal() })
	page("GET /keys", func(s *scarab.Session, _ http.ResponseWriter, r *http.Request) any {
		keys := []string{}
		for key := range s.Keys() {
			keys = append(keys, key)
		}
		return keys
	})
	mux.Handle("POST /protected", RequireCSRF(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		io.WriteString(w, `{"ok": true, "protected": true}`)
	}), csrf))
	// As Go applications usually are: package csrf takes Pyramid's tokens too.
	protection, err := scarabcsrf.New(scarabcsrf.Config{Insecure: true})
	if err != nil {
		t.Fatal(err)
	}
	mux.Handle("POST /checked", protection.Require(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		io.WriteString(w, `{"ok": true}`)
	})))
	server := httptest.NewServer(f.Wrap(mux))
	t.Cleanup(server.Close)
	return server.URL
}

// A visitor is one browser in front of both applications. They have one host,
// so they share its cookies.
type visitor struct {
	t      testing.TB
	client *http.Client
}

func newVisitor(t testing.TB) *visitor {
	t.Helper()
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	return &visitor{t, &http.Client{Jar: jar, Timeout: 20 * time.Second}}
}

// get and post return the answer's JSON; the status has to be 200.
func (v *visitor) get(url string) string {
	v.t.Helper()
	return v.answer(v.client.Get(url))
}

func (v *visitor) post(url string, form url.Values) string {
	v.t.Helper()
	return v.answer(v.client.PostForm(url, form))
}

func (v *visitor) answer(resp *http.Response, err error) string {
	v.t.Helper()
	if err != nil {
		v.t.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil || resp.StatusCode != 200 {
		v.t.Fatalf("%s %s: status %d, %v\n%s", resp.Request.Method, resp.Request.URL, resp.StatusCode, err, body)
	}
	return strings.TrimSpace(string(body))
}

func (v *visitor) status(url string, form url.Values) int {
	v.t.Helper()
	resp, err := v.client.PostForm(url, form)
	if err != nil {
		v.t.Fatal(err)
	}
	resp.Body.Close()
	return resp.StatusCode
}

func (v *visitor) token(base string) string {
	v.t.Helper()
	var answer struct{ Token string }
	if err := json.Unmarshal([]byte(v.get(base+"/csrf")), &answer); err != nil || len(answer.Token) < 32 {
		v.t.Fatalf("token %q, %v", answer.Token, err)
	}
	return answer.Token
}

// wants compares the JSON of an answer.
func (v *visitor) wants(what, got, want string) {
	v.t.Helper()
	if !sameJSON(v.t, []byte(got), []byte(want)) {
		v.t.Errorf("%s: got %s, want %s", what, got, want)
	}
}

func form(pairs ...string) url.Values {
	values := url.Values{}
	for i := 0; i < len(pairs); i += 2 {
		values.Set(pairs[i], pairs[i+1])
	}
	return values
}

// An interop is one way in which Debian's packages can keep sessions.
type interop struct {
	name    string
	modules map[string]string // and their packages
	json    bool              // no tuples, bytes and sets
	undone  bool              // an invalidate of Python's alone is undone
	setup   func(t testing.TB) (args []string, backend scarab.Backend, err error)
}

const interopSecret = "interop secret, long enough for sha512 ....................64"

func interops() []interop {
	secrets := []string{interopSecret}
	args := func(list ...string) []string { return list }
	naclKey := make([]byte, 32)
	for i := range naclKey {
		naclKey[i] = byte(i)
	}
	beaker := map[string]string{"beaker": "python3-beaker"}
	crypto := map[string]string{"beaker": "python3-beaker", "cryptography": "python3-cryptography"}
	config := BeakerConfig{Secrets: secrets, Legacy: true, Timeout: 20 * time.Minute}
	encrypted := config
	encrypted.EncryptKey, encrypted.ValidateKey, encrypted.Crypto = "encrypt", "validate", BeakerGCM
	encryptedArgs := args("--beaker-encrypt-key", "encrypt", "--beaker-validate-key", "validate", "--beaker-crypto-type", "cryptography")
	return []interop{
		{name: "signed JSON", json: true, setup: func(testing.TB) ([]string, scarab.Backend, error) {
			b, err := SignedCookie(SignedConfig{Secrets: secrets})
			return args("--session", "signed-json"), b, err
		}},
		{name: "signed JSON, another salt and hash", json: true, setup: func(testing.TB) ([]string, scarab.Backend, error) {
			b, err := SignedCookie(SignedConfig{Secrets: []string{"秘密"}, Salt: "ünï.", Hash: "blake2b"})
			return args("--session", "signed-json", "--secret", "秘密", "--salt", "ünï.", "--hashalg", "blake2b"), b, err
		}},
		{name: "signed pickle", setup: func(testing.TB) ([]string, scarab.Backend, error) {
			b, err := SignedCookie(SignedConfig{Secrets: secrets, Serializer: Pickle})
			return args("--session", "signed-pickle"), b, err
		}},
		{name: "NaCl JSON", json: true, modules: map[string]string{"nacl": "python3-nacl"}, setup: func(testing.TB) ([]string, scarab.Backend, error) {
			b, err := NaCl(NaClConfig{Keys: [][]byte{naclKey}, Serializer: JSON})
			return args("--session", "nacl-json"), b, err
		}},
		{name: "NaCl pickle", modules: map[string]string{"nacl": "python3-nacl"}, setup: func(testing.TB) ([]string, scarab.Backend, error) {
			b, err := NaCl(NaClConfig{Keys: [][]byte{naclKey}})
			return args("--session", "nacl-pickle"), b, err
		}},
		{name: "Beaker files", modules: beaker, setup: func(t testing.TB) ([]string, scarab.Backend, error) {
			dir := t.TempDir()
			b, err := Beaker(BeakerFiles(dir), config)
			return args("--session", "beaker", "--beaker-type", "file", "--beaker-data-dir", dir), b, err
		}},
		{name: "Beaker files, encrypted", modules: crypto, setup: func(t testing.TB) ([]string, scarab.Backend, error) {
			dir := t.TempDir()
			b, err := Beaker(BeakerFiles(dir), encrypted)
			return append(args("--session", "beaker", "--beaker-type", "file", "--beaker-data-dir", dir), encryptedArgs...), b, err
		}},
		{name: "Beaker on Redis", modules: map[string]string{"beaker": "python3-beaker", "redis": "python3-redis"}, setup: func(t testing.TB) ([]string, scarab.Backend, error) {
			client, redisURL := redisClient(t)
			b, err := Beaker(BeakerRedis(client), config)
			return args("--session", "beaker", "--beaker-type", "ext:redis", "--beaker-url", redisURL, "--beaker-data-dir", t.TempDir()), b, err
		}},
		{name: "Beaker on memcached", modules: map[string]string{"beaker": "python3-beaker", "memcache": "python3-memcache"}, setup: func(t testing.TB) ([]string, scarab.Backend, error) {
			addr := testserver.Memcached(t).Addr
			b, err := Beaker(BeakerMemcached(memcache.New(addr)), config)
			return args("--session", "beaker", "--beaker-type", "ext:memcached", "--beaker-url", addr, "--beaker-data-dir", t.TempDir()), b, err
		}},
		{name: "Beaker on SQLite", modules: map[string]string{"beaker": "python3-beaker", "sqlalchemy": "python3-sqlalchemy"}, setup: func(t testing.TB) ([]string, scarab.Backend, error) {
			db, name := sqliteFile(t)
			if _, err := db.Exec(beakerTable); err != nil {
				return nil, nil, err
			}
			b, err := Beaker(BeakerSQL(db, BeakerTable{}), config)
			return args("--session", "beaker", "--beaker-type", "ext:database", "--beaker-url", "sqlite:///"+name, "--beaker-data-dir", filepath.Dir(name)), b, err
		}},
		{name: "Beaker cookie", modules: beaker, undone: true, setup: func(t testing.TB) ([]string, scarab.Backend, error) {
			b, err := BeakerCookie(BeakerConfig{ValidateKey: "validate", Timeout: 20 * time.Minute})
			return args("--session", "beaker", "--beaker-type", "cookie", "--beaker-validate-key", "validate"), b, err
		}},
		{name: "Beaker cookie, JSON, encrypted", json: true, undone: true, modules: crypto, setup: func(t testing.TB) ([]string, scarab.Backend, error) {
			c := encrypted
			c.Serializer = JSON
			b, err := BeakerCookie(c)
			return append(args("--session", "beaker", "--beaker-type", "cookie", "--beaker-serializer", "json"), encryptedArgs...), b, err
		}},
	}
}

// A real Pyramid application and a Go application share one visitor's session,
// in every format that Debian's packages can keep.
func TestInterop(t *testing.T) {
	for _, in := range interops() {
		t.Run(in.name, func(t *testing.T) {
			t.Parallel()
			peer.Need(t, in.modules)
			args, backend, err := in.setup(t)
			if err != nil {
				t.Fatal(err)
			}
			py := peer.Start(t, interopApp, args...)
			app := goApp(t, backend, CSRFConfig{})
			t.Run("values", func(t *testing.T) { interopValues(newVisitor(t), app, py, in.json) })
			t.Run("flash", func(t *testing.T) { interopFlash(newVisitor(t), app, py) })
			t.Run("csrf", func(t *testing.T) { interopCSRF(newVisitor(t), app, py) })
			t.Run("end", func(t *testing.T) { interopEnd(newVisitor(t), app, py, in.undone) })
			t.Run("together", func(t *testing.T) { interopTogether(newVisitor(t), app, py) })
			t.Run("login", func(t *testing.T) { interopLogin(newVisitor(t), app, py) })
		})
	}
}

func interopValues(v *visitor, app, peer string, jsonOnly bool) {
	v.t.Helper()
	const cart = `{"n": 1, "list": [1, 2.5, null, true, "Zoë \u0000 🪲"], "deep": {"a": {"b": []}}}`
	v.post(app+"/set", form("k", "cart", "v", cart))
	v.wants("Python reads Go's", v.get(peer+"/get?k=cart"), `{"found": true, "v": `+cart+`}`)

	v.post(peer+"/set", form("k", "cart", "v", `{"n": 2, "f": 1.0}`))
	v.post(peer+"/set", form("k", "python", "v", `[1, "ß"]`))
	v.wants("Go reads Python's", v.get(app+"/get?k=cart"), `{"found": true, "v": {"n": 2, "f": 1.0}}`)
	v.wants("Go reads Python's", v.get(app+"/get?k=python"), `{"found": true, "v": [1, "ß"]}`)

	// What Go does not touch stays what it was in Python.
	exotic := `{"f": 1.0, "big": 123456789012345678901234567890, "small": -1e-07}`
	if !jsonOnly {
		exotic = `{"t": (1, ("a",)), "b": b"\x00\xff", "s": {1}, "f": 1.0, 7: "int key", "big": 123456789012345678901234567890}`
	}
	v.post(peer+"/setpy", form("k", "exotic", "v", exotic))
	typedOf := func() string {
		var dump struct{ Typed map[string]json.RawMessage }
		if err := json.Unmarshal([]byte(v.get(peer+"/dump")), &dump); err != nil {
			v.t.Fatal(err)
		}
		return string(dump.Typed["exotic"])
	}
	before := typedOf()
	v.post(app+"/set", form("k", "n", "v", `3`))
	v.wants("a value that Go did not touch", typedOf(), before)
	v.wants("Python reads Go's", v.get(peer+"/get?k=n"), `{"found": true, "v": 3}`)

	// And what Go did touch is what the notation says.
	if !jsonOnly {
		v.post(app+"/set", form("k", "exotic", "v", `{"$tuple": [1, {"$bytes": "AAH+/w=="}, {"$set": [1]}, {"$obj": "datetime.date", "repr": "datetime.date(2024, 2, 29)"}]}`))
		v.wants("Python's types from Go", typedOf(), `{"$tuple": [1, {"$bytes": "AAH+/w=="}, {"$set": [1]}, {"$obj": "datetime.date", "repr": "datetime.date(2024, 2, 29)"}]}`)
	}
	v.post(peer+"/delete", form("k", "n"))
	v.wants("deleted by Python", v.get(app+"/get?k=n"), `{"found": false, "v": null}`)
}

func interopFlash(v *visitor, app, peer string) {
	v.t.Helper()
	v.post(app+"/flash", form("m", "from Go"))
	v.post(peer+"/flash", form("m", "from Python"))
	v.post(app+"/flash", form("m", "an error", "queue", "errors"))
	v.wants("popped by Python", v.get(peer+"/pop?queue=errors"), `{"messages": ["an error"]}`)
	v.wants("popped by Go", v.get(app+"/pop"), `{"messages": ["from Go", "from Python"]}`)
	v.wants("popped again", v.get(peer+"/pop"), `{"messages": []}`)
	v.post(peer+"/flash", form("m", "second"))
	v.wants("popped by Go", v.get(app+"/pop"), `{"messages": ["second"]}`)
	v.post(app+"/flash", form("m", "third"))
	v.wants("popped by Python", v.get(peer+"/pop"), `{"messages": ["third"]}`)
}

func interopCSRF(v *visitor, app, peer string) {
	v.t.Helper()
	token := v.token(peer)
	if got := v.token(app); got != token {
		v.t.Errorf("Go's token is %s, Python's %s", got, token)
	}
	for _, base := range []string{app, peer} {
		v.wants("a post with the token", v.post(base+"/protected", form("csrf_token", token)), `{"ok": true, "protected": true}`)
		if status := v.status(base+"/protected", form("csrf_token", strings.Repeat("0", 40))); status != 400 {
			v.t.Errorf("a post with another token to %s: status %d", base, status)
		}
		if status := v.status(base+"/protected", nil); status != 400 {
			v.t.Errorf("a post without a token to %s: status %d", base, status)
		}
	}
	v.wants("a post that package csrf checks", v.post(app+"/checked", form("csrf_token", token)), `{"ok": true}`)
	v.post(peer+"/newcsrf", nil)
	if status := v.status(app+"/protected", form("csrf_token", token)); status != 400 {
		v.t.Errorf("a post with the token of before: status %d", status)
	}

	// And the other way round: a token that Go made.
	w := newVisitor(v.t)
	token = w.token(app)
	w.wants("a post to Python", w.post(peer+"/protected", form("csrf_token", token)), `{"ok": true, "protected": true}`)
}

func interopEnd(v *visitor, app, peer string, undone bool) {
	v.t.Helper()
	none := `{"found": false, "v": null}`
	v.post(app+"/set", form("k", "a", "v", `1`))
	v.wants("before", v.get(peer+"/get?k=a"), `{"found": true, "v": 1}`)
	v.post(app+"/invalidate", nil)
	v.wants("ended by Go, asked from Python", v.get(peer+"/get?k=a"), none)

	v.post(peer+"/set", form("k", "b", "v", `2`))
	v.wants("before", v.get(app+"/get?k=b"), `{"found": true, "v": 2}`)
	v.post(peer+"/invalidate", nil)
	if undone { // by Beaker itself: see BeakerCookie
		none = `{"found": true, "v": 2}`
	}
	v.wants("ended by Python, asked from Python", v.get(peer+"/get?k=b"), none)
	v.wants("ended by Python, asked from Go", v.get(app+"/get?k=b"), none)
}

// Both write at once. Python's writes are blind, so a change may get lost; but
// neither ever reads half of what the other wrote, or nothing.
func interopTogether(v *visitor, app, peer string) {
	v.t.Helper()
	v.post(peer+"/set", form("k", "kept", "v", `"always"`))
	var all sync.WaitGroup
	for i := range 4 {
		base := []string{app, peer}[i%2]
		all.Go(func() {
			for n := range 8 {
				resp, err := v.client.PostForm(base+"/set", form("k", fmt.Sprint("k", i), "v", fmt.Sprint(n)))
				if err == nil {
					resp.Body.Close()
					resp, err = v.client.Get(base + "/get?k=kept")
				}
				if err != nil {
					v.t.Error(err)
					return
				}
				body, err := io.ReadAll(resp.Body)
				resp.Body.Close()
				if err != nil || !strings.Contains(string(body), "always") {
					v.t.Errorf("%s: %d %s, %v", base, resp.StatusCode, body, err)
				}
			}
		})
	}
	all.Wait()
}

// A login in Go moves the session to another id where there is one, and Python
// follows with what the browser has.
func interopLogin(v *visitor, app, peer string) {
	v.t.Helper()
	v.post(peer+"/set", form("k", "cart", "v", `["tea"]`))
	v.post(app+"/login", form("name", "anna"))
	v.post(app+"/set", form("k", "user", "v", `"anna"`))
	v.wants("Python after a login in Go", v.get(peer+"/get?k=user"), `{"found": true, "v": "anna"}`)
	v.wants("the cart", v.get(peer+"/get?k=cart"), `{"found": true, "v": ["tea"]}`)
	v.post(peer+"/set", form("k", "cart", "v", `["tea", "milk"]`))
	v.wants("who is logged in, after a change by Python", v.get(app+"/principal"), `"anna"`)
	v.wants("the cart", v.get(app+"/get?k=cart"), `{"found": true, "v": ["tea", "milk"]}`)
}

// The largest session that Go keeps in a cookie is one that Python can keep,
// whose pickles are longer.
func TestInterop_largest(t *testing.T) {
	signed, err := SignedCookie(SignedConfig{Secrets: []string{interopSecret}, Serializer: Pickle})
	if err != nil {
		t.Fatal(err)
	}
	beaker, err := BeakerCookie(BeakerConfig{ValidateKey: "validate", Timeout: 20 * time.Minute})
	if err != nil {
		t.Fatal(err)
	}
	entries := []string{`"t": {"$tuple": [[], {}, {"$tuple": [1]}]}`}
	for i := range 80 {
		entries = append(entries, fmt.Sprintf(`"key%d": "%d"`, i, i))
	}
	for _, tt := range []struct {
		name    string
		backend scarab.Backend
		args    []string
	}{
		{"signed pickle", signed, []string{"--session", "signed-pickle"}},
		{"Beaker", beaker, []string{"--session", "beaker", "--beaker-type", "cookie", "--beaker-validate-key", "validate"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			peer.Need(t, map[string]string{"beaker": "python3-beaker"})
			py := peer.Start(t, interopApp, tt.args...)
			app := goApp(t, tt.backend, CSRFConfig{}, func(c *scarab.Config) { c.OnError = scarab.DefaultOnError })
			v := newVisitor(t)
			tooLarge := func(letters int) bool {
				v.client.Jar, _ = cookiejar.New(nil)
				return v.status(app+"/set", form("k", "all", "v", "{"+strings.Join(entries, ", ")+`, "x": "`+strings.Repeat("a", letters)+`"}`)) != 200
			}
			least := sort.Search(4096, tooLarge)
			if least < 500 || least > 3000 || tooLarge(least-1) {
				t.Fatalf("%d letters are too many", least)
			}
			v.get(py + "/dump")
			v.post(py+"/changed", nil)
		})
	}
}

// CookieCSRFStoragePolicy and SessionCSRFStoragePolicy: tokens of 32 digits, in
// a cookie of their own or in the session.
func TestInterop_policies(t *testing.T) {
	for policy, csrf := range map[string]CSRFConfig{"cookie": {Cookie: &CSRFCookie{}}, "session": {}} {
		t.Run(policy, func(t *testing.T) {
			backend, err := SignedCookie(SignedConfig{Secrets: []string{interopSecret}})
			if err != nil {
				t.Fatal(err)
			}
			py := peer.Start(t, interopApp, "--csrf", policy)
			app := goApp(t, backend, csrf)
			v := newVisitor(t)
			token := v.token(py)
			if got := v.token(app); got != token || len(token) != 32 {
				t.Errorf("Go's token is %s, Python's %s", got, token)
			}
			v.post(app+"/protected", form("csrf_token", token))
			w := newVisitor(t)
			w.post(py+"/protected", form("csrf_token", w.token(app)))
			if status := w.status(py+"/protected", form("csrf_token", token)); status != 400 {
				t.Errorf("another visitor's token: status %d", status)
			}
		})
	}
}

// What Go ended stays ended for Python too, where the session is in a store: a
// copied cookie opens nothing.
func TestInterop_replay(t *testing.T) {
	client, redisURL := redisClient(t)
	backend, err := Beaker(BeakerRedis(client), BeakerConfig{Secrets: []string{interopSecret}, Legacy: true})
	if err != nil {
		t.Fatal(err)
	}
	peer.Need(t, map[string]string{"beaker": "python3-beaker", "redis": "python3-redis"})
	py := peer.Start(t, interopApp, "--session", "beaker", "--beaker-type", "ext:redis", "--beaker-url", redisURL, "--beaker-data-dir", t.TempDir())
	app := goApp(t, backend, CSRFConfig{})
	v := newVisitor(t)
	v.post(py+"/set", form("k", "secret", "v", `1`))
	thief := newVisitor(t)
	base, err := url.Parse(app)
	if err != nil {
		t.Fatal(err)
	}
	thief.client.Jar.SetCookies(base, v.client.Jar.Cookies(base))
	thief.wants("a copied cookie", thief.get(py+"/get?k=secret"), `{"found": true, "v": 1}`)
	v.post(app+"/invalidate", nil)
	for _, base := range []string{app, py} {
		thief.wants("a copied cookie after the logout", thief.get(base+"/get?k=secret"), `{"found": false, "v": null}`)
	}
	v.post(py+"/set", form("k", "secret", "v", `2`))
	thief.client.Jar.SetCookies(base, v.client.Jar.Cookies(base))
	v.post(app+"/login", form("name", "anna"))
	v.wants("after a login", v.get(py+"/get?k=secret"), `{"found": true, "v": 2}`)
	thief.wants("a cookie from before a login", thief.get(py+"/get?k=secret"), `{"found": false, "v": null}`)
}
