package magics

import (
	"context"
	"encoding/json"
	"fmt"
	"math"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"

	"gonum.org/v1/gonum/mat"

	"github.com/gopherpod/gopherpod/kernel/magic"
	"github.com/gopherpod/gopherpod/runpod/train"
	"github.com/gopherpod/gopherpod/worker"
	"github.com/gopherpod/gopherpod/worker/engine"
	"github.com/gopherpod/gopherpod/worker/local"
)

// A meter counts the jobs of an endpoint and the bytes of their requests.
type meter struct {
	mu    sync.Mutex
	jobs  []string
	bytes int
}

// read returns what was counted since the last call.
func (m *meter) read() (jobs []string, bytes int) {
	m.mu.Lock()
	defer m.mu.Unlock()
	jobs, bytes = m.jobs, m.bytes
	m.jobs, m.bytes = nil, 0
	return jobs, bytes
}

// metered starts the embedded endpoint with a meter.
func metered(t *testing.T) *meter {
	t.Helper()
	m := &meter{}
	h := engine.Handler(engine.Options{Store: engine.MemoryStore(1 << 30)})
	s, err := local.Start(context.Background(), local.Options{Handler: func(ctx context.Context, job worker.Job, yield func(json.RawMessage) error) (json.RawMessage, error) {
		var r struct{ Operation string }
		if err := json.Unmarshal(job.Input, &r); err != nil {
			return nil, err
		}
		m.mu.Lock()
		m.jobs, m.bytes = append(m.jobs, r.Operation), m.bytes+len(job.Input)
		m.mu.Unlock()
		return h(ctx, job, yield)
	}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	t.Chdir(t.TempDir())
	for _, name := range []string{"RUNPOD_API_KEY", "RUNPOD_ENDPOINT_ID", "RUNPOD_ENDPOINT_BASE_URL"} {
		t.Setenv(name, "")
	}
	t.Setenv(train.EnvLocalURL, s.URL())
	t.Setenv(train.EnvLocalKey, s.Key())
	return m
}

// halves returns samples of two classes.
func halves(n, columns int) (*mat.Dense, []int) {
	X, y := mat.NewDense(n, columns, nil), make([]int, n)
	for i := range n {
		for j := range columns {
			X.Set(i, j, math.Sin(float64(i*columns+j)*float64(i+1)))
		}
		if X.At(i, 0) > 0 {
			y[i] = 1
		}
	}
	return X, y
}

// runpod_eval sends one job, also for two classes, whose ROC curve needs the outputs, and
// runpod_compare sends one for all models. The data are sent once.
func TestOneJob(t *testing.T) {
	X, y := halves(2000, 50)
	vars := newVars(map[string]any{"X": X, "y": y})
	m := metered(t)
	names := []string{"a", "b", "c", "d", "e"}
	for i, name := range names {
		if _, err := run(t, "runpod_train", fmt.Sprintf("-d X,y --epochs 2 --seed %d -o %s", i+1, name), "linear 16\ntanh\nlinear 2\n", vars, false); err != nil {
			t.Fatal(err)
		}
	}
	model := func(name string) *train.Model {
		v, _ := vars.Lookup(name)
		return v.Interface().(*train.Model)
	}

	m.read()
	if _, err := model("a").Evaluate(X, y); err != nil { // as before: one job for the metrics, one for the outputs
		t.Fatal(err)
	}
	if _, err := model("a").Predict(X); err != nil {
		t.Fatal(err)
	}
	apart, before := m.read()
	out, err := run(t, "runpod_eval", "a -d X,y", "", vars, false)
	if err != nil {
		t.Fatal(err)
	}
	jobs, bytes := m.read()
	t.Logf("runpod_eval: %d jobs of %d bytes before, %d of %d bytes now", len(apart), before, len(jobs), bytes)
	if !slices.Equal(jobs, []string{"batch"}) || bytes > before*6/10 || len(out.shown) != 3 {
		t.Errorf("%q, %d of %d bytes, %d outputs", jobs, bytes, before, len(out.shown))
	}

	for _, name := range names {
		if _, err := model(name).Evaluate(X, y); err != nil {
			t.Fatal(err)
		}
	}
	apart, before = m.read()
	if _, err := run(t, "runpod_compare", strings.Join(names, " ")+" -d X,y", "", vars, false); err != nil {
		t.Fatal(err)
	}
	jobs, bytes = m.read()
	t.Logf("runpod_compare of 5 models: %d jobs of %d bytes before, %d of %d bytes now", len(apart), before, len(jobs), bytes)
	if !slices.Equal(jobs, []string{"batch"}) || bytes > before*3/10 {
		t.Errorf("%q, %d of %d bytes", jobs, bytes, before)
	}
}

// A call reads a file once, no matter how many models it has.
func TestFileIsReadOnce(t *testing.T) {
	t.Chdir(t.TempDir())
	write := func(text string) {
		if err := os.WriteFile("data.csv", []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write("a,b\n1,0\n2,1\n")
	o := dataOptions{target: "b"}
	c := &magic.Call{Vars: newVars(nil), Out: &recorder{}}
	first, err := o.read(t.Context(), c, "-d", "data.csv", nil)
	if err != nil {
		t.Fatal(err)
	}
	write("a,b\n1,0\n")
	second, err := o.read(t.Context(), c, "-d", "data.csv", nil)
	if err != nil {
		t.Fatal(err)
	}
	if a, b := first.X.(*mat.Dense).RawMatrix().Rows, second.X.(*mat.Dense).RawMatrix().Rows; a != 2 || b != 2 {
		t.Errorf("%d rows, then %d", a, b)
	}
}
