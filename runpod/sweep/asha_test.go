package sweep

import (
	"fmt"
	"strings"
	"testing"

	"github.com/cockroachdb/datadriven"
)

// TestASHA runs the scenarios in testdata/asha, which say which trial is stopped
// when:
//
//	sweep factor=3 min=1 workers=2    a new sweep
//	trial n=0 epochs=9                trial 0 begins
//	epoch n=0 after=1 loss=0.5        what it had after an epoch
//	over n=0                          its job is over
//
// The output lists what happened to each trial.
func TestASHA(t *testing.T) {
	datadriven.Walk(t, "testdata/asha", func(t *testing.T, path string) {
		var h *halving
		highest := -1
		datadriven.RunTest(t, path, func(t *testing.T, d *datadriven.TestData) string {
			var n, epochs, after, factor, least, workers int
			var loss float64
			switch d.Cmd {
			case "sweep":
				d.ScanArgs(t, "factor", &factor)
				d.ScanArgs(t, "min", &least)
				d.ScanArgs(t, "workers", &workers)
				var err error
				highest = -1
				if h, err = newHalving(&Halving{Factor: factor, MinEpochs: least}, workers); err != nil {
					return err.Error()
				}
				return "ok"
			case "trial":
				d.ScanArgs(t, "n", &n)
				d.ScanArgs(t, "epochs", &epochs)
				h.begin(n, epochs, func(error) {})
				highest = max(highest, n)
			case "epoch":
				d.ScanArgs(t, "n", &n)
				d.ScanArgs(t, "after", &after)
				var text string
				d.ScanArgs(t, "loss", &text)
				if _, err := fmt.Sscan(text, &loss); err != nil {
					t.Fatal(err)
				}
				h.report(n, after, loss)
			case "over":
				d.ScanArgs(t, "n", &n)
				h.end(n)
			default:
				t.Fatalf("unknown command %s", d.Cmd)
			}
			var b strings.Builder
			for n := range highest + 1 {
				switch r := h.of(n); {
				case r == nil:
				case r.stopped:
					epochs, value := h.stop(n)
					fmt.Fprintf(&b, "trial %d: stopped after epoch %d with %v\n", n, epochs, value)
				case !h.settled(n):
					fmt.Fprintf(&b, "trial %d: waits for earlier trials\n", n)
				case r.ended:
					fmt.Fprintf(&b, "trial %d: over\n", n)
				default:
					fmt.Fprintf(&b, "trial %d: continues\n", n)
				}
			}
			return b.String()
		})
	})
}
