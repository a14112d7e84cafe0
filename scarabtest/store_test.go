package scarabtest

import (
	"context"
	"go/ast"
	"go/parser"
	"go/token"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/scarab-go/scarab"
)

func TestStore_keeps(t *testing.T) {
	TestStore(t, func(t *testing.T) scarab.Store { return newBrokenStore("") }, StoreOptions{})
}

// A store in a bubble, or of the past, passes as well.
func TestStore_anyTime(t *testing.T) {
	now := time.Date(2001, 2, 3, 4, 5, 6, 789, time.FixedZone("", 3600))
	TestStore(t, func(t *testing.T) scarab.Store { return newBrokenStore("") }, StoreOptions{Now: func() time.Time { return now }})
}

// bugs are mistakes that stores make, with the clause that catches each.
var bugs = []struct{ clause, bug string }{
	{"Store/load-absent", "an absent record is an empty one"},
	{"Store/load-expired", "nothing expires"},
	{"Store/load-expired", "expiry is off by one"},
	{"Store/load-never-expires", "a zero Expires is long ago"},
	{"Store/load-only-reads", "Load removes what has expired"},
	{"Store/load-only-reads", "Load touches"},
	{"Store/load-absent", "Load panics"},
	{"Store/load-absent", "Load hangs"},
	{"Store/fields", "the label is forgotten"},
	{"Store/times", "times are kept to the millisecond"},
	{"Store/times", "a zero time becomes 1970"},
	{"Store/time-zones", "time zones are dropped"},
	{"Store/idle", "idle is kept in minutes"},
	{"Store/data", "data ends at a zero byte"},
	{"Store/data", "data is cut at 32 KiB"},
	{"Store/data-handed-over", "one buffer for all"},
	{"Store/data-handed-over", "spare capacity"},
	{"Store/data-handed-over", "Save seals in place"},
	{"Store/handles", "handles are compared as text"},
	{"Store/handles", "handles lose trailing blanks"},
	{"Store/texts", "labels are trimmed"},
	{"Store/create-taken", "Create overwrites"},
	{"Store/create-deleted", "a handle is used once"},
	{"Store/create-race", "Create in two steps"},
	{"Store/save-next", "Save keeps the version"},
	{"Store/save-next", "Save patches the data"},
	{"Store/save-expiry", "Save never shortens"},
	{"Store/save-absent", "Save creates"},
	{"Store/save-deleted", "Save brings back"},
	{"Store/save-stale", "Save ignores the version"},
	{"Store/save-stale", "Save goes by the later version"},
	{"Store/save-stale", "Save of a stale version is silent"},
	{"Store/save-stale", "Save of a stale version says ErrConflict alone"},
	{"Store/save-stale", "a conflict carries what was to be saved"},
	{"Store/save-conflict-own", "a conflict gives the record away"},
	{"Store/save-race", "Save in two steps"},
	{"Store/concurrent", "Save mixes up calls"},
	{"Store/touch", "Touch moves backward"},
	{"Store/touch", "Touch passes the deadline"},
	{"Store/touch-chain", "Touch sets Seen only"},
	{"Store/touch-absent", "Touch creates"},
	{"Store/touch-absent", "Touch of nothing is fine"},
	{"Store/touch-expired", "Touch revives"},
	{"Store/touch-version", "Touch counts as a version"},
	{"Store/touch-race", "Touch in two steps"},
	{"Store/touch-race-forward", "Touch in two steps"},
	{"Store/delete", "Delete removes the first version only"},
	{"Store/delete-absent", "Delete of nothing fails"},
	{"Store/delete-race", "Touch in two steps"},
	{"Store/delete-race", "Save in two steps"},
	{"Store/context", "an ended context is no session"},

	{"LoadToucher/absent", "LoadTouch revives"},
	{"LoadToucher/touches", "LoadTouch returns what was"},
	{"LoadToucher/every", "LoadTouch always touches"},
	{"LoadToucher/every", "LoadTouch touches too soon"},
	{"LoadToucher/secret", "LoadTouch takes any secret"},
	{"LoadToucher/secret", "LoadTouch compares the start of the secret"},
	{"LoadToucher/version", "LoadTouch counts as a version"},
	{"LoadToucher/race", "LoadTouch in two steps"},
	{"LoadToucher/context", "LoadTouch: an ended context is no session"},

	{"PrincipalStore/list", "Principal lists ten at most"},
	{"PrincipalStore/list-changes", "Principal lists the untouched"},
	{"PrincipalStore/list-exact", "principals are compared without case"},
	{"PrincipalStore/list-break", "Principal holds the lock"},
	{"PrincipalStore/revoke", "RevokePrincipal spares later logins"},
	{"PrincipalStore/revoke", "RevokePrincipal miscounts"},
	{"PrincipalStore/revoke-keep", "RevokePrincipal keeps nothing"},
	{"PrincipalStore/revoke-keep", "a kept session is revoked too"},
	{"PrincipalStore/revoke-create-under-way", "Create ignores revocations"},
	{"PrincipalStore/revoke-create-under-way", "a login at the instant of the revocation passes"},
	{"PrincipalStore/revoke-save-under-way", "Save ignores revocations"},
	{"PrincipalStore/revoke-order", "the last revocation counts"},
	{"PrincipalStore/revoke-race", "Create looks for revocations first"},
	{"PrincipalStore/context", "Principal, cancelled, is empty"},

	{"Sweeper/stay-until-swept", "Create removes what has expired"},
	{"Sweeper/create-expired", "Create overwrites what has expired"},
	{"Sweeper/before", "Sweep ignores its argument"},
	{"Sweeper/limit", "Sweep ignores the limit"},
	{"Sweeper/after-touch", "Sweep goes by Created"},
	{"Sweeper/after-save", "Sweep goes by the first Expires"},
	{"Sweeper/touch-race", "Sweep in two steps"},
	{"Sweeper/context", "Sweep, cancelled, is a conflict"},

	{"Scanner/everything", "Scan leaves the data out"},
	{"Scanner/meanwhile", "Scan counts rows"},
	{"Scanner/break", "Scan needs its loop to end"},
	{"Scanner/context", "Scan, cancelled, has no session"},
	{"Scanner/context", "Scan, cancelled, is empty"},
}

// hanging are those that are noticed by the time they take.
var hanging = []string{"Load hangs", "Principal holds the lock", "Scan needs its loop to end"}

// Each bug is caught by the clause that is about it, and each clause catches
// a bug: one that cannot fail is no clause.
func TestStore_catches(t *testing.T) {
	caught := make(map[string]bool)
	for _, b := range bugs {
		t.Run(b.bug, func(t *testing.T) {
			t.Parallel()
			c, ok := clauseNamed(b.clause)
			if !ok {
				t.Fatalf("no clause %s", b.clause)
			}
			timeout := 5 * time.Second
			if slices.Contains(hanging, b.bug) {
				timeout = 100 * time.Millisecond
			}
			if err := c.run(t.Context(), timeout, newSubject(newBrokenStore(b.bug), time.Now())); err == nil {
				t.Errorf("%s does not see it", b.clause)
			} else {
				t.Log(err)
			}
		})
		caught[b.clause] = true
	}
	for _, g := range storeGroups {
		for _, c := range g.clauses {
			if name := g.name + "/" + c.name; !caught[name] {
				t.Errorf("no bug is named that clause %s catches", name)
			}
		}
	}
}

func clauseNamed(name string) (storeClause, bool) {
	group, name, _ := strings.Cut(name, "/")
	for _, g := range storeGroups {
		if i := slices.IndexFunc(g.clauses, func(c storeClause) bool { return c.name == name }); g.name == group && i >= 0 {
			return g.clauses[i], true
		}
	}
	return storeClause{}, false
}

// What the clauses quote is in the documentation, word for word.
func TestStore_quotes(t *testing.T) {
	contract := comments(t, "../store.go")
	for _, g := range storeGroups {
		for _, c := range g.clauses {
			if !strings.Contains(contract, c.clause) {
				t.Errorf("%s/%s quotes what store.go does not say: %s", g.name, c.name, c.clause)
			}
		}
	}
}

// comments returns the comments of a Go file, each in one line.
func comments(t *testing.T, file string) string {
	f, err := parser.ParseFile(token.NewFileSet(), file, nil, parser.ParseComments)
	if err != nil {
		t.Fatal(err)
	}
	var all []string
	ast.Inspect(f, func(n ast.Node) bool {
		if c, ok := n.(*ast.CommentGroup); ok {
			all = append(all, strings.Join(strings.Fields(c.Text()), " "))
		}
		return true
	})
	return strings.Join(all, "\n")
}

// Each store is told which clauses do not apply.
func TestStore_plain(t *testing.T) {
	plain := struct{ scarab.Store }{newBrokenStore("")}
	for _, g := range storeGroups {
		if got, want := g.offered(t.Context(), plain), g.name == "Store"; got != want {
			t.Errorf("a plain Store offers %s: %v", g.name, got)
		}
		if !g.offered(t.Context(), newBrokenStore("")) {
			t.Errorf("%s not found", g.name)
		}
	}
}

// A method that ignores its context does not hang the suite.
func TestStore_hangs(t *testing.T) {
	release := make(chan struct{})
	defer close(release)
	err := within(t.Context(), time.Millisecond, func(context.Context) error {
		<-release
		return nil
	})
	if err == nil || !strings.Contains(err.Error(), "ignores the end of its context") {
		t.Errorf("got %v", err)
	}
}
