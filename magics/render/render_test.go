package render

import (
	"bytes"
	"encoding/xml"
	"fmt"
	"image/png"
	"math"
	"regexp"
	"strings"
	"testing"
	"time"

	"gonum.org/v1/plot/plotter"

	"github.com/gopherpod/gopherpod/kernel/display"
	"github.com/gopherpod/gopherpod/worker"
)

func TestTable(t *testing.T) {
	tab := Table{
		Caption: "a & b", Header: []string{"name", "n", "course"}, Left: []string{"name"}, TextOnly: "course", Mark: 2,
		Rows: [][]string{{"<x>", "1", "▁█"}, {"größer", "1,000", "██"}},
	}
	wantText := "a & b\nname        n  course\n<x>         1      ▁█\ngrößer  1,000      ██"
	if got := tab.Text(); got != wantText {
		t.Errorf("text:\n%s\nwant:\n%s", got, wantText)
	}
	html := tab.HTML()
	for _, want := range []string{"<div>a &amp; b</div>", "&lt;x&gt;", `<td align="right"><b>1,000</b></td>`} {
		if !strings.Contains(html, want) {
			t.Errorf("no %q in %s", want, html)
		}
	}
	if strings.Contains(html, "course") {
		t.Errorf("the text's column is in the HTML: %s", html)
	}
}

// Stored HTML has only elements that the sanitisers of JupyterLab, GitHub and
// nbconvert keep. That of nbconvert keeps the fewest.
func TestStoredHTMLNeedsNothing(t *testing.T) {
	bundles := map[string]display.Message{
		"training":   sample(20, true, true).Table(),
		"evaluation": sampleEvaluation(10).Table(),
		"many":       sampleEvaluation(40).Table(),
	}
	kept := regexp.MustCompile(`</?(div|table|tr|td|b)( (align|border)="\w+")*>`)
	for name, b := range bundles {
		html := b.Data[MIMEHTML].(string)
		if rest := kept.ReplaceAllString(html, ""); strings.ContainsAny(rest, "<>") {
			t.Errorf("%s: elements that a sanitiser drops: %s", name, rest)
		}
		wellFormed(t, name, html)
		if b.Text() == "" {
			t.Errorf("%s: no text", name)
		}
	}
}

func wellFormed(t *testing.T, name, html string) {
	t.Helper()
	d := xml.NewDecoder(strings.NewReader("<body>" + html + "</body>"))
	for {
		_, err := d.Token()
		if err != nil {
			if err.Error() != "EOF" {
				t.Errorf("%s: %v in %s", name, err, html)
			}
			return
		}
	}
}

func TestPictures(t *testing.T) {
	evaluation, ok := sampleEvaluation(10).Picture()
	if !ok {
		t.Fatal("no confusion matrix")
	}
	diverged := sample(5, true, true)
	diverged.History[4].Loss = worker.Number(math.NaN())
	for name, b := range map[string]display.Message{
		"classes":    sample(20, true, true).Curve(),
		"regression": sample(200, true, false).Curve(),
		"one epoch":  sample(1, true, true).Curve(),
		"no epoch":   Training{}.Curve(),
		"diverged":   diverged.Curve(),
		"long":       sample(10_000, true, true).Curve(),
		"confusion":  evaluation,
	} {
		data := b.Data[MIMEPNG].([]byte)
		cfg, err := png.DecodeConfig(bytes.NewReader(data))
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		meta := b.Metadata[MIMEPNG].(map[string]any)
		if cfg.Width != pngDensity*meta["width"].(int) || cfg.Height != pngDensity*meta["height"].(int) {
			t.Errorf("%s: %dx%d pixels for %v", name, cfg.Width, cfg.Height, meta)
		}
		if meta["alt"] != b.Text() || !strings.HasSuffix(b.Text(), ".") {
			t.Errorf("%s: alt %q, text %q", name, meta["alt"], b.Text())
		}
		if len(data) > 40_000 {
			t.Errorf("%s: %d bytes", name, len(data))
		}
	}
}

func TestPicturesRepeat(t *testing.T) {
	a, b := sample(20, true, true).Curve(), sample(20, true, true).Curve()
	if !bytes.Equal(a.Data[MIMEPNG].([]byte), b.Data[MIMEPNG].([]byte)) {
		t.Error("the same history gives two pictures")
	}
}

func TestSentence(t *testing.T) {
	for _, c := range []struct {
		training Training
		want     string
	}{
		{sample(20, true, true), "Training loss 2.23 to 0.123 over 20 epochs, best validation loss 0.211 at epoch 19; validation accuracy 18.00 % to 97.22 %."},
		{sample(200, false, false), "Training loss 2.23 to 0.03 over 200 epochs."},
		{sample(1, false, true), "Training loss 2.23 after epoch 1; training accuracy 19.50 %."},
		{Training{}, "No epoch was finished."},
	} {
		if got := c.training.Sentence(); got != c.want {
			t.Errorf("got  %q\nwant %q", got, c.want)
		}
	}
}

func TestThinKeepsSpikes(t *testing.T) {
	pts := make(plotter.XYs, 100_000)
	for i := range pts {
		pts[i] = plotter.XY{X: float64(i), Y: 1}
	}
	pts[77_777].Y, pts[12_345].Y = 9, -9
	out := thin(pts, MaxPoints)
	if len(out) > MaxPoints || out[0] != pts[0] || out[len(out)-1] != pts[len(pts)-1] {
		t.Fatalf("%d points from %v to %v", len(out), out[0], out[len(out)-1])
	}
	lo, hi := 0.0, 0.0
	for i, p := range out {
		lo, hi = min(lo, p.Y), max(hi, p.Y)
		if i > 0 && p.X <= out[i-1].X {
			t.Fatalf("point %d goes back", i)
		}
	}
	if lo != -9 || hi != 9 {
		t.Errorf("range %v to %v", lo, hi)
	}
}

func TestFrame(t *testing.T) {
	p := Progress{Training: sample(7, true, true), Elapsed: 4 * time.Second, Left: 8 * time.Second, Batch: &worker.Batch{Epoch: 8, Batch: 9, Batches: 45}}
	p.Epochs, p.Cost = 20, "$0.0031"
	if got := p.Done(); math.Abs(got-7.2/20) > 1e-9 {
		t.Errorf("done %v", got)
	}
	f := p.Frame()
	if !strings.HasPrefix(f.Text(), "[##########....................]  36 %  epoch 7 of 20, 4.0 s, about 8.0 s left, 28,740 samples a second, $0.0031 so far\n") {
		t.Errorf("text:\n%s", f.Text())
	}
	if html := f.Data[MIMEHTML].(string); !strings.Contains(html, `<progress value="0.360" max="1">`) || !strings.Contains(html, "<svg") {
		t.Errorf("html: %.300s", html)
	}
	wait := Progress{State: "waiting for a worker", Elapsed: 3 * time.Second, Training: Training{Epochs: 20}}
	if got := wait.Frame().Text(); got != "[..............................]   0 %  waiting for a worker, 3.0 s" {
		t.Errorf("waiting: %q", got)
	}
}

func TestFrameSize(t *testing.T) {
	for _, epochs := range []int{1, 20, 1000, 10_000} {
		p := Progress{Training: sample(epochs, true, true)}
		if n := size(p.Frame()); n > FrameBytes {
			t.Errorf("%d epochs: %d bytes", epochs, n)
		} else {
			t.Logf("%d epochs: %d bytes", epochs, n)
		}
	}
}

func TestEpochLine(t *testing.T) {
	e := sample(20, true, true).History[2]
	want := "epoch  3/20  loss 1.6064  accuracy 50.98 %  val loss 1.6553  val accuracy 48.93 %"
	if got := EpochLine(e); got != want {
		t.Errorf("got  %q\nwant %q", got, want)
	}
	for epochs, want := range map[int]int{1: 1, 40: 1, 41: 2, 100: 5, 1000: 50, 10_000: 500} {
		if got := LineEvery(epochs); got != want {
			t.Errorf("LineEvery(%d) = %d, want %d", epochs, got, want)
		}
	}
}

func TestEvaluationSentence(t *testing.T) {
	regression := Evaluation{Metrics: worker.Metrics{Loss: 4, RMSE: num(2), MAE: num(1.5), R2: num(0.9), SamplesProcessed: 1234}, Loss: "mse"}
	if got, want := regression.Sentence(), "RMSE 2.0000 on 1,234 samples, R2 0.9000."; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	if _, ok := regression.Picture(); ok {
		t.Error("a regression has a confusion matrix")
	}
	if got := regression.Table().Text(); !strings.Contains(got, "RMSE        2.0000") {
		t.Errorf("table:\n%s", got)
	}
}

// BenchmarkFrame measures what a redraw costs, and how many bytes it has.
func BenchmarkFrame(b *testing.B) {
	for _, epochs := range []int{100, 10_000} {
		b.Run(fmt.Sprintf("epochs=%d", epochs), func(b *testing.B) {
			p := Progress{Training: sample(epochs, true, true)}
			bytes := 0
			for b.Loop() {
				bytes = size(p.Frame())
			}
			b.ReportMetric(float64(bytes), "bytes")
		})
	}
}

// BenchmarkCurve measures the picture of a finished run.
func BenchmarkCurve(b *testing.B) {
	t := sample(100, true, true)
	bytes := 0
	for b.Loop() {
		bytes = size(t.Curve())
	}
	b.ReportMetric(float64(bytes), "bytes")
}
