package runpod_test

import (
	"testing"

	"github.com/gopherpod/gopherpod/runpod"
	"github.com/gopherpod/gopherpod/runpod/runpodtest"
)

// open returns an endpoint "ep" behind a script.
func open(t *testing.T, steps ...runpodtest.Step) *runpod.Endpoint {
	t.Helper()
	client, err := runpod.New(runpodtest.New(t, steps...).Config())
	if err != nil {
		t.Fatal(err)
	}
	return client.Endpoint("ep")
}

func get(path, reply string) runpodtest.Step {
	return runpodtest.Step{Method: "GET", Path: "/v2/ep/" + path, Reply: reply}
}

func post(path, reply string) runpodtest.Step {
	return runpodtest.Step{Method: "POST", Path: "/v2/ep/" + path, Reply: reply}
}

func failing(s runpodtest.Step, status int) runpodtest.Step {
	s.Status = status
	return s
}

var input = runpod.Request{Input: map[string]any{"x": 1}}
