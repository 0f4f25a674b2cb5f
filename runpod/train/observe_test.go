package train

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/gopherpod/gopherpod/worker"
	"github.com/gopherpod/gopherpod/worker/engine"
)

// All observers see a run from its beginning to its end, in the same order. Lines of the
// client are notices and not events of the worker.
func TestObservers(t *testing.T) {
	p := newTap(t, func() engine.Store { return engine.MemoryStore(1 << 30) })
	x, y := wide(t)
	var seen [2][]string
	var ended *Model
	watch := func(i int) Observer {
		add := func(s string) {
			if n := len(seen[i]); n == 0 || seen[i][n-1] != s {
				seen[i] = append(seen[i], s)
			}
		}
		return Funcs{
			OnBegin: func(p *Plan) { add(fmt.Sprintf("begin %v", p.RunID != "")) },
			OnEvent: func(e Event) {
				switch {
				case e.Notice != "":
					if e.Type != "" || !strings.HasSuffix(string(e.Notice), " sent") {
						t.Errorf("%+v", e)
					}
					add("notice")
				case e.Type == worker.EventEpoch:
					if e.JobID == "" {
						t.Errorf("%+v", e)
					}
					add("epoch")
				}
			},
			OnEnd: func(m *Model, err error) { ended = m; add(fmt.Sprintf("end %v", err)) },
		}
	}
	o := Options{Endpoint: p.endpoint, Epochs: 2, BatchSize: 5000, Seed: Seed(1), Observers: []Observer{watch(0), Funcs{}}}
	plan, err := Prepare(Layers("linear 2"), Data{X: x, Y: y}, o)
	if err != nil {
		t.Fatal(err)
	}
	plan.Observe(watch(1))
	m, err := plan.Run(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	want := []string{"begin true", "notice", "epoch", "end <nil>"}
	if !slices.Equal(seen[0], want) || !slices.Equal(seen[1], want) || ended != m {
		t.Errorf("%q, want %q twice", seen, want)
	}
	if len(o.Observers) != 2 {
		t.Error("the caller's options have changed")
	}
}
