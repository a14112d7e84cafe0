package scarab_test

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io"
	"io/fs"
	"log"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/scarab-go/scarab"
	"github.com/scarab-go/scarab/internal/docscheck"
	"github.com/scarab-go/scarab/internal/invariants"
	"github.com/scarab-go/scarab/memstore"
)

// The start of the README, and a browser that comes twice.
func Example_readme() {
	sessions, err := scarab.New(scarab.Stored(memstore.New()), scarab.Config{})
	if err != nil {
		log.Fatal(err)
	}
	const visits = scarab.Key[int]("visits")

	mux := http.NewServeMux()
	mux.Handle("GET /", sessions.HandlerFunc(func(w http.ResponseWriter, r *http.Request, s *scarab.Session) error {
		visits.Update(s, func(n int) int { return n + 1 })
		_, err := fmt.Fprintf(w, "visit %d", visits.Get(s))
		return err
	}))
	handler := sessions.Wrap(mux) // for http.ListenAndServeTLS

	server := httptest.NewTLSServer(handler)
	defer server.Close()
	browser := server.Client()
	browser.Jar, _ = cookiejar.New(nil)
	for range 2 {
		answer, err := browser.Get(server.URL)
		if err != nil {
			log.Fatal(err)
		}
		body, _ := io.ReadAll(answer.Body)
		fmt.Println(string(body))
	}
	// Output:
	// visit 1
	// visit 2
}

// markdown returns every document of the project, by its path.
func markdown(t *testing.T) map[string]string {
	t.Helper()
	docs := map[string]string{}
	walk(t, ".md", func(name, text string) { docs[name] = text })
	if docs["README.md"] == "" || docs["docs/security.md"] == "" {
		t.Fatal("no documents found")
	}
	return docs
}

// walk visits the project's files with the ending.
func walk(t *testing.T, ending string, visit func(name, text string)) {
	t.Helper()
	err := filepath.WalkDir(".", func(name string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() && (d.Name() == "node_modules" || d.Name() == ".git") {
			return fs.SkipDir
		}
		if d.IsDir() || !strings.HasSuffix(name, ending) {
			return nil
		}
		text, err := os.ReadFile(name)
		visit(filepath.ToSlash(name), string(text))
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}

// Every block of Go in the documents compiles, or is a part of an example test.
func TestDocs_code(t *testing.T) {
	var blocks []docscheck.Block
	examples := exampleBodies(t)
	n := 0
	for name, text := range markdown(t) {
		for _, b := range docscheck.Blocks(name, text) {
			if b.Example == "" {
				blocks = append(blocks, b)
				continue
			}
			n++
			if body, ok := examples[b.Example]; !ok {
				t.Errorf("%s:%d: there is no %s", b.File, b.Line, b.Example)
			} else if !strings.Contains(body, b.Code) {
				t.Errorf("%s:%d: not what %s does:\n%s", b.File, b.Line, b.Example, b.Code)
			}
		}
	}
	if n == 0 || len(blocks) == 0 {
		t.Fatalf("%d blocks from examples, %d others", n, len(blocks))
	}
	if err := docscheck.Check(".", blocks); err != nil {
		t.Errorf("%v\nwhat is not Go should be marked ```text; what documents may take for granted is in internal/docscheck", err)
	}
}

// A block that does not compile is found, where it stands in the document.
func TestDocs_codeThatDoesNotCompile(t *testing.T) {
	text := "# A title\n\n```go\ns.Set(\"a\", 1)\ns.Sett(\"a\", 1)\n```\n\n```go\nfunc f() int { return \"a\" }\n\nf()\n```\n"
	err := docscheck.Check(".", docscheck.Blocks("a.md", text))
	for _, want := range []string{"a.md:5", "s.Sett", "a.md:9"} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("got  %v\nwant %s in it", err, want)
		}
	}
}

// exampleBodies returns the code of every example in the tree, by its name, and
// the files that examples are in.
func exampleBodies(t *testing.T) map[string]string {
	t.Helper()
	bodies := map[string]string{}
	walk(t, ".go", func(name, text string) {
		if strings.HasPrefix(name, "examples/") {
			bodies[path.Base(name)] += text
			return
		}
		if !strings.HasSuffix(name, "_test.go") || !strings.Contains(text, "func Example") {
			return
		}
		bodies[path.Base(name)] += text
		fset := token.NewFileSet()
		file, err := parser.ParseFile(fset, name, text, parser.SkipObjectResolution)
		if err != nil {
			t.Fatal(err)
		}
		for _, d := range file.Decls {
			if f, ok := d.(*ast.FuncDecl); ok && strings.HasPrefix(f.Name.Name, "Example") {
				body := text[fset.Position(f.Body.Lbrace).Offset+1 : fset.Position(f.Body.Rbrace).Offset]
				bodies[f.Name.Name] += strings.ReplaceAll(body, "\n\t", "\n")
			}
		}
	})
	return bodies
}

// No link within the project is dead.
func TestDocs_links(t *testing.T) {
	docs := markdown(t)
	for name, text := range docs {
		for _, target := range docscheck.Links(text) {
			if strings.Contains(target, "://") {
				continue
			}
			file, anchor, _ := strings.Cut(target, "#")
			if file == "" {
				file = name
			} else {
				file = path.Join(path.Dir(name), file)
			}
			if _, err := os.Stat(file); err != nil {
				t.Errorf("%s: the link to %s is dead", name, target)
			} else if anchor != "" && !slices.Contains(docscheck.Anchors(docs[file]), anchor) {
				t.Errorf("%s: the link to %s: no such heading", name, target)
			}
		}
	}
}

// Documents are for every reader: nothing in them is of one machine.
func TestDocs_noMachine(t *testing.T) {
	machine := regexp.MustCompile(`(^|[\s"'(=])/(work|root|home|Users)/|(proxy|registry|index|deb)\.[a-z]+\.(org|com|io|net)`)
	for name, text := range markdown(t) {
		for i, line := range strings.Split(text, "\n") {
			if m := machine.FindString(line); m != "" {
				t.Errorf("%s:%d: %q", name, i+1, m)
			}
		}
	}
}

// Every test that docs/security.md and docs/invariants.md rest on exists.
func TestDocs_tests(t *testing.T) {
	have := map[string]bool{}
	function := regexp.MustCompile(`(?m)^func ((Test|Fuzz|Example|Benchmark)\w*)\(`)
	walk(t, ".go", func(_, text string) { // suites are not in _test.go files
		for _, m := range function.FindAllStringSubmatch(text, -1) {
			have[m[1]] = true
		}
	})
	checks := map[string]bool{}
	for inv := range invariants.All() {
		number, _, _ := strings.Cut(inv.Name, "_")
		checks[number] = true
	}
	isTest := regexp.MustCompile(`^(Test|Fuzz|Example|Benchmark)\w+$`)
	number := regexp.MustCompile(`\bI\d+\b`)
	for name, text := range markdown(t) {
		for _, word := range docscheck.Code(text) {
			if isTest.MatchString(word) && !have[word] {
				t.Errorf("%s: there is no %s", name, word)
			}
		}
		for _, n := range number.FindAllString(text, -1) {
			if !checks[n] {
				t.Errorf("%s: there is no check %s", name, n)
			}
		}
	}
}

// docs/invariants.md lists what internal/invariants checks, and on what.
func TestDocs_invariants(t *testing.T) {
	text := markdown(t)["docs/invariants.md"]
	var want []string
	for inv := range invariants.All() {
		number, _, _ := strings.Cut(inv.Name, "_")
		cookie, denied := "–", "–"
		if inv.Cookies {
			cookie = "yes"
		}
		if inv.DenyLists {
			denied = "yes"
		}
		want = append(want, fmt.Sprintf("%s %s %s %s", number, inv.Name, cookie, denied))
	}
	var got []string
	row := regexp.MustCompile("(?m)^\\| (I\\d+) \\| .+ \\| `(\\w+)` \\| yes \\| (\\S+) \\| (\\S+) \\|$")
	for _, m := range row.FindAllStringSubmatch(text, -1) {
		got = append(got, strings.Join(m[1:], " "))
	}
	if !slices.Equal(got, want) {
		t.Errorf("got  %q\nwant %q", got, want)
	}
}
