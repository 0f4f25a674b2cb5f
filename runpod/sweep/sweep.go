package sweep

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"math"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/gopherpod/gopherpod/runpod"
	"github.com/gopherpod/gopherpod/runpod/budget"
	"github.com/gopherpod/gopherpod/runpod/place"
	"github.com/gopherpod/gopherpod/runpod/train"
	"github.com/gopherpod/gopherpod/worker"
)

// Run trains with many points of a space and finds the best. All trials have the seed of
// o, so that they differ only in their points; a nil seed is drawn. A failed trial does
// not end the sweep. A trial that cannot be prepared does, and so do the end of ctx and
// Policy.QueueTimeout, which counts while trials wait for a worker and none runs;
// the result then holds the trials so far. With the same seed and number of workers, a
// sweep chooses the same points and stops the same trials, in whatever order they end.
// MaxTime and MaxCost depend on the clock.
func Run(ctx context.Context, spec any, data train.Data, o train.Options, space []Dimension, s Options) (*Result, error) {
	var err error
	if o.Endpoint, err = place.EndpointOr(o.Endpoint); err != nil {
		return nil, err
	}
	w, plan, err := newSweep(spec, data, o, space, s)
	if err != nil {
		return nil, err
	}
	if s.Journal != "" {
		if err := w.resume(plan); err != nil {
			return nil, err
		}
		defer w.journal.close()
	}
	if ctx = runpod.LimitQueue(ctx, o.Policy.QueueTimeout, time.Time{}); runpod.QueueOf(ctx) == nil {
		ctx = runpod.WithQueue(ctx, &runpod.Queue{}) // one for all trials
	}
	if w.limit = w.options.Policy.ExecutionTimeout; w.limit == 0 {
		w.limit = w.options.Endpoint.TimeLimit(ctx).Time
	}
	idle, err := w.allowed(ctx)
	if err != nil {
		return nil, err
	}
	before := len(w.result.Trials)
	err = errors.Join(w.run(ctx), w.journal.failed())
	// The workers stay up for a while after the last trials.
	workers := min(len(w.result.Trials)-before, w.s.Workers)
	w.result.Dollars += w.s.Rate.Cost(time.Duration(workers) * w.s.Rate.Idle)
	idle.EndIdle(ctx, workers)
	w.sort()
	return &w.result, err
}

// A Plan describes what a sweep would do.
type Plan struct {
	Trials, Workers int
	// Plans are those of the first points that do not depend on results, 20 at
	// most.
	Plans []*train.Plan
}

// Prepare checks the sweep that Run would run, and sends nothing.
func Prepare(spec any, data train.Data, o train.Options, space []Dimension, s Options) (*Plan, error) {
	w, plan, err := newSweep(spec, data, o, space, s)
	if err != nil {
		return nil, err
	}
	p := &Plan{Trials: len(w.done), Workers: min(w.s.Workers, len(w.done))}
	for n := 0; n < min(20, p.Trials) && w.search.needs(n) == 0; n++ {
		if plan, err = prepare(w.spec, w.data, w.options, w.search.point(n, nil)); err != nil {
			return nil, err
		}
		p.Plans = append(p.Plans, plan)
	}
	if p.Plans == nil {
		p.Plans = []*train.Plan{plan}
	}
	return p, nil
}

type sweep struct {
	spec    any
	data    train.Data
	options train.Options
	s       Options
	by      Objective
	search  searcher
	halving *halving // nil: none
	journal *journal // nil: none
	began   time.Time
	limit   time.Duration // how long a job may run that the cap does not limit

	mu        sync.Mutex
	turn      *sync.Cond // signalled when a trial is over
	next      int        // number of the trial to begin
	first     int        // all trials before this one are over
	done      []bool
	values    []float64
	pending   map[int]TrialResult   // over, but it is not yet decided whether they were stopped
	running   map[int]time.Duration // how long each may run
	begun     map[int]train.Resume  // by a process before this one
	longest   time.Duration         // of those that are over
	result    Result
	cancelled int     // jobs that an interrupt cancelled
	lost      []error // errors of jobs that it could not cancel
}

// newSweep checks a sweep and returns it with the plan of one point.
func newSweep(spec any, data train.Data, o train.Options, space []Dimension, s Options) (*sweep, *train.Plan, error) {
	if len(space) == 0 {
		return nil, nil, worker.Invalid("space", "is empty: name what to vary, as in lr=log(1e-4,1e-1)")
	}
	for i, d := range space {
		if slices.ContainsFunc(space[:i], func(e Dimension) bool { return e.Name == d.Name }) {
			return nil, nil, worker.Invalid("space", fmt.Sprintf("names %s twice", d.Name))
		}
		if err := d.checkWords(); err != nil {
			return nil, nil, err
		}
	}
	s.Workers, s.Method = cmp.Or(s.Workers, defaultWorkers), cmp.Or(s.Method, MethodRandom)
	if s.Method != MethodGrid {
		s.Trials = cmp.Or(s.Trials, defaultTrials)
	}
	o.Seed = cmp.Or(o.Seed, train.DrawSeed())
	s.Seed = cmp.Or(s.Seed, o.Seed)
	by, err := ObjectiveOf(o, space, s)
	if err != nil {
		return nil, nil, err
	}
	if _, err := LeaveOut(o, space); err != nil {
		return nil, nil, err
	}
	search, total, err := newSearcher(space, s)
	if err != nil {
		return nil, nil, err
	}
	o.Origin.Parent = cmp.Or(o.Origin.Parent, train.NewRunID())
	o.Workers = min(s.Workers, total)
	data = train.PrepareData(data)
	if v := o.Validation; v != nil {
		prepared := train.PrepareData(*v)
		o.Validation = &prepared
	}
	// Nobody needs the weights of a stopped trial, so do not pay for a job to collect them.
	nobody := make(chan struct{})
	close(nobody)
	o.GiveUp = nobody
	if o.Policy.QueueTimeout > 0 && o.Policy.TTL == 0 { // a trial may wait for others for longer
		o.Policy.TTL = min(max(runpod.DefaultTTL, o.Policy.ExecutionTimeout+time.Hour), runpod.MaxTimeout)
	}
	w := &sweep{spec: spec, data: data, options: o, s: s, by: by, search: search, result: Result{ID: o.Origin.Parent, Space: space, Objective: by, Best: -1},
		values: make([]float64, total), done: make([]bool, total), pending: map[int]TrialResult{}, running: map[int]time.Duration{}, begun: map[int]train.Resume{}}
	w.turn = sync.NewCond(&w.mu)
	if w.halving, err = newHalving(s.Halving, s.Workers); err != nil {
		return nil, nil, err
	}
	// If this point has a mistake, all others have it too, so report it before
	// anything is sent.
	plan, err := prepare(spec, data, o, at(space, make([]float64, len(space))))
	return w, plan, err
}

func (w *sweep) run(ctx context.Context) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	defer context.AfterFunc(ctx, func() {
		w.mu.Lock()
		defer w.mu.Unlock()
		w.turn.Broadcast()
	})()
	w.began = time.Now()
	var group sync.WaitGroup
	for range min(w.s.Workers, len(w.done)) {
		group.Go(func() {
			for {
				n, p, limit, ok := w.take(ctx)
				if !ok {
					return
				}
				if err := w.trial(ctx, n, p, limit); err != nil {
					cancel(err)
				}
			}
		})
	}
	group.Wait()
	w.mu.Lock()
	defer w.mu.Unlock()
	w.settleLocked()
	if ctx.Err() == nil {
		return nil
	}
	cause := context.Cause(ctx)
	if len(w.lost) > 0 {
		return fmt.Errorf("train: sweep ended after %d trials: %w; %w", len(w.result.Trials), cause, errors.Join(w.lost...))
	}
	return fmt.Errorf("train: sweep ended after %d trials, %d running jobs are cancelled: %w", len(w.result.Trials), w.cancelled, cause)
}

// take chooses the next trial. It waits until the trial's point can be chosen and
// paid for. limit is how long its job may run; 0 means as long as the options say.
func (w *sweep) take(ctx context.Context) (n int, p Point, limit time.Duration, ok bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for {
		if w.s.MaxTime > 0 && time.Since(w.began) >= w.s.MaxTime && w.next < len(w.done) && w.result.Ended == "" {
			w.result.Ended = fmt.Sprintf("the time of %v is over", w.s.MaxTime)
		}
		if ctx.Err() != nil || w.next >= len(w.done) || w.result.Ended != "" {
			w.turn.Broadcast()
			return 0, nil, 0, false
		}
		needs := w.search.needs(w.next)
		if w.first < needs {
			w.turn.Wait()
			continue
		}
		if !w.done[w.next] {
			limit, ok = w.affordLocked()
			if !ok && len(w.running) > 0 {
				w.turn.Wait()
				continue
			}
			if !ok {
				w.result.Ended = fmt.Sprintf("what is left of $%.2f does not pay for another trial", w.s.MaxCost)
				continue
			}
		}
		n = w.next
		w.next++
		p = w.search.point(n, w.values[:needs])
		if !w.done[n] {
			w.running[n] = limit
			return n, p, limit, true
		}
	}
}

// trial runs one point. Its error ends the sweep.
func (w *sweep) trial(all context.Context, n int, p Point, limit time.Duration) error {
	ctx, cancel := context.WithCancelCause(all)
	defer cancel(nil)
	began := time.Now()
	value, model, err := w.trainPoint(ctx, cancel, n, p, limit)
	var cut *train.InterruptedError
	halved := errors.As(err, &cut) && errors.Is(context.Cause(ctx), errHalved)
	if halved && cut.Cancelled {
		err = nil
	}
	took, cost := w.took(model, time.Since(began))
	w.mu.Lock()
	defer w.mu.Unlock()
	delete(w.running, n)
	w.longest, w.result.Time, w.result.Dollars = max(w.longest, took), w.result.Time+took, w.result.Dollars+cost
	w.halving.end(n)
	defer w.turn.Broadcast()
	if all.Err() != nil && !halved && err != nil {
		w.interruptedLocked(err)
		return context.Cause(all)
	}
	var wrong *train.DataError
	if errors.As(err, &wrong) || errors.Is(err, runpod.ErrQueueTimeout) {
		return err
	}
	if errors.Is(err, budget.ErrRefused) { // another notebook has spent what was left
		w.result.Ended = strings.TrimPrefix(err.Error(), "train: ")
		return nil
	}
	w.pending[n] = TrialResult{Number: n, Point: p, Unused: unused(w.options, p), Value: value, Model: model, Err: err, Time: took, Dollars: cost}
	w.settleLocked()
	return nil
}

// trainPoint prepares and runs the training of a point. It reports the job to the
// journal, the epochs to Halving and everything to Observe. Halving calls cancel to
// stop the trial.
func (w *sweep) trainPoint(ctx context.Context, cancel func(error), n int, p Point, limit time.Duration) (value float64, model *train.Model, err error) {
	o := w.options
	o.OnEvent, o.Observers = nil, nil
	o.Rate.Idle = 0 // see Run
	if limit > 0 {
		o.Policy.ExecutionTimeout = limit
	}
	if w.journal != nil {
		w.mu.Lock()
		o.Resume = w.begun[n]
		w.mu.Unlock()
		o.OnSubmit = func(runID string, job runpod.JobID) {
			w.mu.Lock()
			defer w.mu.Unlock()
			w.journal.begin(n, runID, job)
		}
	}
	plan, err := prepare(w.spec, w.data, o, p)
	w.mu.Lock()
	if err == nil {
		w.halving.begin(n, plan.Hyperparameters.Epochs, cancel)
	} else {
		w.halving.begin(n, 0, cancel)
	}
	w.mu.Unlock()
	if err != nil {
		return math.Inf(1), nil, err
	}
	if w.s.Observe != nil {
		if o := w.s.Observe(n, plan); o != nil {
			plan.Observe(o)
		}
	}
	epochs, best := 0, math.Inf(1)
	plan.Observe(train.Funcs{OnEvent: func(e train.Event) {
		if e.Type != worker.EventEpoch {
			return
		}
		epochs++
		if best = w.by.after(*e.Epoch, best); !math.IsNaN(best) {
			w.mu.Lock()
			w.halving.report(n, epochs, best)
			w.mu.Unlock()
		}
	}})
	return try(ctx, plan, w.by)
}

// took returns how long a job ran and what it cost with the start and the idle time of its
// worker: what RunPod counts, if RunPod reports it; otherwise the time measured here.
func (w *sweep) took(m *train.Model, here time.Duration) (time.Duration, float64) {
	if m != nil && m.Receipt.Bill != nil {
		return seconds(m.Receipt.Bill.Execution), m.Receipt.Bill.Dollars
	}
	if m == nil || m.JobID == "" || !w.s.Rate.Known() {
		return here, 0
	}
	return here, w.s.Rate.Cost(here)
}

// settleLocked finishes, in the order of their numbers, the trials about which
// everything is decided.
func (w *sweep) settleLocked() {
	for _, n := range slices.Sorted(maps.Keys(w.pending)) {
		if !w.halving.settled(n) {
			continue
		}
		t := w.pending[n]
		delete(w.pending, n)
		if epochs, value := w.halving.stop(n); epochs > 0 && t.Err == nil {
			t.Stopped, t.Value = epochs, value
			if t.Model != nil {
				t.Model.Truncate(epochs)
			}
		}
		best := w.finishLocked(t)
		w.journal.end(t, w.halving.of(n), best)
	}
}

// finishLocked adds a trial to the results, and reports whether it is the best so
// far. Only the best trial keeps its weights, because those of a thousand trials
// would not fit into memory.
func (w *sweep) finishLocked(t TrialResult) (best bool) {
	r := &w.result
	best = t.Succeeded() && (r.Best < 0 || compare(t, r.Trials[r.Best]) < 0)
	if best {
		if old := r.BestModel(); old != nil {
			old.DropWeights()
		}
		r.Best = len(r.Trials)
	} else if t.Model != nil {
		t.Model.DropWeights()
	}
	r.Trials = append(r.Trials, t)
	w.done[t.Number], w.values[t.Number] = true, t.Value
	for w.first < len(w.done) && w.done[w.first] {
		w.first++
	}
	if w.s.OnTrial != nil {
		w.s.OnTrial(t)
	}
	return best
}

// interruptedLocked records whether the job of a trial that was running when the
// context ended could be cancelled.
func (w *sweep) interruptedLocked(err error) {
	var cut *train.InterruptedError
	switch {
	case !errors.As(err, &cut):
	case cut.Cancelled:
		w.cancelled++
	default:
		w.lost = append(w.lost, cut)
	}
}

// affordLocked returns how long the next trial may run without all trials together
// exceeding the cap, with the starts and the idle time of their workers. ok is false if what is
// left is too little for now: running trials may need less than their limit.
func (w *sweep) affordLocked() (limit time.Duration, ok bool) {
	rate := w.s.Rate
	if w.s.MaxCost <= 0 || !rate.Known() {
		return 0, true
	}
	most := max(min(w.limit, rate.Affords(w.s.MaxCost/float64(w.s.Workers))), runpod.MinTimeout)
	left := w.s.MaxCost - w.result.Dollars - rate.Cost(time.Duration(w.s.Workers)*rate.Idle)
	rate.Idle = 0 // of the workers, not of each trial
	for _, d := range w.running {
		left -= rate.Most(d)
	}
	limit = min(most, rate.Affords(left)).Truncate(time.Second)
	return limit, limit >= max(runpod.MinTimeout, min(most, 2*w.longest))
}

// allowed returns an error if a budget does not allow what the sweep may cost at most, and
// reserves the idle time of its workers. Each trial reserves its own part, because other
// notebooks may spend meanwhile.
func (w *sweep) allowed(ctx context.Context) (idle *budget.Charge, err error) {
	left := 0
	for _, done := range w.done {
		if !done {
			left++
		}
	}
	if left == 0 {
		return nil, nil
	}
	job := budget.Job{Kind: "sweep", Rate: w.s.Rate, Workers: w.options.Workers, Store: w.options.Runs}
	if err := budget.Check(ctx, w.options.Endpoint, job, func(r train.Rate) float64 { return w.most(r, left) }); err != nil {
		return nil, err
	}
	return budget.BeginIdle(ctx, w.options.Endpoint, job)
}

// most returns what that many trials cost at most.
func (w *sweep) most(r train.Rate, trials int) float64 {
	workers := float64(min(w.s.Workers, trials))
	all := r.Cost(w.limit)*float64(trials) + r.Most(0)*workers
	if w.s.MaxTime > 0 { // a trial begins before MaxTime
		all = min(all, r.Most(w.s.MaxTime+w.limit)*workers)
	}
	if w.s.MaxCost > 0 {
		all = min(all, w.s.MaxCost-w.result.Dollars)
	}
	return all
}

// sort sorts the trials by number.
func (w *sweep) sort() {
	r := &w.result
	number := -1
	if r.Best >= 0 {
		number = r.Trials[r.Best].Number
	}
	slices.SortFunc(r.Trials, func(a, b TrialResult) int { return cmp.Compare(a.Number, b.Number) })
	r.Best = slices.IndexFunc(r.Trials, func(t TrialResult) bool { return t.Number == number })
}
