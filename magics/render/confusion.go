package render

import (
	"image/color"
	"math"
	"strconv"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"

	"github.com/gopherpod/gopherpod/kernel/display"
)

// Picture draws the confusion matrix; ok is false if there is none. The larger a
// cell's share of its true class, the darker it is. A cell also has its count.
func (e Evaluation) Picture() (b display.Message, ok bool) {
	n := len(e.Metrics.Confusion)
	if n < 2 {
		return display.Message{}, false
	}
	slanted := false
	for i := 0; i < n; i += e.everyClass() {
		slanted = slanted || len(short(e.class(i))) > 3
	}
	room := 0 // for class names
	if slanted {
		room = 60
	}
	side := min(max(n*30, 180), 440)
	f := figure{width: side + 64 + room, height: side + 70 + room, plots: func() []*plot.Plot { return []*plot.Plot{e.heat(slanted)} }}
	return f.picture("Confusion matrix. " + e.Sentence()), true
}

// everyClass returns n such that every n-th class has a label.
func (e Evaluation) everyClass() int { return (len(e.Metrics.Confusion) + 19) / 20 }

func (e Evaluation) heat(slanted bool) *plot.Plot {
	m := e.Metrics.Confusion
	p := newPlot("confusion matrix", "predicted class", "true class")
	p.Add(heat{m})
	classes := make(plot.ConstantTicks, 0, len(m))
	mirrored := make(plot.ConstantTicks, 0, len(m))
	for i := 0; i < len(m); i += e.everyClass() {
		label := short(e.class(i))
		classes = append(classes, plot.Tick{Value: float64(i), Label: label})
		mirrored = append(mirrored, plot.Tick{Value: float64(len(m) - 1 - i), Label: label})
	}
	p.X.Tick.Marker, p.Y.Tick.Marker = classes, mirrored
	p.X.Padding, p.Y.Padding = 0, 0
	if slanted {
		p.X.Tick.Label.Rotation, p.X.Tick.Label.XAlign, p.X.Tick.Label.YAlign = math.Pi/4, draw.XRight, draw.YTop
	}
	p.X.Tick.Length, p.Y.Tick.Length = 0, 0
	p.X.LineStyle.Width, p.Y.LineStyle.Width = 0, 0
	return p
}

// short shortens a class's name to what a picture has room for.
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

// maxCells is the most cells that a row of the picture has. In a larger matrix, each
// cell covers several neighbouring classes.
const maxCells = 100

// shares returns each cell's share of its row's total, with size classes per cell.
func (h heat) shares(size int) [][]float64 {
	n := (len(h.m) + size - 1) / size
	shares := make([][]float64, n)
	for i := range shares {
		shares[i] = make([]float64, n)
		total := 0.0
		for _, row := range h.m[i*size : min((i+1)*size, len(h.m))] {
			for j, count := range first(row, len(h.m)) {
				shares[i][j/size] += max(0, float64(count))
				total += max(0, float64(count))
			}
		}
		for j := range shares[i] {
			shares[i][j] /= max(total, 1)
		}
	}
	return shares
}

func (h heat) Plot(c draw.Canvas, p *plot.Plot) {
	x, y := p.Transforms(&c)
	style := p.X.Tick.Label
	style.XAlign, style.YAlign, style.Rotation = draw.XCenter, draw.YCenter, 0
	size := (len(h.m) + maxCells - 1) / maxCells
	// edge returns where the first class of cell i begins, from 0 to the number of
	// classes.
	edge := func(i int) float64 { return float64(min(i*size, len(h.m))) }
	for i, row := range h.shares(size) {
		for j, share := range row {
			at := vg.Rectangle{
				Min: vg.Point{X: x(edge(j) - 0.5), Y: y(float64(len(h.m)) - edge(i+1) - 0.5)},
				Max: vg.Point{X: x(edge(j+1) - 0.5), Y: y(float64(len(h.m)) - edge(i) - 0.5)},
			}
			c.SetColor(shade(share))
			c.Fill(at.Path())
			c.SetColor(color.White)
			c.SetLineWidth(vg.Points(0.75))
			c.SetLineDash(nil, 0)
			c.Stroke(at.Path())
			if share > 0 && len(h.m) <= maxMatrix {
				style.Color = ink
				if share > 0.45 {
					style.Color = color.White
				}
				middle := vg.Point{X: x(float64(j)), Y: y(float64(len(h.m) - 1 - i))}
				c.FillText(style, middle, strconv.Itoa(h.m[i][j]))
			}
		}
	}
}

// shade goes from a light grey to the blue of the first series. Even a small share
// looks different from zero.
func shade(share float64) color.Color {
	if share == 0 {
		return color.NRGBA{0xf4, 0xf4, 0xf4, 0xff}
	}
	mix := func(from, to float64) byte { return byte(from + (to-from)*share) }
	return color.NRGBA{mix(0xd2, 0x00), mix(0xe3, 0x5a), mix(0xf2, 0x9c), 0xff}
}
