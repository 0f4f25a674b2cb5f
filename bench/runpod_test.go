package bench

import (
	"context"
	"encoding/json"
	"math/rand/v2"
	"testing"

	"gonum.org/v1/gonum/mat"

	"github.com/gopherpod/gopherpod/runpod"
	"github.com/gopherpod/gopherpod/tensors"
	"github.com/gopherpod/gopherpod/tensors/bigjson"
	"github.com/gopherpod/gopherpod/worker"
	"github.com/gopherpod/gopherpod/worker/local"
)

// A job that does nothing on the embedded endpoint, from call to result: what the
// client, HTTP and the queue cost.
func BenchmarkJobOverhead(b *testing.B) {
	handler := func(ctx context.Context, job worker.Job, yield func(json.RawMessage) error) (json.RawMessage, error) {
		return json.RawMessage(`{"ok":true}`), nil
	}
	s, err := local.Start(b.Context(), local.Options{Handler: handler, Limits: map[string]local.Limit{}})
	if err != nil {
		b.Fatal(err)
	}
	defer s.Close()
	client, err := runpod.New(runpod.Config{APIKey: runpod.Secret(s.Key()), BaseURL: s.BaseURL(), Limits: map[runpod.Op]runpod.Limit{runpod.OpRun: {}, runpod.OpStatus: {}, runpod.OpStream: {}}})
	if err != nil {
		b.Fatal(err)
	}
	endpoint := client.Endpoint("local")
	request := runpod.Request{Input: map[string]any{"operation": "nothing"}}
	b.Run("Call", func(b *testing.B) {
		for b.Loop() {
			if _, err := endpoint.Call(b.Context(), request); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("StreamThenWait", func(b *testing.B) {
		for b.Loop() {
			job, err := endpoint.Run(b.Context(), request)
			if err != nil {
				b.Fatal(err)
			}
			for _, err := range endpoint.Stream(b.Context(), job.ID) {
				if err != nil {
					b.Fatal(err)
				}
			}
			if _, err := endpoint.Wait(b.Context(), job.ID); err != nil {
				b.Fatal(err)
			}
		}
	})
}

// A matrix of 7 MB of float64 to a handler of the embedded endpoint, which decodes
// it: everything between a matrix here and a matrix there.
func BenchmarkMatrixToHandler(b *testing.B) {
	const rows, cols = 1000, 875
	handler := func(ctx context.Context, job worker.Job, yield func(json.RawMessage) error) (json.RawMessage, error) {
		var in worker.Request
		if err := bigjson.Unmarshal(job.Input, &in); err != nil {
			return nil, err
		}
		set, err := tensors.DecodeSet(in.Tensors.Codec, in.Tensors.Data, 0)
		if err != nil {
			return nil, err
		}
		m, err := set["X"].Dense()
		if err != nil {
			return nil, err
		}
		return json.Marshal(map[string]float64{"last": m.At(rows-1, cols-1)})
	}
	s, err := local.Start(b.Context(), local.Options{Handler: handler})
	if err != nil {
		b.Fatal(err)
	}
	defer s.Close()
	client, err := runpod.New(runpod.Config{APIKey: runpod.Secret(s.Key()), BaseURL: s.BaseURL()})
	if err != nil {
		b.Fatal(err)
	}
	m := mat.NewDense(rows, cols, nil)
	r := rand.New(rand.NewPCG(1, 2))
	m.Apply(func(i, j int, v float64) float64 { return r.NormFloat64() }, m)
	b.SetBytes(rows * cols * 8)
	b.ReportAllocs()
	for b.Loop() {
		x, err := tensors.From(m)
		if err != nil {
			b.Fatal(err)
		}
		text, err := tensors.EncodeSet(tensors.Set{"X": x}, tensors.CodecMsgpack)
		if err != nil {
			b.Fatal(err)
		}
		request := worker.Request{Operation: worker.OpTrain, Tensors: &worker.Tensors{Codec: tensors.CodecMsgpack, Data: text}}
		if _, err := client.Endpoint("local").Call(b.Context(), runpod.Request{Input: request}); err != nil {
			b.Fatal(err)
		}
	}
}
