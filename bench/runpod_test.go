package bench

import (
	"context"
	"encoding/json"
	"testing"

	"github.com/gopherpod/gopherpod/runpod"
	"github.com/gopherpod/gopherpod/worker"
	"github.com/gopherpod/gopherpod/worker/local"
)

// A job that does nothing on the embedded endpoint, from call to result: what the
// client, HTTP and the queue cost.
func BenchmarkJobOverhead(b *testing.B) {
	handler := func(ctx context.Context, job worker.Job, yield func(json.RawMessage) error) (json.RawMessage, error) {
		return json.RawMessage(`{"ok":true}`), nil
	}
	s, err := local.Start(b.Context(), local.Options{Handler: handler})
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
