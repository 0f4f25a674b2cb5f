package train

import (
	"context"
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/gopherpod/gopherpod/runpod"
	"github.com/gopherpod/gopherpod/runpod/runpodtest"
	"github.com/gopherpod/gopherpod/worker"
	"github.com/gopherpod/gopherpod/worker/engine"
	"github.com/gopherpod/gopherpod/worker/local"
)

// step returns a step at endpoint ep.
func step(method, op string, reply any) runpodtest.Step {
	return runpodtest.Step{Method: method, Path: "/v2/ep/" + op, Reply: reply}
}

var (
	// asked is the question how long the endpoint lets a job run.
	asked = runpodtest.Step{Method: "GET", Path: "/v2/serverless/ep", Reply: `{"id":"ep","timeout":3600000}`}

	accepted  = step("POST", "run", `{"id":"j-u1","status":"IN_QUEUE"}`)
	finished  = step("GET", "stream/j-u1", `{"status":"COMPLETED","stream":[]}`)
	cancelled = step("POST", "cancel/j-u1", `{"id":"j-u1","status":"CANCELLED"}`)
)

func status(rest string) runpodtest.Step {
	return step("GET", "status/j-u1", `{"id":"j-u1","status":`+rest+`}`)
}

func failing(s runpodtest.Step, err error) runpodtest.Step {
	s.Err, s.Reply = err, nil
	return s
}

func answering(s runpodtest.Step, code int, body string) runpodtest.Step {
	s.Status, s.Reply = code, body
	return s
}

func times(n int, s runpodtest.Step) []runpodtest.Step {
	var all []runpodtest.Step
	for range n {
		all = append(all, s)
	}
	return all
}

// Failures of the endpoint during a training, and what Fit returns.
func TestFitFaults(t *testing.T) {
	for _, c := range []struct {
		name  string
		steps []runpodtest.Step
		is    error
		want  string
	}{
		{"no connection", times(3, failing(accepted, runpodtest.Refused)), runpod.ErrUnreachable, "connection refused"},
		{"lost after it was sent", []runpodtest.Step{failing(accepted, runpodtest.Cut)}, runpod.ErrUnknownOutcome, "may have been accepted"},
		{"wrong key", []runpodtest.Step{answering(accepted, 401, `{"error":"no"}`)}, runpod.ErrUnauthorized, "401"},
		{"no such endpoint", []runpodtest.Step{answering(accepted, 404, `{"error":"endpoint not found"}`)}, runpod.ErrNotFound, "404"},
		{"rubbish", []runpodtest.Step{answering(accepted, 200, `<html>`)}, runpod.ErrUnknownOutcome, "HTML"},
		{"failed with text", []runpodtest.Step{accepted, finished, status(`"FAILED","error":"it broke"`)}, runpod.ErrJobFailed, "it broke"},
		{"failed with an error of ours", []runpodtest.Step{accepted, finished, status(`"FAILED","error":"{\"error_type\":\"OutOfMemory\",\"error_message\":\"no room\"}"`)}, nil, "no room"},
		{"cancelled by another", []runpodtest.Step{accepted, finished, status(`"CANCELLED"`), answering(accepted, 400, `{}`)}, runpod.ErrJobCancelled, "cancelled"}, // the worker is asked for what it kept
		{"timed out", []runpodtest.Step{accepted, finished, status(`"TIMED_OUT"`)}, runpod.ErrJobTimedOut, "timed out"},
		{"expired", slices.Concat([]runpodtest.Step{accepted}, slices.Repeat([]runpodtest.Step{answering(finished, 404, `{}`)}, 7), // it might not be known yet
			[]runpodtest.Step{answering(status(`""`), 404, `{}`), answering(accepted, 400, `{}`)}), runpod.ErrNotFound, "404"},
		{"output of another worker", []runpodtest.Step{accepted, finished, status(`"COMPLETED","output":{"text":"hello"}`)}, ErrResult, "not a list of events"},
		{"no output", []runpodtest.Step{accepted, finished, status(`"COMPLETED"`), answering(accepted, 400, `{}`)}, ErrNoOutput, "COMPLETED and has no output"}, // the worker is asked for what it kept
		{"output without its end", []runpodtest.Step{accepted, finished, status(`"COMPLETED","output":[]`)}, ErrResult, "no done event"},
		{"events of another run", []runpodtest.Step{accepted, finished, status(`"COMPLETED","output":[{"type":"log","run_id":"other","seq":0}]`)}, ErrResult, `run "other"`},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				server := runpodtest.New(t, append([]runpodtest.Step{asked}, c.steps...)...)
				config := server.Config()
				config.Attempts = 3
				client, err := runpod.New(config)
				if err != nil {
					t.Fatal(err)
				}
				X, y := blobs(30)
				_, err = Fit(t.Context(), twoLayers, Data{X: X, Y: y}, Options{Endpoint: client.Endpoint("ep")})
				if err == nil || !strings.Contains(err.Error(), c.want) || c.is != nil && !errors.Is(err, c.is) {
					t.Errorf("%v\nwant %q", err, c.want)
				}
				if c.is == nil {
					var we *worker.Error
					if !errors.As(err, &we) || we.Kind != worker.ErrMemory {
						t.Errorf("%T is no worker.Error", err)
					}
				}
			})
		})
	}
}

// Nothing is lost if the stream breaks for a while.
func TestOutageOfTheStream(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		server := runpodtest.New(t, asked)
		client, err := runpod.New(server.Config())
		if err != nil {
			t.Fatal(err)
		}
		X, y := blobs(30)
		p, err := Prepare(twoLayers, Data{X: X, Y: y}, Options{Endpoint: client.Endpoint("ep")})
		if err != nil {
			t.Fatal(err)
		}
		events, err := wholeRun(p, 2)
		if err != nil {
			t.Fatal(err)
		}
		part, _ := json.Marshal(events[0])
		output, _ := json.Marshal(events)
		server.Add(accepted, step("GET", "stream/j-u1", `{"status":"IN_PROGRESS","stream":[{"output":`+string(part)+`}]}`))
		server.Add(times(1, failing(finished, runpodtest.Cut))...)
		server.Add(answering(finished, 502, ""), finished, status(`"COMPLETED","output":`+string(output)))
		m, err := p.Run(t.Context())
		if err != nil || m.History.Len() != 2 {
			t.Errorf("%v, %v", m, err)
		}
	})
}

// A job is over once all its events have arrived, even if the service still reports that it
// runs, as it does after a progress update that came too late.
func TestJobThatDoesNotEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		server := runpodtest.New(t, asked)
		client, err := runpod.New(server.Config())
		if err != nil {
			t.Fatal(err)
		}
		X, y := blobs(30)
		p, err := Prepare(twoLayers, Data{X: X, Y: y}, Options{Endpoint: client.Endpoint("ep")})
		if err != nil {
			t.Fatal(err)
		}
		events, err := wholeRun(p, 2)
		if err != nil {
			t.Fatal(err)
		}
		var chunks []string
		for _, e := range events {
			b, _ := json.Marshal(e)
			chunks = append(chunks, `{"output":`+string(b)+`}`)
		}
		silent := step("GET", "stream/j-u1", `{"status":"IN_PROGRESS","stream":[]}`)
		silent.Delay = time.Hour
		server.Add(accepted, step("GET", "stream/j-u1", `{"status":"IN_PROGRESS","stream":[`+strings.Join(chunks, ",")+`]}`), silent)
		begun := time.Now()
		m, err := p.Run(t.Context())
		if err != nil || m.History.Len() != 2 || !m.HasWeights() || time.Since(begun) > time.Minute {
			t.Errorf("%v, %v after %v", m, err, time.Since(begun))
		}
	})
}

// The error of an interrupt that comes before the answer with the job's id says that there
// may be a job.
func TestInterruptWithoutAnswer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		slow := accepted
		slow.Delay = time.Hour
		client, err := runpod.New(runpodtest.New(t, asked, slow).Config())
		if err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		X, y := blobs(30)
		_, err = Fit(ctx, twoLayers, Data{X: X, Y: y}, Options{Endpoint: client.Endpoint("ep")})
		var cut *InterruptedError
		if !errors.As(err, &cut) || cut.Cancelled || !strings.Contains(err.Error(), "may have been accepted") || strings.Contains(err.Error(), "nothing runs") {
			t.Errorf("%v", err)
		}
	})
}

// If the job cannot be cancelled after an interrupt, the error says so.
func TestInterruptNotConfirmed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		slow := step("GET", "stream/j-u1", `{"status":"IN_PROGRESS","stream":[]}`)
		slow.Delay = time.Hour
		steps := []runpodtest.Step{asked, accepted, slow, answering(cancelled, 403, "no"), status(`"IN_PROGRESS"`)}
		client, err := runpod.New(runpodtest.New(t, steps...).Config())
		if err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		X, y := blobs(30)
		m, err := Fit(ctx, twoLayers, Data{X: X, Y: y}, Options{Endpoint: client.Endpoint("ep")})
		var cut *InterruptedError
		if !errors.As(err, &cut) || cut.Cancelled || cut.JobID != "j-u1" || !strings.Contains(err.Error(), "may still run and cost money") {
			t.Errorf("%v", err)
		}
		if m == nil || m.JobID != "j-u1" {
			t.Errorf("model %v", m)
		}
	})
}

// RunPod refuses the worker's result and reports COMPLETED. Either the stream has everything,
// or Fit collects what the worker kept. In both cases the model has its weights.
func TestLostResult(t *testing.T) {
	for name, faults := range map[string][]local.Fault{
		"the stream has it": {{Kind: local.FaultLostResult}},
		"the worker has it": {{Kind: local.FaultLostResult}, {Kind: local.FaultStatus, Op: "stream", Status: 403}},
	} {
		t.Run(name, func(t *testing.T) {
			_, e := start(t, local.Options{Handler: engine.Handler(engine.Options{}), Faults: faults})
			X, y := blobs(20)
			m, err := Fit(t.Context(), Layers("linear 3"), Data{X: X, Y: y}, Options{Endpoint: e, Epochs: 2})
			if err != nil || !m.HasWeights() || m.Epochs != 2 {
				t.Errorf("%v, %+v", err, m)
			}
		})
	}
}

// A training whose result RunPod refused is collected from its worker, even if the question
// has to wait behind other jobs for longer than someone who pressed stop would.
func TestRefusedResultIsCollectedLate(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		server := runpodtest.New(t)
		client, err := runpod.New(server.Config())
		if err != nil {
			t.Fatal(err)
		}
		X, y := blobs(30)
		p, err := Prepare(twoLayers, Data{X: X, Y: y}, Options{Endpoint: client.Endpoint("ep"), Policy: runpod.Policy{ExecutionTimeout: time.Minute}})
		if err != nil {
			t.Fatal(err)
		}
		events, err := wholeRun(p, 2)
		if err != nil {
			t.Fatal(err)
		}
		var chunks []map[string]worker.Event
		for _, e := range events {
			chunks = append(chunks, map[string]worker.Event{"output": e})
		}
		stream, _ := json.Marshal(map[string]any{"status": "COMPLETED", "stream": chunks})
		kept := step("GET", "stream/c-u1", string(stream))
		kept.Delay = 9 * time.Second // the service holds a poll
		waits := step("GET", "stream/c-u1", `{"status":"IN_QUEUE","stream":[]}`)
		waits.Delay = 9 * time.Second
		server.Add(accepted, finished, status(`"COMPLETED"`), step("POST", "run", `{"id":"c-u1","status":"IN_QUEUE"}`), waits, waits, kept)
		server.Add(step("GET", "stream/c-u1", `{"status":"COMPLETED","stream":[]}`))
		m, err := p.Run(t.Context())
		if err != nil || !m.HasWeights() || m.History.Len() != 2 {
			t.Errorf("%v, %v", m, err)
		}
	})
}

// RunPod refuses the answer of a job that does not train and reports COMPLETED. The client
// collects what the worker kept and says so; the job runs once. If the worker has kept
// nothing, the error says that a repetition is billed again.
func TestLostAnswer(t *testing.T) {
	server, e := start(t, local.Options{Handler: engine.Handler(engine.Options{})})
	X, y := blobs(20)
	m, err := Fit(t.Context(), Layers("linear 3"), Data{X: X, Y: y}, Options{Endpoint: e, Epochs: 2})
	if err != nil {
		t.Fatal(err)
	}
	want, err := m.Evaluate(X, y)
	if err != nil {
		t.Fatal(err)
	}
	for name, do := range map[string]func(ctx context.Context) error{
		"evaluate": func(ctx context.Context) error {
			got, err := m.EvaluateContext(ctx, Data{X: X, Y: y})
			if err == nil && got.Loss != want.Loss {
				t.Errorf("%+v, want %+v", got, want)
			}
			return err
		},
		"predict": func(ctx context.Context) error {
			_, err := m.PredictContext(ctx, X)
			return err
		},
		"batch": func(ctx context.Context) error {
			b := Batch{Endpoint: e}
			evaluation, trained := b.Evaluate(m, Data{X: X, Y: y}), b.Fit(Layers("linear 3"), Data{X: X, Y: y}, Options{Epochs: 2})
			if err := b.Run(ctx); err != nil {
				return err
			}
			_, err := evaluation.Get()
			other, err2 := trained.Get()
			if err2 == nil && (!other.HasWeights() || other.Epochs != 2) {
				t.Errorf("%+v", other)
			}
			return errors.Join(err, err2)
		},
	} {
		t.Run(name, func(t *testing.T) {
			if err := server.Inject(local.Fault{Kind: local.FaultLostResult}); err != nil {
				t.Fatal(err)
			}
			before := jobs(t, e)
			var told []string
			if err := do(WithLog(t.Context(), func(line string) { told = append(told, line) })); err != nil {
				t.Error(err)
			}
			if len(told) != 1 || !strings.Contains(told[0], "RunPod has lost the result") {
				t.Errorf("told %q", told)
			}
			if n := jobs(t, e) - before; n != 2 {
				t.Errorf("%d jobs, want one that computes and one that collects", n)
			}
		})
	}
	forgetful := serve(t, &fakeWorker{})
	kept, err := Fit(t.Context(), Layers("linear 3"), Data{X: X, Y: y}, Options{Endpoint: forgetful, Epochs: 1})
	if err != nil {
		t.Fatal(err)
	}
	lossy, e2 := start(t, local.Options{Handler: (&fakeWorker{}).Handle})
	if err := lossy.Inject(local.Fault{Kind: local.FaultLostResult}); err != nil {
		t.Fatal(err)
	}
	if _, err := kept.On(e2).Evaluate(X, y); !errors.Is(err, ErrNoOutput) || !strings.Contains(err.Error(), "billed again") {
		t.Errorf("nothing kept: %v", err)
	}
}

// jobs returns how many jobs the endpoint has completed.
func jobs(t *testing.T, e *runpod.Endpoint) int {
	t.Helper()
	h, err := e.Health(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return h.Jobs.Completed
}
