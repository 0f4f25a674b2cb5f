package engine

import (
	"context"
	"encoding/json"
	"errors"
	"os"
	"testing"
	"time"

	"github.com/gopherpod/gopherpod/worker"
)

// FuzzHandler: a request is answered with JSON, or refused with a *worker.Error; no
// request makes the engine panic.
func FuzzHandler(f *testing.F) {
	b, err := os.ReadFile("../testdata/requests.json")
	if err != nil {
		f.Fatal(err)
	}
	var requests []struct{ Input json.RawMessage }
	if err := json.Unmarshal(b, &requests); err != nil || len(requests) == 0 {
		f.Fatal(err)
	}
	for _, r := range requests {
		f.Add([]byte(r.Input))
	}
	for _, s := range []string{
		`{"operation":"train","training_data":[[1,2],[3,4],[5,6]],"training_labels":[0,1,0],"model_config":{"layers":[{"type":"embedding","num_embeddings":9,"embedding_dim":2},{"type":"flatten"},{"type":"linear","out_features":2}]},"hyperparameters":{"epochs":2,"batch_size":2,"validation_split":0.4}}`,
		`{"operation":"train","training_data":[[[1,2],[3,4]],[[5,6],[7,8]]],"training_labels":[[1],[2]],"model_config":{"layers":[{"type":"conv1d","out_channels":2,"kernel_size":2,"padding":1},{"type":"batchnorm1d"},{"type":"relu"},{"type":"flatten"},{"type":"linear","out_features":1}]},"hyperparameters":{"loss":"mse","epochs":1,"optimizer":"adam"}}`,
		`{"operation":"batch","requests":[{"operation":"gpu_info"},{"operation":"store","tensors":{"codec":"msgpack","data":""}}]}`,
	} {
		f.Add([]byte(s))
	}
	handle := Handler(Options{MaxBytes: 1 << 20})
	f.Fuzz(func(t *testing.T, input []byte) {
		if r, err := worker.DecodeRequest(input); err == nil && !small(r) {
			return
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		out, err := handle(ctx, worker.Job{ID: "fuzz", Input: input}, func(event json.RawMessage) error {
			if !json.Valid(event) {
				t.Errorf("event %q", event)
			}
			return nil
		})
		var refused *worker.Error
		switch {
		case err == nil && out != nil && !json.Valid(out):
			t.Fatalf("answer %q", out)
		case err != nil && !errors.As(err, &refused) && ctx.Err() == nil:
			t.Fatalf("error of type %T: %v", err, err)
		}
	})
}

// small reports whether a request has few numbers, so that thousands of requests run in a
// second. Other tests cover large requests, which are refused or take long.
func small(r *worker.Request) bool {
	if h := r.Hyperparameters; h != nil && (h.Epochs > 20) {
		return false
	}
	for _, part := range r.Requests {
		inner, err := worker.DecodeRequest(part)
		if err == nil && !small(inner) {
			return false
		}
	}
	if r.Model == nil {
		return true
	}
	text, err := json.Marshal(r.Model)
	if err != nil {
		return false
	}
	digits := 0
	for _, c := range text {
		if '0' <= c && c <= '9' {
			digits++
		} else {
			digits = 0
		}
		if digits > 2 {
			return false // a size of 100 or more
		}
	}
	return true
}
