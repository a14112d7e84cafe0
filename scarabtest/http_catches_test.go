package scarabtest

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/scarab-go/scarab"
)

// A backend of one's own passes as the built-in ones do.
func TestHTTP_ownBackend(t *testing.T) {
	TestHTTP(t, func(t *testing.T) scarab.Backend { return newBrokenBackend("") }, BackendOptions{})
}

func backend(bug string) scarab.Backend { return newBrokenBackend(bug) }
func store(bug string) scarab.Backend   { return scarab.Stored(newBrokenStore(bug)) }

// httpBugs are mistakes of backends and of stores that a browser comes to feel,
// with the scenario that shows each.
var httpBugs = []struct {
	scenario string
	with     func(bug string) scarab.Backend
	bug      string
}{
	{"values", backend, "values come in alphabetical order"},
	{"values", backend, "empty keys are dropped"},
	{"values", store, "data ends at a zero byte"},
	{"changes", backend, "Save adds and never removes"},
	{"cookie", backend, "a value that no cookie can hold"},
	{"flash", backend, "Save does nothing"},
	{"idle", backend, "Touch does nothing"},
	{"lifetime", backend, "the deadline is not kept"},
	{"timeouts", backend, "the idle timeout is not kept"},
	{"persistent", backend, "Save returns no value"},
	{"login", backend, "the principal is not kept"},
	{"login-ends-old", backend, "an old value goes on working"},
	{"renew", backend, "Renew is a Save"},
	{"invalidate", backend, "one session for all"},
	{"invalidate-ends", backend, "Delete does nothing"},
	{"forged", backend, "the secret is not looked at"},
	{"forged", backend, "a malformed value is a failure"},
	{"ambiguous", backend, "one session for all"},
	{"too-large", store, "data is cut at 32 KiB"},
	{"parallel", backend, "the version is not looked at"},
	{"parallel", store, "Save ignores the version"},
	{"parallel", store, "Save in two steps"},
	{"flash-overlap", backend, "the version is not looked at"},
	{"once", store, "Save ignores the version"},
	{"logout-stays", store, "Save brings back"},
	{"logout-stays", backend, "Save creates"},
	{"logout-beats-renewal", backend, "Delete goes by the secret"},
	{"superseded", backend, "superseded is unknown"},
	{"two-logins", backend, "the version is not looked at"},
}

func TestHTTP_catches(t *testing.T) {
	opts := BackendOptions{}.withDefaults()
	caught := make(map[string]bool)
	for _, b := range httpBugs {
		t.Run(b.bug, func(t *testing.T) {
			i := slices.IndexFunc(httpScenarios, func(c httpScenario) bool { return c.name == b.scenario })
			if i < 0 {
				t.Fatalf("no scenario %s", b.scenario)
			}
			s, err := newScene(t, b.with(b.bug), opts)
			if err != nil {
				t.Fatal(err)
			}
			if err := httpScenarios[i].run(t.Context(), 5*time.Second, s); err == nil {
				t.Errorf("%s does not show it", b.scenario)
			} else {
				t.Log(err)
			}
		})
		caught[b.scenario] = true
	}
	for _, c := range httpScenarios {
		if !caught[c.name] {
			t.Errorf("no bug is named that scenario %s shows", c.name)
		}
	}
}

// What the scenarios quote is in the documentation of the root, word for word.
func TestHTTP_quotes(t *testing.T) {
	var docs []string
	for _, file := range []string{"account.go", "config.go", "doc.go", "events.go", "flash.go", "key.go", "session.go", "store.go"} {
		docs = append(docs, comments(t, "../"+file))
	}
	for _, c := range httpScenarios {
		if !strings.Contains(strings.Join(docs, "\n"), c.clause) {
			t.Errorf("%s quotes what the documentation does not say: %s", c.name, c.clause)
		}
	}
}
