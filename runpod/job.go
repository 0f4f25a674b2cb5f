package runpod

import (
	"encoding/json"
	"github.com/gopherpod/gopherpod/tensors/printable"
	"strings"
	"time"
)

// A JobID names a job of one endpoint: "<uuid>-u1", "sync-<uuid>-e2".
type JobID string

// A WorkerID names a worker, which is a container with the endpoint's image.
type WorkerID string

// A Status is the state of a job.
type Status string

// The statuses. One that is not in this list is not terminal.
//
// Source: docs.runpod.io, Serverless, "Job states and metrics".
const (
	StatusInQueue    Status = "IN_QUEUE"    // waits for a worker
	StatusInProgress Status = "IN_PROGRESS" // a worker has it
	StatusRunning    Status = "RUNNING"     // documented; the API says IN_PROGRESS
	StatusCompleted  Status = "COMPLETED"
	StatusFailed     Status = "FAILED"
	StatusCancelled  Status = "CANCELLED"
	StatusTimedOut   Status = "TIMED_OUT"
)

// Terminal reports whether the job has ended.
func (s Status) Terminal() bool {
	switch s {
	case StatusCompleted, StatusFailed, StatusCancelled, StatusTimedOut:
		return true
	}
	return false
}

// A Job is the service's description of a job.
//
// Source: docs.runpod.io, Serverless, "Endpoint operations"; executionTime,
// workerId and retries as RunPod's own tools show them.
type Job struct {
	ID       JobID
	Endpoint EndpointID
	Status   Status
	// Delay is from submission to the start of the last attempt, set once a worker
	// has the job; Execution is how long that attempt ran, set at the end.
	Delay, Execution time.Duration
	WorkerID         WorkerID
	// Retries is how often the job was given to another worker after one was lost.
	Retries int
	// Output is the JSON of the result, as the worker sent it. For a job in progress, it is
	// the last value of progress_update; for a generator that does not aggregate, an empty
	// list.
	Output json.RawMessage
	// Failure is the JSON of the error field, mostly a string. Err decodes it.
	Failure json.RawMessage
	// Input and Webhook are in webhooks only.
	Input   json.RawMessage
	Webhook string
}

// wireJob is a Job on the wire, times in milliseconds.
type wireJob struct {
	ID            JobID           `json:"id"`
	Status        Status          `json:"status"`
	DelayTime     float64         `json:"delayTime"`
	ExecutionTime float64         `json:"executionTime"`
	WorkerID      WorkerID        `json:"workerId"`
	Retries       int             `json:"retries"`
	Output        json.RawMessage `json:"output"`
	Error         json.RawMessage `json:"error"`
	Input         json.RawMessage `json:"input"`
	Webhook       string          `json:"webhook"`
}

func (w wireJob) job(endpoint EndpointID) *Job {
	ms := func(x float64) time.Duration {
		return time.Duration(min(max(x, 0), 1e12) * float64(time.Millisecond))
	}
	j := &Job{ID: w.ID, Endpoint: endpoint, Status: w.Status, Delay: ms(w.DelayTime), Execution: ms(w.ExecutionTime),
		WorkerID: w.WorkerID, Retries: w.Retries, Output: w.Output, Input: w.Input, Webhook: w.Webhook}
	if text := strings.TrimSpace(string(w.Error)); text != "null" && text != `""` {
		j.Failure = w.Error
	}
	return j
}

// ParseWebhook reads the body that the service posts to a webhook. Webhooks are not
// signed and may be repeated: check the job's status before trusting one.
//
// Source: docs.runpod.io, Serverless, "Send API requests", webhooks.
func ParseWebhook(endpoint EndpointID, body []byte) (*Job, error) {
	var w wireJob
	if err := json.Unmarshal(body, &w); err != nil || w.ID == "" || w.Status == "" {
		return nil, &Error{Op: "webhook", Endpoint: endpoint, Kind: ErrBadAnswer, Message: "not a job", Cause: err}
	}
	return w.job(endpoint), nil
}

// Err returns a *JobError if the job ended without success, else nil.
func (j *Job) Err() error {
	if !j.Status.Terminal() || j.Status == StatusCompleted {
		return nil
	}
	e := &JobError{JobID: j.ID, Endpoint: j.Endpoint, Status: j.Status, WorkerID: j.WorkerID, Execution: j.Execution}
	e.read(j.Failure)
	return e
}

// A JobError describes how a job ended without success.
type JobError struct {
	JobID    JobID
	Endpoint EndpointID
	Status   Status
	WorkerID WorkerID
	// Execution is how long the job ran, if the service reports it.
	Execution time.Duration
	// Type is the class of the exception without decoration ("ValueError"), empty if
	// the worker sent plain text.
	Type string
	// Message is the exception's text, or all of the text.
	Message string
	// Traceback is the worker's traceback, empty if it sent none.
	Traceback string
	// Detail is the object that the worker sent as error, nil for plain text. It may
	// have more fields than these.
	Detail json.RawMessage
}

// read decodes the error field twice: the SDK posts an exception as a JSON object
// in a JSON string. Handlers that return {"error": ...} send text or an object.
//
// Source: github.com/runpod/runpod-python, serverless/modules/rp_job.py.
func (e *JobError) read(failure json.RawMessage) {
	defer func() { // do not trust the worker's text
		e.Type, e.Message, e.Traceback = printable.Text(e.Type), printable.Text(e.Message), printable.Text(e.Traceback)
	}()
	object := failure
	var text string
	if json.Unmarshal(failure, &text) == nil {
		object = json.RawMessage(text)
	}
	var o struct {
		Type      string `json:"error_type"`
		Message   string `json:"error_message"`
		Traceback string `json:"error_traceback"`
	}
	if len(object) > 0 && object[0] == '{' && json.Unmarshal(object, &o) == nil {
		e.Detail, e.Type, e.Message, e.Traceback = object, className(o.Type), o.Message, o.Traceback
		if e.Message == "" {
			e.Message = string(object)
		}
		return
	}
	if text == "" {
		text = string(failure)
	}
	// A generator's failure is text: "handler: <message> \ntraceback: <traceback>".
	if message, trace, ok := strings.Cut(text, "\ntraceback: "); ok {
		text, e.Traceback = strings.TrimSpace(strings.TrimPrefix(message, "handler: ")), trace
	}
	e.Message = text
}

// className returns "ValueError" for "<class 'builtins.ValueError'>".
func className(s string) string {
	s = strings.TrimSuffix(strings.TrimPrefix(s, "<class '"), "'>")
	return s[strings.LastIndexByte(s, '.')+1:]
}

// Error returns a text such as "runpod: job failed: ValueError: message (job id)".
func (e *JobError) Error() string {
	text := "runpod: " + e.Unwrap().Error()
	if e.Type != "" {
		text += ": " + e.Type
	}
	if e.Message != "" {
		text += ": " + oneLine(e.Message)
	}
	return text + " (job " + string(e.JobID) + ")"
}

// Unwrap returns ErrJobFailed, ErrJobCancelled or ErrJobTimedOut.
func (e *JobError) Unwrap() error {
	switch e.Status {
	case StatusCancelled:
		return ErrJobCancelled
	case StatusTimedOut:
		return ErrJobTimedOut
	}
	return ErrJobFailed
}
