package engine

import (
	"context"
	"fmt"
	"time"

	"github.com/gopherpod/gopherpod/worker"
)

// errLimit ends a training whose job has no time left; see worker.Request.TimeLimit.
var errLimit = &worker.Error{Kind: worker.ErrUnsupported, Message: "the job's time limit leaves no time for a batch; give it more"}

// A clock ends a training before its job's time limit.
type clock struct {
	until time.Time     // when the training has to be over; zero: no limit
	batch time.Duration // what a batch takes: the longest of the recent ones
	begun time.Time     // when the running batch began
}

// limited sets the time at which the training has to stop. Its job began at
// begun.
func (t *trainer) limited(begun time.Time, limit time.Duration) {
	if limit <= 0 {
		return
	}
	numbers := len(t.net.weights) * (1 + len(t.optimizer.order))
	t.clock.until = begun.Add(limit - worker.TimeToAnswer(limit, numbers*4*4/3))
}

// start returns errLimit if there is no time for another batch.
func (c *clock) start() error {
	c.begun = time.Now()
	if !c.until.IsZero() && c.begun.Add(c.batch+c.batch/2).After(c.until) {
		return errLimit
	}
	return nil
}

// stop records how long the batch took. The weight of a long batch, as the first may be,
// decays with each later one.
func (c *clock) stop() { c.batch = max(time.Since(c.begun), c.batch*9/10) }

// context returns ctx with the deadline of the training.
func (c *clock) context(ctx context.Context) (context.Context, context.CancelFunc) {
	if c.until.IsZero() {
		return ctx, func() {}
	}
	return context.WithDeadlineCause(ctx, c.until, errLimit)
}

// keepsBest reports whether the result holds the weights of the best epoch.
func (t *trainer) keepsBest() bool {
	return t.h.Keep == "best" || t.h.Keep == "" && t.h.EarlyStopping != nil
}

// monitored returns the name and the value of the loss that has to fall.
func (t *trainer) monitored(record worker.Epoch) (name string, value float64) {
	if s := t.h.EarlyStopping; t.held != nil && (s == nil || s.Monitor != "loss") {
		return "val_loss", float64(*record.ValLoss)
	}
	return "loss", float64(record.Loss)
}

// note keeps what the result may need of the epoch that has ended: the best state or, in
// case the training fails later, the last one. It returns the reason if the training has
// to stop early, otherwise "".
func (t *trainer) note(record worker.Epoch) (stop string) {
	name, value := t.monitored(record)
	s := t.h.EarlyStopping
	delta := 0.0
	if s != nil {
		delta = s.MinDelta
	}
	better := value < t.lowest-delta
	if better {
		t.lowest, t.waited = value, 0
	}
	switch {
	case t.keepsBest() && better && t.net.finite():
		t.kept = takeSnapshot(t.kept, t.net, t.optimizer, t.schedule, t.epoch)
		t.kept.monitored = name
	case !t.keepsBest() && t.epoch < t.end && t.net.finite():
		t.kept = takeSnapshot(t.kept, t.net, t.optimizer, t.schedule, t.epoch)
	}
	if s == nil || better {
		return ""
	}
	if t.waited++; t.waited < s.Patience || t.epoch >= t.end {
		return ""
	}
	return fmt.Sprintf("early stopping: %s has not fallen for %d epochs", name, t.waited) + t.keptInWords()
}

// keptInWords returns a phrase about the state that an early stop leaves.
func (t *trainer) keptInWords() string {
	switch {
	case !t.keepsBest():
		return "; the last state is kept"
	case t.kept == nil:
		return "; there was no finite value"
	}
	return fmt.Sprintf("; the state of epoch %d is kept", t.kept.epoch)
}

// finish chooses the weights that a finished training leaves: the best or the last
// ones.
func (t *trainer) finish() {
	t.weights = worker.Weights{Epoch: t.epoch, Batch: t.batches}
	if t.keepsBest() && t.kept != nil {
		t.restore()
	}
}

// salvage chooses the weights of a training that ended early, and reports whether there are
// any. If the training was stopped between batches, the current weights are intact.
func (t *trainer) salvage(stopped bool) bool {
	if stopped && t.epoch+t.batches > 0 && t.net.finite() {
		t.finish()
		return true
	}
	if t.kept == nil {
		return false
	}
	t.restore()
	return true
}

// restore replaces the running state with the kept one.
func (t *trainer) restore() {
	t.kept.restore(t.net, t.optimizer, t.schedule)
	t.weights = worker.Weights{Epoch: t.kept.epoch, Best: t.kept.monitored}
}
