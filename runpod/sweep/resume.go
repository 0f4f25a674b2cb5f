package sweep

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/gopherpod/gopherpod/runpod/train"
)

// resume opens the journal and adds the trials in it to the results.
func (w *sweep) resume(plan *train.Plan) error {
	h := journalHead{
		Version: 1, Hyperparameters: plan.Hyperparameters, Data: plan.Data(), Space: w.result.Space,
		Method: w.s.Method, Seed: *w.s.Seed, Workers: w.s.Workers, Trials: len(w.done), Halving: w.s.Halving,
	}
	if w.by.Accuracy {
		h.Objective = ObjectiveAccuracy
	}
	switch spec := w.spec.(type) {
	case string:
		h.Model = spec
	case train.Layers:
		h.Model = string(spec)
	case train.Python:
		h.Model = string(spec)
	default:
		b, err := json.Marshal(plan.Model)
		if err != nil {
			return err
		}
		h.Model = string(b)
	}
	j, lines, err := openJournal(w.s.Journal, h)
	if err != nil {
		return err
	}
	w.journal = j
	var trials []TrialResult
	for i, line := range lines {
		t, ok, err := w.again(line)
		if err != nil {
			j.close()
			return fmt.Errorf("train: journal: %s: line %d: %w", w.s.Journal, i+2, err)
		}
		if ok {
			trials = append(trials, t)
		}
	}
	w.takeAgain(trials)
	return nil
}

// takeAgain adds the trials of the journal to the results. If the weights of the best
// one are lost, it omits that trial, so that it is run again.
func (w *sweep) takeAgain(trials []TrialResult) {
	best := -1
	for i, t := range trials {
		if t.Succeeded() && (best < 0 || compare(t, trials[best]) < 0) {
			best = i
		}
	}
	if best >= 0 {
		m, err := train.Load(bestPath(w.s.Journal))
		t := &trials[best]
		if err == nil && m.RunID == t.Model.RunID {
			m.JobID = t.Model.JobID
			t.Model = m.With(w.options)
		} else {
			trials = slices.Delete(trials, best, best+1)
		}
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, t := range trials {
		if !w.done[t.Number] {
			w.finishLocked(t)
		}
	}
}

// again reads a trial from the journal. ok is false for one that failed or did not
// end, which is therefore run again.
func (w *sweep) again(line []byte) (t TrialResult, ok bool, err error) {
	var l journalLine
	if err := json.Unmarshal(line, &l); err != nil {
		return t, false, err
	}
	if l.Begun {
		w.begun[l.Number] = train.Resume{RunID: l.RunID, JobID: l.JobID}
		return t, false, nil
	}
	cost := cmp.Or(l.Dollars, w.s.Rate.Cost(seconds(l.Seconds)))
	w.result.Time, w.result.Dollars = w.result.Time+seconds(l.Seconds), w.result.Dollars+cost
	if l.Failed != "" {
		delete(w.begun, l.Number)
		return t, false, nil
	}
	if l.Number < 0 || l.Number >= len(w.done) || w.done[l.Number] {
		return t, false, nil
	}
	p := Point{}
	for _, d := range w.result.Space {
		v, ok := d.restore(l.Point[d.Name])
		if !ok {
			return t, false, fmt.Errorf("%s is %v, which is not in the space", d.Name, l.Point[d.Name])
		}
		p[d.Name] = v
	}
	m := &train.Model{RunID: l.RunID, JobID: l.JobID, Device: l.Device, Parameters: l.Parameters, Epochs: len(l.History), History: train.NewHistory(l.History)}
	t = TrialResult{Number: l.Number, Point: p, Unused: unused(w.options, p), Value: float64(l.Value), Stopped: l.Stopped, Again: true, Time: seconds(l.Seconds), Dollars: cost, Model: m.On(w.options.Endpoint)}
	if spec, o, err := apply(w.spec, w.options, p); err == nil {
		m.Spec, err = train.ParseSpec(spec)
		h, err2 := o.Complete()
		if errors.Join(err, err2) == nil {
			m.Hyperparameters = *h
		}
	}
	w.halving.restore(l.Number, l.Epochs, l.Stopped, l.Rungs)
	return t, true, nil
}

func seconds(s float64) time.Duration { return time.Duration(s * float64(time.Second)) }
