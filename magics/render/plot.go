package render

import (
	"fmt"
	"image/color"
	"math"
	"strings"
	"sync/atomic"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"

	"github.com/gopherpod/gopherpod/kernel/display"
)

// Value shows a plot of gonum/plot, 6 x 4 inches, sharp on today's screens. Its text
// is a sentence with the title and axes. ok is false for other values.
func Value(v any) (m display.Message, ok bool) {
	p, ok := v.(*plot.Plot)
	if !ok || p == nil {
		return display.Message{}, false
	}
	const width, height = 576, 384
	repair(&p.X)
	repair(&p.Y)
	png := figure{width: width, height: height}.raster(func(c draw.Canvas) {
		c.SetColor(color.White)
		c.Fill(c.Path())
		margin := vg.Points(5)
		p.Draw(draw.Crop(c, margin, -margin, margin, -margin))
	}, &atomic.Bool{})
	return pictureOf(png, width, height, plotSentence(p)), true
}

// repair changes a linear axis whose range gonum/plot cannot draw. gonum/plot hangs if
// the range is NaN or overflows, and panics if Min and Max are equal and too large to
// move apart by 1.
func repair(a *plot.Axis) {
	if _, linear := a.Scale.(plot.LinearScale); !linear || math.IsInf(a.Min, 0) || math.IsInf(a.Max, 0) {
		return
	}
	a.Min, a.Max = within(a.Min), within(a.Max)
	if !(a.Min <= a.Max) || a.Min == a.Max && a.Min-1 == a.Min {
		a.Min, a.Max = span(a.Min, a.Max)
	}
}

// plotSentence describes a drawn plot by its title and axes. An empty plot gets the
// ranges of its axes when it is drawn.
func plotSentence(p *plot.Plot) string {
	var b strings.Builder
	b.WriteString("Plot")
	if p.Title.Text != "" {
		b.WriteString(" \"" + oneLine(p.Title.Text) + "\"")
	}
	axis := func(name string, a plot.Axis) string {
		if a.Label.Text != "" {
			name = oneLine(a.Label.Text)
		}
		return fmt.Sprintf("%s from %s to %s", name, Short(a.Min), Short(a.Max))
	}
	return b.String() + ": " + axis("x", p.X) + ", " + axis("y", p.Y) + "."
}

func oneLine(s string) string { return strings.Join(strings.Fields(s), " ") }
