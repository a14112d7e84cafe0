package main

import (
	"fmt"
	"math"

	"github.com/scarab-go/scarab/internal/bench/plot"
)

// A target is one row of what scarab promises to cost.
type target struct {
	work   string
	peers  string // what they cost in this run
	limit  string // what the work costs by hand
	wanted string
	goals  []goal
	why    string   // what is left if it is not met; see reasons.go
	hand   string   // what the work by hand reaches
	spends []string // the titles of its profiles
}

// A goal is one figure of a target.
type goal struct {
	got   float64
	bound float64
	least bool // bound is the least, not the most
	form  func(float64) string
}

func (g goal) met() bool {
	if g.least {
		return g.got >= g.bound
	}
	return g.got <= g.bound
}

func (g goal) measured() bool { return !math.IsNaN(g.got) }

func (g goal) String() string {
	switch {
	case !g.measured():
		return "not measured"
	case g.met():
		return g.form(g.got)
	}
	return "**" + g.form(g.got) + "**"
}

// Ways to write a figure.
func times(v float64) string   { return fmt.Sprintf("%.2f×", v) }
func count(v float64) string   { return fmt.Sprintf("%.0f", v) }
func percent(v float64) string { return fmt.Sprintf("%.0f %%", 100*v) }
func trip(v float64) string    { return fmt.Sprintf("%.2g", v) }

func timesOf(what string) func(float64) string {
	return func(v float64) string { return fmt.Sprintf("%.2f × %s", v, what) }
}

func partOf(what string) func(float64) string {
	return func(v float64) string { return fmt.Sprintf("1/%.1f of %s", 1/v, what) }
}

// named writes a figure with words before or after it.
func named(before string, form func(float64) string, after string) func(float64) string {
	return func(v float64) string { return before + form(v) + after }
}

func atMost(got, bound float64, form func(float64) string) goal {
	return goal{got: got, bound: bound, form: form}
}

func atLeast(got, bound float64, form func(float64) string) goal {
	return goal{got: got, bound: bound, form: form, least: true}
}

// sum adds two facts of one library, such as a page and its form.
func sum(a, b *Fact) *Fact {
	if a == nil || b == nil || len(a.Passes) != len(b.Passes) {
		return nil
	}
	s := &Fact{Part: a.Part, Library: a.Library, Passes: make([]float64, len(a.Passes)), More: map[string]float64{}}
	for i := range a.Passes {
		s.Passes[i] = a.Passes[i] + b.Passes[i]
	}
	s.More["allocs"] = a.Get("allocs") + b.Get("allocs")
	return s
}

// targets compares a run with what scarab promises.
func (r *Results) targets() []target {
	process := func(library, work string) *Fact { return r.Find("process", library, work+" S") }
	inProcess := func(f *Fact) string {
		if f == nil {
			return "–"
		}
		return plot.Duration(f.Value()) + ", " + count(f.Get("allocs"))
	}
	rate := func(f *Fact) string {
		if f == nil {
			return "–"
		}
		return plot.Number(f.Value()) + "/s"
	}
	allocations := named("", count, " allocations")
	var all []target

	scs, mine, limit := process("scs/memstore", "untouched"), process("scarab/memstore", "untouched"), process("limit/memory", "untouched")
	all = append(all, target{"wrapped handler that never opens its session", "scs " + inProcess(scs), inProcess(limit), "≤ 1.5 × limit, ≤ 2 allocations",
		[]goal{atMost(Ratio(mine, limit), 1.5, timesOf("limit")), atMost(mine.Get("allocs"), 2, allocations)}, "", "", nil})

	for _, row := range []struct {
		work, text   string
		ratio, alloc float64
	}{{"read", "memstore, read one value", 20, 7}, {"write", "memstore, read and write", 20, 10}} {
		scs, mine, limit := process("scs/memstore", row.work), process("scarab/memstore", row.work), process("limit/memory", row.work)
		all = append(all, target{row.text, "scs " + inProcess(scs), inProcess(limit), fmt.Sprintf("≤ 1/%.0f of scs, ≤ %.0f allocations", row.ratio, row.alloc),
			[]goal{atMost(Ratio(mine, scs), 1/row.ratio, partOf("scs")), atMost(mine.Get("allocs"), row.alloc, allocations)},
			whyMemory, byHand(limit, scs, "scs"), []string{"memstore, " + row.work}})
	}

	for _, row := range []struct {
		mine, peer, limit, text, why, title string
		ratio                               float64
	}{
		{"scarab/signed", "gorilla/signed", "limit/signed", "signed cookie, read and write", whySigned, "signed, write", 7},
		{"scarab/sealed", "gorilla/encrypted", "limit/sealed", "sealed cookie, read and write", whySealed, "sealed, write", 10},
	} {
		peer, mine := process(row.peer, "write"), process(row.mine, "write")
		limit := process(row.limit, "write")
		all = append(all, target{row.text, "gorilla " + inProcess(peer), inProcess(limit), fmt.Sprintf("≤ 1/%.0f of gorilla", row.ratio),
			[]goal{atMost(Ratio(mine, peer), 1/row.ratio, partOf("gorilla"))},
			row.why, byHand(limit, peer, "gorilla"), []string{row.title}})
	}

	both := func(library string) *Fact { return sum(process(library, "page"), process(library, "form")) }
	all = append(all, target{"CSRF: token on a page + check of a form", "gorilla/csrf " + inProcess(both("gorilla/csrf")), inProcess(both("limit/csrf")), "≤ 1/6 of gorilla/csrf",
		[]goal{atMost(Ratio(both("scarab/csrf"), both("gorilla/csrf")), 1.0/6, partOf("gorilla/csrf"))}, whyCSRF, r.csrfByHand(both), []string{"CSRF, page and form"}})

	store := func(part, library, work string) *Fact { return r.Find(part, library, work) }
	for _, row := range []struct {
		part, work, text, why, title string
		ratio, trips                 float64
	}{
		{"redis", "read", "Redis, 64 clients, read-only request with sliding timeout", whyRedisRead, "Redis, read", 3, 1},
		{"redis", "write", "Redis, 64 clients, read-write request", whyRedisWrite, "Redis, write", 2.3, 2},
		{"postgres", "read", "PostgreSQL, 64 clients, read-only request", whyPostgresRead, "PostgreSQL, read", 1.4, 0},
		{"postgres", "write", "PostgreSQL, 64 clients, read-write request", whyPostgresWrite, "PostgreSQL, write", 1.2, 0},
	} {
		scs, mine, limit := store(row.part, "scs/"+row.part, row.work), store(row.part, "scarab/"+row.part, row.work), store(row.part, "limit/"+row.part, row.work)
		t := target{row.text, "scs " + rate(scs), rate(limit), fmt.Sprintf("≥ %g × scs", row.ratio),
			[]goal{atLeast(Ratio(mine, scs), row.ratio, timesOf("scs"))},
			row.why, "By hand it is " + times(Ratio(limit, scs)) + " scs.", []string{row.title}}
		if row.trips > 0 {
			t.wanted += fmt.Sprintf(", round trips ≤ %.0f", row.trips)
			t.goals = append(t.goals, atMost(mine.Get("trips"), row.trips, named("round trips ", trip, "")))
		}
		if row.part == "redis" && row.work == "read" {
			t.wanted += "; with client-side caching 0"
			t.goals = append(t.goals, atMost(math.Round(store("redis", "scarab/redis cached", "read").Get("trips")), 0, named("cached ", trip, "")))
		}
		all = append(all, t)
	}

	scsCommit, mineCommit := r.Find("sqlite", "scs/sqlite", "commit S"), r.Find("sqlite", "scarab/sqlite", "commit S")
	all = append(all, target{"SQLite (modernc, WAL), commit", "scs " + inProcess(scsCommit), inProcess(r.Find("sqlite", "limit/sqlite", "commit S")), "≤ 1/4 of scs",
		[]goal{atMost(Ratio(mineCommit, scsCommit), 0.25, partOf("scs"))},
		whySQLite, byHand(r.Find("sqlite", "limit/sqlite", "commit S"), scsCommit, "scs"), []string{"SQLite, commit"}})

	share := func(library string) float64 {
		return Ratio(r.Find("wire", library, "write"), r.Find("wire", "bare", "write"))
	}
	all = append(all, target{"whole server over loopback, one core, read and write: share of a bare handler's rate",
		"scs " + percent(share("scs/memstore")) + ", gorilla " + percent(share("gorilla/encrypted")) + ", scs on Redis " + percent(share("scs/redis")),
		percent(share("limit/memory")) + ", " + percent(share("limit/sealed")) + ", " + percent(share("limit/redis")),
		"memstore ≥ 65 %, sealed cookie ≥ 55 %, Redis ≥ 30 %",
		[]goal{atLeast(share("scarab/memstore"), 0.65, named("memstore ", percent, "")), atLeast(share("scarab/sealed"), 0.55, named("sealed ", percent, "")), atLeast(share("scarab/redis batched"), 0.3, named("Redis, batched, ", percent, ""))}, whyWire, "", []string{"memstore server", "sealed server", "Redis server"}})

	const million = 1_000_000
	weigh := func(library string) *Fact { return r.At("memory", library, "write", million) }
	weight := func(f *Fact) string {
		if f == nil {
			return "–"
		}
		return plot.Number(f.Get("heap")) + " B, " + plot.Duration(f.Get("gc"))
	}
	mine = weigh("scarab/memstore")
	all = append(all, target{"a million S sessions in memstore: heap of each, full collection", "scs " + weight(weigh("scs/memstore")), weight(weigh("limit/slabs")),
		fmt.Sprintf("≤ 1.4 × the record's fields end to end (%s B), ≤ 5 ms", figure(mine.Get("record"), count)),
		[]goal{atMost(mine.Get("heap")/mine.Get("record"), 1.4, timesOf("the fields")), atMost(mine.Get("gc"), 5e6, plot.Duration)},
		whyCollection, "By hand: " + weight(weigh("limit/slabs")) + ".", nil})
	return all
}
