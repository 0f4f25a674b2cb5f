package local_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/gopherpod/gopherpod/runpod"
	"github.com/gopherpod/gopherpod/worker"
	"github.com/gopherpod/gopherpod/worker/local"
)

// A wire passes requests to a handler without a network, so that the clock of a
// synctest bubble can advance. A handler that aborts cuts the connection.
type wire struct{ h http.Handler }

type answer struct {
	header http.Header
	code   int
	body   bytes.Buffer
	cut    bool
}

func (a *answer) Header() http.Header { return a.header }
func (a *answer) WriteHeader(code int) {
	if a.code == 0 {
		a.code = code
	}
}
func (a *answer) Write(b []byte) (int, error) { a.WriteHeader(200); return a.body.Write(b) }

func (w wire) RoundTrip(r *http.Request) (*http.Response, error) {
	in := r.Clone(r.Context())
	in.Host, in.RequestURI = r.URL.Host, r.URL.RequestURI()
	if in.Body == nil {
		in.Body = http.NoBody
	}
	done := make(chan *answer, 1)
	go func() {
		a := &answer{header: http.Header{}}
		defer func() {
			if p := recover(); p != nil {
				if p != http.ErrAbortHandler {
					panic(p)
				}
				a.cut = true
			}
			done <- a
		}()
		w.h.ServeHTTP(a, in)
	}()
	var a *answer
	select {
	case a = <-done:
	case <-r.Context().Done():
		return nil, context.Cause(r.Context())
	}
	if a.cut && a.code == 0 {
		return nil, io.ErrUnexpectedEOF
	}
	var body io.Reader = &a.body
	if a.cut {
		body = io.MultiReader(body, broken{})
	}
	return &http.Response{Status: fmt.Sprint(a.code), StatusCode: a.code, Header: a.header, Body: io.NopCloser(body), ContentLength: -1, Request: r}, nil
}

type broken struct{}

func (broken) Read([]byte) (int, error) { return 0, io.ErrUnexpectedEOF }

// bench is a server, a client of it, and the number of handler runs.
type bench struct {
	*local.Server
	ep  *runpod.Endpoint
	ran atomic.Int32
}

func newBench(t *testing.T, opt local.Options) *bench {
	b := &bench{}
	b.start(t, opt, runpod.Policy{})
	return b
}

// start starts the server, with a handler in this process unless opt has a Runner, and a client
// whose jobs have that policy.
func (b *bench) start(t *testing.T, opt local.Options, policy runpod.Policy) {
	if opt.Runner == nil {
		opt.Handler = b.handle
	}
	s, err := local.New(opt)
	if err != nil {
		t.Fatal(err)
	}
	c, err := runpod.New(runpod.Config{APIKey: runpod.Secret(s.Key()), BaseURL: "http://127.0.0.1/v2", ManagementURL: "http://127.0.0.1/v2", Transport: wire{s}, Policy: policy})
	if err != nil {
		t.Fatal(err)
	}
	b.Server, b.ep = s, c.Endpoint("local")
}

func (b *bench) handle(ctx context.Context, job worker.Job, yield func(json.RawMessage) error) (json.RawMessage, error) {
	b.ran.Add(1)
	var in struct {
		Fail  bool
		Block bool
	}
	json.Unmarshal(job.Input, &in)
	if in.Block {
		<-ctx.Done()
		return nil, context.Cause(ctx)
	}
	for i := range 3 {
		if err := yield(json.RawMessage(fmt.Sprint(i))); err != nil {
			return nil, err
		}
		time.Sleep(100 * time.Millisecond)
	}
	if in.Fail {
		return nil, worker.Invalid("input", "on purpose")
	}
	return nil, nil
}

func (b *bench) submit(t *testing.T, input string) runpod.JobID {
	t.Helper()
	job, err := b.ep.Run(t.Context(), runpod.Request{Input: json.RawMessage(input)})
	if err != nil {
		t.Fatal(err)
	}
	return job.ID
}

const whole = "[0,1,2]"

// clientOps are the client's operations. Each returns "ok" if it had the wanted
// effect, and otherwise what it got.
var clientOps = []struct {
	name, op string
	do       func(t *testing.T, b *bench, inject func()) (string, error)
}{
	{"Run", "run", func(t *testing.T, b *bench, inject func()) (string, error) {
		inject()
		job, err := b.ep.Run(t.Context(), runpod.Request{Input: json.RawMessage(`{"x":1}`)})
		if err != nil {
			return "", err
		}
		job, err = b.ep.Wait(t.Context(), job.ID)
		return result(job), err
	}},
	{"RunSync", "runsync", func(t *testing.T, b *bench, inject func()) (string, error) {
		inject()
		job, err := b.ep.RunSync(t.Context(), runpod.Request{Input: json.RawMessage(`{"x":1}`)}, 0)
		return result(job), err
	}},
	{"Wait", "status", func(t *testing.T, b *bench, inject func()) (string, error) {
		id := b.submit(t, `{"x":1}`)
		inject()
		job, err := b.ep.Wait(t.Context(), id)
		return result(job), err
	}},
	{"Stream", "stream", func(t *testing.T, b *bench, inject func()) (string, error) {
		id := b.submit(t, `{"x":1}`)
		inject()
		for _, err := range b.ep.Stream(t.Context(), id) {
			if err != nil {
				return "", err
			}
		}
		// The chunks of a lost answer are gone, but the output contains them.
		job, err := b.ep.Wait(t.Context(), id)
		return result(job), err
	}},
	{"Cancel", "cancel", func(t *testing.T, b *bench, inject func()) (string, error) {
		id := b.submit(t, `{"block":true}`)
		synctest.Wait()
		inject()
		job, err := b.ep.Cancel(t.Context(), id)
		if err == nil && job.Status == runpod.StatusCancelled {
			return "ok", nil
		}
		return fmt.Sprint(job), err
	}},
	{"Retry", "retry", func(t *testing.T, b *bench, inject func()) (string, error) {
		id := b.submit(t, `{"fail":true}`)
		b.ep.Wait(t.Context(), id)
		inject()
		_, err := b.ep.Retry(t.Context(), id)
		if err != nil {
			return "", err
		}
		if _, err = b.ep.Wait(t.Context(), id); errors.Is(err, runpod.ErrJobFailed) {
			return "ok", nil
		}
		return "", err
	}},
	{"PurgeQueue", "purge-queue", func(t *testing.T, b *bench, inject func()) (string, error) {
		inject()
		_, err := b.ep.PurgeQueue(t.Context())
		return "ok", err
	}},
	{"Health", "health", func(t *testing.T, b *bench, inject func()) (string, error) {
		inject()
		_, err := b.ep.Health(t.Context())
		return "ok", err
	}},
}

// ofJob reports whether an operation names a job, which the service may not know yet.
func ofJob(op string) bool {
	return slices.Contains([]string{"status", "stream", "cancel", "retry"}, op)
}

// A job may be unknown for a while after /run, although it runs and is billed.
func TestClientSeesJobsLate(t *testing.T) {
	for _, op := range clientOps {
		t.Run(op.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				b := newBench(t, local.Options{VisibleAfter: 2 * time.Second})
				defer b.Close()
				if got, err := op.do(t, b, func() {}); err != nil || got != "ok" {
					t.Errorf("%s, %v", got, err)
				}
			})
		})
	}
	synctest.Test(t, func(t *testing.T) {
		// A caller that gives up early leaves no running job behind.
		b := newBench(t, local.Options{VisibleAfter: 2 * time.Second})
		defer b.Close()
		ctx, cancel := context.WithCancel(t.Context())
		go func() { time.Sleep(100 * time.Millisecond); cancel() }()
		if _, err := b.ep.Call(ctx, runpod.Request{Input: json.RawMessage(`{"block":true}`)}); !errors.Is(err, context.Canceled) || !strings.Contains(err.Error(), "was cancelled") {
			t.Error(err)
		}
		if h := b.Health(); h.Jobs.InProgress != 0 {
			t.Errorf("%+v", h)
		}
		// The client does not retry for a job that does not exist, nor for an old one.
		begin := time.Now()
		if _, err := b.ep.Status(t.Context(), "none-u1"); !errors.Is(err, runpod.ErrNotFound) || time.Since(begin) > 0 {
			t.Error(err, time.Since(begin))
		}
		id := b.submit(t, `{"x":1}`)
		time.Sleep(time.Hour)
		begin = time.Now()
		if _, err := b.ep.Status(t.Context(), id); !errors.Is(err, runpod.ErrNotFound) || time.Since(begin) > 0 {
			t.Error(err, time.Since(begin))
		}
	})
}

func result(j *runpod.Job) string {
	if j != nil && string(j.Output) == whole {
		return "ok"
	}
	if j != nil && j.Status == runpod.StatusCompleted && j.Output == nil {
		return noOutput
	}
	return fmt.Sprintf("%+v", j)
}

// noOutput is the result of a job that is COMPLETED without output.
const noOutput = "completed without output"

// Every fault with every operation of our client: the operation succeeds or
// returns the error that says that a job may exist. No job runs twice, and no
// result is lost.
func TestClientFaultTable(t *testing.T) {
	faults := []struct {
		name string
		f    local.Fault
	}{
		{"one 429", local.Fault{Kind: local.FaultStatus, Status: 429}},
		{"a burst of 429", local.Fault{Kind: local.FaultStatus, Status: 429, Count: 3, RetryAfter: 1}},
		{"500", local.Fault{Kind: local.FaultStatus, Status: 500}},
		{"502 after", local.Fault{Kind: local.FaultStatus, Status: 502, After: true}},
		{"524", local.Fault{Kind: local.FaultStatus, Status: 524, Count: 2}},
		{"cut before", local.Fault{Kind: local.FaultCut}},
		{"cut after", local.Fault{Kind: local.FaultCut, After: true}},
		{"truncated", local.Fault{Kind: local.FaultTruncate}},
		{"slow", local.Fault{Kind: local.FaultSlow, DelayMS: 20_000}},
		{"not known yet", local.Fault{Kind: local.FaultStatus, Status: 404, Count: 3}},
	}
	for _, op := range clientOps {
		for _, f := range faults {
			if f.f.Status == 404 && !ofJob(op.op) {
				continue
			}
			t.Run(op.name+" "+f.name, func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					b := newBench(t, local.Options{})
					defer b.Close()
					got, err := op.do(t, b, func() {
						f.f.Op = op.op
						if err := b.Inject(f.f); err != nil {
							t.Fatal(err)
						}
					})
					// The outcome may be unknown only if the operation changes jobs and was not refused.
					doubt := (op.op == "run" || op.op == "runsync" || op.op == "retry" || op.op == "purge-queue") && f.f.Status != 429 && f.name != "slow"
					if err != nil && !(doubt && errors.Is(err, runpod.ErrUnknownOutcome)) {
						t.Errorf("%v", err)
					}
					if err == nil && got != "ok" {
						t.Errorf("got %s", got)
					}
					time.Sleep(time.Minute)
					most := int32(1)
					if op.op == "retry" {
						most = 2
					}
					if n := b.ran.Load(); n > most {
						t.Errorf("the handler ran %d times", n)
					}
					if left := b.Faults(); len(left) > 0 && err == nil {
						t.Errorf("did not happen: %+v", left)
					}
				})
			})
		}
	}
}

// Faults of a job itself.
func TestClientJobFaults(t *testing.T) {
	const any = -1 // it may be gone before a worker takes it
	for _, c := range []struct {
		name string
		f    local.Fault
		want error // nil: the whole result
		ran  int32
	}{
		{"gone", local.Fault{Kind: local.FaultGone, Op: "status"}, runpod.ErrNotFound, any},
		{"duplicate", local.Fault{Kind: local.FaultDuplicate}, nil, 2},
		{"mute", local.Fault{Kind: local.FaultMute}, nil, 2},
		{"mute twice", local.Fault{Kind: local.FaultMute, Count: 2}, runpod.ErrJobFailed, 2},
		{"lost result", local.Fault{Kind: local.FaultLostResult}, nil, 1},
		{"late progress", local.Fault{Kind: local.FaultLateProgress}, runpod.ErrJobTimedOut, 1},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				b := newBench(t, local.Options{Workers: 2, Faults: []local.Fault{c.f}})
				defer b.Close()
				job, err := b.ep.Call(t.Context(), runpod.Request{Input: json.RawMessage(`{"x":1}`)})
				ok := result(job) == "ok"
				if c.f.Kind == local.FaultLostResult { // the service reports success
					ok = job != nil && job.Status == runpod.StatusCompleted && job.Output == nil
				}
				if !errors.Is(err, c.want) || c.want == nil && !ok {
					t.Errorf("%+v, %v; want %v", job, err, c.want)
				}
				time.Sleep(time.Minute)
				if n := b.ran.Load(); n != c.ran && c.ran != any {
					t.Errorf("ran %d times, want %d", n, c.ran)
				}
			})
		})
	}
}

// Many clients with faults of all kinds at once: most jobs succeed, and the
// others end in an error that the client expects.
func TestClientsInAStorm(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var faults []local.Fault
		for _, op := range []string{"run", "status", "stream"} {
			faults = append(faults, local.Fault{Kind: local.FaultStatus, Op: op, Status: 429, Count: 20},
				local.Fault{Kind: local.FaultStatus, Op: op, Status: 502, After: true, Skip: 10, Count: 5},
				local.Fault{Kind: local.FaultCut, Op: op, Skip: 20, Count: 5}, local.Fault{Kind: local.FaultTruncate, Op: op, Skip: 30, Count: 5})
		}
		b := newBench(t, local.Options{Workers: 8, Faults: faults})
		defer b.Close()
		var mu sync.Mutex
		ended := map[string]int{}
		var clients sync.WaitGroup
		for range 100 {
			clients.Go(func() {
				job, err := b.ep.Call(t.Context(), runpod.Request{Input: json.RawMessage(`{"x":1}`)})
				how := result(job)
				switch {
				case errors.Is(err, runpod.ErrUnknownOutcome):
					how = "in doubt"
				case errors.Is(err, runpod.ErrRateLimited):
					how = "refused"
				case err != nil:
					how = err.Error()
				}
				mu.Lock()
				ended[how]++
				mu.Unlock()
			})
		}
		clients.Wait()
		time.Sleep(time.Hour)
		if ended["ok"] < 80 || ended["ok"]+ended["in doubt"]+ended["refused"] != 100 {
			t.Errorf("%v", ended)
		}
		if n := int(b.ran.Load()); n > 100 {
			t.Errorf("100 calls ran %d jobs", n)
		}
	})
}

// Deploying against the management API, as `deploy` does it.
func TestClientManages(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, local.Options{})
		defer b.Close()
		ctx, m := t.Context(), b.ep.Client().Management()
		gpus, err := m.GPUs(ctx, runpod.GPUQuery{Stock: true, Count: 1})
		if err != nil {
			t.Fatal(err)
		}
		pools := runpod.Pools(gpus)
		tpl, err := m.CreateTemplate(ctx, runpod.TemplateSpec{Name: "worker", Container: runpod.Container{Image: "user/worker:1", Env: map[string]string{"A": "b"}}, Serverless: true})
		if err != nil {
			t.Fatal(err)
		}
		spec := runpod.EndpointSpec{Name: "trainer", Type: runpod.TypeQueue, TemplateID: tpl.ID, Scaling: runpod.ScaleOnDelay(4 * time.Second),
			GPU: &runpod.GPUChoice{Pools: []string{pools[0].ID}}, Workers: &runpod.WorkerBounds{Max: 2, IdleTimeout: 5}}
		info, created, err := m.EnsureEndpoint(ctx, spec)
		if err != nil || !created || info.Image != "user/worker:1" {
			t.Fatal(info, created, err)
		}
		again, created, err := m.EnsureEndpoint(ctx, spec)
		if err != nil || created || again.ID != info.ID {
			t.Fatal(again, created, err)
		}
		job, err := b.ep.Client().Endpoint(info.ID).Call(ctx, runpod.Request{Input: json.RawMessage(`{"x":1}`)})
		if err != nil || result(job) != "ok" {
			t.Fatal(job, err)
		}
		ws, err := m.Workers(ctx, info.ID)
		if err != nil || ws.Summary.Total != 1 {
			t.Fatal(ws, err)
		}
		time.Sleep(time.Minute)
		if ws, err = m.Workers(ctx, info.ID); err != nil || ws.Summary.Total != 0 {
			t.Error(ws, err)
		}
		bill, err := m.Billing(ctx, runpod.BillingQuery{Start: time.Now().Add(-time.Hour), End: time.Now(), Endpoint: info.ID})
		if err != nil || len(bill) == 0 || bill[0].TotalAmount <= 0 {
			t.Error(bill, err)
		}
		if err := m.DeleteEndpoint(ctx, info.ID); err != nil {
			t.Error(err)
		}
		if _, err := m.Endpoint(ctx, info.ID); !errors.Is(err, runpod.ErrNotFound) {
			t.Error(err)
		}
		if _, err := m.CreateEndpoint(ctx, runpod.EndpointSpec{Name: "x", Type: runpod.TypeQueue, Container: runpod.Container{Image: "i"}, Scaling: spec.Scaling,
			GPU: &runpod.GPUChoice{Pools: []string{"ADA_99"}}}); !errors.Is(err, runpod.ErrBadRequest) || !strings.Contains(err.Error(), "ADA_99") {
			t.Error(err)
		}
	})
}

// Why a job waits, according to the service's health, workers and stock.
func TestClientWaits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, local.Options{Scaling: &local.Scaling{Max: 1, ColdStart: 40 * time.Second}})
		defer b.Close()
		ctx, c := t.Context(), b.ep.Client()
		info, err := c.Management().CreateEndpoint(ctx, runpod.EndpointSpec{Name: "waits", Type: runpod.TypeQueue, Container: runpod.Container{Image: "i"},
			Scaling: runpod.ScaleOnRequests(1), GPU: &runpod.GPUChoice{Pools: []string{"ADA_24", "AMPERE_24"}}, Workers: &runpod.WorkerBounds{Max: 1}})
		if err != nil {
			t.Fatal(err)
		}
		e := c.Endpoint(info.ID)
		capacity := func(available bool) {
			r, err := http.NewRequest(http.MethodPost, "http://127.0.0.1/twin/capacity", strings.NewReader(fmt.Sprintf(`{"available":%v}`, available)))
			if err != nil {
				t.Fatal(err)
			}
			r.Header.Set("Authorization", "Bearer "+b.Key())
			if resp, err := (wire{b.Server}).RoundTrip(r); err != nil || resp.StatusCode != http.StatusOK {
				t.Fatal(resp, err)
			}
		}
		says := func(queued time.Duration, want string) {
			t.Helper()
			if got, err := e.Waiting(ctx, queued); err != nil || !strings.Contains(got, want) {
				t.Errorf("%q, %v; want %q", got, err, want)
			}
		}
		capacity(false)
		if _, err := e.Run(ctx, runpod.Request{Input: json.RawMessage(`{"block":true}`)}); err != nil {
			t.Fatal(err)
		}
		time.Sleep(20 * time.Second)
		says(20*time.Second, "no capacity for ADA_24 or AMPERE_24: RunPod has none free now")
		capacity(true)
		time.Sleep(24 * time.Second)
		says(44*time.Second, "1 worker is starting (24 s so far)")
		time.Sleep(time.Minute)
		for range 4 {
			if _, err := e.Run(ctx, runpod.Request{Input: json.RawMessage(`{"x":1}`)}); err != nil {
				t.Fatal(err)
			}
		}
		says(time.Second, "queued behind 3 jobs, 1 worker busy (1 s so far)")
		if _, err := c.Management().UpdateEndpoint(ctx, info.ID, runpod.EndpointSpec{Workers: &runpod.WorkerBounds{Max: 0}}); err != nil {
			t.Fatal(err)
		}
	})
}

// Every fault of a job with every operation of our client: the operation succeeds or
// returns the error that says that the job is gone, was lost, or never ended on the
// service.
func TestClientJobFaultTable(t *testing.T) {
	faults := []struct {
		name string
		f    local.Fault
		ran  int32 // how often the handler runs for one job, at most
		want func(op string) error
	}{
		{"gone", local.Fault{Kind: local.FaultGone}, 1, func(op string) error {
			if op == "status" || op == "stream" || op == "cancel" || op == "retry" {
				return runpod.ErrNotFound
			}
			return nil
		}},
		{"duplicate delivery", local.Fault{Kind: local.FaultDuplicate}, 2, nil},
		{"lost heartbeats", local.Fault{Kind: local.FaultMute}, 2, nil},
		{"lost heartbeats twice", local.Fault{Kind: local.FaultMute, Count: 2}, 2, func(op string) error {
			if op == "cancel" || op == "purge-queue" || op == "health" || op == "retry" {
				return nil
			}
			return runpod.ErrJobFailed
		}},
		{"late progress", local.Fault{Kind: local.FaultLateProgress}, 1, func(op string) error {
			if op == "run" || op == "status" || op == "stream" {
				return runpod.ErrJobTimedOut
			}
			return nil // runsync was answered before; retry makes a new attempt
		}},
		{"lost result", local.Fault{Kind: local.FaultLostResult}, 1, func(op string) error {
			if op == "retry" { // the job counts as completed, whatever its handler reported
				return runpod.ErrBadRequest
			}
			return nil
		}},
	}
	for _, op := range clientOps {
		for _, f := range faults {
			t.Run(op.name+" "+f.name, func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					if f.f.Kind == local.FaultGone {
						f.f.Op = op.op
					}
					b := newBench(t, local.Options{Workers: 2})
					defer b.Close()
					inject := func() {
						if err := b.Inject(f.f); err != nil {
							t.Fatal(err)
						}
					}
					if f.f.Kind != local.FaultGone { // it happens when a worker takes the job
						inject()
						inject = func() {}
					}
					got, err := op.do(t, b, inject)
					var want error
					if f.want != nil {
						want = f.want(op.op)
					}
					if f.f.Kind == local.FaultLostResult && got == noOutput {
						got = "ok" // the client says what the service did
					}
					if op.op == "runsync" && err == nil && got != "ok" { // it waits 90 s; the case of Wait covers the rest
						return
					}
					if !errors.Is(err, want) || want == nil && (err != nil || got != "ok") {
						t.Errorf("%s, %v; want %v", got, err, want)
					}
					time.Sleep(time.Hour)
					most := f.ran
					if op.op == "retry" {
						most++
					}
					if n := b.ran.Load(); n > most {
						t.Errorf("the handler ran %d times, %d at most", n, most)
					}
				})
			})
		}
	}
}
