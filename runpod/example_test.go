package runpod_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log"
	"net/http"
	"strings"

	"github.com/gopherpod/gopherpod/runpod"
)

// service answers as RunPod does, from a list.
type service []string

func (s *service) RoundTrip(r *http.Request) (*http.Response, error) {
	answer := (*s)[0]
	*s = (*s)[1:]
	return &http.Response{StatusCode: 200, Body: io.NopCloser(strings.NewReader(answer)), Request: r}, nil
}

func client(answers ...string) *runpod.Client {
	s := service(answers)
	c, err := runpod.New(runpod.Config{APIKey: "rpa_...", Transport: &s, PollMin: 1, PollMax: 1})
	if err != nil {
		log.Fatal(err)
	}
	return c
}

// A job from submission to result; interrupting ctx would cancel it.
func ExampleEndpoint_Call() {
	endpoint := client(
		`{"id":"7c2-u1","status":"IN_QUEUE"}`,
		`{"id":"7c2-u1","status":"COMPLETED","delayTime":120,"executionTime":2000,"output":{"answer":42}}`,
	).Endpoint("ep")
	job, err := endpoint.Call(context.Background(), runpod.Request{Input: map[string]any{"question": "?"}})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(job.Status, string(job.Output), job.Execution)
	// Output: COMPLETED {"answer":42} 2s
}

// Stream yields the values of a generator handler as they come.
func ExampleEndpoint_Stream() {
	endpoint := client(
		`{"status":"IN_PROGRESS","stream":[{"output":{"epoch":1}},{"output":{"epoch":2}}]}`,
		`{"status":"COMPLETED","stream":[]}`,
	).Endpoint("ep")
	for chunk, err := range endpoint.Stream(context.Background(), "7c2-u1") {
		if err != nil {
			log.Fatal(err)
		}
		fmt.Println(string(chunk))
	}
	// Output:
	// {"epoch":1}
	// {"epoch":2}
}

// There is one sentinel error for each decision that a caller can take.
func ExampleJobError() {
	endpoint := client(`{"id":"7c2-u1","status":"FAILED","error":"{\"error_type\":\"<class 'ValueError'>\",\"error_message\":\"no layers\"}"}`).Endpoint("ep")
	_, err := endpoint.Wait(context.Background(), "7c2-u1")
	var failure *runpod.JobError
	switch {
	case errors.As(err, &failure):
		fmt.Println(failure.Type, failure.Message)
	case errors.Is(err, runpod.ErrNotFound):
		fmt.Println("the result has expired")
	}
	// Output: ValueError no layers
}
