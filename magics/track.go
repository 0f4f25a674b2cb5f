package magics

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/gopherpod/gopherpod/kernel/magic"
	"github.com/gopherpod/gopherpod/runpod/track"
	"github.com/gopherpod/gopherpod/runpod/train"
	"github.com/gopherpod/gopherpod/worker"
)

// trackers makes what --track names.
func trackers(names []string) (map[string]track.Tracker, error) {
	list := map[string]track.Tracker{}
	for _, name := range names {
		t, err := track.New(name)
		if err != nil {
			hint := ""
			if !slices.Contains(track.Names(), name) {
				hint = didYouMean(name, track.Names())
			}
			return nil, usage("--track %s: %s%s", name, strings.TrimPrefix(err.Error(), "track: "), hint)
		}
		list[name] = t
	}
	return list, nil
}

// trackRun begins to track a plan; nil where nothing is tracked. tell is told what fails.
func trackRun(ctx context.Context, plan *train.Plan, tracked map[string]track.Tracker, tell func(string)) *track.Session {
	if len(tracked) == 0 {
		return nil
	}
	r := track.Run{ID: plan.RunID, Title: layersInWords(plan.Model), Tags: plan.Origin().Tags, Group: plan.Origin().Parent, Begun: time.Now(), Params: map[string]string{"model": layersInWords(plan.Model), "parameters": fmt.Sprint(plan.Parameters)}}
	var h map[string]any
	if b, err := json.Marshal(plan.Hyperparameters); err == nil && json.Unmarshal(b, &h) == nil {
		for name, v := range h {
			text, ok := v.(string)
			if !ok {
				b, _ := json.Marshal(v) // it came from JSON
				text = string(b)
			}
			r.Params[name] = text
		}
	}
	for _, d := range plan.Data() {
		r.Params["data "+d.Name] = d.Array + " sha256 " + d.SHA256[:12]
	}
	return track.Start(ctx, r, tracked, tell)
}

// trackTrials is SweepOptions.Watch: each trial is a run of its own, the sweep their
// group. What fails for all is told once.
func (o *sweepOptions) trackTrials(ctx context.Context, c *magic.Call) func(int, *train.Plan) (func(train.Event), func(*train.Model, error)) {
	if len(o.track) == 0 {
		return nil
	}
	var mu sync.Mutex
	told := map[string]bool{}
	tell := func(line string) {
		mu.Lock()
		defer mu.Unlock()
		if !told[line] {
			told[line] = true
			fmt.Fprintln(c.Out.Stderr(), line)
		}
	}
	return func(_ int, plan *train.Plan) (func(train.Event), func(*train.Model, error)) {
		tracked, err := trackers(o.track)
		if err != nil {
			tell(err.Error())
			return nil, nil
		}
		s := trackRun(ctx, plan, tracked, tell)
		return observe(nil, s), func(m *train.Model, err error) { trackEnd(s, m, err) }
	}
}

// observe passes epochs on to a view and to trackers.
func observe(view func(train.Event), s *track.Session) func(train.Event) {
	return func(e train.Event) {
		if view != nil {
			view(e)
		}
		if e.Type == worker.EventEpoch {
			s.Epoch(*e.Epoch)
		}
	}
}

// trackEnd tells how the run ended, with the model in a file of the trackers' own.
func trackEnd(s *track.Session, m *train.Model, err error) {
	if s == nil {
		return
	}
	r := track.Result{Status: "completed"}
	var cut *train.InterruptedError
	switch {
	case errors.As(err, &cut):
		r.Status = "interrupted"
	case err != nil:
		r.Status, r.Error = "failed", err.Error()
	}
	if m != nil && m.HasWeights() {
		if dir, err := os.MkdirTemp("", "gopherpod-track-"); err == nil {
			defer os.RemoveAll(dir)
			file := filepath.Join(dir, "model.safetensors")
			if m.Save(file) == nil {
				r.Model = file
			}
		}
	}
	s.End(r)
}
