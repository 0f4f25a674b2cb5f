package train

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"slices"
	"time"

	"github.com/gopherpod/gopherpod/runpod"
	"github.com/gopherpod/gopherpod/worker"
)

// A journal is a file of JSON lines: which sweep it is of, then the trials as they
// began and ended. A last line without its end is of a crash, and is not read.
type journal struct {
	file *os.File
	path string
	err  error // the first that went wrong
}

// journalHead says which sweep a journal is of. What is in it decides the results.
type journalHead struct {
	Version         int                    `json:"version"`
	Model           string                 `json:"model"`
	Hyperparameters worker.Hyperparameters `json:"hyperparameters"`
	Data            []DataDigest           `json:"data"`
	Space           []Dimension            `json:"space"`
	Method          string                 `json:"method"`
	Seed            int64                  `json:"seed"`
	Workers         int                    `json:"workers"`
	Trials          int                    `json:"trials"`
	Halving         *Halving               `json:"halving,omitempty"`
}

// A beginning says that a trial is about to be submitted, or, with the job, that it was.
type beginning struct {
	Begun  bool `json:"begun"`
	Number int  `json:"number"`
	earlier
}

type journalLine struct {
	Begun      bool            `json:"begun,omitempty"` // it is a beginning
	Number     int             `json:"number"`
	Point      map[string]any  `json:"point"`
	Value      worker.Number   `json:"value"`
	Stopped    int             `json:"stopped,omitempty"`
	Epochs     int             `json:"epochs,omitempty"` // asked for, with Rungs
	Rungs      []worker.Number `json:"rungs,omitempty"`
	Failed     string          `json:"failed,omitempty"`
	Seconds    float64         `json:"seconds"`
	RunID      string          `json:"run_id,omitempty"`
	JobID      runpod.JobID    `json:"job_id,omitempty"`
	Device     string          `json:"device_used,omitempty"`
	Parameters int             `json:"parameters,omitempty"`
	History    []worker.Epoch  `json:"history,omitempty"`
}

// resume opens the journal, and takes the trials that are in it.
func (w *sweep) resume(plan *Plan) error {
	h := journalHead{
		Version: 1, Hyperparameters: plan.Hyperparameters, Data: digests(plan.parcel), Space: w.result.Space,
		Method: w.s.Method, Seed: *w.s.Seed, Workers: w.s.Workers, Trials: len(w.done), Halving: w.s.Halving,
	}
	switch spec := w.spec.(type) {
	case string:
		h.Model = spec
	case Layers:
		h.Model = string(spec)
	default:
		h.Model = text(plan.Model)
	}
	head, err := json.Marshal(h)
	if err != nil {
		return err
	}
	b, err := os.ReadFile(w.s.Journal)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("train: journal: %w", err)
	}
	whole := bytes.LastIndexByte(b, '\n') + 1
	lines := bytes.Split(b[:whole], []byte("\n"))
	if whole > 0 && !bytes.Equal(lines[0], head) {
		return fmt.Errorf("train: journal: %s is of another sweep: its model, data, space or options differ; name another file, or remove it", w.s.Journal)
	}
	f, err := os.OpenFile(w.s.Journal, os.O_CREATE|os.O_WRONLY, 0o644)
	if err != nil {
		return fmt.Errorf("train: journal: %w", err)
	}
	w.journal = &journal{file: f, path: w.s.Journal}
	_, err = f.Seek(int64(whole), 0)
	if err = errors.Join(err, f.Truncate(int64(whole))); err != nil {
		return errors.Join(fmt.Errorf("train: journal: %w", err), f.Close())
	}
	if whole == 0 {
		w.journal.write(head)
		return nil
	}
	var trials []TrialResult
	for i, line := range lines[1 : len(lines)-1] {
		t, ok, err := w.again(line)
		if err != nil {
			return errors.Join(fmt.Errorf("train: journal: %s: line %d: %w", w.s.Journal, i+2, err), f.Close())
		}
		if ok {
			trials = append(trials, t)
		}
	}
	w.takeAgain(trials)
	return nil
}

// takeAgain puts the trials of the journal among the results. The best of them, where
// its weights are lost, is not: it is run again.
func (w *sweep) takeAgain(trials []TrialResult) {
	best := -1
	for i, t := range trials {
		if t.Stopped == 0 && (best < 0 || t.Value < trials[best].Value || t.Value == trials[best].Value && t.Number < trials[best].Number) {
			best = i
		}
	}
	if best >= 0 {
		m, err := Load(bestPath(w.s.Journal))
		t := &trials[best]
		if err == nil && m.RunID == t.Model.RunID {
			m.JobID, m.endpoint, m.store, m.inline = t.Model.JobID, w.options.Endpoint, w.options.Store, w.options.Inline
			t.Model = m
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

// again reads a trial of the journal; ok is false of one that failed: it is run again.
func (w *sweep) again(line []byte) (t TrialResult, ok bool, err error) {
	var l journalLine
	if err := json.Unmarshal(line, &l); err != nil {
		return t, false, err
	}
	if l.Begun {
		w.begun[l.Number] = earlier{RunID: l.RunID, JobID: l.JobID}
		return t, false, nil
	}
	w.result.Time += seconds(l.Seconds)
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
	t = TrialResult{Number: l.Number, Point: p, Value: float64(l.Value), Stopped: l.Stopped, Again: true, Time: seconds(l.Seconds)}
	t.Model = &Model{RunID: l.RunID, JobID: l.JobID, Device: l.Device, Parameters: l.Parameters, Epochs: len(l.History), History: NewHistory(l.History), endpoint: w.options.Endpoint}
	if spec, o, err := apply(w.spec, w.options, p); err == nil {
		if t.Model.Spec, err = ParseSpec(spec); err == nil {
			if h, err := o.hyperparameters(); err == nil {
				t.Model.Hyperparameters = *h
			}
		}
	}
	if w.halving != nil {
		r := &rungs{epochs: l.Epochs, ended: true, stopped: l.Stopped > 0, passed: len(l.Rungs), cancel: func(error) {}}
		for _, v := range l.Rungs {
			r.values = append(r.values, float64(v))
		}
		for k := range r.values {
			if r.stopped && w.halving.rung(k) == l.Stopped {
				r.passed = k
			}
		}
		w.halving.trials[l.Number] = r
	}
	return t, true, nil
}

func seconds(s float64) time.Duration { return time.Duration(s * float64(time.Second)) }

// restore is a value of the dimension that went through JSON.
func (d Dimension) restore(v any) (any, bool) {
	f, number := v.(float64)
	if d.Choices != nil {
		i := slices.IndexFunc(d.Choices, func(c any) bool { return c == v || number && asFloat(c) == f })
		if i < 0 {
			return nil, false
		}
		return d.Choices[i], true
	}
	if d.Int {
		return int(f), number
	}
	return f, number
}

func bestPath(journal string) string { return journal + ".safetensors" }

// begin writes that a trial begins.
func (j *journal) begin(n int, runID string, job runpod.JobID) {
	if j == nil || j.err != nil {
		return
	}
	b, err := json.Marshal(beginning{Begun: true, Number: n, earlier: earlier{RunID: runID, JobID: job}})
	if err != nil {
		j.err = err
		return
	}
	j.write(b)
}

// add writes a trial. The first error is kept: the sweep goes on without its journal.
func (j *journal) add(w *sweep, t TrialResult) {
	if j == nil || j.err != nil {
		return
	}
	l := journalLine{Number: t.Number, Point: t.Point, Value: worker.Number(t.Value), Stopped: t.Stopped, Seconds: t.Time.Seconds()}
	if t.Err != nil {
		l.Failed = t.Err.Error()
	}
	if m := t.Model; m != nil {
		l.RunID, l.JobID, l.Device, l.Parameters, l.History = m.RunID, m.JobID, m.Device, m.Parameters, m.History.Records
	}
	if w.halving != nil {
		r := w.halving.trials[t.Number]
		l.Epochs = r.epochs
		for _, v := range r.values {
			l.Rungs = append(l.Rungs, worker.Number(v))
		}
	}
	if best := w.result.Best; best >= 0 && w.result.Trials[best].Number == t.Number && t.Model.HasWeights() {
		if j.err = t.Model.Save(bestPath(j.path)); j.err != nil {
			return
		}
	}
	b, err := json.Marshal(l)
	if err != nil {
		j.err = err
		return
	}
	j.write(b)
}

func (j *journal) write(line []byte) {
	if j.err == nil {
		_, j.err = j.file.Write(append(line, '\n'))
	}
	if j.err == nil {
		j.err = j.file.Sync()
	}
}

// failed is what went wrong with the journal.
func (j *journal) failed() error {
	if j == nil || j.err == nil {
		return nil
	}
	return fmt.Errorf("train: journal: %s ends before the sweep does: %w", j.path, j.err)
}

func (j *journal) close() { _ = j.file.Close() } // each line was synced
