package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"runtime/pprof"
	"slices"
	"strings"
	"time"

	"github.com/google/pprof/profile"

	"github.com/scarab-go/scarab/internal/bench/app"
)

// What a request's processor time is spent on. A sample counts for the function
// nearest to its end that one of these names; what is not named, such as a copy
// of bytes, counts for what called it.
var spentOn = []struct {
	name     string
	prefixes []string
}{
	{"allocating and collecting", []string{"runtime.mallocgc", "runtime.newobject", "runtime.gcBgMarkWorker", "runtime.bgsweep", "runtime.bgscavenge", "runtime.gcAssistAlloc", "runtime.gcStart", "runtime.wbBufFlush", "runtime.bulkBarrierPreWrite", "runtime.gcWriteBarrier"}},
	{"system calls", []string{"syscall.", "internal/runtime/syscall.", "internal/poll.", "net.", "os."}},
	{"goroutines and locks", []string{"sync.", "internal/sync.", "sync/atomic.", "runtime.schedule", "runtime.park_m", "runtime.mcall", "runtime.goready", "runtime.ready", "runtime.newproc", "runtime.selectgo", "runtime.chansend", "runtime.chanrecv", "runtime.mstart", "runtime.sysmon", "golang.org/x/sync", "context."}},
	{"cryptography", []string{"crypto/"}},
	{"base64 and hex", []string{"encoding/base64.", "encoding/hex."}},
	{"the clock", []string{"time."}},
	{"net/http", []string{"net/http.", "net/url.", "net/textproto.", "mime"}},
	{"JSON", []string{"encoding/json.", "strconv.", "internal/strconv.",
		root + "(*scanner)", root + "(*State).parsePayload", root + "(*State).parseDict", root + "(*State).parseReserved", root + "(*inCookie).append",
		root + "appendPython", root + "pythonTime", root + "members", root + "elements", root + "decode", root + "encode", root + "marshal",
		root + "plain", root + "unquote", root + "unescape", root + "hex4"}},
	{"the client library", []string{"github.com/redis/", "github.com/jackc/", "database/sql", "modernc.org/"}},
	{"the handler and the client", []string{module + "/internal/bench/app.", "main."}},
	{"the cookie's format", []string{module + "/cookiecodec."}},
	{"the store", []string{module + "/memstore.", module + "/redisstore.", module + "/sqlstore."}},
	{"the token against forgery", []string{module + "/csrf."}},
	{"the session", []string{root, module + "/internal/bench/limit."}},
}

const (
	module = "github.com/scarab-go/scarab"
	root   = module + "."
	others = "anything else"
)

// A spender is a work with a target, of scarab and by hand.
type spender struct {
	title          string
	library, limit string // limit may be empty
	work           work
	served         bool // over HTTP: the server's processor time
}

var spenders = []spender{
	{"memstore, read", "scarab/memstore", "limit/memory", read, false},
	{"memstore, write", "scarab/memstore", "limit/memory", write, false},
	{"signed, write", "scarab/signed", "limit/signed", write, false},
	{"sealed, write", "scarab/sealed", "limit/sealed", write, false},
	{"CSRF, page and form", "scarab/csrf", "limit/csrf", work{"page and form", []app.Op{app.Page, app.Form}}, false},
	{"Redis, read", "scarab/redis", "limit/redis", read, false},
	{"Redis, write", "scarab/redis", "limit/redis", write, false},
	{"PostgreSQL, read", "scarab/postgres", "limit/postgres", read, false},
	{"PostgreSQL, write", "scarab/postgres", "limit/postgres", write, false},
	{"SQLite, commit", "scarab/sqlite", "limit/sqlite", commit, false},
	{"bare server", "bare", "", write, true},
	{"memstore server", "scarab/memstore", "limit/memory", write, true},
	{"sealed server", "scarab/sealed", "limit/sealed", write, true},
	{"Redis server", "scarab/redis", "limit/redis", write, true},
}

// profiles returns what s and what is done by hand are spent on; nil if that
// was not measured.
func (r *Results) profiles(s spender) (mine, limit *Fact) {
	part, work := "profile", s.work.name
	if s.served {
		part, work = "wire", servedProfile
	}
	return r.Find(part, s.library, work), r.Find(part, s.limit, work)
}

// servedProfile is the work that profiles of servers are facts of.
const servedProfile = "write, profiled"

// spendings profiles every spender, as many requests at a time as its target
// has.
func (r *run) spendings() error {
	defer r.bed.mark()()
	for _, s := range spenders {
		if s.served {
			continue
		}
		pair := make([]*spending, 2)
		for i, name := range []string{s.library, s.limit} {
			workers, do, err := r.repeated(name, s.work)
			if err != nil {
				return fmt.Errorf("%s: %w", name, err)
			}
			if warm := drive(r.ctx, r.budget(500*time.Millisecond), workers, do); warm.err != nil {
				return fmt.Errorf("%s: %w", name, warm.err)
			}
			pair[i] = newSpending(name, workers, do, new(profiler))
		}
		for range r.passes(4) {
			for _, p := range pair {
				if err := p.profile(r.ctx, r.budget(time.Second)); err != nil {
					return fmt.Errorf("%s: %w", p.name, err)
				}
			}
		}
		for _, p := range pair {
			r.add(p.fact("profile", s.work.name))
		}
	}
	return nil
}

// servedSpendings profiles servers, each while its crowd reads and writes.
func (r *run) servedSpendings(crowds []*socketCrowd) error {
	var all []*spending
	for _, c := range crowds {
		profiled := slices.ContainsFunc(spenders, func(s spender) bool {
			return s.served && (s.library == c.site.name || s.limit == c.site.name) && c.fact.Work == s.work.name
		})
		if profiled {
			all = append(all, newSpending(c.site.name, len(c.browsers), c.do, c.site))
		}
	}
	for range r.passes(4) {
		for _, p := range all {
			if err := p.profile(r.ctx, r.budget(time.Second)); err != nil {
				return fmt.Errorf("%s: %w", p.name, err)
			}
		}
	}
	for _, p := range all {
		r.add(p.fact("wire", servedProfile))
	}
	return nil
}

// A profiled program is this one, or a server.
type profiled interface {
	start() error
	end() (io.Reader, error)
}

// A profiler profiles this program.
type profiler struct{ out *bytes.Buffer }

func (p *profiler) start() error {
	p.out = new(bytes.Buffer)
	return pprof.StartCPUProfile(p.out)
}

func (p *profiler) end() (io.Reader, error) {
	pprof.StopCPUProfile()
	return p.out, nil
}

// A spending is what one library spends on a work, in profiles so far.
type spending struct {
	name     string
	workers  int
	do       func(worker, i int) error
	program  profiled
	requests int
	ns       map[string]float64 // by purpose
}

func newSpending(name string, workers int, do func(worker, i int) error, program profiled) *spending {
	return &spending{name: name, workers: workers, do: do, program: program, ns: map[string]float64{}}
}

func (p *spending) profile(ctx context.Context, d time.Duration) error {
	if err := p.program.start(); err != nil {
		return err
	}
	l := drive(ctx, d, p.workers, p.do)
	out, err := p.program.end()
	if err := errors.Join(err, l.err); err != nil {
		return err
	}
	parsed, err := profile.Parse(out)
	if err != nil {
		return err
	}
	p.requests += len(l.latencies)
	for _, s := range parsed.Sample {
		p.ns[purpose(s)] += float64(s.Value[1])
	}
	return nil
}

// fact returns what a request costs.
func (p *spending) fact(part, work string) *Fact {
	f := &Fact{Part: part, Library: p.name, Work: work, More: map[string]float64{}}
	total := 0.0
	for purpose, ns := range p.ns {
		f.More[purpose] = ns / float64(p.requests)
		total += f.More[purpose]
	}
	f.Passes = []float64{total}
	return f
}

// repeated returns what repeats the work, and how many do at a time.
func (r *run) repeated(name string, w work) (workers int, do func(worker, i int) error, err error) {
	l, ok := app.Find(name)
	if !ok {
		return 0, nil, fmt.Errorf("there is no library %q", name)
	}
	o, err := r.options(l.Place, app.S)
	if err != nil {
		return 0, nil, err
	}
	if len(w.ops) == 0 {
		commit, end, err := app.SQLiteCommit(name, o)
		if err != nil {
			return 0, nil, err
		}
		r.bed.Cleanup(end)
		return 1, func(int, int) error { return commit() }, nil
	}
	a, err := l.Open(o)
	if err != nil {
		return 0, nil, err
	}
	r.bed.Cleanup(a.Close)
	workers = 1
	if o.Redis != "" || o.Postgres != "" {
		workers = clients
	}
	c, err := newCrowd(a, "", w, workers)
	if err != nil {
		return 0, nil, err
	}
	return workers, func(worker, _ int) error { return c.clients[worker].DoAll(c.ops) }, nil
}

// purpose returns what a sample was spent on.
func purpose(s *profile.Sample) string {
	for _, location := range s.Location { // from the end of the stack
		for _, line := range location.Line {
			for _, on := range spentOn {
				if slices.ContainsFunc(on.prefixes, func(p string) bool { return strings.HasPrefix(line.Function.Name, p) }) {
					return on.name
				}
			}
		}
	}
	return others
}

// spendingTable compares some spenders with what is done by hand: microseconds
// of processor time for each request.
func (r *Results) spendingTable(titles ...string) string {
	header := []string{""}
	var pairs [][2]*Fact
	for _, s := range spenders {
		mine, limit := r.profiles(s)
		if slices.Contains(titles, s.title) && mine != nil && (limit != nil || s.limit == "") {
			header = append(header, s.title)
			pairs = append(pairs, [2]*Fact{mine, limit})
		}
	}
	if len(pairs) == 0 {
		return table(true, header, nil)
	}
	var rows [][]string
	row := func(name string, of func(*Fact) float64) {
		cells, any := []string{name}, false
		for _, p := range pairs {
			var both []string
			for _, f := range p {
				if f != nil {
					v := of(f) / 1000
					any = any || v >= 0.005
					both = append(both, fmt.Sprintf("%.2f", v))
				}
			}
			cells = append(cells, strings.Join(both, " / "))
		}
		if any {
			rows = append(rows, cells)
		}
	}
	for _, on := range spentOn {
		row(on.name, func(f *Fact) float64 { return f.More[on.name] })
	}
	row(others, func(f *Fact) float64 { return f.More[others] })
	row("**all**", (*Fact).Value)
	return table(true, header, rows)
}

// spent says on what scarab spends most of what the work by hand does not.
func (r *Results) spent(title string) string {
	i := slices.IndexFunc(spenders, func(s spender) bool { return s.title == title })
	if i < 0 {
		return ""
	}
	s := spenders[i]
	mine, limit := r.profiles(s)
	if mine == nil || limit == nil {
		return ""
	}
	more := mine.Value() - limit.Value()
	names := slices.SortedFunc(maps.Keys(mine.More), func(a, b string) int {
		return int(mine.More[b] - limit.More[b] - (mine.More[a] - limit.More[a]))
	})
	var most []string
	for _, name := range names[:min(4, len(names))] {
		most = append(most, fmt.Sprintf("%s %.1f", name, (mine.More[name]-limit.More[name])/1000))
	}
	return fmt.Sprintf("Of processor time a request takes %.1f µs and by hand %.1f; of the %.1f between them: %s.",
		mine.Value()/1000, limit.Value()/1000, more/1000, strings.Join(most, ", "))
}
