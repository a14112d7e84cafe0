// Bench measures scarab beside other session libraries and beside handlers
// written by hand, all in one run, and writes docs/benchmarks.md.
//
//	go run ./internal/bench            # everything, about twelve minutes
//	go run ./internal/bench -quick     # every part for a moment, to see that it works
//	go run ./internal/bench -part wire # one part; the rest stays as it was measured
//	go run ./internal/bench -part none # writes the document again from docs/benchmarks/results.json
//	go run ./internal/bench -profile "scarab/sealed write" # what that is spent on: cpu.prof, allocs.prof
//
// Run it from the root of the project on a machine that does nothing else.
// Figures are medians of passes in which everything takes its turn; ratios are
// taken inside a pass.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"time"
)

// A run is one execution of the program.
type run struct {
	ctx   context.Context
	quick bool
	bed   bed
	dir   string // for files that are gone afterwards
	facts []*Fact

	redis, postgres string // addresses, once started
}

// A part is a kind of measurement.
type part struct {
	name string
	run  func(*run) error
}

var parts = []part{
	{"process", (*run).process},
	{"redis", (*run).redisStores},
	{"postgres", (*run).postgresStores},
	{"sqlite", (*run).sqliteStores},
	{"wire", (*run).wire},
	{"pyramid", (*run).pyramid},
	{"lost", (*run).lost},
	{"size", (*run).sizeCurve},
	{"keys", (*run).keysCurve},
	{"clients", (*run).clientsCurve},
	{"contention", (*run).contentionCurve},
	{"memory", (*run).memory},
	{"sessions", (*run).sessionsCurve},
	{"profile", (*run).spendings},
}

func main() {
	if len(os.Args) > 1 && os.Args[1] == childArg {
		if err := child(os.Args[2:]); err != nil {
			fmt.Fprintln(os.Stderr, "bench:", err)
			os.Exit(1)
		}
		return
	}
	quick := flag.Bool("quick", false, "measure everything for a moment: to see that it works, not for figures")
	only := flag.String("part", "", "the parts to measure, with commas between: "+partNames()+"; or none")
	docs := flag.String("docs", "docs", "the folder to write benchmarks.md and benchmarks/ into")
	profiled := flag.String("profile", "", `profile a library at its work instead, such as "scarab/sealed write"`)
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	do := func() error { return measure(ctx, *docs, *only, *quick) }
	if *profiled != "" {
		do = func() error { return profileOne(ctx, *profiled, *quick) }
	}
	err := do()
	if err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

func partNames() string {
	names := make([]string, len(parts))
	for i, p := range parts {
		names[i] = p.name
	}
	return strings.Join(names, ", ")
}

// measure runs the parts that are asked for, and writes the document.
func measure(ctx context.Context, docs, only string, quick bool) (err error) {
	if _, err := os.Stat(docs); err != nil {
		return fmt.Errorf("%w: run this from the root of the project, or name a folder with -docs", err)
	}
	wanted := strings.Split(only, ",")
	for _, name := range wanted {
		if name != "" && name != "none" && !slices.ContainsFunc(parts, func(p part) bool { return p.name == name }) {
			return fmt.Errorf("there is no part %q: the parts are %s", name, partNames())
		}
	}
	file := filepath.Join(docs, "benchmarks", "results.json")
	if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
		return err
	}
	results, err := readResults(file)
	if err != nil {
		return err
	}
	if only == "" {
		results = &Results{}
	}
	dir, err := os.MkdirTemp("", "scarab-bench-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	r := &run{ctx: ctx, quick: quick, dir: dir}
	defer r.bed.mark()()
	if only != "none" {
		results.When, results.Quick = time.Now().UTC(), quick
		results.Machine, results.Versions = machine(), versions()
	}
	for _, p := range parts {
		if only != "" && !slices.Contains(wanted, p.name) {
			continue
		}
		began := time.Now()
		fmt.Fprintf(os.Stderr, "%-12s", p.name)
		r.facts = nil
		err := p.run(r)
		var lacking missing
		switch {
		case errors.As(err, &lacking):
			results.Missing = append(results.Missing, p.name+": "+lacking.Error())
		case err != nil:
			fmt.Fprintln(os.Stderr)
			return fmt.Errorf("%s: %w", p.name, err)
		default:
			results.Missing = slices.DeleteFunc(results.Missing, func(m string) bool { return strings.HasPrefix(m, p.name+":") })
		}
		results.replace(p.name, r.facts)
		fmt.Fprintf(os.Stderr, " %3d facts in %v\n", len(r.facts), time.Since(began).Round(100*time.Millisecond))
		if err := results.write(file); err != nil {
			return err
		}
	}
	return writeDocument(docs, results)
}

// passes is how often everything takes its turn.
func (r *run) passes(full int) int {
	if r.quick {
		return 2
	}
	return full
}

// budget is how long one measurement takes.
func (r *run) budget(full time.Duration) time.Duration {
	if r.quick {
		return max(full/20, time.Millisecond)
	}
	return full
}

func (r *run) add(f *Fact) { r.facts = append(r.facts, f) }

// tidy makes measurements one after the other look alike: what one left to the
// collector is not the next one's.
func tidy() { runtime.GC() }
