package render

import (
	"math"
	"strconv"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/plotter"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
)

// MaxPoints is how many points of a series a picture holds; longer series are
// drawn by the smallest and largest value of each stretch.
const MaxPoints = 500

// A Series is one line of a curve. Points that are not finite are left out.
type Series struct {
	Name string
	X, Y []float64
	// Look is the index of colour, dash and marker.
	Look int
}

// A panel is one system of axes.
type panel struct {
	title  string
	series []Series
	xmax   float64 // where the X axis ends at least
	share  bool    // values from 0 to 1, shown in percent
	// mark is a point to ring, in the look of series markOf.
	mark   *plotter.XY
	markOf int
}

func (pn panel) plot() *plot.Plot {
	p := newPlot(pn.title, "epoch", "")
	p.Add(grid())
	lo, hi := math.Inf(1), math.Inf(-1)
	first, last := math.Inf(1), pn.xmax
	for _, s := range pn.series {
		pts := thin(finite(s.X, s.Y), MaxPoints)
		if len(pts) == 0 {
			continue
		}
		for _, q := range pts {
			lo, hi = min(lo, q.Y), max(hi, q.Y)
		}
		first, last = min(first, pts[0].X), max(last, pts[len(pts)-1].X)
		addSeries(p, s, pts)
	}
	if pn.mark != nil {
		addMark(p, *pn.mark, looks[pn.markOf%len(looks)])
	}
	p.X.Min, p.X.Max = min(first, last), max(first, last)
	if math.IsInf(p.X.Min, 0) {
		p.X.Min, p.X.Max = 0, 1
	}
	p.X.Tick.Marker = wholeTicks{}
	pn.scaleY(p, lo, hi)
	return p
}

// scaleY chooses the Y axis: percent for shares, logarithmic where a linear one
// would press most of the curve onto the floor.
func (pn panel) scaleY(p *plot.Plot, lo, hi float64) {
	if lo > hi {
		lo, hi = 0, 1
	}
	switch {
	case pn.share:
		p.Y.Min, p.Y.Max = max(0, lo-0.05*(hi-lo)-0.005), min(1, hi+0.05*(hi-lo)+0.005)
		p.Y.Tick.Marker = ticks{percent: true}
		p.Legend.Top = false
	case lo > 0 && hi/lo >= 100:
		p.Title.Text += ", logarithmic"
		p.Y.Min, p.Y.Max = lo/1.1, hi*1.1
		p.Y.Scale = plot.LogScale{}
		p.Y.Tick.Marker = plot.LogTicks{Prec: 3}
		p.Legend.Top = true
	default:
		if lo >= 0 && lo < 0.5*hi {
			lo = 0
		}
		p.Y.Min, p.Y.Max = lo, hi+0.04*(hi-lo)
		if p.Y.Min == p.Y.Max {
			p.Y.Min, p.Y.Max = lo-0.5, hi+0.5
		}
		p.Y.Tick.Marker = ticks{}
		p.Legend.Top = true
	}
}

func grid() *plotter.Grid {
	g := plotter.NewGrid()
	g.Vertical.Color, g.Horizontal.Color = gridline, gridline
	g.Vertical.Width = 0
	g.Horizontal.Width = vg.Points(0.5)
	return g
}

func addSeries(p *plot.Plot, s Series, pts plotter.XYs) {
	k := looks[s.Look%len(looks)]
	line := &plotter.Line{XYs: pts, LineStyle: draw.LineStyle{Color: k.color, Width: vg.Points(1.4), Dashes: k.dashes}}
	marks := &plotter.Scatter{XYs: markers(pts, 12), GlyphStyle: draw.GlyphStyle{Color: k.color, Radius: vg.Points(2.1), Shape: k.marker}}
	p.Add(line, marks)
	// The spaces are room for browsers without a font of Arial's widths.
	p.Legend.Add(s.Name+"  ", line, marks)
}

// addMark rings a point: the best epoch.
func addMark(p *plot.Plot, at plotter.XY, k look) {
	ring := &plotter.Scatter{XYs: plotter.XYs{at}, GlyphStyle: draw.GlyphStyle{Color: k.color, Radius: vg.Points(4), Shape: draw.RingGlyph{}}}
	p.Add(ring)
	p.Legend.Add("best  ", ring)
}

// markers picks about n points, the last one among them, so that the markers of
// a long series do not run into a bar.
func markers(pts plotter.XYs, n int) plotter.XYs {
	step := (len(pts) + n - 1) / n
	var out plotter.XYs
	for i := len(pts) - 1; i >= 0; i -= max(step, 1) {
		out = append(out, pts[i])
	}
	return out
}

func finite(x, y []float64) plotter.XYs {
	pts := make(plotter.XYs, 0, len(y))
	for i, v := range y {
		if i < len(x) && !math.IsNaN(v) && !math.IsInf(v, 0) {
			pts = append(pts, plotter.XY{X: x[i], Y: v})
		}
	}
	return pts
}

// thin keeps at most n points: the first and last, and of each of the stretches
// between the lowest and the highest, so that no spike is lost.
func thin(pts plotter.XYs, n int) plotter.XYs {
	if len(pts) <= n || n < 4 {
		return pts
	}
	inner := pts[1 : len(pts)-1]
	buckets := (n - 2) / 2
	out := append(make(plotter.XYs, 0, n), pts[0])
	for b := range buckets {
		from, to := b*len(inner)/buckets, (b+1)*len(inner)/buckets
		lo, hi := from, from
		for i := from; i < to; i++ {
			if inner[i].Y < inner[lo].Y {
				lo = i
			}
			if inner[i].Y > inner[hi].Y {
				hi = i
			}
		}
		out = append(out, inner[min(lo, hi)])
		if lo != hi {
			out = append(out, inner[max(lo, hi)])
		}
	}
	return append(out, pts[len(pts)-1])
}

// wholeTicks are ticks at whole numbers.
type wholeTicks struct{}

func (wholeTicks) Ticks(lo, hi float64) []plot.Tick {
	step := math.Max(1, niceStep((hi-lo)/5))
	var out []plot.Tick
	if first := math.Ceil(lo); math.Mod(first, step) != 0 {
		out = append(out, plot.Tick{Value: first, Label: strconv.Itoa(int(first))})
	}
	for v := math.Ceil(lo/step) * step; v <= hi+1e-9; v += step {
		if len(out) == 1 && v-out[0].Value < 0.45*step && out[0].Value != v {
			continue // would touch the label of the first epoch
		}
		out = append(out, plot.Tick{Value: v, Label: strconv.Itoa(int(v))})
	}
	return out
}

// ticks are at round numbers, with as many digits as tell them apart.
type ticks struct{ percent bool }

func (t ticks) Ticks(lo, hi float64) []plot.Tick {
	scale, unit := 1.0, ""
	if t.percent {
		scale, unit = 100, " %"
	}
	step := niceStep((hi - lo) * scale / 5)
	digits := max(0, -int(math.Floor(math.Log10(step)+1e-9)))
	var out []plot.Tick
	for k := math.Ceil(lo * scale / step); k*step <= hi*scale*(1+1e-12); k++ {
		label := strconv.FormatFloat(k*step+0, 'f', digits, 64) + unit // + 0: no "-0"
		if digits > 4 || math.Abs(k*step) >= 1e6 {
			label = Short(k*step) + unit
		}
		out = append(out, plot.Tick{Value: k * step / scale, Label: label})
	}
	return out
}

// niceStep is the smallest of 1, 2 and 5 times a power of ten that is not below x.
func niceStep(x float64) float64 {
	if !(x > 0) || math.IsInf(x, 0) {
		return 1
	}
	power := math.Pow(10, math.Floor(math.Log10(x)))
	for _, m := range []float64{1, 2, 5} {
		if m*power >= x*(1-1e-9) {
			return m * power
		}
	}
	return 10 * power
}
