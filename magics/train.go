package magics

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"reflect"
	"strings"
	"sync"
	"time"

	"github.com/spf13/pflag"

	"github.com/gopherpod/gopherpod/kernel/magic"
	"github.com/gopherpod/gopherpod/magics/render"
	"github.com/gopherpod/gopherpod/runpod"
	"github.com/gopherpod/gopherpod/runpod/track"
	"github.com/gopherpod/gopherpod/runpod/train"
	"github.com/gopherpod/gopherpod/tensors/printable"
	"github.com/gopherpod/gopherpod/worker"
)

// trainOptions are the options of %%runpod_train. An option that is not given is
// zero, so package train fills in its default, or the value of the earlier model.
type trainOptions struct {
	dataOptions
	queueOptions
	val, model string
	code       string
	gpus       string
	split      optionalNumber
	epochs     optionalInt
	batch      optionalInt
	rate       optionalNumber
	dropLast   optionalBool
	optimizer  string
	loss       string
	seed       optionalInt
	scheduler  string
	stop       string
	keep       string
	decay      optionalNumber
	momentum   optionalNumber
	clip       optionalNumber
	precision  string
	from       string
	out        string
	endpoint   string
	timeout    time.Duration
	gpu        string
	maxCost    float64
	tags       []string
	noblock    bool
	track      []string
	set        []string
	tracked    map[string]track.Tracker // what track names
	// repeated are the hyperparameters of the run that this one repeats, nil if none: they
	// replace those of the line, which an earlier version may have read differently.
	repeated     *worker.Hyperparameters
	repeatedSpec *worker.ModelConfig // the run's model, if --code names a file
	dry          bool
	quiet        bool
}

func trainMagic(open *notice, warm *warmth) magic.Magic {
	return &command[trainOptions]{
		name: "runpod_train", kind: magic.Cell,
		args:    "-d X,y [options]",
		summary: "train the model in the cell's body on a RunPod endpoint, or on the embedded one",
		about:   trainAbout,
		define:  defineTrain,
		choices: trainWords(),
		run: func(ctx context.Context, c *magic.Call, o *trainOptions, args []string) error {
			open.tell(ctx, c)
			return runTrain(warm.with(ctx), c, o, args)
		},
	}
}

// trainWords are the words that options of a training take, for completion.
func trainWords() map[string][]string {
	words := optionWords()
	words["track"], words["set"] = track.Names(), otherHyperparameters()
	return words
}

func defineTrain(fs *pflag.FlagSet, o *trainOptions) {
	o.dataOptions.define(fs)
	fs.StringVar(&o.model, "model", "", "`variable` with the model, instead of a body")
	fs.StringVar(&o.code, "code", "", "Python `file` with the model, instead of a body")
	fs.StringVar(&o.val, "val", "", "validation data: variables `Xv,yv`, or a file with the same columns")
	fs.Var(&o.split, "val-split", optionHelp("val-split", ""))
	fs.Var(&o.epochs, "epochs", optionHelp("epochs", fmt.Sprintf(" (default %d)", train.DefaultEpochs)))
	fs.Var(&o.batch, "batch-size", optionHelp("batch-size", ""))
	fs.Var(&o.dropLast, "drop-last", optionHelp("drop-last", ""))
	fs.Lookup("drop-last").NoOptDefVal = "true"
	fs.Var(&o.rate, "lr", optionHelp("lr", ""))
	fs.StringVar(&o.optimizer, "optimizer", "", optionHelp("optimizer", ""))
	fs.StringVar(&o.loss, "loss", "", optionHelp("loss", ""))
	fs.Var(&o.seed, "seed", optionHelp("seed", " (default: drawn, and shown)"))
	fs.StringVarP(&o.out, "output", "o", defaultModel, "`variable` for the trained model")
	fs.StringVar(&o.from, "from", "", "`variable` with a model to train further; the body may be empty")
	fs.StringVar(&o.stop, "early-stop", "", optionHelp("early-stop", ", as in 5,min_delta=0.01"))
	fs.StringVar(&o.keep, "keep", "", optionHelp("keep", " (default best with --early-stop, else last)"))
	fs.StringVar(&o.scheduler, "scheduler", "", optionHelp("scheduler", ", as in step,step_size=5,gamma=0.5; none turns that of --from off"))
	fs.Var(&o.decay, "weight-decay", optionHelp("weight-decay", ""))
	fs.Var(&o.momentum, "momentum", optionHelp("momentum", ""))
	fs.Var(&o.clip, "clip-norm", optionHelp("clip-norm", ""))
	fs.StringVar(&o.precision, "precision", "", optionHelp("precision", ""))
	fs.StringArrayVar(&o.set, "set", nil, "another hyperparameter, `name=value`: "+strings.Join(otherHyperparameters(), ", "))
	fs.StringVar(&o.gpus, "gpus", "", optionHelp("gpus", ""))
	fs.StringVar(&o.endpoint, "endpoint", "", "`id` of another endpoint than RUNPOD_ENDPOINT_ID; \"local\" is the embedded one")
	fs.DurationVar(&o.timeout, "timeout", 0, "`time` that the job has on the server, as in 90s or 2h (default: the endpoint's own limit); the training ends in time for its weights to come back")
	o.queueOptions.define(fs)
	fs.StringVar(&o.gpu, "gpu", "", "`kind` of the endpoint's GPU, for the price, as in ADA_24 (default: what RunPod says)")
	fs.Float64Var(&o.maxCost, "max-cost", 0, "most `dollars` that the job may cost; the training ends before that, in time for its weights to come back")
	fs.StringSliceVar(&o.tags, "tag", nil, "`words` to find the run by, as in --tag paper,baseline")
	fs.StringSliceVar(&o.track, "track", nil, "`names` of trackers that log the run: "+strings.Join(track.Names(), ", "))
	fs.BoolVar(&o.noblock, "noblock", false, "end the cell at once; its output goes on showing the run, and the variable is set when the run ends")
	fs.BoolVar(&o.dry, "dry-run", false, "show what the run would need and cost, and send nothing")
	fs.BoolVarP(&o.quiet, "quiet", "q", false, "show the result only")
}

const trainAbout = `The body is the model: a layer a line, the JSON or YAML model_config, or Python. Sizes of inputs follow from the data.

%%runpod_train -d X,y --val-split 0.2 --epochs 20 --seed 7
linear 64
relu
dropout 0.2
linear 10

A body in Python defines a class that derives from nn.Module (the last one is the model), or
def model(). It runs on the worker as code, in a process of its own; RunPod endpoints allow that
with gopherpod deploy --allow-code. torch, nn and F need no import. Functions beside the model:

class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.out = nn.Linear(64, 10)
    def forward(self, x):
        return self.out(x)
def loss(outputs, targets): ...          one number; outputs is what forward returns
def metrics(outputs, targets): ...       a dict of numbers, after each epoch and in evaluations
def augment(batch, generator): ...       the samples of a training batch, changed
def configure_optimizer(model): ...      a torch.optim.Optimizer, with parameter groups
With a loss of its own, --loss only says what the labels are. $$ is a dollar.

Blocks: "residual {", layers, "}"; "branches merge=add {", layers, "} {", layers, "}".
Data: -d X,y, -d iris.csv --target species, -d frame -l Label, -d X.npy,y.npy. Labels that are
texts become classes, whose names the model remembers.

$name stands for the value of a variable; a body of just $spec is a *worker.ModelConfig.
The result is a *train.Model: model.Predict(X), model.Classes(X), model.Labels(X), model.History.`

func runTrain(ctx context.Context, c *magic.Call, o *trainOptions, args []string) error {
	if len(args) > 0 {
		return usage("unexpected argument %q; the model belongs in the cell's body, the data after -d", args[0])
	}
	_, run, err := o.prepare(ctx, c)
	if err != nil {
		return err
	}
	return run()
}

// prepare checks the call and makes its plan; run then sends the plan, or only
// shows it, as the options say.
func (o *trainOptions) prepare(ctx context.Context, c *magic.Call) (plan *train.Plan, run func() error, err error) {
	if err := resultName("-o", o.out); err != nil {
		return nil, nil, err
	}
	data, opts, err := o.read(ctx, c)
	if err != nil {
		return nil, nil, err
	}
	if o.repeated != nil {
		var ignored []string
		opts, ignored = opts.Repeat(*o.repeated)
		for _, what := range ignored {
			fmt.Fprintln(c.Out.Stderr(), "the earlier run set an option without effect, which this one leaves out: "+what)
		}
	}
	spec, err := o.spec(c, opts.From != nil)
	if err != nil {
		return nil, nil, err
	}
	place, where, located := locate(c.Out.Stderr(), o.endpoint)
	rate, err := train.FindRate(ctx, place, o.gpu)
	if err != nil {
		return nil, nil, err
	}
	limit, err := limitOf(ctx, place, rate, o.timeout, o.maxCost)
	if err != nil {
		return nil, nil, err
	}
	opts.Policy.ExecutionTimeout = limit.policy().ExecutionTimeout
	opts.Endpoint, opts.Rate = place.Endpoint, rate
	opts.Origin = train.Origin{Cell: c.Count, Source: source(c), Tags: o.tags, GPU: rate.Pool}
	plan, err = train.Prepare(spec, data, opts)
	if err != nil {
		return nil, nil, err
	}
	if located != nil {
		return nil, nil, located // what is wrong in the cell comes first
	}
	if o.tracked, err = trackers(o.track); err != nil {
		return nil, nil, err
	}
	return plan, func() error {
		advise(c, plan)
		switch {
		case o.dry:
			return showDryRun(ctx, c, plan, place, where, rate, limit)
		case rate.Known():
			where += " at " + rateInWords(rate)
		}
		if o.noblock {
			return o.detach(ctx, c, plan, where, place, rate, limit)
		}
		return o.follow(ctx, c, plan, where, place, rate, limit)
	}, nil
}

// advise warns, before anything is paid for, about what would likely waste the
// price of the plan.
func advise(c *magic.Call, plan *train.Plan) {
	for _, sentence := range plan.Advice() {
		fmt.Fprintln(c.Out.Stderr(), "advice: "+sentence)
	}
}

// source returns the call as it was typed.
func source(c *magic.Call) string {
	if !c.Cell {
		return strings.TrimRight("%"+c.Name+" "+c.Args, " ")
	}
	return strings.TrimRight("%%"+c.Name+" "+c.Args, " ") + "\n" + c.Body
}

// hyperparameters turns options into those of package train that say how to train.
func (o *trainOptions) hyperparameters() (opts train.Options, err error) {
	opts = train.Options{
		Epochs: o.epochs.number(), BatchSize: o.batch.number(), LearningRate: o.rate.value,
		Optimizer: o.optimizer, Loss: o.loss, Seed: o.seed.value, ValidationSplit: o.split.value,
		WeightDecay: o.decay.value, Momentum: o.momentum.value, ClipNorm: o.clip.value, Precision: o.precision, Keep: o.keep,
		Policy: runpod.Policy{ExecutionTimeout: o.timeout, QueueTimeout: o.queueTimeout},
	}
	if opts.Hyperparameters, err = parseSet(o.set); err != nil {
		return opts, err
	}
	if o.dropLast.value != nil { // also if false, which overrides the value of --from
		if opts.Hyperparameters == nil {
			opts.Hyperparameters = &worker.Hyperparameters{}
		}
		if err := opts.Hyperparameters.Give("drop_last", *o.dropLast.value); err != nil {
			return opts, err
		}
	}
	if opts.EarlyStopping, err = parseStop(o.stop); err != nil {
		return opts, err
	}
	if opts.Scheduler, err = parseScheduler(o.scheduler); err != nil {
		return opts, err
	}
	opts.GPUs, err = parseGPUs(o.gpus)
	return opts, err
}

// read turns the options into those of package train, and reads the data.
func (o *trainOptions) read(ctx context.Context, c *magic.Call) (data train.Data, opts train.Options, err error) {
	if o.data == "" {
		return data, opts, usage("-d X,y is missing: the variables with samples and labels, or a file and --target")
	}
	if opts, err = o.hyperparameters(); err != nil {
		return data, opts, err
	}
	if o.from != "" {
		if opts.From, err = modelVar(c.Vars, o.from); err != nil {
			return data, opts, err
		}
	}
	if data, err = o.dataOptions.read(ctx, c, "-d", o.data, opts.From); err != nil {
		return data, opts, err
	}
	if o.val != "" {
		v, err := o.dataOptions.read(ctx, c, "--val", o.val, &train.Model{Columns: data.Columns})
		if err != nil {
			return data, opts, err
		}
		if o.split.value != nil && o.split.value != 0.0 {
			return data, opts, usage("--val and --val-split exclude each other: give the validation data, or the share to hold out")
		}
		opts.Validation = &v
	}
	return data, opts, nil
}

// spec returns the model that --model or --code names, or the one in the body.
func (o *trainOptions) spec(c *magic.Call, goesOn bool) (any, error) {
	option, name := "--model", o.model
	if o.code != "" {
		option, name = "--code", o.code
	}
	switch {
	case name == "":
		return bodySpec(c, goesOn)
	case strings.TrimSpace(c.Body) != "":
		return nil, usage("%s %s and a body exclude each other: give the model in one of them", option, name)
	case o.model != "" && o.code != "":
		return nil, usage("--model %s and --code %s exclude each other: give the model in one of them", o.model, o.code)
	case o.model != "":
		return value(c.Vars, o.model)
	case o.repeatedSpec != nil: // the file may have changed since
		return o.repeatedSpec, nil
	}
	source, err := ReadModel(o.code, nil)
	if err != nil {
		return nil, usage("--code: %v", err)
	}
	return train.Python(source), nil
}

// maxModel is the size of the largest file that describes a model. None is that large; a
// device or a program may give bytes without end.
const maxModel = 16 << 20

// ReadModel reads the text that describes a model from the file called name, or from r if
// that is not nil.
func ReadModel(name string, r io.Reader) ([]byte, error) {
	if r == nil {
		f, err := os.Open(name)
		if err != nil {
			return nil, err
		}
		defer f.Close()
		r = f
	}
	b, err := io.ReadAll(io.LimitReader(r, maxModel+1))
	if err == nil && len(b) > maxModel {
		return nil, fmt.Errorf("%s has more than %d MiB, which no description of a model needs", name, maxModel>>20)
	}
	return b, err
}

// bodySpec returns the model in the cell: a variable that holds one ("$spec"), or
// text. If a model is trained further, the body may be empty.
func bodySpec(c *magic.Call, goesOn bool) (any, error) {
	body := strings.TrimSpace(c.Body)
	switch {
	case body == "" && goesOn:
		return nil, nil
	case body == "":
		return nil, usage("the cell has no model: write the layers below the first line, one a line, as in \"linear 64\"")
	}
	if name, ok := strings.CutPrefix(body, "$"); ok && !strings.ContainsAny(name, " \n\t") {
		v, err := lookup(c.Vars, strings.Trim(name, "{}"))
		if err != nil {
			return nil, err
		}
		if _, simple := textOf(v); !simple {
			return v.Interface(), nil
		}
	}
	text, err := expand(c.Body, c.Vars)
	if worker.IsPython(text) {
		return train.Python(strings.Repeat("\n", linesBefore) + text), err
	}
	return train.Layers(text), err
}

// linesBefore is how many lines of a cell are above its body. Python counts from the cell's
// first line, so that errors name the lines that the person sees.
const linesBefore = 1

// detach lets the run continue after the cell has ended. Its errors appear in the
// cell's output.
func (o *trainOptions) detach(ctx context.Context, c *magic.Call, plan *train.Plan, where string, place train.Place, rate train.Rate, limit timeLimit) error {
	<-declare(c.Vars, pending{o.out, plan.Pending()})
	out := &background{Output: c.Out}
	behind := *c
	behind.Out, behind.Interactive, behind.Again, behind.Hold = out, true, nil, nil
	// The next cell may ask for the run, so it is in the store before this one ends.
	known := make(chan struct{})
	tell := sync.OnceFunc(func() { close(known) })
	plan.Observe(train.Funcs{OnBegin: func(*train.Plan) { tell() }})
	go func() {
		defer tell()
		err := explain(o.follow(context.WithoutCancel(ctx), &behind, plan, where, place, rate, limit))
		if err != nil {
			fmt.Fprintln(out, err)
		}
		out.show()
	}()
	<-known
	fmt.Fprintf(c.Out.Stdout(), "run %s goes on behind the cell; %s is filled when it ends. %%runpod_attach %s waits for it, %%runpod_cancel %s ends it\n", plan.RunID, o.out, plan.RunID[:8], plan.RunID[:8])
	return nil
}

// follow sends the plan, shows the run and defines the variable, which holds the
// epochs so far even if the run fails.
func (o *trainOptions) follow(ctx context.Context, c *magic.Call, plan *train.Plan, where string, place train.Place, rate train.Rate, limit timeLimit) error {
	if !o.quiet {
		line := planInWords(plan, where)
		if !place.Embedded {
			line += "; " + limit.String()
		}
		fmt.Fprintln(c.Out.Stdout(), line)
	}
	shown := shownRun{
		subject: subject{id: "runpod-" + plan.RunID, epochs: plan.Epochs(), planned: plan.Hyperparameters.Epochs, loss: plan.Hyperparameters.LossFunction},
		title:   title(plan.Model, plan.Parameters, plan.Hyperparameters),
		rate:    rate, quiet: o.quiet, variable: o.out, limit: limit.ended(),
	}
	if from := plan.From(); from != nil {
		shown.history = from.History.Records
	}
	begin := time.Now()
	model, err, undefined := shown.show(ctx, c, func(ctx context.Context, view train.Observer) (*train.Model, error) {
		plan.Observe(view)
		if len(o.tracked) > 0 {
			plan.Observe(track.Observe(o.tracked, func(line string) { fmt.Fprintln(c.Out.Stderr(), line) }))
		}
		declared := declare(c.Vars, pending{o.out, plan.Pending()})
		plan.GiveUp(c.Again, c.Hold)
		model, err := plan.Run(ctx)
		<-declared
		return model, err
	})
	var cut *train.InterruptedError
	if errors.As(err, &cut) {
		fmt.Fprintln(c.Out.Stderr(), cut)
		if cut.Cancelled && !cut.Weights && model != nil && model.History.Len() > 0 {
			fmt.Fprintf(c.Out.Stderr(), "its worker finishes the batch and keeps the weights; attach to run %s to get them\n", plan.RunID[:8])
		}
	}
	err = errors.Join(limit.overtime(err, leftInWords(model, o.out)), undefined)
	if err == nil && !o.quiet {
		fmt.Fprintln(c.Out.Stdout(), tookInWords(model, time.Since(begin), o.out))
	}
	if model != nil && !o.quiet && !errors.Is(err, runpod.ErrQueueTimeout) {
		if cost := costInWords(ctx, place, model, rate); cost != "" {
			fmt.Fprintln(c.Out.Stdout(), cost)
		}
	}
	return err
}

// A pending variable has a name and what it holds until the run is over.
type pending struct {
	name  string
	value any
}

// declare makes the variables while the run is in progress. So nobody waits at the end
// for a new variable to be compiled, and the variables exist even if an interrupt leaves
// no time to make them. An existing variable of the right type keeps its value until the
// run is over.
func declare(vars magic.Vars, list ...pending) <-chan struct{} {
	done := make(chan struct{})
	go func() {
		defer close(done)
		for _, p := range list {
			if v, ok := vars.Lookup(p.name); ok && v.Type() == reflect.TypeOf(p.value) {
				continue
			}
			// If this fails, defining the result fails too, and that error is
			// reported.
			_ = vars.Define(p.name, p.value)
		}
	}()
	return done
}

// tookInWords returns the last line, which holds what changes from run to run.
func tookInWords(m *train.Model, all time.Duration, name string) string {
	samples := 0
	for _, e := range m.History.Records[max(0, m.History.Len()-m.Hyperparameters.Epochs):] {
		samples += e.Samples
	}
	s := fmt.Sprintf("%s: trained in %s", name, render.Duration(time.Duration(m.Seconds*float64(time.Second))))
	if m.Device != "" {
		s += " on " + printable.Text(m.Device)
	}
	if m.Seconds > 0 && samples > 0 {
		s += fmt.Sprintf(", %s samples a second", render.Count(int(float64(samples)/m.Seconds)))
	}
	return s + fmt.Sprintf("; %s in all; weights of epoch %d; run %s", render.Duration(all), m.Epochs, m.RunID)
}
