package train

import (
	"encoding/json"
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"github.com/gopherpod/gopherpod/runpod"
	"github.com/gopherpod/gopherpod/runpod/runpodtest"
)

// A job carries an executionTimeout only if the caller gave one. The worker learns the limit
// that applies, so that it returns the weights in time, and the job lives long enough for it.
func TestTimeLimit(t *testing.T) {
	describes := func(rest string) runpodtest.Step {
		return runpodtest.Step{Method: "GET", Path: "/v2/serverless/ep", Reply: `{"id":"ep"` + rest + `}`}
	}
	silent := runpodtest.Step{Method: "GET", Path: "/v2/serverless/ep", Status: 403, Reply: `{"title":"Forbidden"}`}
	type sent struct {
		Input struct {
			TimeLimit float64 `json:"time_limit"`
		} `json:"input"`
		Policy map[string]float64 `json:"policy"`
	}
	hour := float64(time.Hour.Milliseconds())
	for _, c := range []struct {
		name      string
		endpoint  *runpodtest.Step // nil: not asked
		policy    runpod.Policy
		seconds   float64
		execution float64 // milliseconds; 0: none
		ttl       float64
	}{
		{"the endpoint's own", one(describes(`,"timeout":21600000`)), runpod.Policy{}, 6 * 3600, 0, 24 * hour},
		{"longer than a day", one(describes(`,"timeout":172800000`)), runpod.Policy{}, 48 * 3600, 0, 49 * hour},
		{"no limit", one(describes("")), runpod.Policy{}, 7 * 24 * 3600, 0, 7 * 24 * hour},
		{"not known", &silent, runpod.Policy{}, 600, 0, 24 * hour},
		{"given", nil, runpod.Policy{ExecutionTimeout: 30 * time.Second}, 30, 30_000, 24 * hour},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				run := answering(accepted, 400, `{"error":"enough"}`)
				run.Check = func(t testing.TB, _ http.Header, body []byte) {
					var s sent
					if err := json.Unmarshal(body, &s); err != nil {
						t.Fatal(err)
					}
					execution, given := s.Policy["executionTimeout"]
					if s.Input.TimeLimit != c.seconds || execution != c.execution || given != (c.execution > 0) || s.Policy["ttl"] != c.ttl {
						t.Errorf("time_limit %v, policy %v; want %v, %v, %v", s.Input.TimeLimit, s.Policy, c.seconds, c.execution, c.ttl)
					}
				}
				server := runpodtest.New(t)
				if c.endpoint != nil {
					server.Add(*c.endpoint)
				}
				server.Add(run)
				client, err := runpod.New(server.Config())
				if err != nil {
					t.Fatal(err)
				}
				X, y := blobs(30)
				if _, err := Fit(t.Context(), twoLayers, Data{X: X, Y: y}, Options{Endpoint: client.Endpoint("ep"), Policy: c.policy}); err == nil {
					t.Error("no error")
				}
			})
		})
	}
}

func one(s runpodtest.Step) *runpodtest.Step { return &s }

// The policy of a model's jobs is the caller's.
func TestModelWithPolicy(t *testing.T) {
	run := answering(accepted, 400, `{"error":"enough"}`)
	for _, c := range []struct{ policy, want string }{{"", `{"ttl":86400000}`}, {"30s", `{"executionTimeout":30000,"ttl":86400000}`}} {
		p := runpod.Policy{}
		if c.policy != "" {
			p.ExecutionTimeout, _ = time.ParseDuration(c.policy)
		}
		run.Check = func(t testing.TB, _ http.Header, body []byte) {
			var s struct{ Policy json.RawMessage }
			if err := json.Unmarshal(body, &s); err != nil || string(s.Policy) != c.want {
				t.Errorf("policy %s, want %s, %v", s.Policy, c.want, err)
			}
		}
		client, err := runpod.New(runpodtest.New(t, run, run).Config())
		if err != nil {
			t.Fatal(err)
		}
		X, y := blobs(30)
		plan, err := Prepare(twoLayers, Data{X: X, Y: y}, Options{})
		if err != nil {
			t.Fatal(err)
		}
		m := plan.Pending().On(client.Endpoint("ep"))
		m.state = "state"
		if _, err := m.WithPolicy(p).Predict(X); err == nil {
			t.Error("no error")
		}
		b := Batch{Policy: p}
		b.Evaluate(m, Data{X: X, Y: y})
		if err := b.Run(t.Context()); err == nil {
			t.Error("no error")
		}
	}
}

// A batch with a training tells the worker its limit; an older worker gets it again without.
func TestTimeLimitOfABatch(t *testing.T) {
	limits := func(t testing.TB, body []byte) float64 {
		var s struct {
			Input struct {
				TimeLimit float64 `json:"time_limit"`
			} `json:"input"`
		}
		if err := json.Unmarshal(body, &s); err != nil {
			t.Fatal(err)
		}
		return s.Input.TimeLimit
	}
	with, without := accepted, answering(accepted, 400, `{"error":"enough"}`)
	with.Check = func(t testing.TB, _ http.Header, body []byte) {
		if l := limits(t, body); l != 3600 {
			t.Errorf("time_limit %v", l)
		}
	}
	without.Check = func(t testing.TB, _ http.Header, body []byte) {
		if l := limits(t, body); l != 0 {
			t.Errorf("again: time_limit %v", l)
		}
	}
	refused := status(`"FAILED","error":"{\"error_type\":\"InvalidRequest\",\"error_message\":\"unknown field\",\"field\":\"time_limit\"}"`)
	client, err := runpod.New(runpodtest.New(t, asked, with, refused, without).Config())
	if err != nil {
		t.Fatal(err)
	}
	X, y := blobs(30)
	b := Batch{Endpoint: client.Endpoint("ep")}
	b.Fit(twoLayers, Data{X: X, Y: y}, Options{})
	if err := b.Run(t.Context()); err == nil {
		t.Error("no error")
	}
}
