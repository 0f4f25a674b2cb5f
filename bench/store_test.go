package bench

import (
	"context"
	"encoding/json"
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
		m.received.Add(max(resp.ContentLength, 0))
	}
	return resp, err
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

// storeEndpoint is an embedded endpoint whose worker reads data from a folder, and
// only looks at them where the request is an evaluation: an engine's arithmetic
// takes longer than the way there.
func storeEndpoint(b *testing.B, dir string, m *meter) *runpod.Endpoint {
	b.Helper()
	s := local.FolderStore(dir, 0)
	h := engine.Handler(engine.Options{Store: s})
	server, err := local.Start(b.Context(), local.Options{Limits: map[string]local.Limit{}, Handler: func(ctx context.Context, job worker.Job, yield func(json.RawMessage) error) (json.RawMessage, error) {
		r, err := worker.DecodeRequest(job.Input)
		if err != nil || r.Operation != worker.OpEvaluate {
			return h(ctx, job, yield)
		}
		x, ok := s.Get(r.EvaluationData.Features.SHA256)
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
			endpoint := storeEndpoint(b, dir, nil)
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
