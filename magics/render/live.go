package render

import (
	"fmt"
	"strings"
	"time"

	"github.com/gopherpod/gopherpod/kernel/display"
	"github.com/gopherpod/gopherpod/worker"
)

// Limits of a live view: Jupyter Server drops output above 1,000 messages or
// 1 MB a second, measured over 3 s, and several cells may draw at once.
const (
	FrameEvery = 250 * time.Millisecond
	FrameBytes = 64_000
)

// A Progress is a running training at one moment.
type Progress struct {
	Training
	// State says what the run waits for or does: "in the queue", "training".
	State string
	// Batch is the running epoch, if it is known.
	Batch *worker.Batch
	// Cost is what the run has cost so far, in words; "" if it costs nothing or
	// the price is not known.
	Cost string
	// Elapsed is the time since the run was started, Left an estimate of the
	// remaining time; 0 means unknown.
	Elapsed, Left time.Duration
}

// Done returns the share of the work that is done, from 0 to 1.
func (p Progress) Done() float64 {
	if p.Epochs <= 0 {
		return 0
	}
	done := float64(p.epoch())
	if b := p.Batch; b != nil && b.Batches > 0 && b.Epoch == p.epoch()+1 {
		done += float64(b.Batch) / float64(b.Batches)
	}
	return max(0, min(done/float64(p.Epochs), 1))
}

func (p Progress) epoch() int {
	if n := len(p.History); n > 0 {
		return p.History[n-1].Epoch
	}
	return 0
}

// status returns the line beside the bar.
func (p Progress) status() string {
	var b strings.Builder
	if p.epoch() == 0 && p.Batch == nil {
		b.WriteString(p.State)
	} else {
		fmt.Fprintf(&b, "epoch %s of %s", Count(p.epoch()), Count(p.Epochs))
	}
	if p.Elapsed >= time.Second {
		fmt.Fprintf(&b, ", %s", Duration(p.Elapsed))
	}
	if p.Left > 0 {
		fmt.Fprintf(&b, ", about %s left", Duration(p.Left))
	}
	if n := len(p.History); n > 0 {
		if e := p.History[n-1]; e.Seconds > 0 && e.Samples > 0 {
			fmt.Fprintf(&b, ", %s samples a second", Count(int(float64(e.Samples)/float64(e.Seconds))))
		}
	}
	if p.Cost != "" {
		b.WriteString(", " + p.Cost + " so far")
	}
	return b.String()
}

// Frame returns the whole view: bar, table, curve. Each frame replaces all
// representations of the previous one. The curve is SVG, which a saved notebook
// does not show unless it is trusted; the finished run is shown as a PNG.
func (p Progress) Frame() display.Message {
	done := p.Done()
	html := fmt.Sprintf(`<div><progress value="%.3f" max="1">%.0f %%</progress> %s</div>`, done, 100*done, escape(p.status()))
	text := fmt.Sprintf("[%s] %3.0f %%  %s", bar(done, 30), 100*done, p.status())
	if len(p.History) == 0 {
		return table(html, text)
	}
	tab := p.Table()
	html += "\n" + tab.Data[MIMEHTML].(string)
	text += "\n" + tab.Text()
	if len(p.History) > 1 {
		if svg := p.figure().svg(); len(html)+len(svg)+len(text) <= FrameBytes {
			html += "\n<div>" + svg + "</div>"
		}
	}
	return table(html, text)
}

// bar returns a progress bar of characters; done goes from 0 to 1.
func bar(done float64, width int) string {
	full := max(0, min(int(done*float64(width)), width))
	return strings.Repeat("#", full) + strings.Repeat(".", width-full)
}

// EpochLine describes an epoch in one line, for runs that nobody watches. It
// contains no time, so that a notebook prints the same when it is run again.
func EpochLine(e worker.Epoch) string {
	var b strings.Builder
	fmt.Fprintf(&b, "epoch %*d/%d  loss %s", len(fmt.Sprint(e.Epochs)), e.Epoch, e.Epochs, Number(float64(e.Loss)))
	if e.Accuracy != nil {
		fmt.Fprintf(&b, "  accuracy %s", Percent(float64(*e.Accuracy)))
	}
	if e.ValLoss != nil {
		fmt.Fprintf(&b, "  val loss %s", Number(float64(*e.ValLoss)))
	}
	if e.ValAccuracy != nil {
		fmt.Fprintf(&b, "  val accuracy %s", Percent(float64(*e.ValAccuracy)))
	}
	return b.String()
}

// LineEvery returns n such that every n-th epoch gets a line and a run prints at
// most about forty.
func LineEvery(epochs int) int {
	if epochs <= 40 {
		return 1
	}
	return int(niceStep(float64(epochs) / 25))
}
