package budget

import (
	"errors"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/gopherpod/gopherpod/runpod"
	"github.com/gopherpod/gopherpod/runpod/place"
	"github.com/gopherpod/gopherpod/runpod/runpodtest"
)

func unset(t *testing.T) {
	t.Helper()
	t.Chdir(t.TempDir())
	for _, name := range []string{EnvDay, EnvNotebook, EnvHour} {
		t.Setenv(name, "")
	}
}

// Not set and 0 are different; a value that is not an amount allows nothing.
func TestLimits(t *testing.T) {
	unset(t)
	if l, err := FromEnv(); err != nil || !l.None() {
		t.Errorf("%+v, %v with nothing set", l, err)
	}
	if err := os.WriteFile(".env", []byte(EnvDay+"=5\n"+EnvHour+"=1.50\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	t.Setenv(EnvDay, "0")
	l, err := FromEnv()
	if err != nil || l.Day.Most != 0 || l.Day.From != "environment" || l.Hour.Most != 1.5 || l.Hour.From != ".env" || l.Notebook != nil {
		t.Errorf("%+v, %v", l, err)
	}
	day := time.Date(2026, 11, 30, 23, 30, 0, 0, time.FixedZone("", -3600))
	if b := l.Budgets(day); len(b) != 1 || b[0].Since != time.Date(2026, 12, 1, 0, 0, 0, 0, time.UTC) {
		t.Errorf("%+v: days are those of UTC", b)
	}
	for _, bad := range []string{"five", "-1", "NaN", "Inf", "1,5", "1e999"} {
		t.Setenv(EnvNotebook, bad)
		if _, err := FromEnv(); err == nil || !strings.Contains(err.Error(), EnvNotebook+" (environment): want an amount of dollars") {
			t.Errorf("%s: %v", bad, err)
		}
	}
}

// If the price is not known, a limit cannot be kept, and nothing is sent.
func TestUnknownPrice(t *testing.T) {
	unset(t)
	endpoint := runpodtest.Step{Method: "GET", Path: "/v2/serverless/ep", Status: 403, Reply: `{"title":"Forbidden"}`}
	client, err := runpod.New(runpodtest.New(t, endpoint).Config())
	if err != nil {
		t.Fatal(err)
	}
	t.Setenv(EnvDay, "5")
	_, _, err = Begin(t.Context(), client.Endpoint("ep"), Job{Kind: "predict"})
	if !errors.Is(err, ErrRefused) || !strings.Contains(err.Error(), "the price of endpoint ep is not known") {
		t.Error(err)
	}
	_, _, err = Begin(t.Context(), client.Endpoint("ep"), Job{Kind: "predict", Rate: place.Rate{Pool: "ADA_24", Hourly: 1}})
	if !errors.Is(err, ErrRefused) || !strings.Contains(err.Error(), "there is no run store") {
		t.Error(err)
	}
	t.Setenv(EnvDay, "")
	if _, c, err := Begin(t.Context(), client.Endpoint("ep"), Job{Kind: "predict"}); c != nil || err != nil {
		t.Errorf("%+v, %v without limits", c, err) // and without a question
	}
}

// Jobs of a charge's context are part of it.
func TestNested(t *testing.T) {
	unset(t)
	client, err := runpod.New(runpodtest.New(t).Config())
	if err != nil {
		t.Fatal(err)
	}
	e := client.Endpoint("ep")
	ctx, c, err := Begin(t.Context(), e, Job{Kind: "train", Rate: place.Rate{Pool: "ADA_24", Hourly: 3.6, Idle: 5 * time.Second}})
	if err != nil {
		t.Fatal(err)
	}
	inner, none, err := Begin(ctx, e, Job{Kind: "store"})
	if none != nil || err != nil {
		t.Fatal(none, err)
	}
	now := time.Now()
	Ran(inner, &runpod.Job{Status: runpod.StatusCompleted, WorkerID: "w", Execution: 2 * time.Second}, now)
	none.End(inner)                                            // does nothing
	Ran(ctx, &runpod.Job{Status: runpod.StatusCancelled}, now) // in the queue
	c.Ran(&runpod.Job{Status: runpod.StatusFailed, WorkerID: "w", Execution: 3 * time.Second}, now)
	if b := c.End(ctx); b.Execution != 5*time.Second || b.Idle != 5*time.Second || b.Dollars < 0.00999 || b.Dollars > 0.01001 || b.Estimated {
		t.Errorf("%+v", b)
	}
}
