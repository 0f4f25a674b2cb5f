// Package traintest has what the tests of package train and of packages above it share: a
// worker that answers without computing, an endpoint on this machine that uses it, and some
// data.
package traintest

import (
	"context"
	"encoding/json"
	"math"
	"net/http"
	"net/http/httptest"
	"testing"

	"gonum.org/v1/gonum/mat"

	"github.com/gopherpod/gopherpod/runpod"
	"github.com/gopherpod/gopherpod/tensors"
	"github.com/gopherpod/gopherpod/worker"
	"github.com/gopherpod/gopherpod/worker/local"
)

// A Worker is a fake worker that does not compute: the loss of epoch n is 1/n, weights are
// zero, predictions are the features.
type Worker struct {
	Requests []*worker.Request // the requests received so far
	// Each is called before an epoch is sent. If it returns an error, the job fails.
	Each func(ctx context.Context, epoch int) error
	// Measure may change the record of an epoch before it is used; nil changes nothing.
	Measure func(r *worker.Request, e *worker.Epoch)
	// Spoil may change an event before it is streamed. If it returns nil, the event is dropped
	// from the stream.
	Spoil func(*worker.Event) *worker.Event
}

// Handle is the worker's handler.
func (f *Worker) Handle(ctx context.Context, job worker.Job, yield func(json.RawMessage) error) (json.RawMessage, error) {
	r, err := worker.DecodeRequest(job.Input)
	if err != nil {
		return nil, err
	}
	f.Requests = append(f.Requests, r)
	switch r.Operation {
	case worker.OpTrain:
		return f.Train(ctx, r, yield)
	case worker.OpEvaluate:
		acc := worker.Number(0.5)
		return json.Marshal(worker.Response{Operation: r.Operation, Status: "success", Metrics: &worker.Metrics{Loss: 0.25, Accuracy: &acc, SamplesProcessed: 4}})
	case worker.OpPredict:
		set, err := tensors.DecodeSet(r.Tensors.Codec, r.Tensors.Data, 0)
		if err != nil {
			return nil, err
		}
		data, err := tensors.EncodeSet(tensors.Set{"predictions": set["X"]}, tensors.CodecMsgpack)
		if err != nil {
			return nil, err
		}
		return json.Marshal(worker.Response{Operation: r.Operation, Status: "success", Predictions: json.RawMessage(`{"tensor":"predictions"}`),
			Tensors: &worker.Tensors{Codec: tensors.CodecMsgpack, Data: data}})
	}
	return nil, worker.Invalid("operation", "unknown here")
}

// Train handles a training request.
func (f *Worker) Train(ctx context.Context, r *worker.Request, yield func(json.RawMessage) error) (json.RawMessage, error) {
	var all []worker.Event
	send := func(e worker.Event) error {
		e.RunID, e.Seq = r.RunID, len(all)
		all = append(all, e)
		on := &e
		if f.Spoil != nil {
			if on = f.Spoil(&e); on == nil {
				return nil
			}
		}
		b, err := json.Marshal(on)
		if err != nil {
			return err
		}
		return yield(b)
	}
	var history []worker.Epoch
	for n := 1; n <= r.Hyperparameters.Epochs; n++ {
		if f.Each != nil {
			if err := f.Each(ctx, n); err != nil {
				return nil, err
			}
		}
		e := worker.Epoch{Epoch: r.StartEpoch + n, Epochs: r.StartEpoch + r.Hyperparameters.Epochs, Loss: worker.Number(1 / float64(r.StartEpoch+n)), Samples: 30}
		if f.Measure != nil {
			f.Measure(r, &e)
		}
		history = append(history, e)
		if err := send(worker.Event{Type: worker.EventEpoch, Epoch: &e}); err != nil {
			return nil, err
		}
	}
	state, err := zeroState(r.Model)
	if err != nil {
		return nil, err
	}
	result := &worker.TrainResult{Operation: r.Operation, Status: "success", RunID: r.RunID, History: history, Model: r.Model,
		ModelState: state, OptimizerState: state, Device: "fake", Precision: "fp32", Seconds: 0.5}
	if err := send(worker.Event{Type: worker.EventDone, Result: result}); err != nil {
		return nil, err
	}
	return json.Marshal(all)
}

func zeroState(m *worker.ModelConfig) (string, error) {
	set := tensors.Set{}
	var list []worker.StateTensor
	var err error
	if m.Other != nil { // only a real worker knows its weights
		list = []worker.StateTensor{{Name: "weight", Shape: []int{1}}}
	} else if list, err = m.State(); err != nil {
		return "", err
	}
	for _, s := range list {
		if set[s.Name], err = tensors.New(tensors.Float32, s.Shape...); err != nil {
			return "", err
		}
	}
	return tensors.EncodeState(set, true)
}

// Serve starts an endpoint on this machine that uses the fake worker.
func Serve(t testing.TB, f *Worker) *runpod.Endpoint {
	t.Helper()
	_, e := Start(t, local.Options{Handler: f.Handle})
	return e
}

// Start starts an endpoint on this machine, which is closed when the test ends.
func Start(t testing.TB, o local.Options) (*local.Server, *runpod.Endpoint) {
	t.Helper()
	s, err := local.Start(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	client, err := runpod.New(runpod.Config{BaseURL: s.BaseURL(), APIKey: runpod.Secret(s.Key())})
	if err != nil {
		t.Fatal(err)
	}
	return s, client.Endpoint(runpod.EndpointID(s.EndpointID()))
}

// InMemory starts an endpoint without sockets, because a virtual clock does not advance while a
// goroutine waits for a socket. Its management API answers too.
func InMemory(t testing.TB, o local.Options) (*local.Server, *runpod.Endpoint) {
	t.Helper()
	s, err := local.New(o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	const base = "http://127.0.0.1/v2"
	client, err := runpod.New(runpod.Config{BaseURL: base, ManagementURL: base, APIKey: runpod.Secret(s.Key()), Transport: inProcess{s}})
	if err != nil {
		t.Fatal(err)
	}
	return s, client.Endpoint(runpod.EndpointID(s.EndpointID()))
}

// inProcess is the transport to a handler.
type inProcess struct{ h http.Handler }

func (m inProcess) RoundTrip(r *http.Request) (*http.Response, error) {
	done := make(chan *http.Response, 1)
	go func() {
		w := httptest.NewRecorder()
		m.h.ServeHTTP(w, r)
		done <- w.Result()
	}()
	select {
	case resp := <-done:
		resp.Request = r
		return resp, nil
	case <-r.Context().Done():
		return nil, r.Context().Err()
	}
}

// Workers starts an endpoint on this machine with n workers whose handler is f.
func Workers(t testing.TB, n int, f worker.Handler) *runpod.Endpoint {
	t.Helper()
	_, e := Start(t, local.Options{Handler: f, Workers: n})
	return e
}

// Blobs returns n points around three centres on a circle, the classes in turn.
func Blobs(n int) (*mat.Dense, []int) {
	X, y := mat.NewDense(n, 2, nil), make([]int, n)
	for i := range n {
		k := i % 3
		a := 2 * math.Pi * float64(k) / 3
		wobble := float64(i*7919%97)/97 - 0.5
		X.SetRow(i, []float64{2*math.Cos(a) + wobble, 2*math.Sin(a) + float64(i*104729%89)/89 - 0.5})
		y[i] = k
	}
	return X, y
}
