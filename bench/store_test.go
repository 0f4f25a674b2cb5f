package bench

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"sync/atomic"
	"testing"

	"github.com/gopherpod/gopherpod/runpod"
	"github.com/gopherpod/gopherpod/runpod/store"
	"github.com/gopherpod/gopherpod/runpod/train"
	"github.com/gopherpod/gopherpod/tensors"
	"github.com/gopherpod/gopherpod/worker"
	"github.com/gopherpod/gopherpod/worker/engine"
	"github.com/gopherpod/gopherpod/worker/local"
)

// meter counts the bytes of bodies both ways.
type meter struct{ sent, received atomic.Int64 }

func (m *meter) RoundTrip(r *http.Request) (*http.Response, error) {
	m.sent.Add(max(r.ContentLength, 0))
	resp, err := http.DefaultTransport.RoundTrip(r)
	if err == nil {
		resp.Body = &meteredBody{resp.Body, &m.received}
	}
	return resp, err
}

type meteredBody struct {
	io.ReadCloser
	n *atomic.Int64
}

func (b *meteredBody) Read(p []byte) (int, error) {
	n, err := b.ReadCloser.Read(p)
	b.n.Add(int64(n))
	return n, err
}

func float32s(b *testing.B, shape ...int) tensors.Tensor {
	b.Helper()
	t, err := tensors.New(tensors.Float32, shape...)
	if err != nil {
		b.Fatal(err)
	}
	x, err := t.Float32s()
	if err != nil {
		b.Fatal(err)
	}
	r := rand.New(rand.NewPCG(1, 2))
	for i := range x {
		x[i] = r.Float32()
	}
	return t
}

// storeEndpoint is an embedded endpoint whose worker reads data from a folder, keeps
// so many bytes of them in memory, and only looks at them where the request is an evaluation: an engine's arithmetic
// takes longer than the way there.
func storeEndpoint(b *testing.B, dir string, memory int64, m *meter) *runpod.Endpoint {
	b.Helper()
	s := local.FolderStore(dir, memory)
	h := engine.Handler(engine.Options{Store: s})
	server, err := local.Start(b.Context(), local.Options{Limits: map[string]local.Limit{}, Handler: func(ctx context.Context, job worker.Job, yield func(json.RawMessage) error) (json.RawMessage, error) {
		r, err := worker.DecodeRequest(job.Input)
		if err != nil || r.Operation != worker.OpEvaluate {
			return h(ctx, job, yield)
		}
		from := s
		if memory == 0 {
			from = local.FolderStore(dir, 0) // s keeps one array whatever its size
		}
		x, ok := from.Get(r.EvaluationData.Features.SHA256)
		if !ok {
			return nil, &worker.Error{Kind: worker.ErrMissing, Message: "not there"}
		}
		if err := x.CheckFinite(); err != nil {
			return nil, err
		}
		return json.Marshal(worker.Response{Operation: r.Operation, Status: "success", Metrics: &worker.Metrics{SamplesProcessed: x.Rows()}})
	}})
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { server.Close() })
	c := runpod.Config{BaseURL: server.BaseURL(), APIKey: runpod.Secret(server.Key())}
	if m != nil {
		c.Transport = m
	}
	client, err := runpod.New(c)
	if err != nil {
		b.Fatal(err)
	}
	return client.Endpoint(runpod.EndpointID(server.EndpointID()))
}

// BenchmarkStoreFolder brings 1 GB of float32 from the caller's memory to the
// worker's by the embedded endpoint's folder: checked for numbers, hashed, written,
// read, hashed and checked again. "again" is the same data asked for once more.
func BenchmarkStoreFolder(b *testing.B) {
	const rows, columns = 1_000_000, 250
	X := float32s(b, rows, columns)
	y := make([]int, rows)
	small := train.Data{X: [][]float64{make([]float64, columns), make([]float64, columns)}, Y: []int{0, 1}}
	for _, again := range []bool{false, true} {
		name := "first"
		if again {
			name = "again"
		}
		b.Run(name, func(b *testing.B) {
			dir := b.TempDir()
			endpoint := storeEndpoint(b, dir, 0, nil)
			m, err := train.Fit(b.Context(), train.Layers("linear 2"), small, train.Options{Epochs: 1, Endpoint: endpoint, Store: store.Dir(dir)})
			if err != nil {
				b.Fatal(err)
			}
			if again {
				if _, err := m.Evaluate(X, y); err != nil {
					b.Fatal(err)
				}
			}
			b.SetBytes(int64(len(X.Data)))
			for b.Loop() {
				if !again {
					b.StopTimer()
					name, err := store.TensorName(X.Digest())
					if err == nil {
						err = store.Dir(dir).Delete(b.Context(), name)
					}
					if err != nil {
						b.Fatal(err)
					}
					b.StartTimer()
				}
				if e, err := m.Evaluate(X, y); err != nil || e.Samples != rows {
					b.Fatal(e, err)
				}
			}
		})
	}
}

// The images of the benchmarks of ten epochs: 28 by 28 grey values, four of five
// of them black, as handwritten digits have.
func images(b *testing.B, n int) (x tensors.Tensor, rows [][]float64, y []int) {
	b.Helper()
	x, err := tensors.New(tensors.Float32, n, 784)
	if err != nil {
		b.Fatal(err)
	}
	values, err := x.Float32s()
	if err != nil {
		b.Fatal(err)
	}
	r := rand.New(rand.NewPCG(1, 2))
	for i := range values {
		if r.IntN(5) == 0 {
			values[i] = float32(r.IntN(256)) / 255
		}
	}
	if rows, err = x.Float64Rows(); err != nil {
		b.Fatal(err)
	}
	for i := range n {
		y = append(y, i%10)
	}
	return x, rows, y
}

// BenchmarkTenEpochs asks for ten epochs one by one, each going on from the one before,
// and counts the bytes of all bodies: our way to workers that share nothing, our way
// where the session shares a folder with them, and the predecessor's, which sends the
// data as JSON lists and the weights each time (and no state of the optimizer).
func BenchmarkTenEpochs(b *testing.B) {
	x, rows, y := images(b, 1000)
	const net = train.Layers("linear 128\nrelu\nlinear 10")
	for _, way := range []string{"jobs", "folder"} {
		b.Run(way, func(b *testing.B) {
			var m meter
			var sent int64
			for b.Loop() {
				m.sent.Store(0)
				m.received.Store(0)
				dir := b.TempDir()
				o := train.Options{Endpoint: storeEndpoint(b, dir, 1<<30, &m), Epochs: 1, BatchSize: len(y), Seed: train.Seed(1)}
				if way == "folder" {
					o.Store = store.Dir(dir)
				}
				for range 10 {
					model, err := train.Fit(b.Context(), net, train.Data{X: x, Y: y}, o)
					if err != nil {
						b.Fatal(err)
					}
					o.From = model
				}
				sent = m.sent.Load()
			}
			b.ReportMetric(float64(sent)/1e6, "MB-up")
		})
	}
	b.Run("predecessor", func(b *testing.B) {
		var sent int64
		for b.Loop() {
			s, _ := trainEndpoint(b)
			state := ""
			sent = 0
			for range 10 {
				linear := func(in, out int) map[string]any {
					return map[string]any{"type": "linear", "in_features": in, "out_features": out}
				}
				input := map[string]any{
					"operation":       "train_epoch",
					"model_config":    map[string]any{"type": "sequential", "layers": []any{linear(784, 128), map[string]any{"type": "relu"}, linear(128, 10)}},
					"training_data":   map[string]any{"features": rows, "labels": y},
					"hyperparameters": map[string]any{"optimizer": "adam", "learning_rate": 0.001, "loss_function": "cross_entropy"},
				}
				if state != "" {
					input["model_state"] = state
				}
				body, err := json.Marshal(map[string]any{"input": input})
				if err != nil {
					b.Fatal(err)
				}
				sent += int64(len(body))
				client, err := runpod.New(runpod.Config{BaseURL: s.BaseURL(), APIKey: runpod.Secret(s.Key())})
				if err != nil {
					b.Fatal(err)
				}
				job, err := client.Endpoint(runpod.EndpointID(s.EndpointID())).Call(b.Context(), runpod.Request{Input: input})
				if err != nil {
					b.Fatal(err)
				}
				var answer worker.Response
				if err := json.Unmarshal(job.Output, &answer); err != nil {
					b.Fatal(err)
				}
				state = answer.ModelState
			}
		}
		b.ReportMetric(float64(sent)/1e6, "MB-up")
	})
}

// BenchmarkStateDelta asks for ten epochs on the digits one by one, each going on from
// the one before, and counts the bytes of all answers: with the states whole, and as
// their differences to those before. A model of 166,666 parameters and Adam's two
// moments are 2 MB.
func BenchmarkStateDelta(b *testing.B) {
	X, y := digits(b)
	for _, rate := range []float64{0.001, 0.0001} {
		for _, delta := range []bool{false, true} {
			b.Run(fmt.Sprintf("rate=%v/delta=%v", rate, delta), func(b *testing.B) {
				var m meter
				for b.Loop() {
					m.received.Store(0)
					o := train.Options{Endpoint: storeEndpoint(b, b.TempDir(), 1<<30, &m), Epochs: 1, LearningRate: rate, Seed: train.Seed(1), StateDelta: &delta}
					for range 10 {
						model, err := train.Fit(b.Context(), train.Layers("linear 512\nrelu\nlinear 256\nrelu\nlinear 10"), train.Data{X: X, Y: y}, o)
						if err != nil {
							b.Fatal(err)
						}
						o.From = model
					}
				}
				b.ReportMetric(float64(m.received.Load())/1e6, "MB-down")
			})
		}
	}
}
