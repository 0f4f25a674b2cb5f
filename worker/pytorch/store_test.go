package pytorch_test

import (
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/gopherpod/gopherpod/runpod"
	"github.com/gopherpod/gopherpod/runpod/store"
	"github.com/gopherpod/gopherpod/runpod/train"
	"github.com/gopherpod/gopherpod/tensors"
	"github.com/gopherpod/gopherpod/worker/local"
)

// TestStoreBothWays: 8 MB that the Go client sends reach the PyTorch worker as parts
// in jobs and as a file, once, and states by their digest.
func TestStoreBothWays(t *testing.T) {
	e := newEndpoint(t, local.Options{})
	e.attach("w1")
	client, err := runpod.New(runpod.Config{BaseURL: e.BaseURL(), APIKey: runpod.Secret(e.Key())})
	if err != nil {
		t.Fatal(err)
	}
	X, err := tensors.New(tensors.Float32, 10_000, 200)
	if err != nil {
		t.Fatal(err)
	}
	x, err := X.Float32s()
	if err != nil {
		t.Fatal(err)
	}
	r := rand.New(rand.NewPCG(3, 4))
	y := make([]int, X.Rows())
	for i := range x {
		x[i] = r.Float32()
		y[i/200] = i / 200 % 2
	}
	var lines []string
	o := train.Options{Endpoint: client.Endpoint(runpod.EndpointID(e.EndpointID())), Epochs: 1, BatchSize: 5000, Seed: train.Seed(1), OnEvent: func(e train.Event) {
		if e.Notice != "" {
			lines = append(lines, string(e.Notice))
		}
	}}
	fit := func(want ...string) {
		t.Helper()
		begin := time.Now()
		lines = nil
		m, err := train.Fit(t.Context(), train.Layers("linear 400\nrelu\nlinear 2"), train.Data{X: X, Y: y}, o)
		if err != nil {
			t.Fatal(err)
		}
		o.From = m
		t.Log(time.Since(begin), lines)
		got := strings.Join(lines, "\n")
		for _, w := range want {
			if !strings.Contains(got, w) {
				t.Errorf("%s\nwant %s", got, w)
			}
		}
	}
	fit("8.0 MB, 8.0 MB sent")
	// What the worker stored is what a client would have put there, and reads.
	got, err := store.FetchTensor(t.Context(), store.Dir(e.store), X.Digest(), store.Options{})
	if err != nil || !got.Equal(X) {
		t.Fatalf("%v, %v", got, err)
	}
	fit("X: "+X.Digest()[:12]+" 8.0 MB, already there, 0 B sent", "weights: ", "optimizer: ")
	if strings.Count(strings.Join(lines, "\n"), "already there") != len(lines) {
		t.Errorf("%q: the worker has all of it", lines)
	}

	x[0]++ // other data, by the folder
	o.Store = store.Dir(e.store)
	fit("8.0 MB, 8.0 MB sent")
	o.From = nil
	fit("8.0 MB, already there, 0 B sent")

	// The file goes while the worker is away.
	if err := os.RemoveAll(filepath.Join(e.store, "data")); err != nil {
		t.Fatal(err)
	}
	o.Store = nil
	fit("X: ")
}
