package scarabtest

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/scarab-go/scarab"
)

func TestBackend_keeps(t *testing.T) {
	TestBackend(t, func(t *testing.T) scarab.Backend { return newBrokenBackend("") }, BackendOptions{})
}

// A cookie backend passes as what it is.
func TestBackend_lacks(t *testing.T) {
	TestBackend(t, func(t *testing.T) scarab.Backend { return newBrokenBackend("the version is not looked at") }, BackendOptions{LastWins: true})
	TestBackend(t, func(t *testing.T) scarab.Backend { return newBrokenBackend("an old value goes on working") }, BackendOptions{CannotEnd: true})
	TestBackend(t, func(t *testing.T) scarab.Backend { return newBrokenBackend("Delete goes by the secret") }, BackendOptions{NewKeyOnRenew: true})
}

// backendBugs are mistakes that backends make, with the clause that catches
// each.
var backendBugs = []struct{ clause, bug string }{
	{"create", "the principal is not kept"},
	{"create", "values come in alphabetical order"},
	{"create", "empty keys are dropped"},
	{"create-apart", "one session for all"},
	{"completes", "st is not completed"},
	{"completes", "the handle is not completed"},
	{"load-garbage", "a malformed value is a failure"},
	{"load-garbage", "the secret is not looked at"},
	{"load-idle", "Touch does nothing"},
	{"load-deadline", "the deadline is not kept"},
	{"save", "Save adds and never removes"},
	{"save-stale", "the version is not looked at"},
	{"save-stale", "a conflict carries nothing"},
	{"save-stale", "a conflict carries what was to be saved"},
	{"save-race", "Save in two steps"},
	{"save-gone", "Save creates"},
	{"renew", "Renew is a Save"},
	{"renew", "an old value goes on working"},
	{"renew-twice", "a second Renew renews"},
	{"renew-twice", "a login takes over a renewal"},
	{"superseded", "superseded for ever"},
	{"touch", "Touch does nothing"},
	{"touch-merges", "Touch saves everything"},
	{"delete", "Delete does nothing"},
	{"delete", "Delete of nothing fails"},
	{"delete-beats-renew", "Delete goes by the secret"},
	{"context", "an ended context is no session"},
	{"context", "a commit with an ended context is a conflict"},
	{"concurrent", "calls are mixed up"},
}

func TestBackend_catches(t *testing.T) {
	opts := BackendOptions{}.withDefaults()
	caught := make(map[string]bool)
	for _, b := range backendBugs {
		t.Run(b.bug, func(t *testing.T) {
			i := slices.IndexFunc(backendClauses, func(c backendClause) bool { return c.name == b.clause })
			if i < 0 {
				t.Fatalf("no clause %s", b.clause)
			}
			if err := backendClauses[i].run(t.Context(), 2*time.Second, newBackendSubject(newBrokenBackend(b.bug), opts)); err == nil {
				t.Errorf("%s does not see it", b.clause)
			} else {
				t.Log(err)
			}
		})
		caught[b.clause] = true
	}
	for _, c := range backendClauses {
		if !caught[c.name] {
			t.Errorf("no bug is named that clause %s catches", c.name)
		}
	}
}

// What the clauses quote is in the documentation, word for word.
func TestBackend_quotes(t *testing.T) {
	contract := comments(t, "../backend.go")
	for _, c := range backendClauses {
		if !strings.Contains(contract, c.clause) {
			t.Errorf("%s quotes what backend.go does not say: %s", c.name, c.clause)
		}
	}
}
