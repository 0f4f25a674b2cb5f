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
	"github.com/gopherpod/gopherpod/worker/local"
)

// The error of a job that ran out of time names the option that limited it.
func TestOvertime(t *testing.T) {
	ended := func(s runpod.Status, ran time.Duration) error {
		return &runpod.JobError{JobID: "j1", Status: s, Message: "job timed out", Execution: ran}
	}
	for _, c := range []struct {
		err   error
		o     trainOptions
		limit time.Duration
		want  string // "": the error as it is
	}{
		{ended(runpod.StatusTimedOut, 0), trainOptions{timeout: time.Minute}, time.Minute, "after 1 min 00 s: that is its --timeout 1m0s"},
		{ended(runpod.StatusFailed, 61*time.Second), trainOptions{timeout: time.Minute}, time.Minute, "--timeout 1m0s"},
		{ended(runpod.StatusTimedOut, 32*time.Second), trainOptions{maxCost: 0.01}, 32 * time.Second, "after 32 s: that is what --max-cost 0.01 affords"},
		{ended(runpod.StatusTimedOut, 30*time.Second), trainOptions{maxCost: 0.01, timeout: 30 * time.Second}, 30 * time.Second, "--timeout 30s"},
		{ended(runpod.StatusTimedOut, 0), trainOptions{}, 0, "by default; --timeout gives it more"},
		{ended(runpod.StatusFailed, 2*time.Second), trainOptions{timeout: time.Minute}, time.Minute, ""},
		{ended(runpod.StatusFailed, 0), trainOptions{timeout: time.Minute}, time.Minute, ""},
		{ended(runpod.StatusCancelled, time.Hour), trainOptions{timeout: time.Minute}, time.Minute, ""},
		{errors.New("other"), trainOptions{timeout: time.Minute}, time.Minute, ""},
		{nil, trainOptions{}, 0, ""},
	} {
		got := overtime(c.err, &c.o, c.limit, nil)
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
