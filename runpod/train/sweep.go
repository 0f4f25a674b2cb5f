package train

import (
	"context"
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"
	"sync"
	"unicode"

	"github.com/gopherpod/gopherpod/worker"
)

// SweepOptions say how to search. The zero value works.
type SweepOptions struct {
	Trials  int    // 20; of a grid all
	Workers int    // 4: how many trials run at once
	Method  string // "random"; see Methods
	Seed    *int64 // of the choice of points; nil: that of the training
	// OnTrial is told of each trial that is over, one at a time.
	OnTrial func(TrialResult)
}

// A TrialResult is one training of a sweep.
type TrialResult struct {
	Number int // from 0, in the order of the points
	Point  Point
	// Value is what the sweep makes small: the best validation loss, else the last
	// training loss; +Inf where the training failed.
	Value float64
	Model *Model // weights only of the best trial so far
	Err   error
}

// A SweepResult is what a sweep found.
type SweepResult struct {
	Space  []Dimension
	Trials []TrialResult // those that were run, by Number
	Best   int           // index in Trials, -1 where none succeeded
}

// BestModel is the model of the best trial, or nil.
func (r *SweepResult) BestModel() *Model {
	if r.Best < 0 {
		return nil
	}
	return r.Trials[r.Best].Model
}

// Trial trains once with the values of a point: what an optimizer of
// hyperparameters of any kind calls. Options in the point replace those of o; other
// names replace $name in spec, which must be text then. The value is to be made
// small: the best validation loss, else the last training loss, +Inf with an error.
func Trial(ctx context.Context, spec any, data Data, o Options, point Point) (value float64, model *Model, err error) {
	spec, o, err = apply(spec, o, point)
	if err != nil {
		return math.Inf(1), nil, err
	}
	if model, err = Fit(ctx, spec, data, o); err != nil {
		return math.Inf(1), model, err
	}
	h := model.History
	if h.HasValidation() {
		if i := h.Best(); i >= 0 {
			return h.ValLoss[i], model, nil
		}
		return math.Inf(1), model, nil
	}
	if n := h.Len(); n > 0 && !math.IsNaN(h.Loss[n-1]) {
		return h.Loss[n-1], model, nil
	}
	return math.Inf(1), model, nil
}

// Sweep trains with many points of a space and finds the best. All trials have the
// seed of o, so that they differ in nothing else; it is drawn where it is nil. A
// trial that fails does not end the sweep; one that cannot be prepared, and the end
// of ctx, do. The result then holds the trials so far.
func Sweep(ctx context.Context, spec any, data Data, o Options, space []Dimension, s SweepOptions) (*SweepResult, error) {
	if len(space) == 0 {
		return nil, worker.Invalid("space", "is empty: name what to vary, as in lr=log(1e-4,1e-1)")
	}
	for i, d := range space {
		if slices.ContainsFunc(space[:i], func(e Dimension) bool { return e.Name == d.Name }) {
			return nil, worker.Invalid("space", fmt.Sprintf("names %s twice", d.Name))
		}
	}
	fill(&s.Workers, 4)
	fill(&s.Method, MethodRandom)
	if s.Method != MethodGrid {
		fill(&s.Trials, 20)
	}
	fill(&o.Seed, Seed(drawSeed()))
	fill(&s.Seed, o.Seed)
	all, err := points(space, s.Method, s.Trials, *s.Seed)
	if err != nil {
		return nil, err
	}
	if o.Endpoint == nil {
		if o.Endpoint, err = Endpoint(); err != nil {
			return nil, err
		}
	}
	o.sending = new(sync.Mutex)
	w := &sweep{spec: spec, data: data, options: o, on: s.OnTrial, result: SweepResult{Space: space, Best: -1}}
	if err := w.check(all); err != nil {
		return nil, err
	}
	err = w.run(ctx, all, s.Workers)
	w.sort()
	return &w.result, err
}

type sweep struct {
	spec    any
	data    Data
	options Options
	on      func(TrialResult)

	mu        sync.Mutex
	result    SweepResult
	cancelled int     // jobs that an interrupt ended
	lost      []error // those that it could not
}

// check prepares the first point, whose mistakes all others share.
func (w *sweep) check(all []Point) error {
	spec, o, err := apply(w.spec, w.options, all[0])
	if err == nil {
		_, err = Prepare(spec, w.data, o)
	}
	return err
}

func (w *sweep) run(ctx context.Context, all []Point, workers int) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	next := make(chan int)
	var group sync.WaitGroup
	for range min(workers, len(all)) {
		group.Go(func() {
			for i := range next {
				if err := w.trial(ctx, i, all[i]); err != nil {
					cancel(err)
				}
			}
		})
	}
feed:
	for i := range all {
		select {
		case next <- i:
		case <-ctx.Done():
			break feed
		}
	}
	close(next)
	group.Wait()
	if ctx.Err() == nil {
		return nil
	}
	cause := context.Cause(ctx)
	if len(w.lost) > 0 {
		return fmt.Errorf("train: sweep ended after %d trials: %w; %w", len(w.result.Trials), cause, errors.Join(w.lost...))
	}
	return fmt.Errorf("train: sweep ended after %d trials, %d running jobs are cancelled: %w", len(w.result.Trials), w.cancelled, cause)
}

// trial runs one point. Its error ends the sweep.
func (w *sweep) trial(ctx context.Context, number int, p Point) error {
	o := w.options
	o.OnEvent = nil
	value, model, err := Trial(ctx, w.spec, w.data, o, p)
	if ctx.Err() != nil {
		w.interrupted(err)
		return context.Cause(ctx)
	}
	var wrong *DataError
	if errors.As(err, &wrong) {
		return err
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	t := TrialResult{Number: number, Point: p, Value: value, Model: model, Err: err}
	w.keep(&t)
	w.result.Trials = append(w.result.Trials, t)
	if w.on != nil {
		w.on(t)
	}
	return nil
}

// interrupted notes what became of a trial that was under way.
func (w *sweep) interrupted(err error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	var cut *InterruptedError
	switch {
	case !errors.As(err, &cut):
	case cut.Cancelled:
		w.cancelled++
	default:
		w.lost = append(w.lost, cut)
	}
}

// keep leaves the weights to the best trial only: a sweep of a thousand would not
// fit into memory. Among equal values the earlier point wins, in whatever order
// they end.
func (w *sweep) keep(t *TrialResult) {
	best := w.result.Best
	better := t.Err == nil && !math.IsInf(t.Value, 0) &&
		(best < 0 || t.Value < w.result.Trials[best].Value ||
			t.Value == w.result.Trials[best].Value && t.Number < w.result.Trials[best].Number)
	switch {
	case better:
		if best >= 0 {
			w.result.Trials[best].Model.dropWeights()
		}
		w.result.Best = len(w.result.Trials)
	case t.Model != nil:
		t.Model.dropWeights()
	}
}

func (m *Model) dropWeights() { m.state, m.optimizerState = "", "" }

// sort puts the trials in the order of their points.
func (w *sweep) sort() {
	r := &w.result
	number := -1
	if r.Best >= 0 {
		number = r.Trials[r.Best].Number
	}
	slices.SortFunc(r.Trials, func(a, b TrialResult) int { return a.Number - b.Number })
	r.Best = slices.IndexFunc(r.Trials, func(t TrialResult) bool { return t.Number == number })
}

// apply puts a point into the options and the text of the model.
func apply(spec any, o Options, p Point) (any, Options, error) {
	text, isText := "", true
	switch s := spec.(type) {
	case Layers:
		text = string(s)
	case string:
		text = s
	default:
		isText = false
	}
	for name, v := range p {
		if done, err := o.set(name, v); err != nil {
			return nil, o, err
		} else if done {
			continue
		}
		replaced, n := replaceName(text, name, fmt.Sprint(v))
		if n == 0 {
			return nil, o, unknownDimension(name)
		}
		text = replaced
	}
	if isText {
		spec = Layers(text)
	}
	return spec, o, nil
}

func unknownDimension(name string) error {
	known := []string{"lr", "batch_size", "epochs", "optimizer", "weight_decay", "momentum", "clip_norm", "label_smoothing"}
	text := fmt.Sprintf("%s is no option that can vary, and the model has no $%s", name, name)
	if near := worker.Nearest(name, known); near != "" {
		text += fmt.Sprintf("; did you mean %s?", near)
	}
	return worker.Invalid("space", text)
}

// replaceName replaces $name and ${name} in text.
func replaceName(text, name, value string) (string, int) {
	n := strings.Count(text, "${"+name+"}")
	text = strings.ReplaceAll(text, "${"+name+"}", value)
	var b strings.Builder
	for {
		before, after, ok := strings.Cut(text, "$"+name)
		b.WriteString(before)
		if !ok {
			return b.String(), n
		}
		if r := strings.IndexFunc(after, func(r rune) bool { return r != '_' && !unicode.IsLetter(r) && !unicode.IsDigit(r) }); after == "" || r == 0 {
			b.WriteString(value)
			n++
		} else {
			b.WriteString("$" + name) // a longer name
		}
		text = after
	}
}

// set sets the option called name; done is false where there is none.
func (o *Options) set(name string, v any) (done bool, err error) {
	floats := map[string]*float64{
		"lr": &o.LearningRate, "weight_decay": &o.WeightDecay, "momentum": &o.Momentum,
		"clip_norm": &o.ClipNorm, "label_smoothing": &o.LabelSmoothing,
	}
	ints := map[string]*int{"batch_size": &o.BatchSize, "epochs": &o.Epochs}
	if field, ok := floats[name]; ok {
		if *field = asFloat(v); math.IsNaN(*field) {
			return true, worker.Invalid("space", fmt.Sprintf("%s is %v, wants a number", name, v))
		}
		return true, nil
	}
	if field, ok := ints[name]; ok {
		n, ok := v.(int)
		if !ok || n < 1 {
			return true, worker.Invalid("space", fmt.Sprintf("%s is %v, wants a whole number above 0", name, v))
		}
		*field = n
		return true, nil
	}
	if name == "optimizer" {
		o.Optimizer = fmt.Sprint(v)
		return true, nil
	}
	return false, nil
}
