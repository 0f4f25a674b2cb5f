package sweep

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"

	"github.com/gopherpod/gopherpod/runpod"
	"github.com/gopherpod/gopherpod/runpod/train"
	"github.com/gopherpod/gopherpod/worker"
)

// A journal is a file of JSON lines: which sweep it belongs to, then the trials as they
// began and ended. A last line without a newline is left over from a crash and is
// ignored. A nil journal records nothing.
type journal struct {
	file *os.File
	path string
	err  error // the first error
}

// A journalHead identifies the sweep of a journal. It holds everything that
// determines the results.
type journalHead struct {
	Version         int                    `json:"version"`
	Model           string                 `json:"model"`
	Hyperparameters worker.Hyperparameters `json:"hyperparameters"`
	Data            []train.DataDigest     `json:"data"`
	Space           []Dimension            `json:"space"`
	Method          string                 `json:"method"`
	Seed            int64                  `json:"seed"`
	Workers         int                    `json:"workers"`
	Trials          int                    `json:"trials"`
	Halving         *Halving               `json:"halving,omitempty"`
	Objective       string                 `json:"objective,omitempty"` // "": the loss
}

// A beginning is the line of a trial that is about to be submitted or, if it has a
// job, was submitted.
type beginning struct {
	Begun  bool `json:"begun"`
	Number int  `json:"number"`
	train.Resume
}

type journalLine struct {
	Begun      bool            `json:"begun,omitempty"` // true in a beginning, to tell it from an end
	Number     int             `json:"number"`
	Point      map[string]any  `json:"point"`
	Value      worker.Number   `json:"value"`
	Stopped    int             `json:"stopped,omitempty"`
	Epochs     int             `json:"epochs,omitempty"` // number planned; set if Rungs is
	Rungs      []worker.Number `json:"rungs,omitempty"`
	Failed     string          `json:"failed,omitempty"`
	Seconds    float64         `json:"seconds"`
	Dollars    float64         `json:"dollars,omitempty"`
	RunID      string          `json:"run_id,omitempty"`
	JobID      runpod.JobID    `json:"job_id,omitempty"`
	Device     string          `json:"device_used,omitempty"`
	Parameters int             `json:"parameters,omitempty"`
	History    []worker.Epoch  `json:"history,omitempty"`
}

// openJournal opens or creates a journal, and returns the lines of its trials.
func openJournal(path string, of journalHead) (j *journal, lines [][]byte, err error) {
	head, err := json.Marshal(of)
	if err != nil {
		return nil, nil, err
	}
	b, err := os.ReadFile(path)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, nil, fmt.Errorf("train: journal: %w", err)
	}
	whole := bytes.LastIndexByte(b, '\n') + 1
	lines = bytes.Split(b[:whole], []byte("\n"))
	if whole > 0 && !bytes.Equal(lines[0], head) {
		return nil, nil, fmt.Errorf("train: journal: %s belongs to another sweep: its model, data, space or options differ; name another file, or remove it", path)
	}
	f, err := os.OpenFile(path, os.O_CREATE|os.O_WRONLY, 0o644)
	if err != nil {
		return nil, nil, fmt.Errorf("train: journal: %w", err)
	}
	_, err = f.Seek(int64(whole), 0)
	if err = errors.Join(err, f.Truncate(int64(whole))); err != nil {
		return nil, nil, errors.Join(fmt.Errorf("train: journal: %w", err), f.Close())
	}
	j = &journal{file: f, path: path}
	if whole == 0 {
		j.write(head)
		return j, nil, nil
	}
	return j, lines[1 : len(lines)-1], nil
}

// bestPath returns the name of the file with the weights of the best trial.
func bestPath(journal string) string { return journal + ".safetensors" }

// begin writes that a trial begins.
func (j *journal) begin(n int, runID string, job runpod.JobID) {
	if j != nil {
		j.add(beginning{Begun: true, Number: n, Resume: train.Resume{RunID: runID, JobID: job}})
	}
}

// end writes a finished trial, with its values at the rungs (r may be nil), and the
// weights if it is the best one.
func (j *journal) end(t TrialResult, r *rungs, best bool) {
	if j == nil || j.err != nil {
		return
	}
	l := journalLine{Number: t.Number, Point: t.Point, Value: worker.Number(t.Value), Stopped: t.Stopped, Seconds: t.Time.Seconds(), Dollars: t.Dollars}
	if t.Err != nil {
		l.Failed = t.Err.Error()
	}
	if m := t.Model; m != nil {
		l.RunID, l.JobID, l.Device, l.Parameters, l.History = m.RunID, m.JobID, m.Device, m.Parameters, m.History.Records
	}
	if r != nil {
		l.Epochs = r.epochs
		for _, v := range r.values {
			l.Rungs = append(l.Rungs, worker.Number(v))
		}
	}
	if best && t.Model.HasWeights() {
		if j.err = t.Model.Save(bestPath(j.path)); j.err != nil {
			return
		}
	}
	j.add(l)
}

// add writes a line. The first error is kept: the sweep continues without its journal.
func (j *journal) add(line any) {
	if j.err != nil {
		return
	}
	b, err := json.Marshal(line)
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

// failed returns the first error of the journal.
func (j *journal) failed() error {
	if j == nil || j.err == nil {
		return nil
	}
	return fmt.Errorf("train: journal: %s ends before the sweep does: %w", j.path, j.err)
}

func (j *journal) close() { _ = j.file.Close() } // each line was synced
