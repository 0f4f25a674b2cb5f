package pytorch_test

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/gopherpod/gopherpod/runpod/train"
	"github.com/gopherpod/gopherpod/worker"
	"github.com/gopherpod/gopherpod/worker/local"
)

const codeNet = `
class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.out = nn.Linear(4, 3)
    def forward(self, x):
        return self.out(x)
`

// TestCode runs code from requests on a worker under RunPod's SDK, which allows it: it trains,
// crashes, looks for the key, and is cancelled, and the worker goes on.
func TestCode(t *testing.T) {
	python(t)
	t.Setenv("GOPHERPOD_ALLOW_CODE", "1")
	e := newEndpoint(t, local.Options{})
	e.attach("w1")
	here := client(t, e.Server)
	var can struct{ Models []string }
	e.call(map[string]any{"operation": worker.OpCapabilities}, &can)
	if !slices.Contains(can.Models, "python") {
		t.Errorf("models: %v", can.Models)
	}
	x, y := points(120)
	data, o := train.Data{X: x, Y: y}, train.Options{Epochs: 3, Seed: train.Seed(5), Endpoint: here}
	m, err := train.Fit(t.Context(), train.Python(codeNet), data, o)
	if err != nil {
		t.Fatal(err)
	}
	layers, err := train.Fit(t.Context(), train.Layers("linear 3"), data, o)
	if err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(m.History.Loss, layers.History.Loss) {
		t.Errorf("losses %v in Python, %v as layers", m.History.Loss, layers.History.Loss)
	}
	for body, want := range map[string]string{
		"import os\nos._exit(3)\n" + codeNet: "exit status 3, before the job was done; the worker goes on",
		"import os\nassert not [k for k, v in os.environ.items() if '" + e.Key() + "' in v or k.startswith('RUNPOD')], 'a key'\nraise ValueError('none')\n" + codeNet: "ValueError: none",
	} {
		_, err := train.Fit(t.Context(), train.Python(body), data, o)
		var refused *worker.Error
		if !errors.As(err, &refused) || !strings.Contains(refused.Message, want) {
			t.Errorf("%v, want %s", err, want)
		}
	}
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	o.Epochs, o.OnEvent = 1_000_000, func(ev train.Event) {
		if ev.Type == worker.EventEpoch && ev.Epoch.Epoch >= 2 {
			cancel()
		}
	}
	cut, err := train.Fit(ctx, train.Python(codeNet), data, o)
	var interrupted *train.InterruptedError
	if !errors.As(err, &interrupted) || !interrupted.Cancelled || cut == nil {
		t.Errorf("%v, %v", cut, err)
	}
	if p, err := m.Predict(x); err != nil {
		t.Error(err)
	} else if rows, cols := p.Dims(); rows != 120 || cols != 3 {
		t.Errorf("%d x %d", rows, cols)
	}
}
