package cookiecodec_test

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"

	"github.com/scarab-go/scarab"
	"github.com/scarab-go/scarab/cookiecodec"
	"github.com/scarab-go/scarab/memstore"
)

// A site counts visits, on a socket, and notes its events.
type site struct {
	*httptest.Server
	client *http.Client

	mu     sync.Mutex
	events []string
}

func newSite(t *testing.T, backend scarab.Backend) *site {
	t.Helper()
	s := new(site)
	sessions, err := scarab.New(backend, scarab.Config{
		Insecure: true,
		OnEvent: func(_ context.Context, e scarab.Event) {
			s.mu.Lock()
			defer s.mu.Unlock()
			s.events = append(s.events, fmt.Sprint(e.Kind, ": ", e.Reason))
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	visits := scarab.Key[int]("visits")
	s.Server = httptest.NewServer(sessions.Wrap(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		session, err := scarab.From(r.Context())
		if err != nil {
			http.Error(w, err.Error(), http.StatusServiceUnavailable)
			return
		}
		visits.Update(session, func(n int) int { return n + 1 })
		fmt.Fprint(w, visits.Get(session))
	})))
	t.Cleanup(s.Close)
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	s.client = s.Client()
	s.client.Jar = jar
	return s
}

func (s *site) visit(t *testing.T, want string) {
	t.Helper()
	answer, err := s.client.Get(s.URL)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	if body, err := io.ReadAll(answer.Body); err != nil || string(body) != want || answer.StatusCode != 200 {
		t.Errorf("%s, %q, %v, want %q", answer.Status, body, err, want)
	}
}

func (s *site) noted(event string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return strings.Contains(strings.Join(s.events, "\n"), event)
}

func TestFactory_InCookie(t *testing.T) {
	older, newer := newKey(), newKey()
	signed, err := cookiecodec.NewSigned(cookiecodec.SignedConfig{SecretText: []string{"a secret for tests"}})
	if err != nil {
		t.Fatal(err)
	}
	keyring, err := cookiecodec.NewKeyring(newer, older)
	if err != nil {
		t.Fatal(err)
	}
	sealed, err := cookiecodec.NewSealed(keyring)
	if err != nil {
		t.Fatal(err)
	}
	for name, codec := range map[string]scarab.Codec{"signed": signed, "sealed": sealed} {
		t.Run(name, func(t *testing.T) {
			s := newSite(t, scarab.InCookie(codec))
			for n := 1; n <= 3; n++ {
				s.visit(t, fmt.Sprint(n))
			}
			// A forged cookie is a new session and an event.
			r, err := http.NewRequestWithContext(t.Context(), "GET", s.URL, nil)
			if err != nil {
				t.Fatal(err)
			}
			cookies := s.client.Jar.Cookies(r.URL)
			if len(cookies) != 1 {
				t.Fatalf("cookies: %v", cookies)
			}
			cookies[0].Value = "B" + cookies[0].Value[1:]
			s.client.Jar.SetCookies(r.URL, cookies)
			s.visit(t, "1")
			if !s.noted("session_rejected") {
				t.Errorf("no event of the forged cookie in %q", s.events)
			}
		})
	}
}

// A record that does not open is a new session for its browser, and an event for
// the operator; and it stays.
func TestFactory_SealStoreWithoutTheKey(t *testing.T) {
	database := memstore.New()
	sealed := func(key cookiecodec.Key) scarab.Backend {
		keyring, err := cookiecodec.NewKeyring(key)
		if err != nil {
			t.Fatal(err)
		}
		store, err := cookiecodec.SealStore(database, keyring)
		if err != nil {
			t.Fatal(err)
		}
		return scarab.Stored(store)
	}
	lost, fresh := newSite(t, sealed(newKey())), newSite(t, sealed(newKey()))
	lost.visit(t, "1")
	lost.visit(t, "2")

	from, err := http.NewRequestWithContext(t.Context(), "GET", lost.URL, nil)
	if err != nil {
		t.Fatal(err)
	}
	to, err := http.NewRequestWithContext(t.Context(), "GET", fresh.URL, nil)
	if err != nil {
		t.Fatal(err)
	}
	fresh.client.Jar.SetCookies(to.URL, lost.client.Jar.Cookies(from.URL))
	fresh.visit(t, "1")
	if want := "session_rejected: sealed under a key that is not in the keyring"; !fresh.noted(want) {
		t.Errorf("no %q in %q", want, fresh.events)
	}
	records := 0
	for _, err := range database.Scan(t.Context()) {
		if err != nil {
			t.Error(err)
		}
		records++
	}
	if records != 2 {
		t.Errorf("%d records, want the lost one and the new one", records)
	}
}
