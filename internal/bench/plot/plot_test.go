package plot

import (
	"encoding/xml"
	"errors"
	"io"
	"strings"
	"testing"
)

func TestNumbers(t *testing.T) {
	for _, tt := range []struct{ got, want string }{
		{Number(0), "0"},
		{Number(1.5), "1.5"},
		{Number(12.04), "12"},
		{Number(999.4), "999"},
		{Number(999.9), "1 k"},
		{Number(18_445), "18.4 k"},
		{Number(1_657_427), "1.66 M"},
		{Duration(11.9), "11.9 ns"},
		{Duration(18_445), "18.4 µs"},
		{Duration(99_960), "100 µs"},
		{Duration(163e6), "163 ms"},
	} {
		if tt.got != tt.want {
			t.Errorf("got %q, want %q", tt.got, tt.want)
		}
	}
}

// A chart is well-formed XML, has every name in it, and keeps its labels apart.
func TestCharts(t *testing.T) {
	lines := Lines("Cost <of> a session", "bytes", Duration,
		Series{Name: "scarab & co", X: []float64{1, 10, 100}, Y: []float64{5, 6, 7}, Color: "scarab"},
		Series{Name: "scs", X: []float64{1, 10, 100}, Y: []float64{50, 60, 7}, Color: "peer", Dashed: true})
	bars := Bars("Share", Number, true, Bar{"scarab & co", 10, "scarab"}, Bar{"scs", 1000, "peer"})
	for _, svg := range []string{lines, bars} {
		for _, name := range []string{"scarab &amp; co", ">scs<"} {
			if !strings.Contains(svg, name) {
				t.Errorf("no %s in\n%s", name, svg)
			}
		}
		if strings.Contains(svg, "NaN") || strings.Contains(svg, "Inf") {
			t.Errorf("no number in\n%s", svg)
		}
		for d := xml.NewDecoder(strings.NewReader(svg)); ; {
			if _, err := d.Token(); errors.Is(err, io.EOF) {
				break
			} else if err != nil {
				t.Fatalf("%v in\n%s", err, svg)
			}
		}
	}
	y := []float64{100, 101, 340, 345}
	if spread(y); y[1]-y[0] < lineGap || y[3]-y[2] < lineGap || y[3] > top+plotHeight {
		t.Errorf("labels are at %v", y)
	}
}
