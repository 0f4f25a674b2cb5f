package magics

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/spf13/pflag"

	"github.com/gopherpod/gopherpod/kernel/magic"
	"github.com/gopherpod/gopherpod/magics/render"
	"github.com/gopherpod/gopherpod/runpod"
	"github.com/gopherpod/gopherpod/runpod/train"
	"github.com/gopherpod/gopherpod/worker"
)

// trainOptions are the options of %%runpod_train.
type trainOptions struct {
	data, val string
	split     float64
	epochs    int
	batch     int
	rate      float64
	optimizer string
	loss      string
	seed      optionalInt
	out       string
	quiet     bool
}

func trainMagic() magic.Magic {
	return &command[trainOptions]{
		name: "runpod_train", kind: magic.Cell,
		args:    "-d X,y [options]",
		summary: "Trains the model in the cell's body on a RunPod endpoint, or on the embedded one",
		about:   trainAbout,
		define: func(fs *pflag.FlagSet, o *trainOptions) {
			fs.StringVarP(&o.data, "data", "d", "", "variables with samples and labels: `X,y`")
			fs.StringVar(&o.val, "val", "", "variables with validation data: `Xv,yv`")
			fs.Float64Var(&o.split, "val-split", 0, "`share` of the data to hold out for validation, 0 to 1")
			fs.IntVar(&o.epochs, "epochs", 10, "`number` of passes over the data")
			fs.IntVar(&o.batch, "batch-size", 32, "`samples` a step")
			fs.Float64Var(&o.rate, "lr", 0, "learning `rate` (default 0.001; sgd 0.01)")
			fs.StringVar(&o.optimizer, "optimizer", "adam", "`name`: "+strings.Join(worker.Optimizers(), ", "))
			fs.StringVar(&o.loss, "loss", "cross_entropy", "`name`: "+strings.Join(worker.Losses(), ", "))
			fs.Var(&o.seed, "seed", "`number` that makes the run repeatable (default: drawn, and told)")
			fs.StringVarP(&o.out, "output", "o", defaultModel, "`variable` for the trained model")
			fs.BoolVarP(&o.quiet, "quiet", "q", false, "show the result only")
		},
		choices: map[string][]string{"optimizer": worker.Optimizers(), "loss": worker.Losses()},
		run:     runTrain,
	}
}

const trainAbout = `The body is the model: a layer a line, or the JSON model_config. Sizes of inputs follow from the data.

%%runpod_train -d X,y --val-split 0.2 --epochs 20 --seed 7
linear 64
relu
dropout 0.2
linear 10

$name stands for the value of a variable; a body of just $spec is a *worker.ModelConfig.
The result is a *train.Model: model.Predict(X), model.Classes(X), model.History.`

func runTrain(ctx context.Context, c *magic.Call, o *trainOptions, args []string) error {
	if len(args) > 0 {
		return usage("%q is no option; the model stands in the cell's body, the data behind -d", args[0])
	}
	if err := resultName("-o", o.out); err != nil {
		return err
	}
	data, opts, err := o.read(c.Vars)
	if err != nil {
		return err
	}
	spec, err := bodySpec(c)
	if err != nil {
		return err
	}
	plan, err := train.Prepare(spec, data, opts)
	if err != nil {
		return err
	}
	place, where, err := locate(c.Out.Stderr())
	if err != nil {
		return err
	}
	plan.On(place.Endpoint)
	return o.follow(ctx, c, plan, where, place.Endpoint)
}

// read turns options into those of package train.
func (o *trainOptions) read(vars magic.Vars) (data train.Data, opts train.Options, err error) {
	if o.data == "" {
		return data, opts, usage("-d X,y is missing: the variables with samples and labels")
	}
	if data, err = pair(vars, "-d", o.data); err != nil {
		return data, opts, err
	}
	opts = train.Options{
		Epochs: o.epochs, BatchSize: o.batch, LearningRate: o.rate,
		Optimizer: o.optimizer, Loss: o.loss, Seed: o.seed.value, ValidationSplit: o.split,
	}
	if o.epochs < 1 {
		return data, opts, usage("--epochs %d: 1 or more are wanted", o.epochs)
	}
	if o.batch < 1 {
		return data, opts, usage("--batch-size %d: 1 or more are wanted", o.batch)
	}
	if o.val != "" {
		v, err := pair(vars, "--val", o.val)
		if err != nil {
			return data, opts, err
		}
		if o.split != 0 {
			return data, opts, usage("--val and --val-split exclude each other: give the validation data, or the share to hold out")
		}
		opts.Validation = &v
	}
	return data, opts, nil
}

// bodySpec is the model in the cell: a variable that holds one ("$spec"), or text.
func bodySpec(c *magic.Call) (any, error) {
	body := strings.TrimSpace(c.Body)
	if body == "" {
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
	return train.Layers(text), err
}

// follow sends the plan, shows the run and defines the variable, which holds the
// epochs so far even where the run fails.
func (o *trainOptions) follow(ctx context.Context, c *magic.Call, plan *train.Plan, where string, endpoint *runpod.Endpoint) error {
	if !o.quiet {
		fmt.Fprintln(c.Out.Stdout(), planInWords(plan, where))
	}
	head := title(plan.Model, plan.Parameters, plan.Hyperparameters)
	watch := *c
	watch.Interactive = c.Interactive && !o.quiet
	view := newLive(ctx, &watch, plan, head, endpoint)
	if !o.quiet {
		plan.OnEvent(view.event)
	}
	begin := time.Now()
	model, err := plan.Run(ctx)
	result := render.Training{Loss: plan.Hyperparameters.LossFunction, Title: head, Epochs: plan.Epochs()}
	if model != nil {
		result.History = model.History.Records
		result.Note = note(model, err)
	}
	view.end(result)
	var cut *train.InterruptedError
	if errors.As(err, &cut) {
		fmt.Fprintln(c.Out.Stderr(), cut)
	}
	if model != nil && (err == nil || model.History.Len() > 0) {
		err = errors.Join(err, c.Vars.Define(o.out, model))
	}
	if err == nil && !o.quiet {
		fmt.Fprintln(c.Out.Stdout(), tookInWords(model, time.Since(begin), o.out))
	}
	return err
}

// note says in the result why a run has fewer epochs than asked for.
func note(m *train.Model, err error) string {
	var cut *train.InterruptedError
	switch {
	case errors.As(err, &cut):
		return fmt.Sprintf("Interrupted after epoch %d.", m.Epochs)
	case err != nil:
		return fmt.Sprintf("Failed after epoch %d.", m.Epochs)
	case m.Stopped != "":
		return fmt.Sprintf("Ended after epoch %d: %s.", m.Epochs, m.Stopped)
	}
	return ""
}

// tookInWords is the last line: what changes from run to run.
func tookInWords(m *train.Model, all time.Duration, name string) string {
	samples := 0
	for _, e := range m.History.Records[max(0, m.History.Len()-m.Hyperparameters.Epochs):] {
		samples += e.Samples
	}
	s := fmt.Sprintf("%s: trained in %s", name, render.Duration(time.Duration(m.Seconds*float64(time.Second))))
	if m.Device != "" {
		s += " on " + m.Device
	}
	if m.Seconds > 0 && samples > 0 {
		s += fmt.Sprintf(", %s samples a second", render.Count(int(float64(samples)/m.Seconds)))
	}
	return s + fmt.Sprintf("; %s in all; run %s", render.Duration(all), m.RunID)
}
