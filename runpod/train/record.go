package train

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"sync"
	"time"

	"github.com/gopherpod/gopherpod/runpod"
	"github.com/gopherpod/gopherpod/runpod/runs"
	"github.com/gopherpod/gopherpod/worker"
)

// An Origin says where a run comes from, for the run store.
type Origin struct {
	Notebook string
	Cell     int    // execution count
	Source   string // text of the cell
	Parent   string // id of the sweep that the run is a trial of
	Tags     []string
	GPU      string
}

// A Record is what the run store keeps of a training besides its columns: enough to repeat
// the training, and to follow it to its end from another process.
type Record struct {
	Receipt
	Input      []int `json:"input"`
	Output     []int `json:"output,omitempty"`
	Parameters int   `json:"parameters"`
	// QueueTimeout is Policy.QueueTimeout in seconds, which Attach keeps too.
	QueueTimeout float64 `json:"queue_timeout,omitempty"`
}

func (r *Record) queueTimeout() time.Duration {
	return time.Duration(r.QueueTimeout * float64(time.Second))
}

// A recorder writes a run into the run store. If the store fails, the record is lost but the
// training goes on, and the failure is reported once.
type recorder struct {
	store runs.Store
	tell  func(line string)

	mu      sync.Mutex
	run     runs.Run
	events  []runs.Event
	told    bool
	stop    chan struct{}
	stopped chan struct{}
}

// writeEvery is the time between two writes of events.
const writeEvery = 500 * time.Millisecond

// record puts the run into the store, before anything is sent. It returns nil if
// there is no store; a nil recorder does nothing.
func (p *Plan) record(ctx context.Context, e *runpod.Endpoint) *recorder {
	store := p.options.Runs
	if store == nil {
		if store = runs.FromEnv(); store == nil {
			return nil
		}
	}
	o := p.options.Origin
	r := &recorder{store: store, tell: p.observers.notice, stop: make(chan struct{}), stopped: make(chan struct{})}
	r.run = runs.Run{
		ID: p.RunID, State: runs.Open, Created: time.Now().UTC(), Endpoint: string(e.ID), Parent: o.Parent,
		Notebook: o.Notebook, Cell: o.Cell, Source: o.Source, Tags: o.Tags, GPU: o.GPU,
		Title: title(p), Epochs: p.StartEpoch, Planned: p.Epochs(),
	}
	if e.Client().Local() {
		r.run.Address = e.Client().BaseURL()
	}
	m := p.unfinished("", e, nil)
	r.run.Record = p.recordOf(m)
	r.put(ctx)
	go r.write(context.WithoutCancel(ctx))
	return r
}

// title describes the model in a line: its layers.
func title(p *Plan) string {
	if p.Model.Other != nil {
		return p.Model.Title()
	}
	var names []string
	for _, l := range p.Model.Layers {
		names = append(names, string(l.Type))
	}
	const most = 80
	s := strings.Join(names, ", ")
	if len(s) > most {
		s = s[:most-3] + "..."
	}
	return s
}

func (p *Plan) recordOf(m *Model) json.RawMessage {
	limit := p.options.Policy.QueueTimeout.Seconds()
	if p.attached != nil {
		limit = p.attached.QueueTimeout
	}
	b, err := json.Marshal(Record{Receipt: p.receipt(m), Input: p.Input, Output: p.Output, Parameters: p.Parameters, QueueTimeout: limit})
	if err != nil {
		return nil // cannot happen: numbers that JSON cannot represent were refused before
	}
	return b
}

// put writes the current state of the run.
func (r *recorder) put(ctx context.Context) {
	r.mu.Lock()
	run := r.run
	r.mu.Unlock()
	r.failed(r.store.Put(ctx, run))
}

func (r *recorder) failed(err error) {
	if err == nil {
		return
	}
	r.mu.Lock()
	first := !r.told
	r.told = true
	r.mu.Unlock()
	if first {
		r.tell("the run is not in the run store: " + strings.TrimPrefix(err.Error(), "runs: "))
	}
}

// accepted records the job and writes it immediately, because the run can only be found
// again with it.
func (r *recorder) accepted(ctx context.Context, id runpod.JobID) {
	if r == nil {
		return
	}
	r.submitted(string(id))
	r.put(context.WithoutCancel(ctx))
}

// submitted records the job, which another process may have submitted. Without it, the next
// write would erase the job from the store.
func (r *recorder) submitted(job string) {
	if r == nil {
		return
	}
	r.mu.Lock()
	r.run.Job = job
	r.mu.Unlock()
}

// event keeps epochs, log lines and checkpoint events, but no weights.
func (r *recorder) event(e Event) {
	if r == nil || e.Type != worker.EventEpoch && e.Type != worker.EventLog && e.Type != worker.EventCheckpoint {
		return
	}
	data, err := json.Marshal(e.Event)
	if err != nil {
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.events = append(r.events, runs.Event{Seq: e.Seq, Data: data})
	if e.Epoch != nil {
		r.epoch(*e.Epoch)
	}
}

func (r *recorder) epoch(e worker.Epoch) {
	r.run.Epochs, r.run.Loss, r.run.Score = e.Epoch, float64(e.Loss), 0
	if e.Accuracy != nil {
		r.run.Score = float64(*e.Accuracy)
	}
	if e.ValLoss != nil {
		r.run.Loss = float64(*e.ValLoss)
	}
	if e.ValAccuracy != nil {
		r.run.Score = float64(*e.ValAccuracy)
	}
	r.run.Loss, r.run.Score = finite(r.run.Loss), finite(r.run.Score)
}

// write writes events until stop is closed.
func (r *recorder) write(ctx context.Context) {
	defer close(r.stopped)
	tick := time.NewTicker(writeEvery)
	defer tick.Stop()
	for {
		select {
		case <-r.stop:
			return
		case <-tick.C:
			r.flush(ctx)
		}
	}
}

func (r *recorder) flush(ctx context.Context) {
	r.mu.Lock()
	events := r.events
	r.events = nil
	r.mu.Unlock()
	if len(events) > 0 {
		r.failed(r.store.Append(ctx, r.run.ID, events))
		r.put(ctx)
	}
}

// end writes how the run ended. A run whose job may still be running stays open.
func (r *recorder) end(ctx context.Context, p *Plan, m *Model, err error) {
	if r == nil {
		return
	}
	ctx = context.WithoutCancel(ctx)
	close(r.stop)
	<-r.stopped
	r.mu.Lock()
	r.run.State, r.run.Error = ending(err)
	if r.run.State != runs.Open {
		r.run.Ended = time.Now().UTC()
	}
	if m != nil {
		r.run.Seconds = m.Seconds
		r.run.FLOPs, r.run.Steps = p.done(m)
		r.run.Record = p.recordOf(m)
		if n := m.History.Len(); n > 0 {
			r.epoch(m.History.Records[n-1])
		}
		switch {
		case p.cost != nil:
			r.run.Waited, r.run.Billed = p.cost.Waited.Seconds(), p.cost.Execution.Seconds()
			r.run.Start, r.run.Idle, r.run.Dollars = p.cost.Start.Seconds(), p.cost.Idle.Seconds(), p.cost.Dollars
		case m.endpoint != nil && m.JobID != "":
			r.times(ctx, m)
		}
	}
	r.mu.Unlock()
	r.flush(ctx)
	r.put(ctx)
}

// times records how long the job of a run waited and ran, as the endpoint counts it. The run
// costs nothing, or its price is not known.
func (r *recorder) times(ctx context.Context, m *Model) {
	ctx, cancel := context.WithTimeout(ctx, lookAgain)
	defer cancel()
	job, err := m.endpoint.Status(ctx, m.JobID)
	if err != nil {
		return // unknown: the endpoint has forgotten the job, or cannot be reached
	}
	r.run.Waited, r.run.Billed = job.Delay.Seconds(), job.Execution.Seconds()
}

// ending returns the state of a run that ended with err, and a line that says why.
func ending(err error) (runs.State, string) {
	var cut *InterruptedError
	var late *runpod.QueueTimeoutError
	switch {
	case err == nil:
		return runs.Completed, ""
	case errors.As(err, &cut) && cut.Cancelled:
		return runs.Interrupted, ""
	case errors.As(err, &cut), errors.As(err, &late) && late.CancelErr != nil:
		return runs.Open, fmt.Sprint(err)
	}
	line, _, _ := strings.Cut(strings.TrimPrefix(err.Error(), "train: "), "\n")
	return runs.Failed, line
}

// finite returns x, or 0 if x is not finite, because JSON cannot represent that.
func finite(x float64) float64 {
	if x-x != 0 {
		return 0
	}
	return x
}
