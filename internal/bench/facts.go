package main

import (
	"encoding/json"
	"math"
	"os"
	"slices"
	"time"
)

// A Fact is what was measured of one library doing one kind of work.
type Fact struct {
	Part    string             `json:"part"` // what measured it, such as "process"
	Library string             `json:"library"`
	Work    string             `json:"work"`             // such as "read S"
	X       float64            `json:"x,omitempty"`      // where on a curve
	Passes  []float64          `json:"passes,omitempty"` // nanoseconds, or requests a second, one for each pass
	More    map[string]float64 `json:"more,omitempty"`   // whatever else, by name: medians of the passes
}

// Value returns the median of the passes.
func (f *Fact) Value() float64 {
	if f == nil {
		return math.NaN()
	}
	return median(f.Passes)
}

// Get returns another figure of f, NaN if there is none.
func (f *Fact) Get(name string) float64 {
	if f == nil {
		return math.NaN()
	}
	v, ok := f.More[name]
	if !ok {
		return math.NaN()
	}
	return v
}

// Results are the facts of a run, and what they were measured on.
type Results struct {
	When     time.Time         `json:"when"`
	Machine  string            `json:"machine"`
	Quick    bool              `json:"quick"` // not to be taken for figures
	Versions map[string]string `json:"versions"`
	Missing  []string          `json:"missing,omitempty"` // what could not be measured, and why
	Facts    []*Fact           `json:"facts"`
}

// Find returns the fact of a library and its work, nil if there is none.
func (r *Results) Find(part, library, work string) *Fact {
	for _, f := range r.Facts {
		if f.Part == part && f.Library == library && f.Work == work {
			return f
		}
	}
	return nil
}

// At is Find on a curve.
func (r *Results) At(part, library, work string, x float64) *Fact {
	for _, f := range r.Facts {
		if f.Part == part && f.Library == library && f.Work == work && f.X == x {
			return f
		}
	}
	return nil
}

// Part returns the facts of a part, in the order they were measured.
func (r *Results) Part(part string) (facts []*Fact) {
	for _, f := range r.Facts {
		if f.Part == part {
			facts = append(facts, f)
		}
	}
	return facts
}

// Ratio returns a's value for b's: the median of the ratios inside each pass,
// which a slow phase of the machine touches on both sides.
func Ratio(a, b *Fact) float64 {
	if a == nil || b == nil || len(a.Passes) != len(b.Passes) {
		return math.NaN()
	}
	ratios := make([]float64, len(a.Passes))
	for i := range ratios {
		ratios[i] = a.Passes[i] / b.Passes[i]
	}
	return median(ratios)
}

func median(values []float64) float64 {
	if len(values) == 0 {
		return math.NaN()
	}
	sorted := slices.Sorted(slices.Values(values))
	n := len(sorted)
	return (sorted[(n-1)/2] + sorted[n/2]) / 2
}

func readResults(file string) (*Results, error) {
	text, err := os.ReadFile(file)
	if os.IsNotExist(err) {
		return &Results{}, nil
	}
	if err != nil {
		return nil, err
	}
	r := new(Results)
	return r, json.Unmarshal(text, r)
}

func (r *Results) write(file string) error {
	text, err := json.MarshalIndent(r, "", "\t")
	if err != nil {
		return err
	}
	return os.WriteFile(file, append(text, '\n'), 0o644)
}

// replace puts in the facts of a part for those of an earlier run.
func (r *Results) replace(part string, facts []*Fact) {
	r.Facts = slices.DeleteFunc(r.Facts, func(f *Fact) bool { return f.Part == part })
	r.Facts = append(r.Facts, facts...)
}
