package runpodtest_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/gopherpod/gopherpod/runpod"
	"github.com/gopherpod/gopherpod/runpod/runpodtest"
)

// recorder is a test that records its errors.
type recorder struct {
	testing.TB
	errors  []string
	cleanup []func()
}

func (r *recorder) Errorf(format string, args ...any) {
	r.errors = append(r.errors, fmt.Sprintf(format, args...))
}
func (r *recorder) Cleanup(f func()) { r.cleanup = append(r.cleanup, f) }
func (r *recorder) Helper()          {}

func TestServerFails(t *testing.T) {
	health := runpodtest.Step{Method: "GET", Path: "/v2/ep/health", Reply: runpod.Health{}}
	purge := runpodtest.Step{Method: "POST", Path: "/v2/ep/purge-queue", Reply: map[string]int{"removed": 0}}
	run := runpodtest.Step{Method: "POST", Path: "/v2/ep/run", Body: map[string]any{"input": 1}}
	for _, c := range []struct {
		name   string
		steps  []runpodtest.Step
		config func(*runpod.Config)
		says   string
	}{
		{"as scripted", []runpodtest.Step{health}, nil, ""},
		{"wrong", []runpodtest.Step{purge}, nil, "step 0 is POST /v2/ep/purge-queue, got GET /v2/ep/health"},
		{"extra", nil, nil, "unexpected request after the last step: GET /v2/ep/health"},
		{"missing", []runpodtest.Step{health, purge}, nil, "step 1 was not taken: POST /v2/ep/purge-queue"},
		{"without the key", []runpodtest.Step{health}, func(c *runpod.Config) { c.APIKey = "other" }, "not the key"},
		{"another host", []runpodtest.Step{health}, func(c *runpod.Config) { c.BaseURL = "https://api.runpod.ai/v2" }, "host api.runpod.ai"},
		{"another body", []runpodtest.Step{run}, nil, "want {\"input\":1}"},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := &recorder{TB: t}
			config := runpodtest.New(r, c.steps...).Config()
			config.Attempts = 1
			if c.config != nil {
				c.config(&config)
			}
			client, err := runpod.New(config)
			if err != nil {
				t.Fatal(err)
			}
			if strings.Contains(c.name, "body") {
				_, err = client.Endpoint("ep").Run(t.Context(), runpod.Request{Input: map[string]int{"x": 1}})
			} else {
				_, err = client.Endpoint("ep").Health(t.Context())
			}
			for _, f := range r.cleanup {
				f()
			}
			all := strings.Join(r.errors, "\n")
			if c.says == "" && (all != "" || err != nil) || !strings.Contains(all, c.says) {
				t.Errorf("noted %q, error %v; want %q", all, err, c.says)
			}
		})
	}
}
