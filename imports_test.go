package scarab_test

import (
	"go/build"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

const module = "github.com/scarab-go/scarab"

// Every package of this module imports the standard library, and of its own
// module what stands here: arrows point at the root, and siblings do not import
// siblings.
func TestImports(t *testing.T) {
	const root, errs, suite = module, module + "/cfgerrors", module + "/scarabtest"
	const memstore, codec, csrf = module + "/memstore", module + "/cookiecodec", module + "/csrf"
	const invariants, docscheck, leaks = module + "/internal/invariants", module + "/internal/docscheck", module + "/internal/leaks"
	own := func(paths ...string) []string { return paths }
	allowed := map[string]struct{ imports, inTests []string }{
		".":                   {own(errs), own(memstore, codec, csrf, suite, invariants, docscheck, leaks)},
		"cfgerrors":           {nil, nil},
		"cookiecodec":         {own(root), own(memstore, suite, leaks)},
		"csrf":                {own(root), own(suite, leaks)},
		"memstore":            {own(root), own(suite, leaks)},
		"sqlstore":            {own(root), own(suite, leaks)},
		"scarabtest":          {own(root), own(memstore)},
		"examples/filestore":  {own(root), own(suite, leaks)},
		"internal/docscheck":  {nil, nil},
		"internal/invariants": {own(root, suite, codec, csrf), nil}, // what tests of several modules share
		"internal/leaks":      {nil, own(leaks)},
		"internal/testserver": {nil, nil},
	}
	ctx := build.Default
	ctx.UseAllFiles = true // whatever the system
	visited := map[string]bool{}
	err := filepath.WalkDir(".", func(path string, d fs.DirEntry, err error) error {
		if err != nil || !d.IsDir() {
			return err
		}
		if _, err := os.Stat(filepath.Join(path, "go.mod")); path != "." && (err == nil || d.Name()[0] == '.' || d.Name() == "testdata") {
			return filepath.SkipDir
		}
		if files, _ := filepath.Glob(filepath.Join(path, "*.go")); files == nil {
			return nil
		}
		dir := filepath.ToSlash(path)
		rule, ok := allowed[dir]
		if !ok {
			t.Errorf("package %s is not in the table", dir)
			return nil
		}
		visited[dir] = true
		pkg, err := ctx.ImportDir(path, 0)
		if err != nil {
			return err
		}
		self := strings.TrimSuffix(module+"/"+dir, "/.")
		check := func(what string, imports, allowed []string) {
			for _, imported := range imports {
				first, _, _ := strings.Cut(imported, "/")
				standard := !strings.Contains(first, ".") // as the go command tells
				if !standard && imported != self && !slices.Contains(allowed, imported) {
					t.Errorf("%s of %s imports %s", what, dir, imported)
				}
			}
		}
		check("the package", pkg.Imports, rule.imports)
		inTests := slices.Concat(rule.imports, rule.inTests)
		check("a test", pkg.TestImports, inTests)
		check("an external test", pkg.XTestImports, inTests)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	for dir := range allowed {
		if !visited[dir] {
			t.Errorf("there is no package %s", dir)
		}
	}
}

// Whoever imports this module imports nothing else.
func TestImports_goMod(t *testing.T) {
	b, err := os.ReadFile("go.mod")
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(b)) {
		switch word, _, _ := strings.Cut(strings.TrimSpace(line), " "); word {
		case "", "module", "go":
		default:
			t.Errorf("go.mod says %q", line)
		}
	}
}

// The list of modules of a program that imports the core is two lines long.
func TestImports_listOfModules(t *testing.T) {
	here, err := filepath.Abs(".")
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	for name, text := range map[string]string{
		"go.mod": "module example.com/program\n\ngo 1.25.0\n\nrequire " + module + " v0.0.0\n\nreplace " + module + " => " + here + "\n",
		"main.go": `package main

import (
	_ "` + module + `"
	_ "` + module + `/cookiecodec"
	_ "` + module + `/csrf"
	_ "` + module + `/memstore"
	_ "` + module + `/sqlstore"
)

func main() {}
`,
	} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	run := func(args ...string) string {
		cmd := exec.CommandContext(t.Context(), "go", args...)
		cmd.Dir = dir
		cmd.Env = append(os.Environ(), "GOFLAGS=-mod=mod", "GOPROXY=off", "GOWORK=off", "GOTOOLCHAIN=local")
		out, err := cmd.CombinedOutput()
		if err != nil {
			t.Fatalf("go %s: %v\n%s", strings.Join(args, " "), err, out)
		}
		return string(out)
	}
	run("build", "-o", os.DevNull, ".") // it is a program, and needs nothing from elsewhere
	if out := run("list", "-m", "all"); strings.Count(out, "\n") != 2 || !strings.HasPrefix(out, "example.com/program\n"+module+" ") {
		t.Errorf("go list -m all prints\n%s", out)
	}
	if _, err := os.Stat(filepath.Join(dir, "go.sum")); err == nil {
		t.Error("it has a go.sum")
	}
}
