package engine

import (
	"context"
	"encoding/json"
	"math/rand/v2"
	"testing"

	"github.com/gopherpod/gopherpod/tensors"
	"github.com/gopherpod/gopherpod/worker"
)

// problem returns a train request with n random samples of shape, in the given
// number of classes.
func problem(b testing.TB, layers string, shape []int, n, classes int, h worker.Hyperparameters) json.RawMessage {
	r := rand.New(rand.NewPCG(1, 2))
	x, y := make([]float32, n*elements(shape)), make([]int64, n)
	for i := range x {
		x[i] = float32(r.NormFloat64())
	}
	for i := range y {
		y[i] = int64(r.IntN(classes))
	}
	features, _ := tensors.From(x)
	features, _ = features.Reshape(append([]int{n}, shape...)...)
	labels, _ := tensors.From(y)
	text, err := tensors.EncodeSet(tensors.Set{"X": features, "y": labels}, "msgpack")
	if err != nil {
		b.Fatal(err)
	}
	model, err := worker.ParseLayers(layers)
	if err != nil {
		b.Fatal(err)
	}
	raw, err := json.Marshal(worker.Request{
		Operation: worker.OpTrain, Protocol: 1, Model: model, Hyperparameters: &h,
		Tensors:      &worker.Tensors{Codec: "msgpack", Data: text},
		TrainingData: &worker.Dataset{Features: worker.Value{Tensor: "X"}, Labels: worker.Value{Tensor: "y"}},
	})
	if err != nil {
		b.Fatal(err)
	}
	return raw
}

// BenchmarkStep measures a whole training step: forward, backward, Adam and
// metrics.
func BenchmarkStep(b *testing.B) {
	cases := []struct {
		name, layers string
		shape        []int
		batch        int
	}{
		{"mlp-4-8-2/b40", "linear 8\nrelu\nlinear 2", []int{4}, 40},
		{"mlp-64-64-32-10/b32", "linear 64\nrelu\nlinear 32\nrelu\nlinear 10", []int{64}, 32},
		{"mlp-784-256-128-10/b128", "linear 256\nrelu\nlinear 128\nrelu\nlinear 10", []int{784}, 128},
		{"mlp-784-1024-1024-10/b256", "linear 1024\nrelu\nlinear 1024\nrelu\nlinear 10", []int{784}, 256},
		{"cnn-28/b64", "conv2d 16 3 padding=1\nrelu\nmaxpool2d 2\nconv2d 32 3 padding=1\nrelu\nmaxpool2d 2\nflatten\nlinear 128\nrelu\nlinear 10", []int{1, 28, 28}, 64},
		{"cnn-bn-28/b64", "conv2d 16 3 padding=1\nbatchnorm2d\nrelu\nmaxpool2d 2\nconv2d 32 3 padding=1\nbatchnorm2d\nrelu\nmaxpool2d 2\nflatten\nlinear 10", []int{1, 28, 28}, 64},
	}
	for _, c := range cases {
		b.Run(c.name, func(b *testing.B) {
			raw := problem(b, c.layers, c.shape, 4*c.batch, 2, worker.Hyperparameters{BatchSize: c.batch})
			r, err := worker.DecodeRequest(raw)
			if err != nil {
				b.Fatal(err)
			}
			a, err := newArrays(b.Context(), r, nil, &Options{})
			if err != nil {
				b.Fatal(err)
			}
			t, err := newTrainer(r, a, &Options{}, func(worker.Event) error { return nil })
			if err != nil {
				b.Fatal(err)
			}
			b.ReportAllocs()
			samples := 0
			for b.Loop() {
				if _, err := t.runEpoch(context.Background()); err != nil {
					b.Fatal(err)
				}
				samples += t.data.n
			}
			b.ReportMetric(float64(samples)/b.Elapsed().Seconds(), "samples/s")
		})
	}
}
