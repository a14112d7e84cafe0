package main

import (
	"math"
	"strings"

	"github.com/scarab-go/scarab/internal/bench/plot"
)

// A look is how a library's line is drawn, the same in every chart.
type look struct {
	color  string
	dashed bool
}

var looks = map[string]look{
	"scarab/memstore":      {"scarab", false},
	"scarab/sealed":        {"other", false},
	"scarab/redis":         {"more", false},
	"scarab/redis batched": {"more", true},
	"scarab/postgres":      {"other", false},
	"scs/memstore":         {"peer", false},
	"scs/redis":            {"peer", true},
	"scs/postgres":         {"peer", false},
	"limit/memory":         {"limit", true},
	"limit/slabs":          {"limit", false},
}

// charts returns the pictures of the report, by name.
func (r *Results) charts() map[string]string {
	value := (*Fact).Value
	get := func(name string) func(*Fact) float64 { return func(f *Fact) float64 { return f.Get(name) } }
	all := []string{"scs/memstore", "scs/redis", "scs/postgres", "limit/memory", "limit/slabs", "scarab/memstore", "scarab/sealed", "scarab/redis", "scarab/redis batched", "scarab/postgres"}
	lines := func(part, work, title, x string, form func(float64) string, y func(*Fact) float64) string {
		var series []plot.Series
		for _, name := range all {
			s := plot.Series{Name: name, Color: looks[name].color, Dashed: looks[name].dashed}
			for _, f := range r.Part(part) {
				if v := y(f); f.Library == name && f.Work == work && v > 0 {
					s.X, s.Y = append(s.X, f.X), append(s.Y, v)
				}
			}
			if len(s.X) > 0 {
				series = append(series, s)
			}
		}
		return plot.Lines(title, x, form, series...)
	}
	return map[string]string{
		"process":    r.processBars(),
		"wire":       r.wireBars(),
		"size-read":  lines("size", "read", "A request that reads, by the size of its session", "bytes of JSON", plot.Duration, value),
		"size-write": lines("size", "write", "A request that reads and writes, by the size of its session", "bytes of JSON", plot.Duration, value),
		"keys-read":  lines("keys", "read", "A request that reads, by the keys of its session", "keys", plot.Duration, value),
		"keys-write": lines("keys", "write", "A request that reads and writes, by the keys of its session", "keys", plot.Duration, value),
		"clients":    lines("clients", "write", "Requests a second that read and write, by clients", "clients", plot.Number, value),
		"latency":    lines("clients", "write", "99 of 100 such requests take less than", "clients", plot.Duration, get("p99")),
		"contention": lines("contention", "write", "Writes a second to one session, by writers", "writers at once", plot.Number, value),
		"heap":       lines("memory", "write", "Bytes of heap for a session, by sessions in the process", "sessions", plot.Number, get("heap")),
		"collection": lines("memory", "write", "A full garbage collection, by sessions in the process", "sessions", plot.Duration, get("gc")),
		"sessions":   lines("sessions", "write", "Requests a second that read and write, by sessions in the database", "sessions", plot.Number, value),
	}
}

func barColor(library string) string {
	family, _, _ := strings.Cut(library, "/")
	switch family {
	case "scarab":
		return "scarab"
	case "limit", "bare":
		return "limit"
	}
	return "peer"
}

func (r *Results) processBars() string {
	var bars []plot.Bar
	for _, name := range r.libraries("process") {
		if f := r.Find("process", name, "write S"); f != nil && name != "bare" {
			bars = append(bars, plot.Bar{Name: name, Value: f.Value(), Color: barColor(name)})
		}
	}
	return plot.Bars("A request that reads and writes S, in the process (each step is the same factor)", plot.Duration, true, bars...)
}

func (r *Results) wireBars() string {
	var bars []plot.Bar
	for _, name := range wireLibraries {
		if share := Ratio(r.Find("wire", name, "write"), r.Find("wire", "bare", "write")); !math.IsNaN(share) {
			bars = append(bars, plot.Bar{Name: name, Value: share, Color: barColor(name)})
		}
	}
	return plot.Bars("Requests that read and write, over HTTP: share of a bare handler's rate", percent, false, bars...)
}
