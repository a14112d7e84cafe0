// Package plot draws the few kinds of charts that the report has, as SVG: lines
// over two logarithmic axes, and bars. They follow the reader's light or dark
// theme.
package plot

import (
	"fmt"
	"html"
	"math"
	"strings"
)

// A Series is one line, or the look of one.
type Series struct {
	Name   string
	X, Y   []float64
	Color  string // scarab, peer, other, more or limit
	Dashed bool
}

const (
	width, height         = 720, 400
	left, right           = 70, 150
	top, bottom           = 46, 52
	plotWidth, plotHeight = width - left - right, height - top - bottom
	lineGap               = 14 // between two labels
)

const style = `<style>
text{font:12px system-ui,sans-serif;fill:#333}
.title{font-size:14px;font-weight:600}
.grid{stroke:#ddd;stroke-width:1}
.axis{stroke:#888;stroke-width:1}
.line{fill:none;stroke-width:2}
.scarab{stroke:#0a7f62;fill:#0a7f62}.peer{stroke:#c2570c;fill:#c2570c}.other{stroke:#6d4bb3;fill:#6d4bb3}
.more{stroke:#2468b0;fill:#2468b0}.limit{stroke:#777;fill:#777}
text.scarab,text.peer,text.other,text.more,text.limit{stroke:none}
@media (prefers-color-scheme:dark){text{fill:#ccc}.grid{stroke:#333}.axis{stroke:#777}
.scarab{stroke:#3ec9a3;fill:#3ec9a3}.peer{stroke:#f08c3e;fill:#f08c3e}.other{stroke:#ab8ff0;fill:#ab8ff0}
.more{stroke:#6aaef5;fill:#6aaef5}.limit{stroke:#999;fill:#999}}
</style>
`

// Lines returns a chart of lines over logarithmic axes. format writes values of
// the vertical axis.
func Lines(title, xLabel string, format func(float64) string, series ...Series) string {
	x, y := axis{}, axis{}
	for _, s := range series {
		x.include(s.X...)
		y.include(s.Y...)
	}
	x.settle()
	y.settle()
	px := func(v float64) float64 { return left + x.at(v)*plotWidth }
	py := func(v float64) float64 { return top + (1-y.at(v))*plotHeight }

	var b strings.Builder
	open(&b, title, height)
	for _, v := range y.ticks() {
		fmt.Fprintf(&b, `<line class="grid" x1="%d" x2="%d" y1="%.1f" y2="%.1f"/>`, left, left+plotWidth, py(v), py(v))
		text(&b, "", left-8, py(v)+4, "end", format(v))
	}
	for _, v := range x.ticks() {
		fmt.Fprintf(&b, `<line class="grid" x1="%.1f" x2="%.1f" y1="%d" y2="%d"/>`, px(v), px(v), top, top+plotHeight)
		text(&b, "", px(v), top+plotHeight+18, "middle", Number(v))
	}
	fmt.Fprintf(&b, `<path class="axis" fill="none" d="M%d %dV%dH%d"/>`, left, top, top+plotHeight, left+plotWidth)
	text(&b, "", left+plotWidth/2, height-12, "middle", xLabel)

	labels := make([]float64, len(series))
	for i, s := range series {
		dash := ""
		if s.Dashed {
			dash = ` stroke-dasharray="5 4"`
		}
		fmt.Fprintf(&b, `<polyline class="line %s" style="fill:none"%s points="`, s.Color, dash)
		for j := range s.X {
			fmt.Fprintf(&b, "%.1f,%.1f ", px(s.X[j]), py(s.Y[j]))
		}
		b.WriteString(`"/>`)
		for j := range s.X {
			fmt.Fprintf(&b, `<circle class="%s" cx="%.1f" cy="%.1f" r="2.5"/>`, s.Color, px(s.X[j]), py(s.Y[j]))
		}
		if n := len(s.Y); n > 0 {
			labels[i] = py(s.Y[n-1])
		}
	}
	spread(labels)
	for i, s := range series {
		text(&b, s.Color, left+plotWidth+10, labels[i]+4, "start", s.Name)
	}
	b.WriteString("</svg>\n")
	return b.String()
}

// A Bar is one row of Bars.
type Bar struct {
	Name  string
	Value float64
	Color string
}

// Bars returns a chart of horizontal bars; with log they grow with the
// logarithm of the value, from a decade below the smallest.
func Bars(title string, format func(float64) string, log bool, bars ...Bar) string {
	const (
		row   = 24
		names = 200
		room  = width - names - 110
	)
	scale := axis{}
	for _, bar := range bars {
		scale.include(bar.Value)
	}
	high := top + row*len(bars) + 16
	var b strings.Builder
	open(&b, title, high)
	for i, bar := range bars {
		share := bar.Value / scale.max
		if log {
			low := math.Log(scale.min / 10)
			share = (math.Log(bar.Value) - low) / (math.Log(scale.max) - low)
		}
		y := float64(top + row*i)
		long := max(1, share*room)
		text(&b, "", names-10, y+15, "end", bar.Name)
		fmt.Fprintf(&b, `<rect class="%s" x="%d" y="%.1f" width="%.1f" height="%d" rx="2"/>`, bar.Color, names, y+3, long, row-7)
		text(&b, "", names+long+6, y+15, "start", format(bar.Value))
	}
	b.WriteString("</svg>\n")
	return b.String()
}

func open(b *strings.Builder, title string, high int) {
	fmt.Fprintf(b, `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 %d %d" width="%d" height="%d" role="img" aria-label="%s">`+"\n",
		width, high, width, high, html.EscapeString(title))
	b.WriteString(style)
	text(b, "title", 12, 24, "start", title)
}

func text(b *strings.Builder, class string, x, y float64, anchor, s string) {
	fmt.Fprintf(b, `<text class="%s" x="%.1f" y="%.1f" text-anchor="%s">%s</text>`+"\n", class, x, y, anchor, html.EscapeString(s))
}

// An axis is logarithmic and covers what it includes.
type axis struct{ min, max float64 }

func (a *axis) include(values ...float64) {
	for _, v := range values {
		if v <= 0 || math.IsNaN(v) {
			continue
		}
		if a.min == 0 || v < a.min {
			a.min = v
		}
		a.max = max(a.max, v)
	}
}

// settle leaves a little room on both sides.
func (a *axis) settle() {
	if a.min == 0 {
		a.min, a.max = 1, 10
	}
	a.min, a.max = a.min/1.15, a.max*1.15
}

func (a *axis) at(v float64) float64 {
	return (math.Log(v) - math.Log(a.min)) / (math.Log(a.max) - math.Log(a.min))
}

// ticks returns the powers of ten, and what lies between them if there are few.
func (a *axis) ticks() (ticks []float64) {
	steps := []float64{1}
	if a.max/a.min < 50 {
		steps = []float64{1, 2, 5}
	}
	for e := math.Floor(math.Log10(a.min)); e <= math.Log10(a.max); e++ {
		for _, step := range steps {
			if v := step * math.Pow(10, e); a.min <= v && v <= a.max {
				ticks = append(ticks, v)
			}
		}
	}
	return ticks
}

// spread moves labels apart that would cover each other.
func spread(y []float64) {
	order := make([]int, len(y))
	for i := range order {
		order[i] = i
	}
	for i := range order { // few: insertion sort
		for j := i; j > 0 && y[order[j]] < y[order[j-1]]; j-- {
			order[j], order[j-1] = order[j-1], order[j]
		}
	}
	for i := 1; i < len(order); i++ {
		if low := y[order[i-1]] + lineGap; y[order[i]] < low {
			y[order[i]] = low
		}
	}
	// What was pushed off the bottom pushes the others up.
	limit := float64(top + plotHeight)
	for i := len(order) - 1; i >= 0; i-- {
		y[order[i]] = min(y[order[i]], limit)
		limit = y[order[i]] - lineGap
	}
}

// Number writes v in three figures with k, M or G.
func Number(v float64) string {
	for _, unit := range []struct {
		size float64
		name string
	}{{1e9, " G"}, {1e6, " M"}, {1e3, " k"}} {
		if math.Abs(v) >= unit.size*0.9995 {
			return figures(v/unit.size) + unit.name
		}
	}
	return figures(v)
}

// figures writes v with three figures at most.
func figures(v float64) string {
	switch abs := math.Abs(v); {
	case math.IsNaN(v) || math.IsInf(v, 0):
		return "–"
	case abs >= 99.95 || v == math.Trunc(v):
		return fmt.Sprintf("%.0f", v)
	case abs >= 9.995:
		return strings.TrimSuffix(fmt.Sprintf("%.1f", v), ".0")
	default:
		return strings.TrimSuffix(strings.TrimRight(fmt.Sprintf("%.2f", v), "0"), ".")
	}
}

// Duration writes nanoseconds with three figures.
func Duration(ns float64) string {
	for _, unit := range []struct {
		size float64
		name string
	}{{1e9, " s"}, {1e6, " ms"}, {1e3, " µs"}} {
		if ns >= unit.size*0.9995 {
			return figures(ns/unit.size) + unit.name
		}
	}
	return figures(ns) + " ns"
}
