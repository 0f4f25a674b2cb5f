package magics

import (
	"strings"
	"testing"
	"time"

	"github.com/gopherpod/gopherpod/kernel/magic"
	"github.com/gopherpod/gopherpod/magics/render"
	"github.com/gopherpod/gopherpod/runpod"
	"github.com/gopherpod/gopherpod/runpod/train"
)

// A run that nobody watches prints on stderr why it waits, once; one that is watched shows it
// in its frame instead.
func TestWaitIsShown(t *testing.T) {
	for _, watched := range []bool{false, true} {
		out := &recorder{}
		c := &magic.Call{Out: out, Interactive: watched}
		view := newView(t.Context(), c, subject{id: "x", epochs: 1, planned: 1}, "title", train.Rate{})
		for i := range 5 {
			view.wait(runpod.Wait{Queued: time.Duration(i) * time.Second, Why: "no capacity for ADA_24 (9 s so far)"})
		}
		frame := ""
		if watched {
			view.draw()
			frame = out.text()
		}
		view.wait(runpod.Wait{Queued: time.Minute})
		view.end(render.Training{})
		lines := out.stderr.String()
		if watched && !strings.Contains(frame, "no capacity for ADA_24") {
			t.Errorf("the frame: %s", frame)
		}
		want := "waiting for a worker: no capacity for ADA_24 (9 s so far)\na worker has the job, after 1m0s in the queue\n"
		if watched {
			want = ""
		}
		if lines != want {
			t.Errorf("watched %v: stderr %q, want %q", watched, lines, want)
		}
	}
}
