package train

import (
	"context"
	"encoding/json"
	"testing"

	"github.com/gopherpod/gopherpod/runpod"
	"github.com/gopherpod/gopherpod/tensors"
	"github.com/gopherpod/gopherpod/worker"
	"github.com/gopherpod/gopherpod/worker/local"
)

// A fakeWorker answers as a worker does, without computing: the loss of epoch n
// is 1/n, weights are zero, predictions are the features.
type fakeWorker struct {
	requests []*worker.Request
	// each is called before an epoch is sent; its error ends the job.
	each func(ctx context.Context, epoch int) error
	// spoil changes an event on its way; nil drops it from the stream.
	spoil func(*worker.Event) *worker.Event
}

func (f *fakeWorker) handle(ctx context.Context, job worker.Job, yield func(json.RawMessage) error) (json.RawMessage, error) {
	r, err := worker.DecodeRequest(job.Input)
	if err != nil {
		return nil, err
	}
	f.requests = append(f.requests, r)
	switch r.Operation {
	case worker.OpTrain:
		return f.train(ctx, r, yield)
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

func (f *fakeWorker) train(ctx context.Context, r *worker.Request, yield func(json.RawMessage) error) (json.RawMessage, error) {
	var all []worker.Event
	send := func(e worker.Event) error {
		e.RunID, e.Seq = r.RunID, len(all)
		all = append(all, e)
		on := &e
		if f.spoil != nil {
			if on = f.spoil(&e); on == nil {
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
		if f.each != nil {
			if err := f.each(ctx, n); err != nil {
				return nil, err
			}
		}
		e := worker.Epoch{Epoch: r.StartEpoch + n, Epochs: r.StartEpoch + r.Hyperparameters.Epochs, Loss: worker.Number(1 / float64(r.StartEpoch+n)), Samples: 30}
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
	list, err := m.State()
	if err != nil {
		return "", err
	}
	set := tensors.Set{}
	for _, s := range list {
		if set[s.Name], err = tensors.New(tensors.Float32, s.Shape...); err != nil {
			return "", err
		}
	}
	return tensors.EncodeState(set, true)
}

// serve starts an endpoint on this machine with the fake behind it.
func serve(t *testing.T, f *fakeWorker) *runpod.Endpoint {
	t.Helper()
	_, e := start(t, local.Options{Handler: f.handle})
	return e
}

// start starts an endpoint on this machine, until the test ends.
func start(t *testing.T, o local.Options) (*local.Server, *runpod.Endpoint) {
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

// wholeRun are the events of a run of the plan.
func wholeRun(p *Plan, epochs int) ([]worker.Event, error) {
	p.request.Hyperparameters.Epochs = epochs
	b, err := new(fakeWorker).train(context.Background(), p.request, func(json.RawMessage) error { return nil })
	if err != nil {
		return nil, err
	}
	var events []worker.Event
	return events, json.Unmarshal(b, &events)
}
