package engine

import (
	"context"
	"fmt"
	"math"
	"time"

	"github.com/gopherpod/gopherpod/tensors/memory"
	"github.com/gopherpod/gopherpod/worker"
)

// batchEvents is the minimum time between two batch events.
const batchEvents = 250 * time.Millisecond

// A trainer is a training in progress.
type trainer struct {
	h         *worker.Hyperparameters
	net       *network
	loss      loss
	optimizer *optimizer
	schedule  *schedule
	data      *dataset
	held      *dataset // validation; nil: none
	batch     int      // samples in a batch
	epoch     int      // done, over all continuations
	end       int      // epoch to stop after
	history   []worker.Epoch
	tell      func(worker.Event) error

	kept    *snapshot // of the best epoch, or of the last one; see keepsBest
	lowest  float64   // of the monitored loss
	waited  int       // epochs since then
	batches int       // done in the running epoch
	weights worker.Weights
	clock   clock

	x, dy []float32 // of the running batch
	t     targets
	told  time.Time
}

// newTrainer builds what a train or train_epoch request describes.
func newTrainer(r *worker.Request, a *arrays, o *Options, tell func(worker.Event) error) (*trainer, error) {
	h := r.Hyperparameters.WithDefaults(r.Operation)
	data, err := a.features(r.TrainingData, "training_data")
	if err != nil {
		return nil, err
	}
	t := &trainer{h: h, data: data, tell: tell, epoch: r.StartEpoch, end: r.StartEpoch + h.Epochs, lowest: math.Inf(1), told: time.Now()}
	if err := t.build(r, o); err != nil {
		return nil, err
	}
	if err := t.readLabels(r, a); err != nil {
		return nil, err
	}
	batches, size, _ := h.Batches(t.data.n)
	t.batch = size
	t.schedule = newSchedule(h, t.end, batches)
	if t.optimizer, err = newOptimizer(h, len(t.net.weights)); err != nil {
		return nil, err
	}
	if r.OptimizerState != "" {
		set, err := loadState(r.OptimizerState, "optimizer_state", o)
		if err != nil {
			return nil, err
		}
		if err := t.optimizer.load(set, t.net, t.schedule); err != nil {
			return nil, err
		}
	}
	return t, t.check()
}

func (t *trainer) build(r *worker.Request, o *Options) (err error) {
	if t.net, err = newNetwork(r.Model, t.data.shape); err != nil {
		return err
	}
	if len(t.net.weights) == 0 {
		return worker.Invalid("model_config", "the model has nothing to train")
	}
	if t.loss, err = newLoss(t.h, t.net.out); err != nil {
		return err
	}
	if r.ModelState == "" {
		return t.net.initialize(*t.h.Seed)
	}
	set, err := loadState(r.ModelState, "model_state", o)
	if err != nil {
		return err
	}
	return t.net.load(set)
}

func (t *trainer) readLabels(r *worker.Request, a *arrays) (err error) {
	if err := t.net.checkIndices(t.data, "training_data"); err != nil {
		return err
	}
	if err := a.labels(t.data, r.TrainingData, "training_data", t.h, t.net.out); err != nil {
		return err
	}
	if t.h.ValidationSplit > 0 {
		t.data, t.held, err = t.data.split(t.h)
		return err
	}
	if r.ValidationData == nil {
		return nil
	}
	t.held, err = readSet(a, t.net, r.ValidationData, "validation_data", t.h)
	return err
}

// readSet reads features and labels and checks them against the network, which
// is already built.
func readSet(a *arrays, net *network, d *worker.Dataset, path string, h *worker.Hyperparameters) (*dataset, error) {
	set, err := a.features(d, path)
	if err != nil {
		return nil, err
	}
	if err := net.fits(set, path); err != nil {
		return nil, err
	}
	return set, a.labels(set, d, path, h, net.out)
}

// fits checks a data set against the network's input.
func (net *network) fits(d *dataset, path string) error {
	if worker.Sizes(d.shape) != worker.Sizes(net.in) {
		return worker.Invalid(path+".features", fmt.Sprintf("a sample has shape %s, but the model was made for %s", worker.Sizes(d.shape), worker.Sizes(net.in)))
	}
	return net.checkIndices(d, path)
}

// check refuses what would otherwise fail during training.
func (t *trainer) check() error {
	perSample := 8 * (t.net.width + t.data.size) // value and gradient of each number
	if need, limit := float64(perSample)*float64(t.batch), int(memory.Available()/10*8); need > float64(limit) {
		return &worker.Error{Kind: worker.ErrMemory, Field: "hyperparameters.batch_size",
			Message: fmt.Sprintf("batch_size %d needs %.3g GB; %d would fit", t.batch, need/1e9, max(1, limit/perSample))}
	}
	if err := t.h.CheckBatches(t.net.steps, t.data.n); err != nil {
		return err
	}
	if s := t.h.EarlyStopping; s != nil && s.Monitor == "val_loss" && t.held == nil {
		return worker.Invalid("hyperparameters.early_stopping.monitor", "there is no validation; give validation_data or validation_split")
	}
	return nil
}

// run trains to the last epoch. If it stops early, it returns the reason.
func (t *trainer) run(ctx context.Context) (stopped string, err error) {
	ctx, cancel := t.clock.context(ctx)
	defer cancel()
	for t.epoch < t.end && stopped == "" {
		begun := time.Now()
		record, err := t.runEpoch(ctx)
		if err != nil {
			return "", err
		}
		watched := float64(record.Loss)
		if t.held != nil {
			value, hits, err := t.net.evaluate(ctx, t.loss, t.held, nil)
			if err != nil {
				return "", err
			}
			number := worker.Number(value)
			record.ValLoss, record.ValAccuracy, watched = &number, hits, value
		}
		record.Seconds = worker.Number(time.Since(begun).Seconds())
		t.epoch, t.batches = t.epoch+1, 0
		t.history = append(t.history, record)
		if err := t.tell(worker.Event{Type: worker.EventEpoch, Epoch: &record}); err != nil {
			return "", err
		}
		t.schedule.epochDone(watched)
		stopped = t.note(record)
	}
	t.finish()
	if !t.net.finite() { // the loss after the last step is never computed
		return "", diverged(fmt.Sprintf("weights are not finite after epoch %d", t.epoch), t.h)
	}
	return stopped, nil
}

// finite reports whether no weight is NaN or infinite.
func (net *network) finite() bool {
	for _, v := range net.weights {
		if v-v != 0 {
			return false
		}
	}
	return true
}

// runEpoch trains on each sample once, without those of an incomplete last batch if
// drop_last is set.
func (t *trainer) runEpoch(ctx context.Context) (worker.Epoch, error) {
	e := int64(t.epoch) + 1
	batches, _, n := t.h.Batches(t.data.n)
	var order []int
	if *t.h.Shuffle {
		order = newGenerator(*t.h.Seed + e).perm(t.data.n)
	}
	t.net.pass.train, t.net.pass.masks = true, newGenerator(*t.h.Seed+e)
	var sum, hits, rate float64
	classifies := false
	for b := range batches {
		if ctx.Err() != nil {
			return worker.Epoch{}, context.Cause(ctx)
		}
		if err := t.clock.start(); err != nil {
			return worker.Epoch{}, err
		}
		from, to := b*t.batch, min((b+1)*t.batch, n)
		rate = t.schedule.at(t.epoch, t.optimizer.steps)
		loss, right, ok := t.runBatch(order, from, to, rate)
		sum += loss * float64(to-from)
		hits += right
		classifies = ok
		if err := t.net.pass.refused; err != nil {
			return worker.Epoch{}, err
		}
		if math.IsNaN(loss) || math.IsInf(loss, 0) {
			return worker.Epoch{}, t.diverged(b+1, loss)
		}
		t.batches++
		t.clock.stop()
		if err := t.progress(b+1, batches, sum/float64(to)); err != nil {
			return worker.Epoch{}, err
		}
	}
	record := worker.Epoch{Epoch: t.epoch + 1, Epochs: t.end, Loss: worker.Number(sum / float64(n)), LearningRate: worker.Number(rate), Samples: n}
	if classifies {
		share := worker.Number(hits / float64(n))
		record.Accuracy = &share
	}
	return record, nil
}

// runBatch makes one step on the samples order[from:to]; if order is nil, in storage
// order.
func (t *trainer) runBatch(order []int, from, to int, rate float64) (loss, hits float64, classifies bool) {
	n := to - from
	x, labels := t.data.x[from*t.data.size:to*t.data.size], t.data.t.slice(from, to)
	if order != nil {
		x = grown(&t.x, n*t.data.size)
		t.data.pick(x, order[from:to])
		t.data.t.pick(&t.t, order[from:to])
		labels = t.t
	}
	y := t.net.forward(x, n)
	dy := grown(&t.dy, len(y))
	loss = t.loss.mean(dy, y, &labels, n)
	hits, classifies = t.loss.correct(y, &labels, n)
	t.net.backward(x, dy, n)
	t.optimizer.step(t.net.weights, t.net.grads, rate)
	return loss, hits, classifies
}

func (t *trainer) diverged(batch int, loss float64) error {
	word := "not a number"
	if math.IsInf(loss, 0) {
		word = "infinite"
	}
	return diverged(fmt.Sprintf("the loss is %s in epoch %d, batch %d", word, t.epoch+1, batch), t.h)
}

func diverged(what string, h *worker.Hyperparameters) error {
	return &worker.Error{Kind: worker.ErrDiverged, Field: "hyperparameters.learning_rate",
		Message: fmt.Sprintf("%s, with a learning rate of %v; a lower one may help, or clip_norm, or scaled features", what, h.LearningRate)}
}

func (t *trainer) progress(batch, batches int, loss float64) error {
	if batch == batches || time.Since(t.told) < batchEvents {
		return nil
	}
	t.told = time.Now()
	return t.tell(worker.Event{Type: worker.EventBatch, Batch: &worker.Batch{Epoch: t.epoch + 1, Batch: batch, Batches: batches, Loss: worker.Number(loss)}})
}
