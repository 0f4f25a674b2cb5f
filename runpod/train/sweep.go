package train

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"math"
	"slices"
	"strings"
	"sync"
	"time"
	"unicode"

	"github.com/gopherpod/gopherpod/runpod"
	"github.com/gopherpod/gopherpod/worker"
)

// SweepOptions say how to search. The zero value works.
type SweepOptions struct {
	Trials  int    // 20; of a grid all
	Workers int    // 4: how many trials run at once
	Method  string // "random"; see Methods
	Seed    *int64 // of the choice of points; nil: that of the training
	// Halving ends trials that others are ahead of; nil: none.
	Halving *Halving
	// MaxTime is the time after which no further trial begins. 0: none.
	MaxTime time.Duration
	// MaxCost is the most that all trials together may cost, in US dollars, at Rate. A
	// trial begins only where what its job may cost at most, by the time after which
	// the server ends it, still fits: so the cap holds when this machine does not.
	MaxCost float64
	Rate    Rate
	// Journal is a file that the trials are written to as they end. Where it is there
	// already, and of this very sweep, its trials are not run again, but those that
	// failed; the jobs of those that had begun are followed to their end, and not paid
	// for again. The weights of the best lie beside it, in Journal + ".safetensors".
	Journal string
	// OnTrial is told of each trial that is over, one at a time.
	OnTrial func(TrialResult)
	// Watch is told of each trial before it is sent, from several goroutines; what it
	// returns, of what happens in it and of its end, with its weights. Either may be nil.
	Watch func(number int, p *Plan) (event func(Event), end func(*Model, error))
}

// A TrialResult is one training of a sweep.
type TrialResult struct {
	Number int // from 0, in the order of the points
	Point  Point
	// Value is what the sweep makes small: the best validation loss, else the last
	// training loss; +Inf where the training failed.
	Value float64
	Model *Model // weights only of the best trial so far
	// Stopped is the epoch after which Halving ended the trial, 0 where it did not.
	Stopped int
	// Again tells that the trial was read from the journal.
	Again bool
	Err   error
	// Time is how long the job ran, as seen from here.
	Time time.Duration
}

// A SweepResult is what a sweep found.
type SweepResult struct {
	ID     string // of the sweep in the run store: its trials' Origin.Parent
	Space  []Dimension
	Trials []TrialResult // those that were run, by Number
	Best   int           // index in Trials, -1 where none succeeded
	// Ended says why there are fewer trials than asked for; empty where there are not.
	Ended string
	// Time is how long all jobs ran together.
	Time time.Duration
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
	p, err := Prepare(spec, data, o)
	if err != nil {
		return math.Inf(1), nil, fmt.Errorf("train: %w", err)
	}
	return p.trial(ctx)
}

// trial runs a plan; its value is what a sweep makes small.
func (p *Plan) trial(ctx context.Context) (value float64, model *Model, err error) {
	if model, err = p.Run(ctx); err != nil {
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
// of ctx, do. The result then holds the trials so far. The same seed and number of
// workers choose the same points and stop the same trials again, in whatever order
// they end; MaxTime and MaxCost end a sweep where the clock says.
func Sweep(ctx context.Context, spec any, data Data, o Options, space []Dimension, s SweepOptions) (*SweepResult, error) {
	if o.Endpoint == nil {
		e, err := Endpoint()
		if err != nil {
			return nil, err
		}
		o.Endpoint = e
	}
	w, plan, err := newSweep(spec, data, o, space, s)
	if err != nil {
		return nil, err
	}
	if s.Journal != "" {
		if err := w.resume(plan); err != nil {
			return nil, err
		}
		defer w.journal.close()
	}
	err = errors.Join(w.run(ctx), w.journal.failed())
	w.sort()
	return &w.result, err
}

// A SweepPlan is what a sweep would do.
type SweepPlan struct {
	Trials, Workers int
	// Plans are of the first points, 20 at most, that depend on no result.
	Plans []*Plan
}

// PrepareSweep checks what Sweep would run, and sends nothing.
func PrepareSweep(spec any, data Data, o Options, space []Dimension, s SweepOptions) (*SweepPlan, error) {
	w, plan, err := newSweep(spec, data, o, space, s)
	if err != nil {
		return nil, err
	}
	p := &SweepPlan{Trials: len(w.done), Workers: min(w.s.Workers, len(w.done))}
	for n := 0; n < min(20, p.Trials) && w.search.needs(n) == 0; n++ {
		spec, o, err := apply(w.spec, w.options, w.search.point(n, nil))
		if err != nil {
			return nil, err
		}
		if plan, err = Prepare(spec, data, o); err != nil {
			return nil, err
		}
		p.Plans = append(p.Plans, plan)
	}
	if p.Plans == nil {
		p.Plans = []*Plan{plan}
	}
	return p, nil
}

// newSweep checks a sweep; the plan is that of a point.
func newSweep(spec any, data Data, o Options, space []Dimension, s SweepOptions) (*sweep, *Plan, error) {
	if len(space) == 0 {
		return nil, nil, worker.Invalid("space", "is empty: name what to vary, as in lr=log(1e-4,1e-1)")
	}
	for i, d := range space {
		if slices.ContainsFunc(space[:i], func(e Dimension) bool { return e.Name == d.Name }) {
			return nil, nil, worker.Invalid("space", fmt.Sprintf("names %s twice", d.Name))
		}
	}
	fill(&s.Workers, 4)
	fill(&s.Method, MethodRandom)
	if s.Method != MethodGrid {
		fill(&s.Trials, 20)
	}
	fill(&o.Seed, Seed(drawSeed()))
	fill(&s.Seed, o.Seed)
	search, total, err := newSearcher(space, s)
	if err != nil {
		return nil, nil, err
	}
	fill(&o.Origin.Parent, newRunID())
	o.sending = new(sync.Mutex)
	// The weights of trials that were ended are nobody's: no job is paid for them.
	nobody := make(chan struct{})
	close(nobody)
	o.GiveUp = nobody
	w := &sweep{spec: spec, data: data, options: o, s: s, search: search, result: SweepResult{ID: o.Origin.Parent, Space: space, Best: -1},
		values: make([]float64, total), done: make([]bool, total), pending: map[int]TrialResult{}, running: map[int]time.Duration{}, begun: map[int]earlier{}}
	w.turn = sync.NewCond(&w.mu)
	if s.Halving != nil {
		if w.halving, err = newHalving(*s.Halving, s.Workers); err != nil {
			return nil, nil, err
		}
	}
	plan, err := w.check(space)
	return w, plan, err
}

type sweep struct {
	spec    any
	data    Data
	options Options
	s       SweepOptions
	search  searcher
	halving *halving
	journal *journal // nil: none
	began   time.Time

	mu        sync.Mutex
	turn      *sync.Cond // told when a trial is over
	next      int        // number of the trial to begin
	first     int        // the trials before it are over
	done      []bool
	values    []float64
	pending   map[int]TrialResult   // over, and whether they were stopped is open
	running   map[int]time.Duration // how long each may run
	begun     map[int]earlier       // by a process before this one
	longest   time.Duration         // of those that are over
	result    SweepResult
	cancelled int     // jobs that an interrupt ended
	lost      []error // those that it could not
}

// check prepares a point, whose mistakes all others share.
func (w *sweep) check(space []Dimension) (*Plan, error) {
	u := make([]float64, len(space))
	spec, o, err := apply(w.spec, w.options, at(space, u))
	if err != nil {
		return nil, err
	}
	return Prepare(spec, w.data, o)
}

func (w *sweep) run(ctx context.Context) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	defer context.AfterFunc(ctx, func() {
		w.mu.Lock()
		defer w.mu.Unlock()
		w.turn.Broadcast()
	})()
	w.began = time.Now()
	var group sync.WaitGroup
	for range min(w.s.Workers, len(w.done)) {
		group.Go(func() {
			for {
				n, p, limit, ok := w.take(ctx)
				if !ok {
					return
				}
				if err := w.trial(ctx, n, p, limit); err != nil {
					cancel(err)
				}
			}
		})
	}
	group.Wait()
	w.settle()
	if ctx.Err() == nil {
		return nil
	}
	cause := context.Cause(ctx)
	if len(w.lost) > 0 {
		return fmt.Errorf("train: sweep ended after %d trials: %w; %w", len(w.result.Trials), cause, errors.Join(w.lost...))
	}
	return fmt.Errorf("train: sweep ended after %d trials, %d running jobs are cancelled: %w", len(w.result.Trials), w.cancelled, cause)
}

// take chooses the next trial, and waits until its point can be chosen and paid for.
// limit is how long its job may run, 0: as the options say.
func (w *sweep) take(ctx context.Context) (n int, p Point, limit time.Duration, ok bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for {
		if w.s.MaxTime > 0 && time.Since(w.began) >= w.s.MaxTime && w.next < len(w.done) && w.result.Ended == "" {
			w.result.Ended = fmt.Sprintf("%v are over", w.s.MaxTime)
		}
		if ctx.Err() != nil || w.next >= len(w.done) || w.result.Ended != "" {
			w.turn.Broadcast()
			return 0, nil, 0, false
		}
		needs := w.search.needs(w.next)
		if w.first < needs {
			w.turn.Wait()
			continue
		}
		if !w.done[w.next] {
			limit, ok = w.afford()
			if !ok && len(w.running) > 0 {
				w.turn.Wait()
				continue
			}
			if !ok {
				w.result.Ended = fmt.Sprintf("what is left of $%.2f pays for no further trial", w.s.MaxCost)
				continue
			}
		}
		n = w.next
		w.next++
		p = w.search.point(n, w.values[:needs])
		if !w.done[n] {
			w.running[n] = limit
			return n, p, limit, true
		}
	}
}

// trial runs one point. Its error ends the sweep.
func (w *sweep) trial(all context.Context, n int, p Point, limit time.Duration) error {
	ctx, cancel := context.WithCancelCause(all)
	defer cancel(nil)
	o := w.options
	if limit > 0 {
		o.Policy.ExecutionTimeout = limit
	}
	if w.journal != nil {
		w.mu.Lock()
		before := w.begun[n]
		w.mu.Unlock()
		before.note = func(runID string, job runpod.JobID) {
			w.mu.Lock()
			defer w.mu.Unlock()
			w.journal.begin(n, runID, job)
		}
		o.earlier = &before
	}
	began, epochs := time.Now(), 0
	if w.halving != nil {
		_, applied, err := apply(w.spec, o, p)
		if err == nil && applied.Epochs == 0 {
			applied.Epochs = defaultEpochs
		}
		w.mu.Lock()
		w.halving.begin(n, applied.Epochs, cancel)
		w.mu.Unlock()
	}
	best := math.Inf(1)
	o.OnEvent = func(e Event) {
		if e.Type != worker.EventEpoch || w.halving == nil {
			return
		}
		epochs++
		if best = loss(*e.Epoch, best); !math.IsNaN(best) {
			w.mu.Lock()
			w.halving.report(n, epochs, best)
			w.mu.Unlock()
		}
	}
	value, model, err := w.watched(ctx, n, o, p)
	var cut *InterruptedError
	halved := errors.As(err, &cut) && errors.Is(context.Cause(ctx), errHalved)
	if halved && cut.Cancelled {
		err = nil
	}
	took := w.took(model, time.Since(began))
	w.mu.Lock()
	defer w.mu.Unlock()
	delete(w.running, n)
	w.longest, w.result.Time = max(w.longest, took), w.result.Time+took
	if w.halving != nil {
		w.halving.end(n)
	}
	defer w.turn.Broadcast()
	if all.Err() != nil && !halved && err != nil {
		w.interrupted(err)
		return context.Cause(all)
	}
	var wrong *DataError
	if errors.As(err, &wrong) {
		return err
	}
	w.pending[n] = TrialResult{Number: n, Point: p, Value: value, Model: model, Err: err, Time: took}
	w.settleLocked()
	return nil
}

// watched is Trial, and tells Watch of it.
func (w *sweep) watched(ctx context.Context, n int, o Options, p Point) (value float64, model *Model, err error) {
	spec, o, err := apply(w.spec, o, p)
	if err != nil {
		return math.Inf(1), nil, err
	}
	plan, err := Prepare(spec, w.data, o)
	if err != nil {
		return math.Inf(1), nil, fmt.Errorf("train: %w", err)
	}
	if w.s.Watch == nil {
		return plan.trial(ctx)
	}
	event, end := w.s.Watch(n, plan)
	if event != nil {
		own := plan.options.OnEvent
		plan.OnEvent(func(e Event) {
			event(e)
			own(e)
		})
	}
	if end != nil {
		defer func() { end(model, err) }()
	}
	return plan.trial(ctx)
}

// took is how long a job ran: as the service counts it where there is a cap and it
// says so, else as long as it took from here.
func (w *sweep) took(m *Model, here time.Duration) time.Duration {
	if w.s.MaxCost <= 0 || m == nil || m.JobID == "" {
		return here
	}
	ctx, cancel := context.WithTimeout(context.Background(), lookAgain)
	defer cancel()
	job, err := w.options.Endpoint.Status(ctx, m.JobID)
	if err != nil || job.Execution == 0 {
		return here
	}
	return job.Execution
}

// loss is what a trial has come to: the best validation loss, else the last training
// loss.
func loss(e worker.Epoch, best float64) float64 {
	if e.ValLoss != nil {
		return math.Min(best, float64(*e.ValLoss))
	}
	return float64(e.Loss)
}

func (w *sweep) settle() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.settleLocked()
}

// settleLocked finishes the trials about which nothing is open, by their number.
func (w *sweep) settleLocked() {
	for _, n := range slices.Sorted(maps.Keys(w.pending)) {
		if w.halving != nil && !w.halving.settled(n) {
			continue
		}
		t := w.pending[n]
		delete(w.pending, n)
		if w.halving != nil {
			if epochs, value := w.halving.stop(n); epochs > 0 && t.Err == nil {
				t.Stopped, t.Value = epochs, value
				if t.Model != nil {
					t.Model.cut(epochs)
				}
			}
		}
		w.finishLocked(t)
		w.journal.add(w, t)
	}
}

// finishLocked puts a trial among the results.
func (w *sweep) finishLocked(t TrialResult) {
	w.keep(&t)
	w.result.Trials = append(w.result.Trials, t)
	w.done[t.Number], w.values[t.Number] = true, t.Value
	for w.first < len(w.done) && w.done[w.first] {
		w.first++
	}
	if w.s.OnTrial != nil {
		w.s.OnTrial(t)
	}
}

// interrupted notes what became of a trial that was under way.
func (w *sweep) interrupted(err error) {
	var cut *InterruptedError
	switch {
	case !errors.As(err, &cut):
	case cut.Cancelled:
		w.cancelled++
	default:
		w.lost = append(w.lost, cut)
	}
}

// leastTime is the shortest time-out that RunPod takes.
const leastTime = 5 * time.Second

// defaultTime is after which the server ends a job that has no time-out of its own.
const defaultTime = 10 * time.Minute

// afford is how long the next trial may run so that all together keep to the cap; ok is
// false where what is left is too little, for now.
func (w *sweep) afford() (limit time.Duration, ok bool) {
	if w.s.MaxCost <= 0 || !w.s.Rate.Known() {
		return 0, true
	}
	all := w.s.Rate.Affords(w.s.MaxCost)
	left := all - w.result.Time
	for _, d := range w.running {
		left -= d
	}
	most := w.options.Policy.ExecutionTimeout
	if most == 0 {
		most = defaultTime
	}
	most = max(min(most, all/time.Duration(w.s.Workers)), leastTime)
	limit = min(most, left).Truncate(time.Second)
	return limit, limit >= max(leastTime, min(most, 2*w.longest))
}

// keep leaves the weights to the best trial only: a sweep of a thousand would not
// fit into memory. Among equal values the earlier point wins, in whatever order
// they end.
func (w *sweep) keep(t *TrialResult) {
	best := w.result.Best
	better := t.Err == nil && t.Stopped == 0 && t.Model != nil && !math.IsInf(t.Value, 0) &&
		(best < 0 || t.Value < w.result.Trials[best].Value ||
			t.Value == w.result.Trials[best].Value && t.Number < w.result.Trials[best].Number)
	switch {
	case better:
		if best >= 0 && w.result.Trials[best].Model != nil {
			w.result.Trials[best].Model.dropWeights()
		}
		w.result.Best = len(w.result.Trials)
	case t.Model != nil:
		t.Model.dropWeights()
	}
}

func (m *Model) dropWeights() { m.state, m.optimizerState, m.deltas = "", "", nil }

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
