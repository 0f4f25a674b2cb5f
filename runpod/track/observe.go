package track

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/gopherpod/gopherpod/runpod/train"
	"github.com/gopherpod/gopherpod/worker"
)

// Observe returns an observer for train.Options.Observers that logs one run to trackers, by
// name: its parameters, its epochs, how it ended, and the model. tell is called with a line
// about each tracker that fails, maybe from several goroutines; nil drops the lines. At its
// end, the run waits until all trackers have logged everything, for 30 s at most.
func Observe(trackers map[string]Tracker, tell func(line string)) train.Observer {
	if tell == nil {
		tell = func(string) {}
	}
	return &observer{trackers: trackers, tell: tell}
}

type observer struct {
	trackers map[string]Tracker
	tell     func(string)
	session  *Session
}

// Begin starts logging the run.
func (o *observer) Begin(p *train.Plan) {
	o.session = Start(context.Background(), runOf(p), o.trackers, o.tell)
}

// Event logs epochs.
func (o *observer) Event(e train.Event) {
	if e.Type == worker.EventEpoch {
		o.session.Epoch(*e.Epoch)
	}
}

// End logs how the run ended. It saves the model to a temporary file for that.
func (o *observer) End(m *train.Model, err error) {
	r := Result{Status: "completed"}
	var cut *train.InterruptedError
	switch {
	case errors.As(err, &cut):
		r.Status = "interrupted"
	case err != nil:
		r.Status, r.Error = "failed", err.Error()
	}
	if m != nil && m.HasWeights() && len(o.trackers) > 0 {
		dir, err := os.MkdirTemp("", "gopherpod-track-")
		if err == nil {
			defer os.RemoveAll(dir)
			file := filepath.Join(dir, "model.safetensors")
			if err = m.Save(file); err == nil {
				r.Model = file
			}
		}
		if err != nil {
			o.tell(fmt.Sprintf("the model is not tracked: %v", err))
		}
	}
	o.session.End(r)
}

// runOf returns the run of a plan: the model, the hyperparameters, and the data.
func runOf(p *train.Plan) Run {
	title := p.Model.Title()
	r := Run{ID: p.RunID, Title: title, Tags: p.Origin().Tags, Group: p.Origin().Parent, Begun: time.Now(), Params: map[string]string{"model": title, "parameters": fmt.Sprint(p.Parameters)}}
	var h map[string]any
	if b, err := json.Marshal(p.Hyperparameters); err == nil && json.Unmarshal(b, &h) == nil {
		for name, v := range h {
			text, ok := v.(string)
			if !ok {
				b, _ := json.Marshal(v) // it came from JSON
				text = string(b)
			}
			r.Params[name] = text
		}
	}
	for _, d := range p.Data() {
		r.Params["data "+d.Name] = d.Array + " sha256 " + d.SHA256[:12]
	}
	return r
}
