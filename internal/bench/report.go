package main

import (
	_ "embed"
	"fmt"
	"maps"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"text/template"

	"github.com/scarab-go/scarab/internal/bench/app"
	"github.com/scarab-go/scarab/internal/bench/plot"
)

//go:embed benchmarks.md.tmpl
var documentText string

// writeDocument writes benchmarks.md and its charts.
func writeDocument(docs string, r *Results) error {
	document, err := template.New("").Funcs(template.FuncMap{
		"targets": r.targetTable,
		"reasons": r.reasons,
		"spent":   r.spendingTable,
		"process": r.processTable,
		"csrf":    r.csrfTable,
		"store":   r.storeTable,
		"sqlite":  r.sqliteTable,
		"wire":    r.wireTable,
		"pyramid": r.pyramidTable,
		"lost":    r.lostTable,
		"memory":  r.memoryTable,
		"curve":   r.curveTable,
		"version": r.versionList,
		"number":  plot.Number,
		"time":    plot.Duration,
	}).Parse(documentText)
	if err != nil {
		return err
	}
	for name, svg := range r.charts() {
		if err := os.WriteFile(filepath.Join(docs, "benchmarks", name+".svg"), []byte(svg), 0o644); err != nil {
			return err
		}
	}
	var b strings.Builder
	if err := document.Execute(&b, struct {
		*Results
		Plan plan
	}{r, r.plan()}); err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(docs, "benchmarks.md"), []byte(b.String()), 0o644)
}

// table writes a table in Markdown; columns after the first are numbers if
// numbers is set.
func table(numbers bool, header []string, rows [][]string) string {
	if len(rows) == 0 {
		return "Not measured in this run.\n"
	}
	var b strings.Builder
	line := func(cells []string) { fmt.Fprintf(&b, "| %s |\n", strings.Join(cells, " | ")) }
	line(header)
	rule := make([]string, len(header))
	for i := range rule {
		rule[i] = "---"
		if numbers && i > 0 {
			rule[i] = "--:"
		}
	}
	line(rule)
	for _, row := range rows {
		line(row)
	}
	return b.String()
}

// strong marks what is scarab's.
func strong(library string) string {
	if strings.HasPrefix(library, "scarab/") {
		return "**" + library + "**"
	}
	return library
}

func figure(v float64, form func(float64) string) string {
	if math.IsNaN(v) {
		return "–"
	}
	return form(v)
}

func (r *Results) targetTable() string {
	var rows [][]string
	for _, t := range r.targets() {
		verdict := "met"
		var got []string
		for _, g := range t.goals {
			switch {
			case !g.measured() && verdict == "met":
				verdict = "not measured"
			case g.measured() && !g.met():
				verdict = "**not met**"
			}
			got = append(got, g.String())
		}
		rows = append(rows, []string{t.work, t.peers, t.limit, t.wanted, strings.Join(got, ", "), verdict})
	}
	return table(false, []string{"work", "peers", "by hand", "target", "scarab", ""}, rows)
}

// libraries returns the names of a part in the order of app.Libraries.
func (r *Results) libraries(part string) (names []string) {
	facts := r.Part(part)
	for _, l := range app.Libraries {
		if slices.ContainsFunc(facts, func(f *Fact) bool { return f.Library == l.Name }) {
			names = append(names, l.Name)
		}
	}
	return names
}

func costOf(f *Fact) string {
	if f == nil {
		return "–"
	}
	return fmt.Sprintf("%s, %s", plot.Duration(f.Value()), count(f.Get("allocs")))
}

func (r *Results) processTable(sample string) string {
	var rows [][]string
	for _, name := range r.libraries("process") {
		if l, _ := app.Find(name); l.CSRF {
			continue
		}
		find := func(work string) *Fact { return r.Find("process", name, work+" "+sample) }
		if find("write") == nil {
			rows = append(rows, []string{strong(name), "does not fit into the cookie", "", "", "", "", "", ""})
			continue
		}
		cookie := find("read").Get("cookie")
		rows = append(rows, []string{
			strong(name), costOf(find("untouched")), costOf(find("read")), costOf(find("write")),
			figure(Ratio(find("write"), r.Find("process", "scs/memstore", "write "+sample)), times),
			costOf(find("login")), costOf(find("flash")), figure(cookie, count),
		})
	}
	return table(true, []string{"", "untouched", "read", "read and write", "of scs", "start and log in", "flash over a redirect", "cookie, bytes"}, rows)
}

func (r *Results) csrfTable() string {
	var rows [][]string
	for _, name := range r.libraries("process") {
		if l, _ := app.Find(name); !l.CSRF {
			continue
		}
		find := func(work string) *Fact { return r.Find("process", name, work+" S") }
		both := sum(find("page"), find("form"))
		peer := sum(r.Find("process", "gorilla/csrf", "page S"), r.Find("process", "gorilla/csrf", "form S"))
		rows = append(rows, []string{strong(name), costOf(find("page")), costOf(find("form")), costOf(find("script")),
			figure(Ratio(both, peer), times), costOf(find("read"))})
	}
	return table(true, []string{"", "page", "form", "header", "page and form, of gorilla/csrf", "its session alone"}, rows)
}

func (r *Results) storeTable(part string) string {
	last, lastName := "server", "Redis' CPU"
	if part == "postgres" {
		last, lastName = "log", "log, bytes"
	}
	var rows [][]string
	for _, name := range r.libraries(part) {
		for _, w := range []work{untouched, read, write, login, flash} {
			f := r.Find(part, name, w.name)
			if f == nil {
				continue
			}
			server := figure(f.Get(last), func(v float64) string { return plot.Duration(v * 1e9) })
			if last == "log" {
				server = figure(f.Get(last), count)
			}
			if len(f.Passes) == 0 {
				rows = append(rows, []string{strong(name), f.Work, "0", "", "", "", "", "", "", ""})
				continue
			}
			rows = append(rows, []string{
				strong(name), f.Work, figure(f.Get("trips"), trip), plot.Number(f.Value()),
				figure(Ratio(f, r.Find(part, "scs/"+part, w.name)), times),
				plot.Duration(f.Get("p50")), plot.Duration(f.Get("p99")), plot.Duration(f.Get("cpu")), server,
				fmt.Sprintf("%.0f + %.0f", f.Get("up"), f.Get("down")),
			})
		}
	}
	return table(true, []string{"", "work", "round trips", "a second", "of scs", "p50", "p99", "client's CPU", lastName, "bytes up + down"}, rows)
}

func (r *Results) sqliteTable() string {
	var rows [][]string
	for _, name := range r.libraries("sqlite") {
		find := func(work string) *Fact { return r.Find("sqlite", name, work+" S") }
		rows = append(rows, []string{strong(name), costOf(find("untouched")), costOf(find("read")), costOf(find("write")),
			costOf(find("login")), costOf(find("flash")), costOf(find("commit")),
			figure(Ratio(find("commit"), r.Find("sqlite", "scs/sqlite", "commit S")), times)})
	}
	return table(true, []string{"", "untouched", "read", "read and write", "start and log in", "flash over a redirect", "commit alone", "of scs"}, rows)
}

func (r *Results) wireTable() string {
	var rows [][]string
	for _, name := range wireLibraries {
		for _, op := range []string{"untouched", "write"} {
			f := r.Find("wire", name, op)
			if f == nil {
				continue
			}
			bare := r.Find("wire", "bare", op)
			rows = append(rows, []string{strong(name), op, plot.Number(f.Value()), figure(Ratio(f, bare), percent),
				plot.Duration(f.Get("p50")), plot.Duration(f.Get("p99")), plot.Duration(f.Get("cpu")),
				plot.Duration(max(0, f.Get("cpu")-bare.Get("cpu"))), percent(f.Get("load"))})
		}
	}
	return table(true, []string{"", "work", "a second", "of bare", "p50", "p99", "server's CPU", "over bare", "clients' core"}, rows)
}

func (r *Results) lostTable() string {
	var rows [][]string
	for _, name := range r.libraries("lost") {
		row := []string{strong(name)}
		refused := 0.0
		for _, work := range []string{"as they come", "all loaded first"} {
			f := r.Find("lost", name, work)
			for _, what := range []string{"counter", "keys", "messages"} {
				row = append(row, figure(f.Get(what), count))
			}
			refused = max(refused, f.Get("refused"))
		}
		rows = append(rows, append(row, figure(refused, count)))
	}
	return table(true, []string{"", "increments", "keys", "messages", "increments, all loaded first", "keys", "messages", "refused"}, rows)
}

func (r *Results) memoryTable() string {
	var rows [][]string
	for _, f := range r.Part("memory") {
		rows = append(rows, []string{strong(f.Library), plot.Number(f.X), figure(f.Get("heap"), count), figure(f.Get("heap")/f.Get("record"), times),
			figure(f.Get("object"), func(v float64) string { return fmt.Sprintf("%.2f", v) }), plot.Duration(f.Get("gc")), plot.Duration(f.Get("gccpu")),
			plot.Number(f.Value()), plot.Duration(f.Get("p50")), plot.Duration(f.Get("p99")), plot.Duration(f.Get("p999"))})
	}
	return table(true, []string{"", "sessions", "heap of each, bytes", "of the record", "objects of each", "full collection", "its CPU", "requests a second", "p50", "p99", "p99.9"}, rows)
}

// curveTable shows some figures of the facts of a part.
func (r *Results) curveTable(part, x string) string {
	columns := map[string][]string{
		"clients":    {"p50", "p99", "cpu"},
		"contention": {"saves"},
		"sessions":   {"p50", "p99", "bytes"},
	}[part]
	header := append([]string{"", x, "requests a second"}, columns...)
	var rows [][]string
	for _, f := range r.Part(part) {
		row := []string{strong(f.Library), plot.Number(f.X), plot.Number(f.Value())}
		for _, c := range columns {
			switch c {
			case "saves":
				row = append(row, fmt.Sprintf("%.2f", f.Get(c)))
			case "bytes":
				row = append(row, count(f.Get(c)))
			default:
				row = append(row, plot.Duration(f.Get(c)))
			}
		}
		rows = append(rows, row)
	}
	return table(true, header, rows)
}

func (r *Results) versionList() string {
	var list []string
	for _, name := range slices.Sorted(maps.Keys(r.Versions)) {
		list = append(list, name+" "+strings.TrimPrefix(r.Versions[name], "v"))
	}
	return strings.Join(list, ", ")
}
