package main

import (
	"bytes"
	"cmp"
	"fmt"
	"image"
	"image/color"
	"image/png"
	"math"
)

// small makes a PNG of 256 colours, which is a third of the size and looks the
// same: pages have few colours, and shades between them.
func small(picture []byte) ([]byte, error) {
	img, err := png.Decode(bytes.NewReader(picture))
	if err != nil {
		return nil, fmt.Errorf("the picture: %w", err)
	}
	counts := map[color.RGBA]int{}
	bounds := img.Bounds()
	at := func(x, y int) color.RGBA { return color.RGBAModel.Convert(img.At(x, y)).(color.RGBA) }
	for y := bounds.Min.Y; y < bounds.Max.Y; y++ {
		for x := bounds.Min.X; x < bounds.Max.X; x++ {
			counts[at(x, y)]++
		}
	}
	palette := choose(counts)
	index := map[color.RGBA]uint8{}
	for c := range counts {
		index[c] = uint8(palette.Index(c))
	}
	out := image.NewPaletted(bounds, palette)
	for y := bounds.Min.Y; y < bounds.Max.Y; y++ {
		for x := bounds.Min.X; x < bounds.Max.X; x++ {
			out.SetColorIndex(x, y, index[at(x, y)])
		}
	}
	var b bytes.Buffer
	encoder := png.Encoder{CompressionLevel: png.BestCompression}
	err = encoder.Encode(&b, out)
	return b.Bytes(), err
}

// choose returns up to 256 of the colours: again and again the one that most is
// lost without, by how often it occurs and how far it is from those chosen.
func choose(counts map[color.RGBA]int) color.Palette {
	lost := make(map[color.RGBA]float64, len(counts))
	for c := range counts {
		lost[c] = math.MaxFloat64
	}
	var palette color.Palette
	for len(palette) < min(len(counts), 256) {
		var next color.RGBA
		most := -1.0
		for c, distance := range lost {
			if loss := distance * math.Sqrt(float64(counts[c])); loss > most || loss == most && less(c, next) {
				next, most = c, loss
			}
		}
		palette = append(palette, next)
		for c, distance := range lost {
			lost[c] = min(distance, apart(c, next))
		}
	}
	return palette
}

func apart(a, b color.RGBA) float64 {
	square := func(x, y uint8) float64 { return (float64(x) - float64(y)) * (float64(x) - float64(y)) }
	return square(a.R, b.R) + square(a.G, b.G) + square(a.B, b.B)
}

func less(a, b color.RGBA) bool {
	return cmp.Or(cmp.Compare(a.R, b.R), cmp.Compare(a.G, b.G), cmp.Compare(a.B, b.B)) < 0
}
