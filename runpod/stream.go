package runpod

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"iter"
	"net/url"
	"strconv"
	"time"

	"github.com/gopherpod/gopherpod/tensors/bigjson"
)

// An Update is the result of one poll of a job's stream.
type Update struct {
	Status Status
	// Chunks are the values that the handler yielded since the last poll, in order.
	Chunks []json.RawMessage
}

// Stream yields what a generator handler yields, until the job has ended and no chunks
// are left; Wait then returns at once how it ended. A chunk is at most 1 MB: the service
// splits larger ones.
//
// The service delivers each chunk once. Two readers of a job share its chunks, and a lost
// answer loses its chunks: number the chunks, and also put into the output what must not
// be lost.
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

// Follow is Stream with the job's status: it yields when chunks arrive or the status
// changes. It stops after a poll that found the job ended and no chunks. Errors are
// handled as in Watch.
func (e *Endpoint) Follow(ctx context.Context, id JobID) iter.Seq2[Update, error] {
	return func(yield func(Update, error) bool) {
		var last Status
		wait, queue := newPacer(e.client), QueueOf(ctx)
		defer queue.leave(id)
		wait.max = min(wait.max, time.Second) // a person may be watching
		for looks := 0; ; looks++ {
			begin := time.Now()
			update, err := e.look(ctx, id, queue.hold())
			failed := err != nil
			if failed {
				err, update.Status = wait.outage(ctx, expired(last, err)), last
			}
			if err == nil {
				err = queue.saw(ctx, e, id, update.Status)
			}
			if err != nil {
				yield(Update{}, err)
				return
			}
			if failed {
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
			// If the server held the request, the waiting is done.
			if time.Since(begin) > streamHold/20 {
				continue
			}
			if err := wait.pause(ctx, queue); err != nil {
				yield(Update{}, err)
				return
			}
		}
	}
}

// A job that streams all the time is polled at this interval after a few quick polls, which
// suffice for short jobs. Otherwise one stream would use up the service's limit of 2,000
// requests in 10 s for all jobs of the process, and then fall behind.
const (
	quickLooks = 50
	lookEvery  = 25 * time.Millisecond
)

// streamHold is how long the service keeps a request open when it has nothing, and minHold
// the least that it can be asked for.
//
// Source: RunPod's MCP server, tools/jobs.
const (
	streamHold = 10 * time.Second
	minHold    = time.Second
)

// look polls the stream once. The service holds the poll for that long; 0 means its default.
func (e *Endpoint) look(ctx context.Context, id JobID, hold time.Duration) (Update, error) {
	c, err := e.call(OpStream, id)
	if err != nil {
		return Update{}, err
	}
	if hold > 0 {
		c.url += "?" + url.Values{"wait": {strconv.FormatInt(hold.Milliseconds(), 10)}}.Encode()
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
