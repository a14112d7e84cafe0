package ui

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// used are the messages of the templates and of package admin.
func used(t *testing.T) map[string]bool {
	t.Helper()
	keys := map[string]bool{}
	inTemplate := regexp.MustCompile(`\bt ("(?:[^"\\]|\\.)*")`)
	err := fs.WalkDir(templates, ".", func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		text, err := fs.ReadFile(templates, path)
		for _, m := range inTemplate.FindAllSubmatch(text, -1) {
			key, err := strconv.Unquote(string(m[1]))
			if err != nil {
				return err
			}
			keys[key] = true
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	files, err := filepath.Glob("../../*.go")
	if err != nil || len(files) == 0 {
		t.Fatalf("no sources: %v", err)
	}
	for _, file := range files {
		if strings.HasSuffix(file, "_test.go") {
			continue
		}
		source, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		parsed, err := parser.ParseFile(token.NewFileSet(), file, source, 0)
		if err != nil {
			t.Fatal(err)
		}
		ast.Inspect(parsed, func(n ast.Node) bool {
			call, ok := n.(*ast.CallExpr)
			if !ok || len(call.Args) == 0 {
				return true
			}
			if f, ok := call.Fun.(*ast.SelectorExpr); !ok || f.Sel.Name != "t" {
				return true
			}
			if literal, ok := call.Args[0].(*ast.BasicLit); ok {
				key, err := strconv.Unquote(literal.Value)
				if err != nil {
					t.Error(err)
				}
				keys[key] = true
			}
			return true
		})
	}
	return keys
}

var verb = regexp.MustCompile(`%(?:\[(\d+)\])?([a-z])`)

// verbs are those of a message, in the order of their arguments.
func verbs(format string) []string {
	var out []string
	for i, m := range verb.FindAllStringSubmatch(format, -1) {
		n := strconv.Itoa(i + 1)
		if m[1] != "" {
			n = m[1]
		}
		out = append(out, n+m[2])
	}
	slices.Sort(out)
	return out
}

// Every message is there in every language, with the same arguments, and
// nothing is translated that nobody says.
func TestMessages(t *testing.T) {
	keys := used(t)
	if len(keys) < 200 {
		t.Fatalf("only %d messages were found", len(keys))
	}
	for key := range keys {
		translated, ok := translations[key]
		if !ok {
			t.Errorf("no translation of %q", key)
			continue
		}
		for _, text := range []string{translated.russian, translated.japanese} {
			if text == "" || !slices.Equal(verbs(text), verbs(key)) {
				t.Errorf("%q is translated %q", key, text)
			}
		}
	}
	statuses := regexp.MustCompile(`^[A-Z][a-z]+( [A-Z][a-z]+)*$`)
	for key := range translations {
		if !keys[key] && !statuses.MatchString(key) {
			t.Errorf("%q is translated, and nobody says it", key)
		}
	}
	for key := range ones {
		if !keys[key] {
			t.Errorf("%q has a singular, and nobody says it", key)
		}
	}
}

func TestSprintf(t *testing.T) {
	for _, tt := range []struct {
		language Language
		format   string
		args     []any
		want     string
	}{
		{English, "%d rows", []any{1}, "1 row"},
		{English, "%d rows", []any{1500}, "1,500 rows"},
		{English, "%s of queue %s returned %d messages", []any{"Pop", "extra", 1}, "Pop of queue extra returned 1 message"},
		{English, "%s of queue %s returned %d messages", []any{"Pop", "extra", 0}, "Pop of queue extra returned 0 messages"},
		{Russian, "%d rows", []any{1500}, "строк: 1\u00a0500"},
		{Japanese, "Page %d of %d", []any{2, 7}, "7 ページ中 2 ページ"},
		{Japanese, "never said", nil, "never said"},
	} {
		if got := tt.language.Sprintf(tt.format, tt.args...); got != tt.want {
			t.Errorf("%s: %q, want %q", tt.language, got, tt.want)
		}
	}
}

func TestAccepted(t *testing.T) {
	for header, want := range map[string]Language{"": English, "ru-RU,ru;q=0.9": Russian, "ja": Japanese, "de, ja;q=0.5": Japanese, "de": English, ";;;": English, "en-GB": English} {
		if got := Accepted(header); got != want {
			t.Errorf("%q: %s, want %s", header, got, want)
		}
	}
}
