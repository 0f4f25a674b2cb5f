package local_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/gopherpod/gopherpod/runpod"
	"github.com/gopherpod/gopherpod/worker/local"
)

// ask sends a request of a worker.
func (b *bench) ask(ctx context.Context, method, path, body string) (code int, answer []byte) {
	r, err := http.NewRequestWithContext(ctx, method, "http://127.0.0.1/v2/local/"+path, strings.NewReader(body))
	if err != nil {
		return 0, nil
	}
	r.Header.Set("Authorization", "Bearer "+b.Key())
	resp, err := (wire{b.Server}).RoundTrip(r)
	if err != nil {
		return 0, nil
	}
	defer resp.Body.Close()
	answer, _ = io.ReadAll(resp.Body)
	return resp.StatusCode, answer
}

// sdk returns a Runner whose workers speak as RunPod's SDK does. They report a result with the
// given body, and call replaced when the endpoint has stopped them.
func (b *bench) sdk(ready <-chan struct{}, result string, replaced func()) local.Runner {
	return func(ctx context.Context, p local.Process) error {
		<-ready
		for ctx.Err() == nil {
			code, text := b.ask(ctx, http.MethodGet, "job-take/"+p.ID+"?gpu=x&job_in_progress=0", "")
			var job struct {
				ID    string
				Input struct{ Fail, Block bool }
			}
			if code != http.StatusOK || json.Unmarshal(text, &job) != nil {
				time.Sleep(100 * time.Millisecond)
				continue
			}
			b.ran.Add(1)
			for i := range 3 {
				b.ask(ctx, http.MethodPost, "job-stream/"+p.ID+"/"+job.ID, fmt.Sprintf(`{"output":%d}`, i))
			}
			if job.Input.Block {
				time.Sleep(time.Second)
			}
			body := result
			if job.Input.Fail {
				body = `{"error":"on purpose"}`
			}
			b.ask(ctx, http.MethodPost, "job-done/"+p.ID+"/"+job.ID, body)
		}
		replaced()
		return nil
	}
}

// What goes wrong between the service and its workers, by every operation of our client: a
// worker that is replaced after each job, a result that is refused, no worker until the job's
// ttl is over. The operation succeeds, or its error says what happened; no handler runs twice.
func TestClientWorkerFaultTable(t *testing.T) {
	submits := []string{"run", "status", "stream"}
	for _, c := range []struct {
		name   string
		result string // "": no worker takes a job
		got    func(op string) string
		want   func(op string) error
	}{
		{"refresh_worker", `{"output":` + whole + `,"stopPod":true}`, nil, nil},
		{"400 on job-done", `{"output":NaN}`, func(op string) string {
			if slices.Contains(append(submits, "runsync"), op) {
				return noOutput
			}
			return "ok"
		}, nil},
		{"ttl passed in the queue", "", nil, func(op string) error {
			switch {
			case slices.Contains(submits, op):
				return runpod.ErrExpired
			case op == "runsync" || op == "cancel" || op == "retry":
				return runpod.ErrNotFound
			}
			return nil
		}},
	} {
		for _, op := range clientOps {
			t.Run(op.name+" "+c.name, func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					b, ready, replaced := &bench{}, make(chan struct{}), make(chan struct{}, 10)
					policy, inject := runpod.Policy{}, func() {}
					run := b.sdk(ready, c.result, func() { replaced <- struct{}{} })
					if c.result == "" {
						policy.TTL = 10 * time.Second
						if op.op == "cancel" || op.op == "retry" {
							inject = func() { time.Sleep(11 * time.Second) }
						}
						run = func(ctx context.Context, _ local.Process) error { <-ctx.Done(); return nil }
					}
					b.start(t, local.Options{Runner: run}, policy)
					close(ready)
					defer b.Close()
					got, err := op.do(t, b, inject)
					var want error
					if c.want != nil {
						want = c.want(op.op)
					}
					wanted := "ok"
					if c.got != nil {
						wanted = c.got(op.op)
					}
					if !errors.Is(err, want) || want == nil && (err != nil || got != wanted) {
						t.Errorf("%s, %v; want %s, %v", got, err, wanted, want)
					}
					time.Sleep(time.Minute)
					most := int32(1)
					if op.op == "retry" {
						most = 2
					}
					if n := b.ran.Load(); n > most || c.result == "" && n > 0 {
						t.Errorf("the handler ran %d times", n)
					}
					finished := slices.Contains(append(submits, "runsync"), op.op)
					if n := len(replaced); c.name == "refresh_worker" && finished && n != 1 || c.result == `{"output":NaN}` && n != 0 {
						t.Errorf("%d workers were replaced", n)
					}
				})
			})
		}
	}
}
