// Package track logs a training to other tools while it runs: to an MLflow server by its
// REST API, to TensorBoard's event files, or to the files of an offline W&B run.
//
//	tracker, err := track.New("mlflow") // set up from the environment
//	model, err := train.Fit(ctx, spec, data, train.Options{
//		Observers: []train.Observer{track.Observe(map[string]track.Tracker{"mlflow": tracker}, nil)},
//	})
//
// A tracker never holds the training up, because events are queued. If a tracker fails, that
// is reported once and the tracker is not called again. What it has logged stays.
//
//	observe.go      the observer of a run
//	track.go        trackers by name; the queue
//	mlflow.go       MLflow's REST API
//	tensorboard.go  TensorBoard's event files
//	wandb.go        W&B's offline runs
//	redacted.go     a tracker that removes secrets
package track

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/gopherpod/gopherpod/runpod/settings"
	"github.com/gopherpod/gopherpod/worker"
	"github.com/gopherpod/gopherpod/worker/contract"
)

// A Run is what a tracker gets before the first epoch.
type Run struct {
	ID     string
	Title  string            // the model in words
	Params map[string]string // hyperparameters, seed, digests of data
	Tags   []string
	Group  string // id of a group of runs, such as those of a sweep; "" for none
	Begun  time.Time
}

// A Result is how a run ended.
type Result struct {
	Status string // "completed", "interrupted", "failed"
	Error  string
	// Model is a file with the weights, "" if there are none.
	Model string
}

// A Tracker logs one run. Its methods are called from one goroutine.
type Tracker interface {
	Begin(ctx context.Context, r Run) error
	// Epochs is called with epochs in order, with several if the tracker was busy.
	Epochs(ctx context.Context, list []worker.Epoch) error
	End(ctx context.Context, r Result) error
}

// Names lists the trackers that New knows.
func Names() []string { return []string{"mlflow", "tensorboard", "wandb"} }

// New returns a tracker by name, set up from the environment and the file .env: see
// MLflow, TensorBoard and Wandb.
func New(name string) (Tracker, error) {
	set, err := settings.Read(".env")
	if err != nil {
		return nil, fmt.Errorf("track: %w", err)
	}
	switch name {
	case "mlflow":
		for _, secret := range []string{EnvMLflowToken, EnvMLflowPassword} {
			if set.Redirects(secret, EnvMLflowURI) {
				return nil, fmt.Errorf("track: .env sends %s of %s to an address of its own; set %s in the environment too if that is meant", secret, set.From(secret).In(), EnvMLflowURI)
			}
		}
		return NewMLflow(set.Get)
	case "tensorboard":
		dir := set.Get(EnvTensorBoard)
		if dir == "" {
			dir = "tensorboard"
		}
		return &TensorBoard{Dir: dir}, nil
	case "wandb":
		return NewWandb(set.Get), nil
	}
	return nil, fmt.Errorf("track: %q is not among %s", name, strings.Join(Names(), ", "))
}

// patience is the timeout of each call of a tracker, and of the wait for all of them at the
// end.
const patience = 30 * time.Second

// A Session passes a run on to trackers.
type Session struct {
	outlets []*outlet
}

// An outlet is a tracker with its queue.
type outlet struct {
	name   string
	t      Tracker
	tell   func(string)
	epochs chan []worker.Epoch // of capacity 1; has the epochs that wait
	done   chan struct{}
	result Result
}

// Start starts logging a run. tell is called with a line about each tracker that fails, maybe
// from several goroutines.
func Start(ctx context.Context, r Run, trackers map[string]Tracker, tell func(string)) *Session {
	s := &Session{}
	for name, t := range trackers {
		o := &outlet{name: name, t: t, tell: tell, epochs: make(chan []worker.Epoch, 1), done: make(chan struct{})}
		s.outlets = append(s.outlets, o)
		go o.run(context.WithoutCancel(ctx), r)
	}
	return s
}

// Epoch passes an epoch on. It does not wait, and must not be called after End.
func (s *Session) Epoch(e worker.Epoch) {
	if s == nil {
		return
	}
	for _, o := range s.outlets {
		var waiting []worker.Epoch
		select {
		case waiting = <-o.epochs:
		default:
		}
		o.epochs <- append(slices.Clip(waiting), e)
	}
}

// End logs how the run ended and waits until the trackers have it, 30 s at most.
func (s *Session) End(r Result) {
	if s == nil {
		return
	}
	late := time.After(patience)
	for _, o := range s.outlets {
		o.result = r
		close(o.epochs)
	}
	for _, o := range s.outlets {
		select {
		case <-o.done:
		case <-late:
			o.tell(o.name + " does not answer: the end of the run is not tracked")
			return
		}
	}
}

func (o *outlet) run(ctx context.Context, r Run) {
	defer close(o.done)
	ok := o.try(ctx, func(ctx context.Context) error { return o.t.Begin(ctx, r) })
	for list := range o.epochs {
		ok = ok && o.try(ctx, func(ctx context.Context) error { return o.t.Epochs(ctx, list) })
	}
	if ok {
		o.try(ctx, func(ctx context.Context) error { return o.t.End(ctx, o.result) })
	}
}

func (o *outlet) try(ctx context.Context, f func(context.Context) error) bool {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	err := f(ctx)
	if err != nil {
		o.tell(fmt.Sprintf("%s: %v; the training goes on without it", o.name, err))
	}
	return err == nil
}

// metrics returns the numbers of an epoch by the names that Keras and others use.
func metrics(e worker.Epoch) map[string]float64 {
	m := map[string]float64{"learning_rate": float64(e.LearningRate), "epoch_seconds": float64(e.Seconds)}
	for _, row := range contract.Metrics() {
		for _, name := range []string{row.Name, "val_" + row.Name} {
			if n := e.Value(name); n != nil {
				m[name] = float64(*n)
			}
		}
	}
	for name, v := range e.Custom {
		m["custom_"+name] = float64(v)
	}
	for name, v := range e.ValCustom {
		m["val_custom_"+name] = float64(v)
	}
	return m
}
