package pyramid

import (
	"bytes"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
)

// notCompared are the vectors that no test here compares, by file, or file and
// id or the beginning of one, and why.
var notCompared = map[string]string{
	"session_scenarios/": inRoot,
	"set_cookie_header/": inRoot,

	"beaker_backends_modern/mongodb-": "no storage of this package's",
	"beaker_backends_legacy/mongodb-": "the same",
	"beaker_backends_modern/dbm":      "the same",
	"beaker_backends_legacy/dbm":      "the same",

	"csrf_automatic/exception-view-": "Go has no exception views",
}

// inRoot is said of what sessions and Set-Cookie lines of all backends are like.
const inRoot = "the root module compares all of them, with its own copy"

// ledger is what the tests of this run compared.
var ledger struct {
	sync.Mutex
	compared map[string]bool // by file/id
	skipped  bool            // a test that would have compared more had no server
}

// compared notes that v is held against what this package does.
func (v vector) compared() {
	ledger.Lock()
	defer ledger.Unlock()
	if ledger.compared == nil {
		ledger.compared = map[string]bool{}
	}
	ledger.compared[v.file+"/"+v.ID] = true
}

// maySkip is for tests that compare vectors and need a server.
func maySkip(t testing.TB) {
	t.Cleanup(func() {
		if t.Skipped() {
			ledger.Lock()
			ledger.skipped = true
			ledger.Unlock()
		}
	})
}

// unaccounted returns what is wrong with the ledger after all tests have run:
// each vector is compared, or it is listed with a reason.
func unaccounted() (problems []string) {
	files, err := filepath.Glob("testdata/vectors/*.json")
	if err != nil {
		return []string{err.Error()}
	}
	used, ids := map[string]bool{}, map[string]bool{}
	for _, file := range files {
		name := strings.TrimSuffix(filepath.Base(file), ".json")
		list, err := readVectors(name)
		if err != nil {
			return []string{err.Error()}
		}
		for _, raw := range list {
			id := name + "/" + strings.Trim(string(raw["id"]), `"`)
			ids[id] = true
			why := ""
			for prefix := range notCompared {
				if strings.HasPrefix(id, prefix) {
					why, used[prefix] = prefix, true
				}
			}
			switch compared := ledger.compared[id]; {
			case why == "" && !compared:
				problems = append(problems, id+": no test compares it, and notCompared has no reason")
			case why != "" && compared:
				problems = append(problems, id+" is compared: take it off notCompared")
			}
		}
	}
	for prefix := range notCompared {
		if !used[prefix] {
			problems = append(problems, prefix+" in notCompared stands for nothing")
		}
	}
	for id := range better {
		if !ids[id] {
			problems = append(problems, id+" is in better, and there is no such vector")
		}
	}
	if len(ids) != 991 {
		problems = append(problems, fmt.Sprintf("%d vectors, want 991", len(ids)))
	}
	slices.Sort(problems)
	return problems
}

// account fails a run of all tests that left vectors out.
func account(code int) int {
	for _, name := range []string{"test.run", "test.skip", "test.list", "test.fuzz"} {
		if flag.Lookup(name).Value.String() != "" {
			return code
		}
	}
	if code != 0 {
		return code
	}
	if ledger.skipped {
		fmt.Println("vectors are not counted: a server is missing, and the tests that need it were skipped")
		return code
	}
	for _, problem := range unaccounted() {
		fmt.Println("FAIL:", problem)
		code = 1
	}
	return code
}

// The root module has a copy of the files that are its part.
func TestVectors_rootsCopies(t *testing.T) {
	for _, name := range []string{"session_scenarios", "set_cookie_header", "signed_cookie_json"} {
		here, err := os.ReadFile("testdata/vectors/" + name + ".json")
		if err != nil {
			t.Fatal(err)
		}
		there, err := os.ReadFile("../testdata/pyramid/" + name + ".json")
		if err != nil || !bytes.Equal(here, there) {
			t.Errorf("%s of the root module is another: %v", name, err)
		}
	}
}
