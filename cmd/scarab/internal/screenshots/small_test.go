package main

import (
	"bytes"
	"image"
	"image/color"
	"image/png"
	"testing"
)

// A picture of few colours stays as it is; of many, none is far off.
func TestSmall(t *testing.T) {
	for _, tt := range []struct {
		name string
		at   func(x, y int) color.RGBA
		off  float64 // at most, squared
	}{
		{"256 colours", func(x, y int) color.RGBA { return color.RGBA{uint8(16 * (x % 16)), uint8(16 * (y % 16)), 7, 255} }, 0},
		{"many colours", func(x, y int) color.RGBA { return color.RGBA{uint8(x), uint8(y), 99, 255} }, 15 * 15},
	} {
		t.Run(tt.name, func(t *testing.T) {
			img := image.NewRGBA(image.Rect(0, 0, 200, 100))
			for y := range 100 {
				for x := range 200 {
					img.SetRGBA(x, y, tt.at(x, y))
				}
			}
			var b bytes.Buffer
			if err := png.Encode(&b, img); err != nil {
				t.Fatal(err)
			}
			made, err := small(b.Bytes())
			if err != nil {
				t.Fatal(err)
			}
			got, err := png.Decode(bytes.NewReader(made))
			if err != nil || got.Bounds() != img.Bounds() {
				t.Fatalf("%v, %v", got.Bounds(), err)
			}
			for y := range 100 {
				for x := range 200 {
					is := color.RGBAModel.Convert(got.At(x, y)).(color.RGBA)
					if d := apart(is, tt.at(x, y)); d > tt.off {
						t.Fatalf("at %d, %d: %v, want %v", x, y, is, tt.at(x, y))
					}
				}
			}
		})
	}
}

func TestSmall_noPicture(t *testing.T) {
	if _, err := small([]byte("GIF89a")); err == nil {
		t.Error("no error")
	}
}
