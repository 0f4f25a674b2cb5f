package render

import (
	"math"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/plotter"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
)

// MaxPoints is the most points of a series that a picture holds. For a longer
// series it shows the smallest and the largest value of each stretch.
const MaxPoints = 500

// A Series is one line of a curve. Points that are not finite are left out; values
// beyond ±1e300 are drawn at ±1e300.
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
	xmax   float64 // the X axis extends at least to here
	share  bool    // values from 0 to 1, shown in percent
	// mark is a point to ring, in the look of series markOf.
	mark   *plotter.XY
	markOf int
}

func (pn panel) plot() *plot.Plot {
	p := newPlot(pn.title, "epoch", "")
	p.Add(grid())
	lo, hi := math.Inf(1), math.Inf(-1)
	first, last := math.Inf(1), within(pn.xmax)
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
		addMark(p, plotter.XY{X: within(pn.mark.X), Y: within(pn.mark.Y)}, looks[pn.markOf%len(looks)])
	}
	if first > largest { // no point
		first, last = 0, max(last, 1)
	}
	p.X.Min, p.X.Max = min(first, last), max(first, last)
	if p.X.Max-p.X.Min < 1 {
		p.X.Min, p.X.Max = p.X.Min-1, p.X.Max+1
	}
	p.X.Min, p.X.Max = span(p.X.Min, p.X.Max)
	p.X.Tick.Marker = wholeTicks{}
	pn.scaleY(p, lo, hi)
	return p
}

// scaleY chooses the Y axis: percent for shares, logarithmic if the values span two
// decades.
func (pn panel) scaleY(p *plot.Plot, lo, hi float64) {
	if lo > hi {
		lo, hi = 0, 1
	}
	switch {
	case pn.share:
		p.Y.Min, p.Y.Max = span(max(0, lo-0.05*(hi-lo)-0.005), min(1, hi+0.05*(hi-lo)+0.005))
		p.Y.Tick.Marker = ticks{percent: true}
		p.Legend.Top = false
	case logarithmic(lo, hi):
		p.Title.Text += ", logarithmic"
		p.Y.Min, p.Y.Max = lo/1.1, hi*1.1
		p.Y.Scale = plot.LogScale{}
		p.Y.Tick.Marker = logTicks{}
		p.Legend.Top = true
	default:
		if lo >= 0 && lo < 0.5*hi {
			lo = 0
		}
		p.Y.Min, p.Y.Max = span(lo, hi+0.04*(hi-lo))
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
	// The spaces leave room for browsers whose font is wider than Arial.
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

// finite pairs x and y, without points that are not finite.
func finite(x, y []float64) plotter.XYs {
	pts := make(plotter.XYs, 0, len(y))
	for i, v := range y {
		if i < len(x) && drawable(x[i]) && drawable(v) {
			pts = append(pts, plotter.XY{X: within(x[i]), Y: within(v)})
		}
	}
	return pts
}

// thin keeps at most n points: the first, the last, and the lowest and highest of
// each stretch between them, so that no spike is lost.
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
