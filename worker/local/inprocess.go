package local

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"runtime/debug"
	"strings"

	"github.com/gopherpod/gopherpod/worker"
)

// newWorkerID returns an id like RunPod's: 14 lower-case letters and digits.
func newWorkerID() string { return strings.ToLower(rand.Text()[:14]) }

// runInProcess runs one attempt of a job and reports its end.
func (s *Server) runInProcess(q *queue, h worker.Handler, id string, d delivery) {
	if d.noInput {
		q.lost(d.id, id) // the SDK drops such a job; the service notices that its worker is silent
		return
	}
	ctx, cancel := context.WithCancelCause(s.ctx)
	defer cancel(nil)
	q.handlerStarted(d.id, id, cancel)

	yields, size := 0, 0
	yield := func(chunk json.RawMessage) error {
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		if len(chunk) > q.opt.MaxChunk {
			return fmt.Errorf("local: a chunk has %d bytes; the limit is %d", len(chunk), q.opt.MaxChunk)
		}
		if err := checkValue(chunk); err != nil {
			return fmt.Errorf("local: a chunk is %w", err)
		}
		yields++
		size += len(chunk) + 1
		return q.chunk(d.id, id, chunk, size <= q.opt.MaxRunSync)
	}
	out, err := protect(h, ctx, worker.Job{ID: d.id, Input: d.input}, yield)
	if err == nil && out == nil && yields > 0 {
		out, err = q.joinYields(d.id, size)
	}
	if err == nil {
		out, err = checkOutput(out, q.opt.MaxRunSync)
	}
	if err != nil {
		q.finish(d.id, id, nil, errorText(err, id))
		return
	}
	q.finish(d.id, id, out, "")
}

// protect calls h and returns a panic as an error.
func protect(h worker.Handler, ctx context.Context, job worker.Job, yield func(json.RawMessage) error) (out json.RawMessage, err error) {
	defer func() {
		if p := recover(); p != nil {
			err = &panicError{p, debug.Stack()}
		}
	}()
	return h(ctx, job, yield)
}

type panicError struct {
	value any
	stack []byte
}

func (e *panicError) Error() string { return fmt.Sprintf("the handler panicked: %v", e.value) }

// joinYields returns the yields of a job as a JSON list: the output of a handler
// that yields and returns nothing.
func (q *queue) joinYields(id string, size int) (json.RawMessage, error) {
	if size > q.opt.MaxRunSync {
		return nil, outputTooLarge(size, q.opt.MaxRunSync)
	}
	q.mu.Lock()
	var yields []json.RawMessage
	if j := q.jobs[id]; j != nil {
		yields = j.yields
	}
	q.mu.Unlock()
	b := make([]byte, 0, size+2)
	b = append(b, '[')
	for i, y := range yields {
		if i > 0 {
			b = append(b, ',')
		}
		b = append(b, y...)
	}
	return append(b, ']'), nil
}

func checkOutput(out json.RawMessage, limit int) (json.RawMessage, error) {
	if out == nil {
		return json.RawMessage("null"), nil
	}
	if len(out) > limit {
		return nil, outputTooLarge(len(out), limit)
	}
	if err := checkValue(out); err != nil {
		return nil, fmt.Errorf("local: the output is %w", err)
	}
	return out, nil
}

func outputTooLarge(size, limit int) error {
	return fmt.Errorf("local: the output has %d bytes; the limit is %d", size, limit)
}

// errorText returns an error in the form of the SDK's exceptions: JSON inside the
// job's error text.
func errorText(err error, workerID string) string {
	t := struct {
		Type      string `json:"error_type"`
		Message   string `json:"error_message"`
		Field     string `json:"field,omitempty"`
		Traceback string `json:"error_traceback,omitempty"`
		Hostname  string `json:"hostname"`
		WorkerID  string `json:"worker_id"`
	}{Type: string(worker.ErrInternal), Message: err.Error(), Hostname: "localhost", WorkerID: workerID}
	if e, ok := errors.AsType[*worker.Error](err); ok {
		t.Type, t.Message, t.Field = string(e.Kind), e.Message, e.Field
	}
	if e, ok := errors.AsType[*panicError](err); ok {
		t.Traceback = string(e.stack)
	}
	b, _ := json.Marshal(t) // strings only
	return string(b)
}
