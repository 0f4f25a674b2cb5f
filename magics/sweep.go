package magics

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/spf13/pflag"

	"github.com/gopherpod/gopherpod/kernel/magic"
	"github.com/gopherpod/gopherpod/magics/render"
	"github.com/gopherpod/gopherpod/runpod/sweep"
	"github.com/gopherpod/gopherpod/runpod/train"
)

// sweepOptions are the options of a training, and those of the search.
type sweepOptions struct {
	trainOptions
	trials  count
	workers count
	method  string
	results string
	halving string
	by      string
	limit   time.Duration
	journal string
	each    string // how long a job may run, for the line about the plan
}

func sweepMagic() magic.Magic {
	return &command[sweepOptions]{
		name: "runpod_sweep", kind: magic.Cell,
		args:    "name=values ... -d X,y [options]",
		summary: "train the model in the cell's body many times and find the best hyperparameters",
		about:   sweepAbout(),
		define: func(fs *pflag.FlagSet, o *sweepOptions) {
			fs.Var(&o.trials, "trials", "`number` of trainings (default 20; of a grid all)")
			fs.Var(&o.workers, "workers", "`number` of trainings at once (default 4)")
			fs.StringVar(&o.method, "method", sweep.MethodRandom, "`name`: "+strings.Join(sweep.Methods(), ", "))
			fs.StringVar(&o.results, "results", "", "`variable` for all results")
			fs.StringVar(&o.halving, "halving", "", "stop trials that others are ahead of after 1, 3, 9, ... `epochs` (ASHA): 3, or 3,min_epochs=2")
			fs.StringVar(&o.by, "objective", "", "`figure` that trials are compared by: "+strings.Join(sweep.Objectives(), ", ")+" (default: loss; accuracy if "+strings.Join(varyLoss(), " or ")+" varies, which changes the loss itself)")
			fs.DurationVar(&o.limit, "max-time", 0, "start no further trial after that `time`, as in 30m")
			fs.StringVar(&o.journal, "journal", "", "`file` for the trials; if it exists, the sweep continues from it")
			defineTrain(fs, &o.trainOptions)
			fs.Lookup("timeout").Usage = "`time` that each trial's job has on the server, as in 90s or 2h (default: the endpoint's own limit); a training ends in time for its weights to come back"
			fs.Lookup("max-cost").Usage = "most `dollars` that all trials together may cost; the server ends each job in time"
			for _, name := range []string{"from", "model", "noblock"} {
				_ = fs.MarkHidden(name) // these apply to a single training
			}
		},
		choices: sweepWords(),
		run:     runSweep,
	}
}

// sweepWords are the words that options of a sweep take, for completion.
func sweepWords() map[string][]string {
	words := trainWords()
	words["method"], words["objective"] = sweep.Methods(), sweep.Objectives()
	return words
}

func sweepAbout() string {
	all := sweep.DimensionNames()
	names := strings.Join(all[:len(all)/2], ", ") + ",\n  " + strings.Join(all[len(all)/2:], ", ")
	return `What varies is written as name=values:

  lr=log(1e-4,1e-1)   a number between, by order of magnitude
  dropout=0..0.5      a number between; 1..4 a whole number
  hidden=[64,128]     one of these

Options that can vary:
  ` + names + `
Any other name is used as $name in the body. A trial leaves out what its
optimizer does not use, also of fixed options such as --momentum; what none of the optimizers uses is refused.

%%runpod_sweep lr=log(1e-4,1e-1) hidden=[32,64,128] -d X,y --val-split 0.2 --trials 20 --seed 1
linear $hidden
relu
linear 10

--method: random, grid, quasi (a Halton sequence), tpe and cmaes (these two learn from the trials
before). The same seed and --workers choose the same points and stop the same trials again.
-o holds the best model, --results a *sweep.Result, whose ID %runpod_runs --sweep takes.
--journal continues after a crash: running jobs are followed, and not paid for again.`
}

func runSweep(ctx context.Context, c *magic.Call, o *sweepOptions, args []string) error {
	if len(args) == 0 {
		return usage("nothing varies: write name=values, as in lr=log(1e-4,1e-1) or hidden=[32,64]")
	}
	var space []sweep.Dimension
	for _, text := range args {
		d, err := sweep.ParseDimension(text)
		if err != nil {
			return err
		}
		space = append(space, d)
	}
	for option, name := range map[string]string{"-o": o.out, "--results": o.results} {
		if name == "" && option != "-o" {
			continue
		}
		if err := resultName(option, name); err != nil {
			return err
		}
	}
	data, opts, err := o.read(ctx, c)
	if err != nil {
		return err
	}
	if opts.From != nil || o.model != "" || o.noblock {
		return usage("--from, --model and --noblock belong to a single training")
	}
	if _, err := trackers(o.track); err != nil {
		return err
	}
	search, err := o.search()
	if err != nil {
		return err
	}
	if o.journal != "" && opts.Seed == nil {
		return usage("--journal wants --seed too, so that the same points are chosen again")
	}
	spec, err := o.sweepSpec(c, space)
	if err != nil {
		return err
	}
	place, where, err := locate(c.Out.Stderr(), o.endpoint)
	if err != nil {
		return err
	}
	if search.Rate, err = train.FindRate(ctx, place, o.gpu); err != nil {
		return err
	}
	opts.Endpoint, opts.Rate = place.Endpoint, search.Rate
	opts.Origin = train.Origin{Cell: c.Count, Source: source(c), Tags: o.tags, GPU: search.Rate.Pool}
	if _, err := affords(place, search.Rate, o.maxCost); err != nil {
		return err
	}
	search.MaxCost = o.maxCost
	limit, err := limitOf(ctx, place, search.Rate, o.timeout, 0)
	if err != nil {
		return err
	}
	if !place.Embedded {
		o.each = "; each job " + limit.String()
	}
	data = train.PrepareData(data) // once for the plan and the trials
	if opts.Seed == nil {
		opts.Seed = train.DrawSeed()
	}
	p, err := sweep.Prepare(spec, data, opts, space, search)
	if err != nil {
		return err
	}
	advise(c, p.Plans[0])
	if o.dry {
		return showDrySweep(ctx, c, p, place, where+": "+o.method+" over "+strings.Join(spaceInWords(space), ", "), search)
	}
	search.Observe = o.trackTrials(c.Out.Stderr())
	return o.follow(ctx, c, spec, data, opts, space, search, where)
}

// search turns the options of the search into those of package sweep.
func (o *sweepOptions) search() (sweep.Options, error) {
	o.method = cmp.Or(o.method, sweep.MethodRandom)
	s := sweep.Options{Trials: int(o.trials), Workers: int(o.workers), Method: o.method, Objective: o.by, MaxTime: o.limit, Journal: o.journal}
	if o.halving == "" {
		return s, nil
	}
	s.Halving = new(sweep.Halving)
	factor, rest, _ := strings.Cut(o.halving, ",")
	_, err := fmt.Sscanf(factor, "%d", &s.Halving.Factor)
	if rest = strings.ReplaceAll(rest, "-", "_"); err == nil && rest != "" {
		_, err = fmt.Sscanf(rest, "min_epochs=%d", &s.Halving.MinEpochs)
	}
	if err != nil || s.Halving.Factor < 2 {
		return s, usage("--halving: want FACTOR or FACTOR,min_epochs=N with FACTOR >= 2, such as 3 or 3,min_epochs=2, got %s", o.halving)
	}
	return s, nil
}

// sweepSpec returns the body with the session's variables expanded; the $names that
// vary stay.
func (o *sweepOptions) sweepSpec(c *magic.Call, space []sweep.Dimension) (any, error) {
	names := map[string]string{}
	for _, d := range space {
		names[d.Name] = "$" + d.Name
	}
	shadow := *c
	shadow.Vars = &shadowVars{c.Vars, names}
	return o.spec(&shadow, false)
}

func (o *sweepOptions) follow(ctx context.Context, c *magic.Call, spec any, data train.Data, opts train.Options, space []sweep.Dimension, search sweep.Options, where string) error {
	by, err := sweep.ObjectiveOf(opts, space, search)
	if err != nil {
		return err
	}
	left, err := sweep.LeaveOut(opts, space)
	if err != nil {
		return err
	}
	view := newSweepView(c, o, space, opts, by)
	if !o.quiet {
		fmt.Fprintf(c.Out.Stdout(), "%s: %s over %s%s\n", where, o.method, strings.Join(spaceInWords(space), ", "), o.each)
		for _, l := range left {
			l.Name = optionFor(l.Name)
			fmt.Fprintln(c.Out.Stdout(), l)
		}
	}
	variables := []pending{{o.out, new(train.Model)}}
	if o.results != "" {
		variables = append(variables, pending{o.results, &sweep.Result{Best: -1}})
	}
	declared := declare(c.Vars, variables...)
	begin := time.Now()
	search.OnTrial = view.trial
	if !o.quiet {
		ctx = o.queued(ctx, c)
	}
	result, err := sweep.Run(ctx, spec, data, opts, space, search)
	<-declared
	if result == nil {
		return err
	}
	view.end(result)
	if ctx.Err() != nil {
		fmt.Fprintln(c.Out.Stderr(), trimmed(err))
	}
	if best := result.BestModel(); best != nil {
		err = errors.Join(err, c.Vars.Define(o.out, best))
	}
	if o.results != "" {
		err = errors.Join(err, c.Vars.Define(o.results, result))
	}
	if err == nil && !o.quiet {
		fmt.Fprintln(c.Out.Stdout(), sweptInWords(result, o, time.Since(begin), search.Rate))
	}
	return err
}

// sweptInWords returns the last line, which holds what changes from run to run.
func sweptInWords(r *sweep.Result, o *sweepOptions, took time.Duration, rate train.Rate) string {
	again, stopped := 0, 0
	for _, t := range r.Trials {
		if t.Again {
			again++
		}
		if t.Stopped > 0 {
			stopped++
		}
	}
	by := ""
	if r.Objective.Accuracy { // otherwise the table's heading says so
		by = " by " + r.Objective.String()
	}
	s := fmt.Sprintf("%s: the best of %s%s, in %s", o.out, plural(len(r.Trials), "trial"), by, render.Duration(took))
	if stopped > 0 {
		s += fmt.Sprintf("; %d ended early", stopped)
	}
	if again > 0 {
		s += fmt.Sprintf("; %d read from %s", again, o.journal)
	}
	if rate.Known() {
		s += fmt.Sprintf("; about %s for %s of work", money(r.Dollars), render.Duration(r.Time))
		if rate.Start+rate.Idle > 0 {
			s += " and the workers' start and idle time"
		}
	}
	if r.Ended != "" {
		s += "; stopped: " + r.Ended
	}
	return s
}

func spaceInWords(space []sweep.Dimension) []string {
	var all []string
	for _, d := range space {
		switch {
		case d.Choices != nil:
			all = append(all, fmt.Sprintf("%s of %v", d.Name, d.Choices))
		case d.Log:
			all = append(all, fmt.Sprintf("%s from %v to %v, logarithmic", d.Name, d.Low, d.High))
		default:
			all = append(all, fmt.Sprintf("%s from %v to %v", d.Name, d.Low, d.High))
		}
	}
	return all
}

// A sweepView shows the trials as they end.
type sweepView struct {
	c       *magic.Call
	quiet   bool // show only the result
	watched bool // the table is drawn again as trials end
	id      string
	space   []sweep.Dimension
	begin   time.Time

	mu    sync.Mutex
	s     render.Sweep
	drawn time.Time
	lines map[int]string // of trials that ended before one with a lower number
	next  int            // number of the next trial to print
}

func newSweepView(c *magic.Call, o *sweepOptions, space []sweep.Dimension, opts train.Options, by sweep.Objective) *sweepView {
	v := &sweepView{c: c, quiet: o.quiet, watched: c.Interactive && !o.quiet, id: fmt.Sprintf("runpod-sweep-%d", time.Now().UnixNano()), space: space, begin: time.Now(), lines: map[int]string{}}
	v.s = render.Sweep{Measure: by.String(), Accuracy: by.Accuracy, Best: -1, Total: int(o.trials)}
	if o.trials == 0 && o.method != sweep.MethodGrid {
		v.s.Total = 20
	}
	v.s.Title = fmt.Sprintf("%s search, seed %d", o.method, *opts.Seed)
	for _, d := range space {
		v.s.Names = append(v.s.Names, d.Name)
		ends := [2]string{render.Short(d.Low), render.Short(d.High)}
		if n := len(d.Choices); n > 0 {
			ends = [2]string{fmt.Sprint(d.Choices[0]), fmt.Sprint(d.Choices[n-1])}
		}
		v.s.Ends = append(v.s.Ends, ends)
	}
	if v.watched {
		b := v.s.Progress("starting")
		b.ID, b.Update = v.id, false
		c.Out.Display(b)
	}
	return v
}

// trial is called for each finished trial; see sweep.Options.OnTrial.
func (v *sweepView) trial(t sweep.TrialResult) {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.s.Trials = append(v.s.Trials, v.row(t))
	if n := len(v.s.Trials) - 1; t.Err == nil && t.Stopped == 0 && (v.s.Best < 0 || t.Value < v.s.Trials[v.s.Best].Value) {
		v.s.Best = n
	}
	if !v.watched {
		if !v.quiet {
			v.print(t)
		}
		return
	}
	if time.Since(v.drawn) < render.FrameEvery {
		return
	}
	v.drawn = time.Now()
	b := v.s.Progress(render.Duration(time.Since(v.begin)))
	b.ID, b.Update = v.id, true
	v.c.Out.Display(b)
}

func (v *sweepView) row(t sweep.TrialResult) render.SweepTrial {
	r := render.SweepTrial{Number: t.Number, Value: t.Value}
	for _, d := range v.space {
		r.Values = append(r.Values, valueOf(t, d.Name))
		r.Position = append(r.Position, d.Position(t.Point[d.Name]))
	}
	if t.Err != nil {
		r.Failed = "failed"
	}
	if t.Stopped > 0 {
		r.Note = "ended after epoch " + strconv.Itoa(t.Stopped)
	}
	return r
}

// valueOf returns a trial's value of a dimension, or says that its optimizer does
// not use it.
func valueOf(t sweep.TrialResult, name string) string {
	if slices.Contains(t.Unused, name) {
		return "not used"
	}
	return fmt.Sprint(t.Point[name])
}

// print prints one line per trial in the order of their numbers, so that the output
// does not depend on which of several concurrent trials ends first.
func (v *sweepView) print(t sweep.TrialResult) {
	v.lines[t.Number] = v.line(t)
	for {
		line, ok := v.lines[v.next]
		if !ok {
			return
		}
		fmt.Fprintln(v.c.Out.Stdout(), line)
		delete(v.lines, v.next)
		v.next++
	}
}

// line describes a trial in one line, for output that nobody watches live.
func (v *sweepView) line(t sweep.TrialResult) string {
	s := fmt.Sprintf("trial %d ", t.Number+1)
	for _, d := range v.space {
		s += fmt.Sprintf(" %s %s", d.Name, valueOf(t, d.Name))
	}
	if t.Err != nil {
		return s + "  failed: " + trimmed(t.Err)
	}
	s += fmt.Sprintf("  %s %s", v.s.Measure, v.s.Figure(t.Value))
	if t.Stopped > 0 {
		s += fmt.Sprintf(", ended after epoch %d", t.Stopped)
	}
	return s
}

// end replaces the last frame with the finished sweep.
func (v *sweepView) end(r *sweep.Result) {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.s.Trials, v.s.Best, v.s.Importance = nil, r.Best, r.Importance()
	for _, t := range r.Trials {
		v.s.Trials = append(v.s.Trials, v.row(t))
	}
	b := v.s.Table()
	id := v.id
	if !v.watched {
		id = ""
	}
	b.ID, b.Update = id, v.watched
	v.c.Out.Display(b)
	if b, ok := v.s.Picture(); ok {
		v.c.Out.Display(b)
	}
}
