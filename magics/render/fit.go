package render

import (
	"cmp"
	"fmt"
	"math"
	"slices"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/plotter"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"

	"github.com/gopherpod/gopherpod/kernel/display"
)

// ROC draws the true positive rate over the false positive rate, for every threshold
// of the score. ok is false if there are no positives or no negatives.
func ROC(scores []float64, positive []bool) (b display.Message, ok bool) {
	pts, area, ok := roc(scores, positive)
	if !ok {
		return display.Message{}, false
	}
	f := figure{width: 400, height: 360, plots: func() []*plot.Plot {
		p := newPlot("ROC curve", "share of negatives taken for positive", "share of positives found")
		p.Add(grid())
		p.Add(&plotter.Line{XYs: plotter.XYs{{X: 0, Y: 0}, {X: 1, Y: 1}}, LineStyle: draw.LineStyle{Color: faint, Width: vg.Points(0.75), Dashes: looks[2].dashes}})
		addSeries(p, Series{Name: fmt.Sprintf("AUC %.3f", area)}, thin(pts, MaxPoints))
		p.Legend.Top = false
		p.X.Min, p.X.Max, p.Y.Min, p.Y.Max = 0, 1, 0, 1
		p.X.Tick.Marker, p.Y.Tick.Marker = ticks{percent: true}, ticks{percent: true}
		return []*plot.Plot{p}
	}}
	return f.picture(fmt.Sprintf("ROC curve of %s samples, area under it %.4f.", Count(len(scores)), area)), true
}

// roc returns the curve, with one step for each distinct score, and the area under
// it.
func roc(scores []float64, positive []bool) (pts plotter.XYs, area float64, ok bool) {
	order := make([]int, min(len(scores), len(positive)))
	positives := 0
	for i := range order {
		order[i] = i
		if positive[i] {
			positives++
		}
	}
	negatives := len(order) - positives
	if positives == 0 || negatives == 0 {
		return nil, 0, false
	}
	// From the highest score to the lowest; NaN comes last.
	slices.SortFunc(order, func(a, b int) int { return cmp.Compare(scores[b], scores[a]) })
	pts = plotter.XYs{{X: 0, Y: 0}}
	found, mistaken := 0, 0
	for i, at := range order {
		if positive[at] {
			found++
		} else {
			mistaken++
		}
		if i+1 < len(order) && cmp.Compare(scores[order[i+1]], scores[at]) == 0 {
			continue // equal scores are one threshold
		}
		next := plotter.XY{X: float64(mistaken) / float64(negatives), Y: float64(found) / float64(positives)}
		last := pts[len(pts)-1]
		area += (next.X - last.X) * (next.Y + last.Y) / 2
		pts = append(pts, next)
	}
	return pts, area, true
}

// Residuals draws predicted over true values, and their differences. Samples whose
// values are not finite are left out.
func Residuals(truth, predicted []float64) display.Message {
	both := finite(truth, predicted)
	rest := make(plotter.XYs, len(both))
	worst := 0
	for i, p := range both {
		rest[i] = plotter.XY{X: p.Y, Y: within(p.Y - p.X)}
		if math.Abs(rest[i].Y) > math.Abs(rest[worst].Y) {
			worst = i
		}
	}
	f := figure{width: 720, height: 300, plots: func() []*plot.Plot {
		fit := scatter("predicted over true", "true", "predicted", both)
		left := scatter("residuals", "predicted", "predicted - true", rest)
		if len(both) > 0 {
			xmin, xmax, ymin, ymax := plotter.XYRange(both)
			lo, hi := min(xmin, ymin), max(xmax, ymax)
			fit.Add(expected(plotter.XY{X: lo, Y: lo}, plotter.XY{X: hi, Y: hi}))
			left.Add(expected(plotter.XY{X: ymin}, plotter.XY{X: ymax}))
		}
		return []*plot.Plot{fit, left}
	}}
	sentence := fmt.Sprintf("Predicted over true values of %s samples", Count(len(truth)))
	if len(both) > 0 {
		sentence += fmt.Sprintf("; the largest residual is %s at a true value of %s", Short(rest[worst].Y), Short(both[worst].X))
	}
	if n := len(truth) - len(both); n > 0 {
		sentence += fmt.Sprintf("; %s are not finite and left out", Count(n))
	}
	return f.picture(sentence + ".")
}

// expected draws the line that contains the points of a perfect fit.
func expected(from, to plotter.XY) *plotter.Line {
	return &plotter.Line{XYs: plotter.XYs{from, to}, LineStyle: draw.LineStyle{Color: looks[1].color, Width: vg.Points(1), Dashes: looks[1].dashes}}
}

// maxDots is the most points that a scatter plot shows. With more samples it shows
// every n-th.
const maxDots = 1000

func scatter(title, x, y string, pts plotter.XYs) *plot.Plot {
	if step := (len(pts) + maxDots - 1) / maxDots; step > 1 {
		var some plotter.XYs
		for i := 0; i < len(pts); i += step {
			some = append(some, pts[i])
		}
		pts = some
	}
	p := newPlot(title, x, y)
	p.Add(grid())
	p.Add(&plotter.Scatter{XYs: pts, GlyphStyle: draw.GlyphStyle{Color: looks[0].color, Radius: vg.Points(1.5), Shape: draw.RingGlyph{}}})
	p.X.Min, p.X.Max = span(p.X.Min, p.X.Max)
	p.Y.Min, p.Y.Max = span(p.Y.Min, p.Y.Max)
	p.X.Tick.Marker, p.Y.Tick.Marker = ticks{}, ticks{}
	return p
}
