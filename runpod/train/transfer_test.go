package train

import (
	"context"
	"encoding/json"
	"io"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/gopherpod/gopherpod/runpod"
	"github.com/gopherpod/gopherpod/runpod/place"
	"github.com/gopherpod/gopherpod/runpod/store"
	"github.com/gopherpod/gopherpod/tensors"
	"github.com/gopherpod/gopherpod/worker"
	"github.com/gopherpod/gopherpod/worker/engine"
	"github.com/gopherpod/gopherpod/worker/local"
)

// A tap is an engine behind the embedded endpoint that counts requests, and that can be made
// to lose its data.
type tap struct {
	endpoint *runpod.Endpoint
	key      runpod.Secret
	stored   chan struct{} // one for each job that stored something

	mu       sync.Mutex
	handler  worker.Handler
	requests []*worker.Request
	bytes    int
}

// newTap starts a tap. It calls stores for the engine's store, and again after each loss.
func newTap(t *testing.T, stores func() engine.Store) *tap {
	t.Helper()
	p := &tap{stored: make(chan struct{}, 1000)}
	p.lose(stores)
	s, e := start(t, local.Options{Limits: map[string]local.Limit{}, Handler: func(ctx context.Context, job worker.Job, yield func(json.RawMessage) error) (json.RawMessage, error) {
		r, err := worker.DecodeRequest(job.Input)
		if err != nil {
			return nil, err
		}
		p.mu.Lock()
		p.requests = append(p.requests, r)
		p.bytes += len(job.Input)
		h := p.handler
		p.mu.Unlock()
		output, err := h(ctx, job, yield)
		if r.Operation == worker.OpStore && r.Tensors != nil {
			p.stored <- struct{}{}
		}
		return output, err
	}})
	p.key, p.endpoint = runpod.Secret(s.Key()), e
	return p
}

func (p *tap) lose(stores func() engine.Store) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.handler = engine.Handler(engine.Options{Store: stores()})
}

// ops returns the operations since the last call, and the bytes of their inputs.
func (p *tap) ops() (ops string, bytes int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	var list []string
	for _, r := range p.requests {
		op := string(r.Operation)
		switch {
		case r.Have != nil:
			op = "have"
		case r.Join != nil:
			op = "join"
		}
		if n := len(list); n == 0 || !strings.HasPrefix(list[n-1], op) {
			list = append(list, op)
		}
	}
	bytes, p.requests, p.bytes = p.bytes, nil, 0
	return strings.Join(list, " "), bytes
}

// noise returns n rows of numbers that do not compress, and labels.
func noise(n, columns int) (tensors.Tensor, []int) {
	X, err := tensors.New(tensors.Float32, n, columns)
	if err != nil {
		panic(err)
	}
	x, err := X.Float32s()
	if err != nil {
		panic(err)
	}
	r := rand.New(rand.NewPCG(1, 2))
	for i := range x {
		x[i] = r.Float32()
	}
	y := make([]int, n)
	for i := range y {
		y[i] = i % 2
	}
	return X, y
}

func memory() engine.Store { return engine.MemoryStore(1 << 30) }

// fit trains one epoch and returns the lines about data.
func fit(t *testing.T, e *runpod.Endpoint, X, y any, o Options) (lines []string) {
	t.Helper()
	o.Endpoint, o.Epochs, o.Seed, o.BatchSize = e, 1, Seed(1), 1000
	o.OnEvent = func(e Event) {
		if e.Type == worker.EventLog || e.Notice != "" {
			lines = append(lines, e.Message+string(e.Notice))
		}
	}
	m, err := Fit(t.Context(), Layers("linear 2"), Data{X: X, Y: y, XName: "X", YName: "y"}, o)
	if err != nil {
		t.Fatal(err)
	}
	if m.History.Len() != 1 || !m.HasWeights() {
		t.Fatalf("%v", m)
	}
	return lines
}

func wantLines(t *testing.T, got []string, want ...string) {
	t.Helper()
	ok := len(got) == len(want)
	for i := range want {
		ok = ok && strings.HasPrefix(got[i], strings.SplitN(want[i], "*", 2)[0]) && strings.HasSuffix(got[i], strings.SplitN(want[i], "*", 2)[1])
	}
	if !ok {
		t.Errorf("lines %q, want %q", got, want)
	}
}

func wantOps(t *testing.T, p *tap, want string, most int) {
	t.Helper()
	if ops, bytes := p.ops(); ops != want || bytes > most {
		t.Errorf("%s, %d bytes; want %s, at most %d", ops, bytes, want, most)
	}
}

// Data is sent once by jobs, and again only if the worker lost it.
func TestTransferByJobs(t *testing.T) {
	p := newTap(t, memory)
	X, y := noise(4000, 100) // 1.6 MB
	wantLines(t, fit(t, p.endpoint, X, y, Options{}), "X: * 1.6 MB, 1.6 MB sent", "y: * 32.0 kB, 32.0 kB sent")
	wantOps(t, p, "have store train", 2_200_000)
	wantLines(t, fit(t, p.endpoint, X, y, Options{}), "X: * 1.6 MB, already there, 0 B sent", "y: * 32.0 kB, already there, 0 B sent")
	wantOps(t, p, "have train", 3000)
	p.lose(memory)
	wantLines(t, fit(t, p.endpoint, X, y, Options{}), "X: * 1.6 MB, 1.6 MB sent", "y: * 32.0 kB, 32.0 kB sent")
	wantOps(t, p, "have store train", 2_200_000)
	fit(t, p.endpoint, X, y, Options{Inline: 2_000_000})
	wantOps(t, p, "train", 2_200_000)
}

// A worker loses data between the question and the job. The data that it lacks is sent
// again, and the job is repeated.
func TestTransferLostBetween(t *testing.T) {
	for name, byFolder := range map[string]bool{"jobs": false, "folder": true} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			var s store.Store
			stores := memory
			if byFolder {
				s = store.Dir(dir)
				stores = func() engine.Store { return local.FolderStore(dir, 0) }
			}
			p := newTap(t, stores)
			X, y := noise(4000, 100)
			p.mu.Lock()
			whole := p.handler
			lost := false
			p.handler = func(ctx context.Context, job worker.Job, yield func(json.RawMessage) error) (json.RawMessage, error) {
				if strings.Contains(string(job.Input), `"operation":"train"`) && !lost {
					lost = true
					if byFolder {
						name, _ := store.TensorName(X.Digest())
						os.Remove(filepath.Join(dir, string(name)))
					} else {
						p.lose(memory)
						p.mu.Lock()
						whole = p.handler
						p.mu.Unlock()
					}
				}
				return whole(ctx, job, yield)
			}
			p.mu.Unlock()
			lines := fit(t, p.endpoint, X, y, Options{Store: s})
			if byFolder {
				wantLines(t, lines, "X: * sent", "y: * sent", "X: *sent, because the worker had lost it")
				wantOps(t, p, "train", 10_000)
			} else {
				wantLines(t, lines, "X: * sent", "y: * sent", "X: *sent, because the worker had lost it", "y: *sent, because the worker had lost it")
				wantOps(t, p, "have store train have store train", 4_400_000)
			}
		})
	}
}

// Workers that share nothing get the data inside the request.
func TestTransferToForgetful(t *testing.T) {
	p := newTap(t, func() engine.Store { return forgetful{} })
	X, y := noise(4000, 100)
	lines := fit(t, p.endpoint, X, y, Options{})
	if last := lines[len(lines)-1]; !strings.Contains(last, "inside the request") {
		t.Error(last)
	}
	X, y = noise(40000, 100)
	_, err := Fit(t.Context(), Layers("linear 2"), Data{X: X, Y: y}, Options{Endpoint: p.endpoint})
	if err == nil || !strings.Contains(err.Error(), "give the endpoint a network volume") {
		t.Error(err)
	}
}

type forgetful struct{}

func (forgetful) Get(string) (tensors.Tensor, bool)    { return tensors.Tensor{}, false }
func (forgetful) Put(t tensors.Tensor) (string, error) { return t.Digest(), nil }

// The connection breaks while an array is sent that takes three requests.
func TestTransferInParts(t *testing.T) {
	p := newTap(t, memory)
	base, err := url.Parse(p.endpoint.Client().BaseURL())
	if err != nil {
		t.Fatal(err)
	}
	var posts, sent int
	var mu sync.Mutex
	broken := true
	two := sync.OnceFunc(func() { <-p.stored; <-p.stored })
	proxy := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		mu.Lock()
		large := r.ContentLength > 1_000_000
		if large {
			posts++
			sent += int(r.ContentLength)
		}
		cut := large && broken && posts > 2
		mu.Unlock()
		if cut {
			two() // parts are there by then
			panic(http.ErrAbortHandler)
		}
		r.URL.Scheme, r.URL.Host = base.Scheme, base.Host
		out, err := http.NewRequestWithContext(r.Context(), r.Method, r.URL.String(), r.Body)
		if err != nil {
			panic(err)
		}
		out.Header, out.ContentLength = r.Header, r.ContentLength
		resp, err := http.DefaultTransport.RoundTrip(out)
		if err != nil {
			panic(http.ErrAbortHandler)
		}
		defer resp.Body.Close()
		for k, v := range resp.Header {
			w.Header()[k] = v
		}
		w.WriteHeader(resp.StatusCode)
		_, _ = io.Copy(w, resp.Body)
	}))
	defer proxy.Close()
	client, err := runpod.New(runpod.Config{BaseURL: proxy.URL + base.Path, APIKey: p.key})
	if err != nil {
		t.Fatal(err)
	}
	cut := client.Endpoint(p.endpoint.ID)
	X, y := noise(75_000, 100) // 30 MB
	if _, err := Fit(t.Context(), Layers("linear 2"), Data{X: X, Y: y}, Options{Endpoint: cut, Epochs: 1}); err == nil {
		t.Fatal("the connection did not break")
	}
	p.ops()
	mu.Lock()
	broken, sent = false, 0
	mu.Unlock()
	lines := fit(t, cut, X, y, Options{})
	wantLines(t, lines, "X: * MB sent", "y: * 600.0 kB, 600.0 kB sent")
	if !strings.Contains(lines[0], "partly there") || sent > 32_000_000 { // 41 MB of text in all
		t.Errorf("%s; %d bytes the second time", lines[0], sent)
	}
	wantOps(t, p, "have join store join store train", 32_000_000)
	fit(t, cut, X, y, Options{})
	wantOps(t, p, "have train", 3000)
}

// Predictions larger than an answer arrive in several answers and are joined to one array.
func TestPredictSlices(t *testing.T) {
	p := newTap(t, memory)
	X, y := noise(20_000, 10)
	m, err := Fit(t.Context(), Layers("linear 200"), Data{X: X, Y: y}, Options{Endpoint: p.endpoint, Epochs: 1, Seed: Seed(1), BatchSize: 5000})
	if err != nil {
		t.Fatal(err)
	}
	p.ops()
	scores, err := m.Predict(X) // 16 MB
	if err != nil {
		t.Fatal(err)
	}
	p.mu.Lock()
	jobs := len(p.requests)
	p.mu.Unlock()
	if rows, columns := scores.Dims(); rows != 20_000 || columns != 200 || jobs != 2 {
		t.Fatalf("%d by %d, %d jobs", rows, columns, jobs)
	}
	for _, row := range []int{0, 14_999, 15_000, 19_999} {
		x, err := X.SliceRows(row, row+1)
		if err != nil {
			t.Fatal(err)
		}
		one, err := m.Predict(x)
		if err != nil {
			t.Fatal(err)
		}
		for j := range 200 {
			if d := one.At(0, j) - scores.At(row, j); d > 1e-6 || d < -1e-6 {
				t.Fatalf("row %d, column %d: %v, %v alone", row, j, scores.At(row, j), one.At(0, j))
			}
		}
	}
}

// Calls without events report the lines about data too.
func TestWithLog(t *testing.T) {
	p := newTap(t, memory)
	X, y := noise(4000, 100)
	m, err := Fit(t.Context(), Layers("linear 2"), Data{X: X, Y: y}, Options{Endpoint: p.endpoint, Epochs: 1})
	if err != nil {
		t.Fatal(err)
	}
	var lines []string
	ctx := WithLog(t.Context(), func(line string) { lines = append(lines, line) })
	if _, err := m.EvaluateContext(ctx, Data{X: X, Y: y, XName: "Xt", YName: "yt"}); err != nil {
		t.Fatal(err)
	}
	wantLines(t, lines, "Xt: * 1.6 MB, already there, 0 B sent", "yt: * 32.0 kB, already there, 0 B sent")
}

// Trainings that share prepared data, as the trials of a sweep do, send it once, even if
// they run at the same time.
func TestPreparedDataIsSentOnce(t *testing.T) {
	p := newTap(t, memory)
	X, y := noise(4000, 100)
	data := PrepareData(Data{X: X, Y: y})
	var group sync.WaitGroup
	for i := range 4 {
		group.Go(func() {
			o := Options{Endpoint: p.endpoint, Epochs: 1, BatchSize: 1000, Seed: Seed(1), LearningRate: 0.001 * float64(i+1)}
			if _, err := Fit(t.Context(), Layers("linear 2"), data, o); err != nil {
				t.Error(err)
			}
		})
	}
	group.Wait()
	if ops, bytes := p.ops(); bytes > 2_200_000 {
		t.Errorf("%s: %d bytes", ops, bytes)
	}
}

// Ten trainings of one epoch each send the data once, and never the states, because the
// worker has them.
func TestTransferOfStates(t *testing.T) {
	p := newTap(t, memory)
	X, y := noise(4000, 100)
	o := Options{Endpoint: p.endpoint, Epochs: 1, BatchSize: 1000, Seed: Seed(1)}
	spec := Layers("linear 1000\nrelu\nlinear 2")
	for range 10 {
		m, err := Fit(t.Context(), spec, Data{X: X, Y: y}, o)
		if err != nil {
			t.Fatal(err)
		}
		o.From = m
	}
	wantLast, err := Fit(t.Context(), spec, Data{X: X, Y: y}, Options{Endpoint: p.endpoint, Epochs: 10, BatchSize: 1000, Seed: Seed(1), Inline: 100_000_000})
	if err != nil {
		t.Fatal(err)
	}
	p.mu.Lock()
	p.bytes -= 2_200_000 // the last one's
	p.mu.Unlock()
	if ops, bytes := p.ops(); bytes > 2_300_000 || !strings.HasPrefix(ops, "have store train have train have train") {
		t.Errorf("%s, %d bytes", ops, bytes)
	}
	a, _ := o.From.StateDict()
	b, _ := wantLast.StateDict()
	for name := range b {
		if !a[name].Equal(b[name]) {
			t.Errorf("%s differs from that of ten epochs in one job", name)
		}
	}

	// A worker that has lost everything gets everything again.
	p.lose(memory)
	if _, err := o.From.Evaluate(X, y); err != nil {
		t.Fatal(err)
	}
	wantOps(t, p, "have store evaluate", 3_200_000)
}

// The embedded endpoint's folder is used for that endpoint only.
func TestLocalStore(t *testing.T) {
	dir := t.TempDir()
	p := newTap(t, func() engine.Store { return local.FolderStore(dir, 0) })
	base := p.endpoint.Client().BaseURL()
	t.Setenv("RUNPOD_ENDPOINT_ID", "")
	t.Setenv("RUNPOD_API_KEY", "")
	t.Setenv(EnvLocalURL, strings.TrimSuffix(base, "/v2"))
	t.Setenv(EnvLocalKey, string(p.key.Reveal()))
	t.Setenv(EnvLocalStore, dir)
	X, y := noise(4000, 100)
	wantLines(t, fit(t, nil, X, y, Options{}), "X: * 1.6 MB, 1.6 MB sent", "y: * sent")
	wantOps(t, p, "train", 3000)
	wantLines(t, fit(t, nil, X, y, Options{}), "X: * 1.6 MB, already there, 0 B sent", "y: * sent")
	wantOps(t, p, "train", 3000)
	t.Setenv(EnvLocalURL, "http://127.0.0.1:1")
	fit(t, p.endpoint, X, y, Options{})
	wantOps(t, p, "have train", 4000)
	t.Setenv(EnvSharedStore, dir) // gopherpod local beside it
	fit(t, p.endpoint, X, y, Options{})
	wantOps(t, p, "train", 3000)

	other, err := runpod.New(runpod.Config{BaseURL: "https://api.runpod.ai/v2", APIKey: "k"})
	if err != nil {
		t.Fatal(err)
	}
	if s, err := place.StoreOf(other.Endpoint("ep")); s != nil || err != nil {
		t.Errorf("RunPod's workers read %v (%v)", s, err)
	}
}
