package local

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"testing"
)

// A goJob has the fields that RunPod's SDK for Go decodes: times are whole
// milliseconds, and the error is a string. (Go's proxy does not have the SDK's
// module, so this file reproduces what it sends and expects.)
//
// Source: github.com/runpod/go-sdk, pkg/sdk/endpoint.
type goJob struct {
	DelayTime     *int    `json:"delayTime"`
	Error         *string `json:"error"`
	ExecutionTime *int    `json:"executionTime"`
	ID            *string `json:"id"`
	Output        *any    `json:"output"`
	Retries       *int    `json:"retries"`
	Status        *string `json:"status"`
}

// goCall sends a request as that SDK does: POST for everything except health, with a
// content type even if the body is empty. A status other than 200 is an error.
func goCall(s *Server, method, path string, body, out any) error {
	var b []byte
	if body != nil {
		b, _ = json.Marshal(body)
	}
	req, err := http.NewRequest(method, s.BaseURL()+"/"+s.EndpointID()+path, bytes.NewBuffer(b))
	if err != nil {
		return err
	}
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("Authorization", "Bearer "+s.Key())
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return fmt.Errorf("response status %s", resp.Status)
	}
	if b, err = io.ReadAll(resp.Body); err != nil {
		return err
	}
	return json.Unmarshal(b, out)
}

func TestGoSDKShapes(t *testing.T) {
	s, _ := start(t, Options{Handler: echo})
	ended := func(j goJob) bool {
		return j.Status != nil && (*j.Status == "COMPLETED" || *j.Status == "FAILED") || j.Error != nil
	}
	input := func(v map[string]any) map[string]any {
		return map[string]any{"input": v, "policy": map[string]int{"ttl": 3_600_000, "executionTimeout": 600_000}, "s3Config": map[string]string{"accessId": "a", "accessSecret": "b", "bucketName": "c", "endpointUrl": "https://d"}}
	}
	var run, status, sync goJob
	if err := errors.Join(goCall(s, "POST", "/run", input(map[string]any{"value": 7}), &run),
		goCall(s, "POST", "/status-sync/"+*run.ID+"?wait=90000", nil, &sync), goCall(s, "POST", "/status/"+*run.ID, nil, &status)); err != nil {
		t.Fatal(err)
	}
	if *run.Status != "IN_QUEUE" || !ended(sync) || *status.Status != "COMPLETED" || status.ExecutionTime == nil || status.DelayTime == nil || *status.Output != 7.0 {
		t.Errorf("%+v %+v %+v", run, sync, status)
	}
	var whole, failed goJob
	if err := errors.Join(goCall(s, "POST", "/runsync?wait=90000", input(map[string]any{"value": "x"}), &whole), goCall(s, "POST", "/runsync?wait=90000", input(map[string]any{"fail": "no"}), &failed)); err != nil {
		t.Fatal(err)
	}
	if *whole.Output != "x" || *failed.Status != "FAILED" || failed.Error == nil {
		t.Errorf("%+v %+v", whole, failed)
	}
	var yields goJob
	if err := goCall(s, "POST", "/run", input(map[string]any{"yield": 3}), &yields); err != nil {
		t.Fatal(err)
	}
	var chunks []any
	for {
		var part struct {
			Status *string
			Stream []map[string]any
		}
		if err := goCall(s, "POST", "/stream/"+*yields.ID+"?wait=90000", nil, &part); err != nil {
			t.Fatal(err)
		}
		for _, c := range part.Stream {
			chunks = append(chunks, c["output"])
		}
		if *part.Status == "COMPLETED" || *part.Status == "FAILED" {
			break
		}
	}
	if fmt.Sprint(chunks) != "[0 1 2]" {
		t.Error(chunks)
	}
	var blocked, cancelled goJob
	if err := errors.Join(goCall(s, "POST", "/run", input(map[string]any{"block": true}), &blocked), goCall(s, "POST", "/cancel/"+*blocked.ID, nil, &cancelled)); err != nil || *cancelled.Status != "CANCELLED" {
		t.Errorf("%+v, %v", cancelled, err)
	}
	var purged struct {
		Status  *string
		Removed *int
	}
	var health struct {
		Workers struct{ Running, Idle, Initializing, Ready, Throttled *int }
		Jobs    struct{ InProgress, InQueue, Completed, Failed, Retried *int }
	}
	if err := errors.Join(goCall(s, "POST", "/purge-queue", nil, &purged), goCall(s, "GET", "/health", nil, &health)); err != nil {
		t.Fatal(err)
	}
	if purged.Removed == nil || *purged.Status != "completed" || health.Jobs.Completed == nil || *health.Jobs.Completed != 3 || health.Workers.Throttled == nil {
		t.Errorf("%+v %+v", purged, health)
	}
	if err := goCall(s, "POST", "/status/unknown", nil, &status); err == nil {
		t.Error("an unknown job has a status")
	}
}
