package render

import (
	"encoding/binary"
	"math"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/plotter"

	"github.com/gopherpod/gopherpod/kernel/display"
	"github.com/gopherpod/gopherpod/tensors/wording"
	"github.com/gopherpod/gopherpod/worker"
)

// hard are series that axes have trouble with: degenerate, huge, tiny, not finite.
var hard = map[string][]float64{
	"none":                {},
	"one zero":            {0},
	"one huge":            {1e18},
	"one at 1e36":         {1e36},
	"flat at 1e36":        {1e36, 1e36, 1e36},
	"flat, negative":      {-1e36, -1e36},
	"almost flat":         {1e9, math.Nextafter(1e9, 2e9)},
	"largest":             {-math.MaxFloat64, math.MaxFloat64},
	"largest, flat":       {math.MaxFloat64, math.MaxFloat64},
	"all decades":         {5e-324, math.MaxFloat64},
	"denormal":            {5e-324, 1e-323},
	"denormal, flat":      {5e-324},
	"denormal from zero":  {0, 5e-324},
	"diverging":           {1, 1e9, 1e18, 1e36, math.Inf(1)},
	"NaN":                 {math.NaN()},
	"NaN in the middle":   {1, math.NaN(), 3},
	"both infinities":     {math.Inf(-1), math.Inf(1)},
	"negative to nothing": {-5, -1},
}

func bytesOf(values []float64) (b []byte) {
	for _, v := range values {
		b = binary.LittleEndian.AppendUint64(b, math.Float64bits(v))
	}
	return b
}

// floatsOf reads at most n values.
func floatsOf(b []byte, n int) (values []float64) {
	for ; len(b) >= 8 && len(values) < n; b = b[8:] {
		values = append(values, math.Float64frombits(binary.LittleEndian.Uint64(b)))
	}
	return values
}

// unhurried runs f with a clock that stops while a picture is drawn, so that no
// guard gives up on a picture because this machine is busy.
func unhurried(t *testing.T, f func(t *testing.T)) {
	t.Helper()
	synctest.Test(t, f)
}

// drawn fails the test if the bundle is not a picture, because a guard replaced it.
func drawn(t *testing.T, b display.Message) {
	t.Helper()
	if b.Data[MIMEPNG] == nil {
		t.Errorf("no picture: %s", b.Text())
	}
}

func addHard(f *testing.F, more ...any) {
	for _, values := range hard {
		f.Add(append([]any{bytesOf(values)}, more...)...)
	}
}

// trainingOf makes a history with these values as losses, validation losses and
// accuracies.
func trainingOf(values []float64, kind byte, epochs int) Training {
	t := Training{Loss: "mse", Epochs: epochs}
	for i, v := range values {
		e := worker.Epoch{Epoch: i + 1, Epochs: len(values), Loss: worker.Number(v), Samples: 10, Seconds: worker.Number(v)}
		if kind&1 != 0 {
			e.ValLoss = num(values[len(values)-1-i])
		}
		if kind&2 != 0 {
			e.Accuracy = num(v)
		}
		if kind&4 != 0 {
			e.ValAccuracy = num(-v)
			e.Epoch = int(int64(math.Float64bits(v)))
		}
		t.History = append(t.History, e)
	}
	return t
}

func FuzzCurve(f *testing.F) {
	addHard(f, byte(3), 8)
	f.Add(bytesOf(hard["diverging"]), byte(7), 1<<40)
	f.Add(bytesOf(hard["largest"]), byte(7), -1)
	f.Add(bytesOf(hard["one at 1e36"]), byte(0), 0)
	f.Fuzz(func(t *testing.T, b []byte, kind byte, epochs int) {
		unhurried(t, func(t *testing.T) {
			tr := trainingOf(floatsOf(b, 600), kind, epochs)
			drawn(t, tr.Curve())
			tr.Table()
			frame := Progress{Training: tr, Elapsed: time.Duration(epochs), Left: time.Duration(epochs), Batch: &worker.Batch{Epoch: 1, Batch: epochs, Batches: 3}}.Frame()
			if html := frame.Data[MIMEHTML].(string); len(tr.History) > 1 && !strings.Contains(html, "<svg") && len(html) < FrameBytes/4 {
				t.Errorf("no curve in the frame: %.300s", html)
			}
			drawn(t, ComparePicture([]Run{{Name: "a", Training: tr}, {Name: "b", Training: trainingOf(floatsOf(b, 3), kind/2, 0)}, {}}))
			CompareTable([]Run{{Name: "a", Training: tr}, {Test: "x"}}, int(kind%4)-1, "by x")
		})
	})
}

func FuzzSweep(f *testing.F) {
	addHard(f, byte(3), 1)
	f.Fuzz(func(t *testing.T, b []byte, names byte, best int) {
		unhurried(t, func(t *testing.T) {
			values := floatsOf(b, 600)
			s := Sweep{Measure: "loss", Best: best, Importance: values, Total: best}
			for i := range names % 8 {
				s.Names = append(s.Names, strings.Repeat("x", int(i)))
				if i != 3 {
					s.Ends = append(s.Ends, [2]string{"0", "1"})
				}
			}
			for i, v := range values {
				trial := SweepTrial{Number: i, Value: v, Values: []string{"1", "2", "3"}[:i%4], Position: values[:min(i%5, len(values))]}
				if i%7 == 6 {
					trial.Failed = "failed"
				}
				if i%5 == 4 {
					trial.Note = "stopped"
				}
				s.Trials = append(s.Trials, trial)
			}
			if b, ok := s.Picture(); ok {
				drawn(t, b)
			}
			s.Table()
			s.Progress("1 s")
		})
	})
}

func FuzzConfusion(f *testing.F) {
	f.Add([]byte{1, 2, 3, 4}, 2, "cat")
	f.Add([]byte{255, 0, 128}, 5, "")
	f.Add([]byte{7}, 1500, strings.Repeat("long name ", 20))
	f.Fuzz(func(t *testing.T, b []byte, n int, name string) {
		unhurried(t, func(t *testing.T) {
			if n < 0 || n > 2000 {
				return
			}
			m := make([][]int, n)
			for i := range m {
				row := make([]int, n)
				for j := range row {
					if len(b) > 0 {
						row[j] = int(int8(b[(i*n+j)%len(b)])) << (j % 60)
					}
				}
				m[i] = row[:n-i%2]
			}
			e := Evaluation{Metrics: worker.Metrics{Confusion: m, Accuracy: num(1), PerClass: []worker.ClassMetrics{{Class: n}}}, ClassNames: []string{name, "b"}}
			if b, ok := e.Picture(); ok {
				drawn(t, b)
			} else if n >= 2 {
				t.Error("no picture")
			}
			e.Table()
		})
	})
}

func FuzzFit(f *testing.F) {
	addHard(f, byte(0))
	f.Add(bytesOf(hard["diverging"]), byte(2))
	f.Fuzz(func(t *testing.T, b []byte, cut byte) {
		unhurried(t, func(t *testing.T) {
			truth := floatsOf(b, 3000)
			predicted := truth[min(int(cut), len(truth)):]
			drawn(t, Residuals(truth, predicted))
			positive := make([]bool, len(predicted))
			for i, v := range predicted {
				positive[i] = v > 0
			}
			if b, ok := ROC(truth, positive); ok {
				drawn(t, b)
			}
		})
	})
}

func FuzzValue(f *testing.F) {
	addHard(f, "growth")
	f.Fuzz(func(t *testing.T, b []byte, title string) {
		p := plot.New()
		p.Title.Text = title
		var pts plotter.XYs
		for i, v := range floatsOf(b, 600) {
			pts = append(pts, plotter.XY{X: float64(i), Y: v})
		}
		// Made without NewLine, which refuses values that are not finite.
		p.Add(&plotter.Line{XYs: pts, LineStyle: plotter.DefaultLineStyle})
		if m, _ := Value(p); m.Data[MIMEPNG] == nil {
			t.Error("no picture")
		}
	})
}

func FuzzTicks(f *testing.F) {
	for _, values := range hard {
		if len(values) > 1 {
			f.Add(values[0], values[1])
		}
	}
	f.Fuzz(func(t *testing.T, lo, hi float64) {
		for name, ticker := range map[string]plot.Ticker{"whole": wholeTicks{}, "round": ticks{}, "percent": ticks{percent: true}, "log": logTicks{}} {
			for _, r := range [][2]float64{{lo, hi}, {hi, lo}} {
				if n := len(ticker.Ticks(r[0], r[1])); n > 125 {
					t.Errorf("%s: %d ticks from %v to %v", name, n, r[0], r[1])
				}
			}
		}
		from, to := span(lo, hi)
		if !(from < to) || math.IsInf(to-from, 0) {
			t.Fatalf("span(%v, %v) = %v, %v", lo, hi, from, to)
		}
		labels := map[string]bool{}
		for _, tick := range (ticks{}).Ticks(from, to) {
			if labels[tick.Label] {
				t.Errorf("two ticks are %s from %v to %v", tick.Label, from, to)
			}
			labels[tick.Label] = true
		}
		if len(labels) < 2 {
			t.Errorf("%d labels from %v to %v", len(labels), from, to)
		}
	})
}

func FuzzSpark(f *testing.F) {
	addHard(f, 20)
	f.Fuzz(func(t *testing.T, b []byte, width int) {
		values := floatsOf(b, 3000)
		s := Spark(values, width)
		if n := len([]rune(s)); n > len(values) || width > 0 && n > width {
			t.Errorf("%d characters of %d values in %d", n, len(values), width)
		}
	})
}

func FuzzNumbers(f *testing.F) {
	for _, values := range hard {
		if len(values) > 0 {
			f.Add(values[len(values)-1], int64(math.MinInt64))
		}
	}
	f.Fuzz(func(t *testing.T, x float64, n int64) {
		for _, s := range []string{
			Number(x), Short(x), Percent(x), Operations(x), Count(int(n)), wording.Bytes(n), Duration(time.Duration(n)),
			EpochLine(worker.Epoch{Epoch: int(n), Loss: worker.Number(x)}),
		} {
			if s == "" || len(s) > 400 {
				t.Errorf("%v, %d: %q", x, n, s)
			}
		}
		LineEvery(int(n))
	})
}
