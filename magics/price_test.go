package magics

import (
	"context"
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/gopherpod/gopherpod/runpod"
	"github.com/gopherpod/gopherpod/runpod/train"
	"github.com/gopherpod/gopherpod/worker"
	"github.com/gopherpod/gopherpod/worker/engine"
	"github.com/gopherpod/gopherpod/worker/local"
)

// The error of a job that ran out of time names the option that limited it.
func TestOvertime(t *testing.T) {
	ended := func(s runpod.Status, ran time.Duration) error {
		return &runpod.JobError{JobID: "j1", Status: s, Message: "job timed out", Execution: ran}
	}
	for _, c := range []struct {
		err     error
		timeout time.Duration
		cost    float64 // at $1.125 an hour: 0.01 pays for 32 s
		want    string  // "": the error as it is
	}{
		{ended(runpod.StatusTimedOut, 0), time.Minute, 0, "after 1 min 00 s: that is its --timeout 1m0s"},
		{ended(runpod.StatusFailed, 61*time.Second), time.Minute, 0, "--timeout 1m0s"},
		{ended(runpod.StatusTimedOut, 32*time.Second), 0, 0.01, "after 32 s: that is what --max-cost 0.01 affords"},
		{ended(runpod.StatusTimedOut, 30*time.Second), 30 * time.Second, 0.01, "--timeout 30s"},
		{ended(runpod.StatusTimedOut, 32*time.Second), time.Minute, 0.01, "after 32 s: that is what --max-cost 0.01 affords"},
		{ended(runpod.StatusTimedOut, 0), 0, 0, "by default; --timeout gives it more"},
		{ended(runpod.StatusFailed, 2*time.Second), time.Minute, 0, ""},
		{ended(runpod.StatusFailed, 0), time.Minute, 0, ""},
		{ended(runpod.StatusCancelled, time.Hour), time.Minute, 0, ""},
		{errors.New("other"), time.Minute, 0, ""},
		{nil, 0, 0, ""},
	} {
		limit, err := limitOf(t.Context(), train.Place{}, train.Rate{Pool: "ADA_24", Hourly: 1.125}, c.timeout, c.cost)
		if err != nil {
			t.Fatal(err)
		}
		got := limit.overtime(c.err, "")
		if c.want == "" {
			if got != c.err {
				t.Errorf("%v became %v", c.err, got)
			}
			continue
		}
		if text := explain(got).Error(); !strings.Contains(text, c.want) || !errors.Is(got, c.err) {
			t.Errorf("%q, want %q", text, c.want)
		}
	}
}

// RunPod's bounds of a timeout hold before anything is sent.
func TestTimeoutBounds(t *testing.T) {
	for _, d := range []time.Duration{-time.Second, time.Second, 169 * time.Hour} {
		if _, err := limitGiven(d); err == nil || !strings.Contains(err.Error(), "--timeout: want 5s to 168h, got "+d.String()) {
			t.Errorf("%v: %v", d, err)
		}
	}
}

// The same through the endpoint, whose clock is moved forward.
func TestTimeoutNamesItsOption(t *testing.T) {
	clock := new(local.SkipClock)
	s, err := local.Start(t.Context(), local.Options{Clock: clock, Handler: func(ctx context.Context, _ worker.Job, yield func(json.RawMessage) error) (json.RawMessage, error) {
		time.AfterFunc(100*time.Millisecond, func() { clock.Skip(time.Minute) })
		<-ctx.Done()
		return nil, context.Cause(ctx)
	}})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	vars := session(t)
	t.Chdir(t.TempDir())
	for name, value := range map[string]string{"RUNPOD_API_KEY": "", "RUNPOD_ENDPOINT_ID": "", "RUNPOD_ENDPOINT_BASE_URL": "", train.EnvLocalURL: s.URL(), train.EnvLocalKey: s.Key()} {
		t.Setenv(name, value)
	}
	_, err = run(t, "runpod_train", "-d Xtrain,ytrain --timeout 20s", digitsNet, vars, false)
	if err == nil || !strings.Contains(err.Error(), "that is its --timeout 20s") || strings.Contains(err.Error(), "\n") {
		t.Errorf("%v", err)
	}
}

// An endpoint's own limit counts if the job sets none: a job of an hour ends well under 6 hours
// and is stopped under 30 minutes. The line about the plan and the error name the limit.
func TestEndpointsOwnLimit(t *testing.T) {
	engine := engine.Handler(engine.Options{})
	for _, c := range []struct {
		limit           time.Duration
		line, hint, end string
	}{
		{6 * time.Hour, "; at most 6h, the endpoint's own limit\n", "", ""},
		{30 * time.Minute, "; at most 30m, the endpoint's own limit\n", "", "after 30 min 00 s: the endpoint's own limit; --timeout gives the job more"},
		{30 * time.Minute, "; at most 2h, --timeout\n", "--timeout 2h", ""},
	} {
		t.Run(c.line, func(t *testing.T) {
			clock := new(local.SkipClock)
			skipped := make(chan struct{}, 10)
			s, err := local.Start(t.Context(), local.Options{Clock: clock, ExecutionTimeout: c.limit, Handler: func(ctx context.Context, j worker.Job, yield func(json.RawMessage) error) (json.RawMessage, error) {
				clock.Skip(time.Hour)
				skipped <- struct{}{}
				if c.end != "" {
					<-ctx.Done()
					return nil, context.Cause(ctx)
				}
				return engine(ctx, j, yield)
			}})
			if err != nil {
				t.Fatal(err)
			}
			defer s.Close()
			vars := session(t)
			t.Chdir(t.TempDir())
			for name, value := range map[string]string{"RUNPOD_API_KEY": s.Key(), "RUNPOD_ENDPOINT_ID": s.EndpointID(), "RUNPOD_ENDPOINT_BASE_URL": s.BaseURL(), "RUNPOD_MANAGEMENT_URL": s.BaseURL()} {
				t.Setenv(name, value)
			}
			out, err := run(t, "runpod_train", "-d Xtrain,ytrain --epochs 1 "+c.hint, digitsNet, vars, false)
			<-skipped
			if !strings.Contains(out.text(), c.line) {
				t.Errorf("%s\nwant %q", out.text(), c.line)
			}
			if c.end != "" {
				if err == nil || !strings.Contains(err.Error(), c.end) {
					t.Errorf("%v\nwant %q", err, c.end)
				}
				return
			}
			if err != nil {
				t.Errorf("%v: %v", c.limit, err)
				return
			}
			for _, name := range []string{"runpod_eval", "runpod_predict"} {
				data := map[string]string{"runpod_eval": "-d Xtrain,ytrain ", "runpod_predict": "-d Xtrain "}[name]
				if _, err := run(t, name, data+c.hint, "", vars, false); err != nil {
					t.Errorf("%s %s: %v", name, c.hint, err)
				}
				<-skipped
				if _, err := run(t, name, data+"--timeout 1m", "", vars, false); err == nil || !strings.Contains(err.Error(), "that is its --timeout 1m0s") {
					t.Errorf("%s: %v", name, err)
				}
				<-skipped
			}
		})
	}
}
