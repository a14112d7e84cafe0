package docscheck

import (
	"bytes"
	"errors"
	"fmt"
	"go/ast"
	"go/importer"
	"go/parser"
	"go/token"
	"go/types"
	"io"
	"os"
	"os/exec"
	"regexp"
	"slices"
	"strings"
)

// packages are what documents may use without importing it.
var packages = map[string]string{
	"admin":       "github.com/scarab-go/scarab/admin",
	"cfgerrors":   "github.com/scarab-go/scarab/cfgerrors",
	"context":     "context",
	"cookiecodec": "github.com/scarab-go/scarab/cookiecodec",
	"csrf":        "github.com/scarab-go/scarab/csrf",
	"errors":      "errors",
	"fmt":         "fmt",
	"http":        "net/http",
	"iter":        "iter",
	"json":        "encoding/json",
	"log":         "log",
	"memstore":    "github.com/scarab-go/scarab/memstore",
	"os":          "os",
	"pyramid":     "github.com/scarab-go/scarab/pyramid",
	"redisstore":  "github.com/scarab-go/scarab/redisstore",
	"rueidis":     "github.com/redis/rueidis",
	"scarab":      "github.com/scarab-go/scarab",
	"scarabtest":  "github.com/scarab-go/scarab/scarabtest",
	"slog":        "log/slog",
	"sql":         "database/sql",
	"sqlstore":    "github.com/scarab-go/scarab/sqlstore",
	"strings":     "strings",
	"sync":        "sync",
	"template":    "html/template",
	"testing":     "testing",
	"time":        "time",
	"url":         "net/url",
}

// before is what documents may use without declaring it: what a reader takes
// for granted.
const before = `
var (
	ctx      context.Context
	db       *sql.DB
	handler  http.Handler
	key      string
	logger   *slog.Logger
	mux      *http.ServeMux
	name     string
	r        *http.Request
	remember bool
	s        *scarab.Session
	secret   string
	sessions *scarab.Factory
	store    scarab.Store
	t        *testing.T
	user     struct{ Name string }
	w        http.ResponseWriter
)

type Notice struct{ Level, Text string }
`

var (
	// A function, or a type with methods, cannot be declared inside a function.
	declaration = regexp.MustCompile(`(?m)^(func [^\n]*\{\n(.*\n)*?\}|func [^\n]*\}|type [^\n]*[{(]\n(.*\n)*?[})]|type [^\n]*)$`)
	qualifier   = regexp.MustCompile(`\b([a-z]+)\.[A-Z]`)
)

// Check reports the blocks that do not compile, given a declaration of what
// they take for granted. What is not used is no mistake. The go command runs in
// dir, which is inside the workspace.
func Check(dir string, blocks []Block) error {
	paths := map[string]bool{}
	for _, b := range blocks {
		for _, p := range imports(b) {
			paths[p] = true
		}
	}
	exports, err := exportData(dir, paths)
	if err != nil {
		return err
	}
	fset := token.NewFileSet()
	imp := importer.ForCompiler(fset, "gc", func(path string) (io.ReadCloser, error) {
		file, ok := exports[path]
		if !ok {
			return nil, fmt.Errorf("no package %s", path)
		}
		return os.Open(file)
	})
	var errs []error
	for _, b := range blocks {
		file, err := parser.ParseFile(fset, "snippet.go", source(b), parser.SkipObjectResolution)
		if err != nil {
			errs = append(errs, err)
			continue
		}
		conf := types.Config{Importer: imp, Error: func(err error) {
			var te types.Error
			if !errors.As(err, &te) || !te.Soft { // soft: not used
				errs = append(errs, err)
			}
		}}
		_, _ = conf.Check("snippet", fset, []*ast.File{file}, nil) // errs has it
	}
	return errors.Join(errs...)
}

// source makes a file of b: declarations beside a function with the rest.
func source(b Block) string {
	var out strings.Builder
	code := strings.ReplaceAll(b.Code, "\t...\n", "\t\n")
	if strings.HasPrefix(code, "package ") {
		return fmt.Sprintf("//line %s:%d\n%s", b.File, b.Line, code)
	}
	out.WriteString("package snippet\n")
	for _, p := range imports(b) {
		fmt.Fprintf(&out, "import %q\n", p)
	}
	out.WriteString(before)
	for _, at := range declaration.FindAllStringIndex(code, -1) {
		line := b.Line + strings.Count(code[:at[0]], "\n")
		fmt.Fprintf(&out, "//line %s:%d\n%s\n", b.File, line, code[at[0]:at[1]])
	}
	rest := declaration.ReplaceAllStringFunc(code, func(d string) string { return strings.Repeat("\n", strings.Count(d, "\n")) })
	fmt.Fprintf(&out, "func _() error {\n//line %s:%d\n%s\nreturn nil\n}\n", b.File, b.Line, rest)
	return out.String()
}

// imports returns the packages that b names, and those of before.
func imports(b Block) []string {
	used := map[string]bool{}
	for _, m := range qualifier.FindAllStringSubmatch(before+b.Code, -1) {
		if p, ok := packages[m[1]]; ok {
			used[p] = true
		}
	}
	if strings.HasPrefix(b.Code, "package ") {
		file, err := parser.ParseFile(token.NewFileSet(), "", b.Code, parser.ImportsOnly)
		if err == nil {
			for _, i := range file.Imports {
				used[strings.Trim(i.Path.Value, `"`)] = true
			}
		}
	}
	list := make([]string, 0, len(used))
	for p := range used {
		list = append(list, p)
	}
	slices.Sort(list)
	return list
}

// exportData compiles the packages and returns where the compiler has put what
// it knows of them and of those they import.
func exportData(dir string, paths map[string]bool) (map[string]string, error) {
	args := []string{"list", "-export", "-deps", "-f", "{{if .Export}}{{.ImportPath}}={{.Export}}{{end}}"}
	for p := range paths {
		args = append(args, p)
	}
	cmd := exec.Command("go", args...)
	cmd.Dir = dir
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		return nil, fmt.Errorf("go list: %w\n%s", err, &stderr)
	}
	exports := map[string]string{}
	for line := range strings.Lines(string(out)) {
		if path, file, ok := strings.Cut(strings.TrimSpace(line), "="); ok {
			exports[path] = file
		}
	}
	return exports, nil
}
