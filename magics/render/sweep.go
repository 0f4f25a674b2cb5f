package render

import (
	"cmp"
	"fmt"
	"image/color"
	"math"
	"slices"
	"strconv"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"

	"github.com/gopherpod/gopherpod/kernel/display"
)

// A Sweep holds what the outputs of a hyperparameter search show.
type Sweep struct {
	Measure string // what trials are compared by: "validation loss"
	// Accuracy says that Measure is an accuracy. The values of the trials are then the
	// shares of wrong samples, so small ones are good here too.
	Accuracy bool
	Names    []string // of the hyperparameters
	Ends     [][2]string
	Trials   []SweepTrial
	Best     int // index in Trials, -1 for none
	// Importance is one number per hyperparameter, 0 to 1, or NaN if unknown; nil
	// if it was not computed.
	Importance []float64
	Title      string
	Total      int // how many trials there will be
}

// A SweepTrial is one point: its values as text, their positions on their axes
// (0 to 1), and the result; Failed says why there is none.
type SweepTrial struct {
	Number   int
	Values   []string
	Position []float64
	Value    float64
	Failed   string
	Note     string // beside the value, such as that the trial was stopped early
}

// maxTrials is the most rows that a table of trials has.
const maxTrials = 15

// Table returns the best trials, the best one first and in bold, and how much each
// hyperparameter mattered.
func (s Sweep) Table() display.Message {
	order := s.order()
	t := Table{Caption: s.Title, Header: append(append([]string{"trial"}, s.Names...), s.Measure)}
	if s.Best >= 0 {
		t.Mark = 1
	}
	for _, i := range first(order, maxTrials) {
		trial := s.Trials[i]
		value := s.Figure(trial.Value)
		if trial.Failed != "" {
			value = trial.Failed
		} else if trial.Note != "" {
			value += ", " + trial.Note
		}
		t.Rows = append(t.Rows, append(append([]string{strconv.Itoa(trial.Number + 1)}, trial.Values...), value))
	}
	html, text := t.HTML(), t.Text()
	if n := len(order) - maxTrials; n > 0 {
		more := fmt.Sprintf("and %s more trials", Count(n))
		if n == 1 {
			more = "and one more trial"
		}
		html, text = html+"\n<div>"+more+"</div>", text+"\n"+more
	}
	if known := func(x float64) bool { return !math.IsNaN(x) }; slices.ContainsFunc(s.Importance, known) && len(s.Trials) > 3 {
		im := Table{Header: append([]string{""}, s.Names...), Rows: [][]string{{"share of the differences"}}}
		for _, x := range s.Importance {
			share := "?"
			if known(x) {
				share = strconv.FormatFloat(100*x, 'f', 0, 64) + " %"
			}
			im.Rows[0] = append(im.Rows[0], share)
		}
		html, text = html+"\n"+im.HTML(), text+"\n\n"+im.Text()
	}
	return table(html, text)
}

// order sorts the trials: the best first, then those that were stopped early, those
// whose value is NaN, and those that failed.
func (s Sweep) order() []int {
	order := make([]int, len(s.Trials))
	for i := range order {
		order[i] = i
	}
	slices.SortStableFunc(order, func(a, b int) int {
		x, y := s.Trials[a], s.Trials[b]
		return cmp.Or(cmp.Compare(x.rank(), y.rank()), cmp.Compare(x.Value, y.Value), cmp.Compare(x.Number, y.Number))
	})
	return order
}

// rank returns the group of a trial. Values are only compared within a group.
func (t SweepTrial) rank() int {
	switch {
	case t.Failed != "":
		return 3
	case math.IsNaN(t.Value):
		return 2
	case t.Note != "":
		return 1
	}
	return 0
}

// Progress returns the view while trials run. The picture is SVG, like that of a
// training.
func (s Sweep) Progress(elapsed string) display.Message {
	done := 0.0
	if s.Total > 0 {
		done = float64(len(s.Trials)) / float64(s.Total)
	}
	status := fmt.Sprintf("%d of %d trials, %s", len(s.Trials), s.Total, elapsed)
	tab := s.Table()
	html := fmt.Sprintf(`<div><progress value="%.3f" max="1">%.0f %%</progress> %s</div>`, done, 100*done, escape(status)) + "\n" + tab.Data[MIMEHTML].(string)
	if f, ok := s.figure(); ok {
		if svg := f.svg(); len(html)+len(svg) <= FrameBytes {
			html += "\n<div>" + svg + "</div>"
		}
	}
	return table(html,
		fmt.Sprintf("[%s] %3.0f %%  %s\n", bar(done, 30), 100*done, status)+tab.Text())
}

// Figure writes a trial's value as the measure that Measure names.
func (s Sweep) Figure(value float64) string {
	if s.Accuracy {
		return Percent(1 - value)
	}
	return Number(value)
}

// short is Figure for an axis.
func (s Sweep) short(value float64) string {
	if s.Accuracy {
		return Percent(1 - value)
	}
	return Short(value)
}

// best returns the best trial, or nil if none succeeded.
func (s Sweep) best() *SweepTrial {
	if s.Best < 0 || s.Best >= len(s.Trials) {
		return nil
	}
	return &s.Trials[s.Best]
}

// Sentence returns the result in one sentence.
func (s Sweep) Sentence() string {
	b := s.best()
	if b == nil {
		return fmt.Sprintf("%d trials, and none succeeded.", len(s.Trials))
	}
	text := fmt.Sprintf("%d trials; the best %s is %s with", len(s.Trials), s.Measure, s.Figure(b.Value))
	for i, name := range first(s.Names, len(b.Values)) {
		if i > 0 {
			text += ","
		}
		text += " " + name + " " + b.Values[i]
	}
	return text + "."
}

// Picture draws each trial as a line over parallel axes: one for each
// hyperparameter and the last one for the result. The darker the line, the better
// the trial. The best is dashed and has markers.
func (s Sweep) Picture() (b display.Message, ok bool) {
	f, ok := s.figure()
	if !ok {
		return display.Message{}, false
	}
	return f.picture(s.Sentence()), true
}

func (s Sweep) figure() (f figure, ok bool) {
	if s.best() == nil || len(s.Trials) < 2 {
		return figure{}, false
	}
	return figure{plots: func() []*plot.Plot { return []*plot.Plot{s.plot()} }, width: min(200+120*len(s.Names), 900), height: 300}, true
}

// maxLines is the most trials that the picture shows. If there are more, it shows
// the best and every n-th.
const maxLines = 500

func (s Sweep) plot() *plot.Plot {
	p := newPlot("", "", "")
	lines := parallel{sweep: s, lo: math.Inf(1), hi: math.Inf(-1)}
	for _, i := range s.order() {
		t := s.Trials[i]
		if t.Failed == "" && drawable(t.Value) {
			v := within(t.Value)
			lines.lo, lines.hi = min(lines.lo, v), max(lines.hi, v)
			lines.shown = append(lines.shown, i)
		}
	}
	if step := (len(lines.shown) + maxLines - 1) / maxLines; step > 1 {
		for i := 0; i*step < len(lines.shown); i++ {
			lines.shown[i] = lines.shown[i*step]
		}
		lines.shown = lines.shown[:(len(lines.shown)+step-1)/step]
	}
	if !slices.Contains(lines.shown, s.Best) && drawable(s.Trials[s.Best].Value) {
		lines.shown = append([]int{s.Best}, lines.shown...)
	}
	p.Add(lines)
	var names plot.ConstantTicks
	for i, name := range append(slices.Clone(s.Names), s.Measure) {
		names = append(names, plot.Tick{Value: float64(i), Label: name})
	}
	p.X.Tick.Marker, p.Y.Tick.Marker = names, plot.ConstantTicks{}
	p.X.Tick.Length, p.X.LineStyle.Width, p.Y.LineStyle.Width = 0, 0, 0
	p.X.Padding = vg.Points(14)
	return p
}

// parallel draws the axes and the lines.
type parallel struct {
	sweep  Sweep
	shown  []int   // the trials with a line, the best first
	lo, hi float64 // range of their values
}

func (l parallel) DataRange() (xmin, xmax, ymin, ymax float64) {
	return -0.3, float64(len(l.sweep.Names)) + 0.3, 0, 1
}

// height returns the position of a value on the last axis; the best is on top.
func (l parallel) height(v float64) float64 {
	v = within(v)
	switch {
	case !(l.hi-l.lo >= smallest):
		return 0.5
	case logarithmic(l.lo, l.hi):
		return 1 - (math.Log(v)-math.Log(l.lo))/(math.Log(l.hi)-math.Log(l.lo))
	}
	return 1 - (v-l.lo)/(l.hi-l.lo)
}

func (l parallel) Plot(c draw.Canvas, p *plot.Plot) {
	x, y := p.Transforms(&c)
	style := draw.LineStyle{Color: faint, Width: vg.Points(0.75)}
	text := p.X.Tick.Label
	text.XAlign = draw.XCenter
	last := len(l.sweep.Names)
	label := func(axis int, at float64, s string) {
		text.YAlign = draw.YBottom
		offset := vg.Points(3)
		if at == 0 {
			text.YAlign, offset = draw.YTop, -offset
		}
		c.FillText(text, vg.Point{X: x(float64(axis)), Y: y(at) + offset}, s)
	}
	for _, i := range slices.Backward(l.shown) { // so that the best is drawn on top
		t := l.sweep.Trials[i]
		h := l.height(t.Value)
		k := draw.LineStyle{Color: lineShade(h), Width: vg.Points(1)}
		if i == l.sweep.Best {
			k = draw.LineStyle{Color: looks[1].color, Width: vg.Points(2), Dashes: looks[1].dashes}
		}
		pts := make([]vg.Point, 0, last+1)
		for a, u := range first(t.Position, last) {
			if drawable(u) {
				pts = append(pts, vg.Point{X: x(float64(a)), Y: y(max(0, min(u, 1)))})
			}
		}
		pts = append(pts, vg.Point{X: x(float64(last)), Y: y(h)})
		c.StrokeLines(k, pts)
		if i == l.sweep.Best {
			for _, pt := range pts {
				c.DrawGlyph(draw.GlyphStyle{Color: k.Color, Radius: vg.Points(3), Shape: draw.CircleGlyph{}}, pt)
			}
		}
	}
	for a := range last + 1 {
		c.StrokeLine2(style, x(float64(a)), y(0), x(float64(a)), y(1))
		if a < min(last, len(l.sweep.Ends)) {
			label(a, 0, l.sweep.Ends[a][0])
			label(a, 1, l.sweep.Ends[a][1])
		}
	}
	if len(l.shown) > 0 {
		label(last, 0, l.sweep.short(l.hi))
		label(last, 1, l.sweep.short(l.lo))
	}
}

// lineShade goes from light grey, the worst, to the blue of the first series.
func lineShade(u float64) color.Color {
	u = min(max(u, 0), 1)
	mix := func(from, to float64) byte { return byte(from + (to-from)*u) }
	return color.NRGBA{mix(0xe0, 0x00), mix(0xe0, 0x72), mix(0xe0, 0xb2), 0xff}
}
