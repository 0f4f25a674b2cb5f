package local_test

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"strings"
	"time"

	"github.com/gopherpod/gopherpod/worker"
	"github.com/gopherpod/gopherpod/worker/local"
)

// An endpoint with a Go handler, called like one on RunPod.
func Example() {
	handler := func(ctx context.Context, job worker.Job, yield func(json.RawMessage) error) (json.RawMessage, error) {
		return json.RawMessage(`{"hello":"world"}`), nil
	}
	s, err := local.Start(context.Background(), local.Options{Handler: handler})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer s.Close()

	req, _ := http.NewRequest("POST", s.BaseURL()+"/local/runsync", strings.NewReader(`{"input":{"x":1}}`))
	req.Header.Set("Authorization", "Bearer "+s.Key())
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		fmt.Println(err)
		return
	}
	defer resp.Body.Close()
	var job struct {
		Status string
		Output json.RawMessage
	}
	body, _ := io.ReadAll(resp.Body)
	json.Unmarshal(body, &job)
	fmt.Println(job.Status, string(job.Output))
	// Output: COMPLETED {"hello":"world"}
}

// A program that serves jobs with RunPod's SDK, attached by hand.
func ExampleServer_WorkerEnv() {
	s, err := local.Start(context.Background(), local.Options{})
	if err != nil {
		return
	}
	defer s.Close()
	cmd := exec.Command("python3", "handler.py")
	cmd.Env = append(os.Environ(), s.WorkerEnv("")...)
	_ = cmd.Start()
}

// The same program, started when jobs come and stopped when there are none.
func ExampleCommand() {
	s, err := local.Start(context.Background(), local.Options{
		Runner:  local.Command("python3", "handler.py"),
		Scaling: &local.Scaling{Max: 2, IdleTimeout: 5 * time.Minute},
	})
	if err != nil {
		return
	}
	defer s.Close()
}

// A gateway that fails twice, to test a client's retries.
func ExampleServer_Inject() {
	s, err := local.New(local.Options{})
	if err != nil {
		return
	}
	defer s.Close()
	err = s.Inject(local.Fault{Kind: local.FaultStatus, Op: "status", Status: 502, Count: 2})
	fmt.Println(err, len(s.Faults()))
	// Output: <nil> 1
}
