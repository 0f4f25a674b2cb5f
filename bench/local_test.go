package bench

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/gopherpod/gopherpod/worker"
	"github.com/gopherpod/gopherpod/worker/local"
)

// echoHandler returns its input without looking at it, after one yield.
func echoHandler(_ context.Context, job worker.Job, yield func(json.RawMessage) error) (json.RawMessage, error) {
	return job.Input, yield(json.RawMessage(`1`))
}

// startLocal is the embedded endpoint without rate limits, and a plain HTTP client of it.
func startLocal(b *testing.B, opt local.Options) func(method, path string, body []byte) []byte {
	opt.Limits = map[string]local.Limit{}
	s, err := local.Start(b.Context(), opt)
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { s.Close() })
	client := &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: 64, WriteBufferSize: 64 << 10, ReadBufferSize: 64 << 10}}
	b.Cleanup(client.CloseIdleConnections)
	return func(method, path string, body []byte) []byte {
		req, err := http.NewRequest(method, s.BaseURL()+"/local/"+path, bytes.NewReader(body))
		if err != nil {
			b.Fatal(err)
		}
		req.Header.Set("Authorization", "Bearer "+s.Key())
		resp, err := client.Do(req)
		if err != nil {
			b.Fatal(err)
		}
		defer resp.Body.Close()
		var out bytes.Buffer
		out.Grow(max(int(resp.ContentLength), 0) + bytes.MinRead)
		if _, err := io.Copy(&out, resp.Body); err != nil || resp.StatusCode > 299 {
			b.Fatal(resp.Status, err, out.String())
		}
		return out.Bytes()
	}
}

// A job that does nothing, by plain HTTP: from POST /run to its result on
// /stream or /status-sync, with a worker in the process and with one attached
// over HTTP (take, done).
func BenchmarkLocalOverhead(b *testing.B) {
	for _, way := range []string{"stream", "status-sync"} {
		b.Run("in process/"+way, func(b *testing.B) {
			do := startLocal(b, local.Options{Handler: echoHandler})
			for b.Loop() {
				localJob(b, do, way)
			}
		})
		b.Run("attached/"+way, func(b *testing.B) {
			do := startLocal(b, local.Options{})
			ctx, cancel := context.WithCancel(b.Context())
			done := make(chan struct{})
			go func() {
				defer close(done)
				for ctx.Err() == nil {
					var job worker.Job
					text := do("GET", "job-take/w1?gpu=x", nil)
					if json.Unmarshal(text, &job) == nil && job.ID != "" {
						do("POST", "job-stream/w1/"+job.ID+"?gpu=x", []byte(`{"output":1}`))
						do("POST", "job-done/w1/"+job.ID+"?gpu=x", []byte(`{"output":1}`))
					}
				}
			}()
			for b.Loop() {
				localJob(b, do, way)
			}
			cancel()
			do("POST", "run", []byte(`{"input":{"last":1}}`)) // ends the worker's poll
			<-done
		})
	}
}

func localJob(b *testing.B, do func(method, path string, body []byte) []byte, way string) {
	var job worker.Job
	if err := json.Unmarshal(do("POST", "run", []byte(`{"input":{"x":1}}`)), &job); err != nil {
		b.Fatal(err)
	}
	for !bytes.Contains(do("GET", way+"/"+job.ID, nil), []byte(`"COMPLETED"`)) {
	}
}

// A request and an answer of the same size; the figure counts the bytes of both.
func BenchmarkLocalPayload(b *testing.B) {
	for _, mb := range []int{1, 9} {
		b.Run(fmt.Sprint(mb, "MB"), func(b *testing.B) {
			do := startLocal(b, local.Options{Handler: echoHandler})
			body := []byte(`{"input":{"data":"` + strings.Repeat("QUJD", mb*1_000_000/4) + `"}}`)
			b.SetBytes(2 * int64(len(body)))
			b.ReportAllocs()
			for b.Loop() {
				if out := do("POST", "runsync", body); len(out) < len(body)-20 {
					b.Fatal(len(out))
				}
			}
		})
	}
}
