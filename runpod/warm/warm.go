// Package warm keeps a worker of an endpoint up, so that jobs do not wait for its start:
//
//	k, err := warm.Keep(ctx, endpoint, warm.Options{For: time.Hour})
//	defer k.Stop()
//
// It changes no setting of the endpoint. It sends the worker a job of a moment before its idle
// timeout is over. So nothing has to be undone: when this process stops, crashes, or loses its
// network, the jobs stop, and the service stops the worker after the endpoint's idle timeout
// (10 s unless it was deployed with another).
package warm

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/gopherpod/gopherpod/runpod"
	"github.com/gopherpod/gopherpod/runpod/budget"
	"github.com/gopherpod/gopherpod/runpod/place"
	"github.com/gopherpod/gopherpod/runpod/runs"
	"github.com/gopherpod/gopherpod/tensors/pause"
	"github.com/gopherpod/gopherpod/worker"
)

// Options say how. The zero value of a field is its default.
type Options struct {
	For   time.Duration // how long, 1 min to 12 h; default 1 h
	Rate  place.Rate    // the price; default: what the management API says
	Store runs.Store    // where the cost is kept; default: the store of the notebook's kernel
}

// The bounds of Options.For, and its default.
const (
	Shortest = time.Minute
	Longest  = 12 * time.Hour
	Default  = time.Hour
)

// ErrCannot means that no worker of the endpoint can be kept up this way. The text says why.
var ErrCannot = errors.New("cannot keep a worker up")

// A Keeper keeps a worker up until its time is over, or Stop.
type Keeper struct {
	endpoint *runpod.Endpoint
	rate     place.Rate
	meter    *budget.Meter
	until    time.Time
	cancel   context.CancelFunc
	stopping context.Context // done after Stop
	done     chan struct{}

	mu  sync.Mutex
	up  bool
	err error
}

// Keep starts a worker, if none is up, and keeps one up. It returns at once. The error is a
// *budget.Refused if the whole time costs more than a budget allows, and an ErrCannot if the
// price is not known, or if the endpoint has no idle timeout. When ctx is done the worker is
// left to its idle timeout.
func Keep(ctx context.Context, e *runpod.Endpoint, o Options) (*Keeper, error) {
	if o.For == 0 {
		o.For = Default
	}
	if o.For < Shortest || o.For > Longest {
		return nil, fmt.Errorf("warm: %w for %v: want %v to %v", ErrCannot, o.For, Shortest, Longest)
	}
	if !o.Rate.Known() {
		var err error
		if o.Rate, err = place.RateOf(ctx, e); err != nil {
			return nil, err
		}
	}
	switch {
	case !o.Rate.Known():
		return nil, fmt.Errorf("warm: %w: the price of endpoint %s is not known", ErrCannot, e.ID)
	case o.Rate.Always > 0:
		return nil, fmt.Errorf("warm: %w: endpoint %s has workers that are always on (%d)", ErrCannot, e.ID, o.Rate.Always)
	case o.Rate.Idle == 0:
		return nil, fmt.Errorf("warm: %w: endpoint %s scales on the number of requests and has no idle timeout", ErrCannot, e.ID)
	}
	meter, err := budget.BeginMeter(ctx, e, budget.Job{Kind: "warm", Rate: o.Rate, Store: o.Store}, o.For)
	if err != nil {
		return nil, err
	}
	k := &Keeper{endpoint: e, rate: o.Rate, meter: meter, until: time.Now().Add(o.For), done: make(chan struct{})}
	if err := k.reserve(ctx); err != nil {
		return nil, err
	}
	k.stopping, k.cancel = context.WithCancel(ctx)
	go k.run(ctx)
	return k, nil
}

// reserve reserves the price until the next round, and the idle time after it.
func (k *Keeper) reserve(ctx context.Context) error {
	return k.meter.Reserve(ctx, k.rate.Start+2*k.every()+k.rate.Idle)
}

// every is the time between two jobs: half of the idle timeout, so that one may be late.
func (k *Keeper) every() time.Duration { return max(k.rate.Idle/2, time.Second) }

// A State is how a worker is doing.
type State struct {
	Up      bool // it has answered
	Until   time.Time
	Dollars float64 // so far
	Hour    float64 // US dollars an hour
	// Over reports whether nobody keeps it up any longer; Err says why, if not because its time
	// was over or Stop was called.
	Over bool
	Err  error
}

// State returns how the worker is doing.
func (k *Keeper) State() State {
	k.mu.Lock()
	defer k.mu.Unlock()
	s := State{Up: k.up, Until: k.until, Dollars: k.meter.Cost(), Hour: k.rate.Hour(), Err: k.err}
	select {
	case <-k.done:
		s.Over = true
	default:
	}
	return s
}

// Stop lets the worker go, which the service stops after its idle timeout, and settles what it
// cost.
func (k *Keeper) Stop() {
	k.cancel()
	<-k.done
}

// run keeps the worker up. Only if ctx is done, and not because of Stop, the charge is not
// settled: then the process is about to end.
func (k *Keeper) run(ctx context.Context) {
	defer close(k.done)
	start, failures := true, 0
	for time.Now().Before(k.until) {
		needed, err := k.round(start)
		switch {
		case k.stopping.Err() != nil:
		case errors.Is(err, budget.ErrRefused):
			failures = mostFailures
		case err != nil:
			failures++
		default:
			failures = 0
		}
		if k.stopping.Err() != nil || failures == mostFailures {
			k.fail(err)
			break
		}
		start = needed
		if pause.For(k.stopping, min(k.every(), time.Until(k.until))) != nil {
			break
		}
	}
	if ctx.Err() == nil {
		settling, cancel := context.WithTimeout(context.WithoutCancel(ctx), settleTime)
		defer cancel()
		if err := k.meter.End(settling, k.rate.Idle); err != nil {
			k.fail(err)
		}
	}
}

const (
	mostFailures = 5
	settleTime   = 5 * time.Second
)

func (k *Keeper) fail(err error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.stopping.Err() == nil {
		k.err = err
	}
}

// round reserves the price of the next round and sends the worker a job, unless it has one. start
// says that the job may start a worker. needed reports whether the next one has to.
func (k *Keeper) round(start bool) (needed bool, err error) {
	ctx, cancel := context.WithTimeout(k.stopping, k.rate.Start+roundTime)
	defer cancel()
	if err := k.reserve(ctx); err != nil {
		return start, err
	}
	h, err := k.endpoint.Health(ctx)
	if err != nil {
		return start, err
	}
	if h.Jobs.InProgress > 0 || h.Jobs.InQueue > 0 { // a worker is up, or is started
		return false, nil
	}
	if h.Workers.Idle+h.Workers.Ready+h.Workers.Running+h.Workers.Initializing == 0 {
		start = true // the last one was lost
	}
	// A job of low priority does not start a second worker. Its life is short, so that it does
	// not wait behind a training.
	policy := runpod.Policy{ExecutionTimeout: runpod.MinTimeout, TTL: 10 * time.Second, LowPriority: true}
	if start {
		policy.LowPriority, policy.TTL = false, k.rate.Start+roundTime
	}
	r := &worker.Request{Operation: worker.OpCapabilities, Protocol: worker.Protocol}
	_, err = k.endpoint.Call(ctx, runpod.Request{Input: r, Policy: policy})
	if errors.Is(err, runpod.ErrNotFound) && !start { // another job was faster
		return false, nil
	}
	if err == nil {
		k.mu.Lock()
		k.up = true
		k.mu.Unlock()
	}
	return start && err != nil, err
}

// roundTime is how long the job of a round may take, beside the start of a worker.
const roundTime = time.Minute
