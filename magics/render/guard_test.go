package render

import (
	"math"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
	"gonum.org/v1/plot/vg/recorder"
)

// A picture that panics while it is made or drawn is replaced by its sentence.
func TestPanickingPicture(t *testing.T) {
	panics := plotterFunc(func(draw.Canvas, *plot.Plot) { panic("no such point") })
	for name, plots := range map[string]func() []*plot.Plot{
		"making":  func() []*plot.Plot { panic("no such point") },
		"drawing": func() []*plot.Plot { p := newPlot("", "", ""); p.Add(panics); return []*plot.Plot{p} },
	} {
		f := figure{plots: plots, width: 100, height: 100}
		b := f.picture("Loss fell.")
		if want := "Loss fell. The picture is missing: it panicked: no such point."; b.Text() != want || len(b.Data) != 1 || b.Metadata != nil {
			t.Errorf("%s: got %v", name, b)
		}
		if svg := f.svg(); svg != "" {
			t.Errorf("%s: svg %q", name, svg)
		}
	}
}

// A picture that takes too long is also replaced by its sentence, and its drawing
// ends.
func TestSlowPicture(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		drawn := 0
		_, err := guarded(drawLimit, func(stop *atomic.Bool) any {
			c := watched{&recorder.Canvas{}, stop}
			for { // the canvas ends it with a panic
				c.Stroke(vg.Path{})
				drawn++
				time.Sleep(time.Millisecond) // on the bubble's clock
			}
		})
		if err != errSlow || drawn < 1000 {
			t.Errorf("got %v after %d strokes", err, drawn)
		}
		synctest.Wait()
		time.Sleep(time.Second)
		synctest.Wait()
	})
}

type plotterFunc func(draw.Canvas, *plot.Plot)

func (f plotterFunc) Plot(c draw.Canvas, p *plot.Plot) { f(c, p) }

// These series once failed: one epoch with targets around 1e9, and a loss of 1e36.
func TestDivergedCurve(t *testing.T) {
	for name, values := range hard {
		b := trainingOf(values, 1, 0).Curve()
		if b.Data[MIMEPNG] == nil {
			t.Errorf("%s: %s", name, b.Text())
		}
	}
}

func TestTickLabels(t *testing.T) {
	for _, c := range []struct {
		lo, hi float64
		want   string
	}{
		{0, 1, "0.0 0.2 0.4 0.6 0.8 1.0"},
		{-2, -1, "-2.0 -1.8 -1.6 -1.4 -1.2 -1.0"},
		{9.5e17, 1.05e18, "9.6e+17 9.8e+17 1e+18 1.02e+18 1.04e+18"},
		{1e9, 1e9 + 10, "1000000000 1000000002 1000000004 1000000006 1000000008 1000000010"},
		{0, 5e-324, "0"},
		{math.NaN(), 1, ""},
	} {
		var labels []string
		for _, tick := range (ticks{}).Ticks(c.lo, c.hi) {
			labels = append(labels, tick.Label)
		}
		if got := strings.Join(labels, " "); got != c.want {
			t.Errorf("%v to %v: got %q, want %q", c.lo, c.hi, got, c.want)
		}
	}
}
