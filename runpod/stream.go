package runpod

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"iter"
	"time"

	"github.com/gopherpod/gopherpod/tensors/bigjson"
)

// An Update is what one look at a job's stream brought.
type Update struct {
	Status Status
	// Chunks are the values that the handler yielded since the last look, in order.
	Chunks []json.RawMessage
}

// Stream yields what a generator handler yields, until the job has ended and
// nothing is left; how it ended, Wait tells at once. A chunk is at most 1 MB: the
// service splits larger ones.
//
// The service hands each chunk out once. Two readers of a job share its chunks,
// and an answer that was lost takes its chunks with it: give chunks a number, and
// put what must not be lost into the output as well.
//
// Source: docs.runpod.io, Serverless, "Endpoint operations", /stream.
func (e *Endpoint) Stream(ctx context.Context, id JobID) iter.Seq2[json.RawMessage, error] {
	return func(yield func(json.RawMessage, error) bool) {
		for update, err := range e.Follow(ctx, id) {
			if err != nil {
				yield(nil, err)
				return
			}
			for _, chunk := range update.Chunks {
				if !yield(chunk, nil) {
					return
				}
			}
		}
	}
}

// Follow is Stream with the job's status: it yields when chunks came or the status
// changed. It ends after a look that found the job ended and no chunks. Errors are
// handled as in Watch.
func (e *Endpoint) Follow(ctx context.Context, id JobID) iter.Seq2[Update, error] {
	return func(yield func(Update, error) bool) {
		var last Status
		wait := newPacer(e.client)
		wait.max = min(wait.max, time.Second) // a person may be reading along
		for looks := 0; ; looks++ {
			begin := time.Now()
			update, err := e.look(ctx, id)
			if err != nil {
				if again := wait.outage(ctx, err); again != nil {
					yield(Update{}, again)
					return
				}
				continue
			}
			news := len(update.Chunks) > 0
			if news || update.Status != last {
				if !yield(update, nil) {
					return
				}
			}
			if last = update.Status; last.Terminal() && !news {
				return
			}
			if news {
				wait.soon()
				if looks >= quickLooks {
					if err := sleepIf(ctx, lookEvery-time.Since(begin)); err != nil {
						yield(Update{}, err)
						return
					}
				}
				continue
			}
			// A server that held the request has done the waiting.
			if time.Since(begin) > streamHold/20 {
				continue
			}
			if err := wait.pause(ctx); err != nil {
				yield(Update{}, err)
				return
			}
		}
	}
}

// A job that tells something all the time is looked at this often, after some quick
// looks that short jobs are over with: else a stream would use up the service's limit
// of requests, 2,000 in 10 s, for all jobs of the process, and then fall behind.
const (
	quickLooks = 50
	lookEvery  = 25 * time.Millisecond
)

// streamHold is how long the service keeps a request open when it has nothing.
//
// Source: RunPod's MCP server, tools/jobs.
const streamHold = 10 * time.Second

// look reads what the stream has.
func (e *Endpoint) look(ctx context.Context, id JobID) (Update, error) {
	c, err := e.call(OpStream, id)
	if err != nil {
		return Update{}, err
	}
	c.hold = streamHold
	r, err := e.client.do(ctx, c)
	if err != nil {
		return Update{}, err
	}
	update, err := parseStream(c.hide(r.body))
	if err != nil {
		return Update{}, c.fail(ErrBadAnswer, r, err.Error())
	}
	return update, nil
}

// parseStream reads {"status": ..., "stream": [{"output": chunk}, ...]}, which the
// service sends, and the bare list that its documentation shows.
func parseStream(b []byte) (Update, error) {
	var w struct {
		Status Status                       `json:"status"`
		Stream []map[string]json.RawMessage `json:"stream"`
		Error  json.RawMessage              `json:"error"`
	}
	if b = bytes.TrimSpace(b); bytes.HasPrefix(b, []byte("[")) {
		w.Status = StatusInProgress
		if err := bigjson.Unmarshal(b, &w.Stream); err != nil {
			return Update{}, err
		}
	} else if err := bigjson.Unmarshal(b, &w); err != nil {
		return Update{}, err
	}
	if w.Status == "" {
		return Update{}, errNoStatus
	}
	u := Update{Status: w.Status}
	for _, chunk := range w.Stream {
		output, ok := chunk["output"]
		if !ok {
			return Update{}, errNoOutput
		}
		u.Chunks = append(u.Chunks, output)
	}
	return u, nil
}

var (
	errNoStatus = errors.New("a stream without a status")
	errNoOutput = errors.New("a chunk without output")
)
