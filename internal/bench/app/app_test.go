package app

import (
	"os"
	"testing"

	"github.com/scarab-go/scarab/internal/testserver"
)

func TestMain(m *testing.M) { os.Exit(testserver.Run(m)) }

// open opens the application with every server it needs, or skips.
func open(t *testing.T, l Library, s Sample) *App {
	t.Helper()
	o := Options{Sample: s, Dir: t.TempDir()}
	switch l.Place {
	case Redis:
		o.Redis = testserver.SharedRedis(t).Addr
	case Postgres:
		o.Postgres = testserver.SharedPostgres(t).DSN
	}
	a, err := l.Open(o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(a.Close)
	return a
}

// What is compared must do the work: a library that forgets is fast.
func TestEveryLibraryDoesTheWork(t *testing.T) {
	for _, l := range Libraries {
		if l.CSRF || l.Place == Nowhere {
			continue
		}
		for _, sample := range []Sample{S, L} {
			t.Run(l.Name+" "+sample.Name, func(t *testing.T) {
				a := open(t, l, sample)
				c := a.NewClient()
				do := func(op Op) string {
					t.Helper()
					if err := c.Do(op); err != nil {
						t.Fatal(err)
					}
					return string(c.Body())
				}
				if err := c.Do(Read); err == nil {
					t.Error("a browser without a session reads a value")
				}
				if sample.Name == "L" && (l.Name == "gorilla/signed" || l.Name == "gorilla/encrypted" || l.Name == "gin/signed") {
					if err := c.Do(Fill); err == nil {
						t.Error("L fits into a cookie of gorilla's: measure it then")
					}
					return
				}
				do(Fill)
				if c.Cookie() == "" {
					t.Fatal("no cookie")
				}
				do(Untouched)
				do(Read)
				do(Write)
				do(Write)
				if !a.Does(Tally) {
					return
				}
				do(Login)
				do(Read)
				if got := do(Tally); got != "3 0 1" {
					t.Errorf("counter, own keys and messages are %s after two writes, want 3 0 1", got)
				}
				do(Flash)
				if got, want := do(Messages), sample.Message+sample.Message; got != want {
					t.Errorf("messages are %q, want %q", got, want)
				}
				if got := do(Messages); got != "" && got != "ok" {
					t.Errorf("messages came twice: %q", got)
				}
				do(Visit)
				if got := do(Tally); got != "4 1 1" {
					t.Errorf("counter, own keys and messages are %s after a visit, want 4 1 1", got)
				}
			})
		}
	}
}

func TestEveryLibraryProtects(t *testing.T) {
	for _, l := range Libraries {
		if !l.CSRF {
			continue
		}
		t.Run(l.Name, func(t *testing.T) {
			c := open(t, l, S).NewClient()
			if err := c.Start(); err != nil {
				t.Fatal(err)
			}
			for _, op := range []Op{Form, Script} {
				if err := c.Do(op); err != nil {
					t.Error(err)
				}
			}
			c.requests[Form].Header["Sec-Fetch-Site"] = []string{"cross-site"}
			c.requests[Form].Header["Origin"] = []string{"https://example.net"}
			if err := c.Do(Form); err == nil {
				t.Error("a form of another site passes")
			}
			if l.Name == "net/http CrossOriginProtection" || l.Name == "scarab/csrf origin only" {
				return // without tokens
			}
			if c.requests[Script].Header["X-Csrf-Token"][0] = "AAAA"; c.Do(Script) == nil {
				t.Error("a wrong token passes")
			}
		})
	}
}

func TestSizes(t *testing.T) {
	if got := S.Size(); got != 234 {
		t.Errorf("S has %d bytes of JSON, want 234", got)
	}
	if got := L.Size(); got != 2484 {
		t.Errorf("L has %d bytes of JSON, want 2484", got)
	}
	for _, want := range []int{100, 234, 300, 1000, 10000, 1000000} {
		if got := Sized(want).Size(); got != want {
			t.Errorf("Sized(%d) has %d bytes", want, got)
		}
	}
}
