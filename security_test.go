package scarab_test

import (
	"bytes"
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/scarab-go/scarab"
	"github.com/scarab-go/scarab/scarabtest"
)

// Tokens are new for every session, renewal and login, and every bit of them
// varies.
func TestToken_fresh(t *testing.T) {
	site := newSite(t, scarab.Config{})
	always, never := bytes.Repeat([]byte{0xff}, 48), make([]byte, 48)
	seen := map[string]bool{}
	check := func(b *browser) {
		raw, err := base64.RawURLEncoding.DecodeString(b.token())
		if err != nil || len(raw) != 48 {
			t.Fatalf("the token %q is no 48 bytes: %v", b.token(), err)
		}
		if secret := string(raw[16:]); seen[secret] {
			t.Fatal("a secret that was there before")
		} else {
			seen[secret] = true
		}
		for i, c := range raw {
			always[i] &= c
			never[i] |= c
		}
	}
	for range 64 {
		b := site.browser()
		for _, f := range []func(*scarab.Session){
			func(s *scarab.Session) { s.Set("a", 1) },
			(*scarab.Session).Renew,
			func(s *scarab.Session) { s.Login("ann") },
			func(s *scarab.Session) { s.Invalidate(); s.Set("a", 1) },
		} {
			b.visit(f)
			check(b)
		}
	}
	for i := range always {
		if always[i] != 0 || never[i] != 0xff {
			t.Errorf("byte %d: bits that are always set %08b, never set %08b", i, always[i], ^never[i])
		}
	}
}

// No event, log line, error, body or header but Set-Cookie has a token, its
// secret or a value of the session, whatever happens.
func TestEvents_noToken(t *testing.T) {
	const value = "what the session holds"
	var site *site
	var log bytes.Buffer
	emit := scarab.LogEvents(slog.New(slog.NewTextHandler(&log, &slog.HandlerOptions{Level: slog.LevelDebug})))
	var secrets []string
	all := map[string]bool{} // the kinds of events there were
	look := func(b *browser, a answer, err error) {
		t.Helper()
		if token := b.token(); token != "" {
			secrets = append(secrets, token, token[22:]) // the handle, which is public, has the first 21 characters and a bit
		}
		said := fmt.Sprintf("%v %s %v", err, a.body, a.failures)
		for name, values := range a.header {
			if name != "Set-Cookie" {
				said += fmt.Sprint(name, values)
			}
		}
		for _, e := range a.events {
			all[string(e.Kind)] = true
			emit(context.Background(), e)
			said += fmt.Sprintf(" %+v", e)
		}
		said += log.String()
		for _, secret := range append(secrets, value) {
			if strings.Contains(said, secret) {
				t.Fatalf("%q is in\n%s", secret, said)
			}
		}
	}
	for name, start := range map[string]func(){
		"stored": func() { site = newSite(t, scarab.Config{}) },
		"cookies": func() {
			site = newCookieSite(t, scarab.Config{}, scarab.DenyList(newMemstore(t)))
		},
		"fallback": func() {
			old := scarab.Fallback{Backend: scarab.InCookie(signedCodec(t)), CookieName: "old"}
			site = newSite(t, scarab.Config{Fallbacks: []scarab.Fallback{old}})
		},
	} {
		t.Run(name, func(t *testing.T) {
			start()
			b := site.browser()
			if name == "fallback" {
				old := newCookieSite(t, scarab.Config{Cookie: scarab.Cookie{Name: "old"}}).browser()
				old.visit(func(s *scarab.Session) { s.Set("value", value) })
				b.cookies["old"] = old.token()
				secrets = append(secrets, old.token())
			}
			visit := func(f func(*scarab.Session), edits ...func(*http.Request)) {
				t.Helper()
				a, err := b.try(opened(t, f), edits...)
				look(b, a, err)
			}
			visit(func(s *scarab.Session) { s.Set("value", value); s.Flash(value) })
			visit((*scarab.Session).Renew)
			visit(func(s *scarab.Session) { s.Login("ann"); secrets = append(secrets, s.CSRFToken()) })
			visit(func(s *scarab.Session) {
				for range 101 {
					s.Flash(value)
				}
			})
			token := b.token()
			for _, cookie := range []string{token[:40], token + token, token[:len(token)-4] + "AAAA", strings.Repeat(token, 70)} {
				visit(func(*scarab.Session) {}, header("Cookie", site.name+"="+cookie))
			}
			visit(func(*scarab.Session) {}, header("Cookie", site.name+"="+token+"; "+site.name+"=x; "+site.name+"=y; "+site.name+"=z"))
			visit(func(s *scarab.Session) { s.Set("value", make(chan string)) })
			visit(func(s *scarab.Session) { s.Set("value", strings.Repeat(value, 1<<20/len(value))) })
			visit(func(s *scarab.Session) { scarab.Queue[string]("q").Push(s, value); s.Set("_f_q", value); s.Login("") })
			stale := b.clone()
			visit((*scarab.Session).Renew)
			a, err := stale.try(opened(t, func(s *scarab.Session) { s.Set("value", value) }))
			look(stale, a, err)
			a, err = b.try(func(w http.ResponseWriter, r *http.Request) {
				w.WriteHeader(http.StatusOK)
				s, _ := scarab.From(r.Context())
				s.Login("bob")
			})
			look(b, a, err)
			if site.store != nil {
				for _, m := range []scarabtest.Method{scarabtest.LoadTouch, scarabtest.Save} {
					site.store.On(m, 0, scarabtest.Refuse)
					a, err = b.try(func(w http.ResponseWriter, r *http.Request) {
						s, err := scarab.From(r.Context())
						if err != nil {
							http.Error(w, err.Error(), http.StatusServiceUnavailable)
							return
						}
						s.Set("other", value)
					})
					look(b, a, err)
					site.store.Heal()
				}
				visit(func(s *scarab.Session) {
					_ = site.factory.Revoke(context.Background(), s.Handle())
					s.Set("value", value)
				})
			}
			visit(func(s *scarab.Session) { s.Set("value", value) })
			visit((*scarab.Session).Invalidate)
			visit(func(s *scarab.Session) { s.Set("value", value) })
			site.clock.Advance(25 * time.Hour)
			visit(func(*scarab.Session) {})
			a, err = b.try(site.factory.HandlerFunc(func(http.ResponseWriter, *http.Request, *scarab.Session) error {
				return errors.New("of the application")
			}).ServeHTTP)
			look(b, a, err)
		})
	}
	for _, kind := range []scarab.EventKind{
		scarab.EventCreated, scarab.EventRenewed, scarab.EventLogin, scarab.EventInvalidated, scarab.EventRevoked, scarab.EventExpired, scarab.EventRejected,
		scarab.EventSuperseded, scarab.EventAdopted, scarab.EventEnded, scarab.EventFailed, scarab.EventDropped, scarab.EventHeaderSent,
	} {
		if !all[string(kind)] {
			t.Errorf("there was no %s: this test did not look at it", kind)
		}
	}
	if log.Len() == 0 {
		t.Error("nothing was logged")
	}
}
