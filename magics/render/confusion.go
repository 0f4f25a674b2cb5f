package render

import (
	"image/color"
	"math"
	"strconv"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
)

// Picture is the confusion matrix as a picture; ok is false where there is none.
// A cell is as dark as its share of its true class, and says its count.
func (e Evaluation) Picture() (b Bundle, ok bool) {
	m := e.Metrics.Confusion
	if len(m) < 2 {
		return Bundle{}, false
	}
	p := newPlot("confusion matrix", "predicted class", "true class")
	p.Add(heat{m})
	classes := make(plot.ConstantTicks, 0, len(m))
	mirrored := make(plot.ConstantTicks, 0, len(m))
	step, slanted := (len(m)+19)/20, false
	for i := 0; i < len(m); i += step {
		label := short(e.class(i))
		slanted = slanted || len(label) > 3
		classes = append(classes, plot.Tick{Value: float64(i), Label: label})
		mirrored = append(mirrored, plot.Tick{Value: float64(len(m) - 1 - i), Label: label})
	}
	p.X.Tick.Marker, p.Y.Tick.Marker = classes, mirrored
	p.X.Padding, p.Y.Padding = 0, 0
	room := 0 // for names
	if slanted {
		p.X.Tick.Label.Rotation, p.X.Tick.Label.XAlign, p.X.Tick.Label.YAlign = math.Pi/4, draw.XRight, draw.YTop
		room = 60
	}
	p.X.Tick.Length, p.Y.Tick.Length = 0, 0
	p.X.LineStyle.Width, p.Y.LineStyle.Width = 0, 0
	side := min(max(len(m)*30, 180), 440)
	f := figure{plots: []*plot.Plot{p}, width: side + 64 + room, height: side + 70 + room}
	return picture(f.png(), f.width, f.height, "Confusion matrix. "+e.Sentence()), true
}

// short leaves as much of a class's name as a picture has room for.
func short(name string) string {
	const most = 12
	if r := []rune(name); len(r) > most {
		return string(r[:most-1]) + "…"
	}
	return name
}

// heat draws the cells of a matrix, row 0 on top.
type heat struct{ m [][]int }

func (h heat) DataRange() (xmin, xmax, ymin, ymax float64) {
	n := float64(len(h.m))
	return -0.5, n - 0.5, -0.5, n - 0.5
}

func (h heat) Plot(c draw.Canvas, p *plot.Plot) {
	x, y := p.Transforms(&c)
	style := p.X.Tick.Label
	style.XAlign, style.YAlign, style.Rotation = draw.XCenter, draw.YCenter, 0
	for i, row := range h.m {
		total := 0
		for _, n := range row {
			total += n
		}
		for j, n := range row {
			if j >= len(h.m) {
				break
			}
			share := 0.0
			if total > 0 {
				share = float64(n) / float64(total)
			}
			v := float64(len(h.m) - 1 - i)
			at := vg.Rectangle{
				Min: vg.Point{X: x(float64(j) - 0.5), Y: y(v - 0.5)},
				Max: vg.Point{X: x(float64(j) + 0.5), Y: y(v + 0.5)},
			}
			c.SetColor(shade(share))
			c.Fill(at.Path())
			c.SetColor(color.White)
			c.SetLineWidth(vg.Points(0.75))
			c.SetLineDash(nil, 0)
			c.Stroke(at.Path())
			if n > 0 && len(h.m) <= maxMatrix {
				style.Color = ink
				if share > 0.45 {
					style.Color = color.White
				}
				c.FillText(style, vg.Point{X: x(float64(j)), Y: y(v)}, strconv.Itoa(n))
			}
		}
	}
}

// shade goes from a light grey to the blue of the first series; what is not
// zero is told from zero.
func shade(share float64) color.Color {
	if share == 0 {
		return color.NRGBA{0xf4, 0xf4, 0xf4, 0xff}
	}
	mix := func(from, to float64) byte { return byte(from + (to-from)*share) }
	return color.NRGBA{mix(0xd2, 0x00), mix(0xe3, 0x5a), mix(0xf2, 0x9c), 0xff}
}
