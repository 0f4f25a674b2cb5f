package magics

import (
	"context"
	"encoding/json"
	"fmt"
	"math"
	"slices"
	"strings"

	"github.com/spf13/pflag"

	"github.com/gopherpod/gopherpod/kernel/magic"
	"github.com/gopherpod/gopherpod/magics/render"
	"github.com/gopherpod/gopherpod/runpod/runs"
	"github.com/gopherpod/gopherpod/runpod/train"
	"github.com/gopherpod/gopherpod/worker"
	"github.com/gopherpod/gopherpod/worker/contract"
)

type reproOptions struct {
	out, endpoint string
}

func reproMagic() magic.Magic {
	return &command[reproOptions]{
		name: "runpod_repro", kind: magic.Line,
		args:    "RUN [options]",
		summary: "train a run again, as it was typed and with its seed, and compare",
		about: `RUN is a model's variable, the beginning of a run's id, or last. The data must not have changed: their
digests are compared before anything is sent. The same device gives the same losses to the last bit.
If they differ, the output names a different device or version.`,
		define: func(fs *pflag.FlagSet, o *reproOptions) {
			fs.StringVarP(&o.out, "output", "o", "again", "`variable` for the model trained again")
			fs.StringVar(&o.endpoint, "endpoint", "", "`id` of another endpoint than that of the run")
		},
		run: runRepro,
	}
}

func runRepro(ctx context.Context, c *magic.Call, o *reproOptions, args []string) error {
	if len(args) != 1 {
		return usage("which run? %%runpod_repro wants a model's variable, the beginning of a run's id, or last")
	}
	if err := resultName("-o", o.out); err != nil {
		return err
	}
	store, r, err := findRun(ctx, c, args[0])
	if err != nil {
		return err
	}
	before, epochs, err := recordOf(ctx, store, r)
	if err != nil {
		return err
	}
	call, t, err := typedAgain(c, r)
	if err != nil {
		return err
	}
	t.repeatedSpec = before.Model
	t.out, t.repeated, t.noblock, t.dry, t.tags = o.out, &before.Hyperparameters, false, false, append(r.Tags, "repro")
	t.endpoint = r.Endpoint
	if o.endpoint != "" {
		t.endpoint = o.endpoint
	}
	plan, run, err := t.prepare(ctx, call)
	if err != nil {
		return err
	}
	if err := sameData(before.Data, plan.Data()); err != nil {
		return err
	}
	if err := run(); err != nil {
		return err
	}
	again, err := modelVar(c.Vars, o.out)
	if err != nil {
		return err
	}
	b := compareRuns(r, before, epochs, again).Bundle()
	c.Out.Display(b)
	return nil
}

// typedAgain returns the call that started a run, and its options.
func typedAgain(c *magic.Call, r runs.Run) (*magic.Call, *trainOptions, error) {
	line, body, _ := strings.Cut(r.Source, "\n")
	args, ok := strings.CutPrefix(line, "%%runpod_train")
	switch {
	case r.Parent != "":
		return nil, nil, usage("run %s is a trial of a sweep: run the sweep's cell again with its seed", r.ID[:8])
	case !ok:
		return nil, nil, usage("run %s was not typed as %%%%runpod_train: run its Go code again with Seed(%d)", r.ID[:8], seedOf(r))
	}
	call := *c
	call.Name, call.Args, call.Body, call.Cell = "runpod_train", args, body, true
	ws, err := words(call.Args, call.Vars)
	if err != nil {
		return nil, nil, err
	}
	var t trainOptions
	m := trainMagic(new(notice), new(warmth)).(*command[trainOptions])
	if rest, err := parse(m.flags(&t), m.sign(), ws); err != nil || len(rest) > 0 {
		return nil, nil, fmt.Errorf("run %s: this version cannot read its line: %s", r.ID, line)
	}
	return &call, &t, nil
}

func seedOf(r runs.Run) int64 {
	var record train.Record
	if json.Unmarshal(r.Record, &record) != nil || record.Hyperparameters.Seed == nil {
		return 0
	}
	return *record.Hyperparameters.Seed
}

// sameData returns an error if the data have changed since the run.
func sameData(before, now []train.DataDigest) error {
	for _, b := range before {
		i := slices.IndexFunc(now, func(d train.DataDigest) bool { return d.Name == b.Name })
		switch {
		case i < 0:
			return usage("the run had %s, which is not among the data now", b.Name)
		case now[i].SHA256 != b.SHA256:
			return usage("%s is not what it was: %s with digest %s then, %s with digest %s now; load the same data and run this again", b.Name, b.Array, b.SHA256[:12], now[i].Array, now[i].SHA256[:12])
		}
	}
	return nil
}

// compareRuns puts the two runs side by side and says how closely they agree.
func compareRuns(r runs.Run, before train.Record, epochs []worker.Epoch, again *train.Model) render.Table {
	t := render.Table{Header: []string{"", "run " + r.ID[:8], "run " + again.RunID[:8]}, Left: []string{""}}
	row := func(name, a, b string) { t.Rows = append(t.Rows, []string{name, a, b}) }
	now := again.History.Records
	row("epochs", fmt.Sprint(len(epochs)), fmt.Sprint(len(now)))
	worst, at := difference(epochs, now)
	if n := min(len(epochs), len(now)); n > 0 {
		a, b := epochs[n-1], now[n-1]
		both := func(title, name string) {
			if x, y := a.Value(name), b.Value(name); x != nil && y != nil {
				row(title, number(float64(*x)), number(float64(*y)))
			}
		}
		for _, m := range contract.Metrics() {
			both(m.Title, m.Name)
			both("validation "+m.Title, "val_"+m.Name)
		}
	}
	row("device", before.Device, again.Device)
	for _, name := range []string{"go", "gopherpod"} {
		if a, b := before.Versions[name], again.Receipt.Versions[name]; a != b {
			row(name, a, b)
		}
	}
	switch {
	case len(epochs) != len(now):
		t.Caption = "Not repeated: another number of epochs"
	case worst == 0:
		t.Caption = "Repeated: every loss is the same to the last bit"
	default:
		t.Caption = fmt.Sprintf("Repeated up to %.2g: the losses differ most in epoch %d", worst, at)
		if before.Device != again.Device {
			t.Caption += ", on another device"
		}
	}
	return t
}

// difference returns the largest relative difference between losses, and its epoch.
func difference(a, b []worker.Epoch) (worst float64, epoch int) {
	look := func(n int, x, y float64) {
		if d := math.Abs(x-y) / max(math.Abs(x), 1e-12); x != y && d > worst {
			worst, epoch = d, n
		}
	}
	for i := range min(len(a), len(b)) {
		look(a[i].Epoch, float64(a[i].Loss), float64(b[i].Loss))
		if a[i].ValLoss != nil && b[i].ValLoss != nil {
			look(a[i].Epoch, float64(*a[i].ValLoss), float64(*b[i].ValLoss))
		}
	}
	return worst, epoch
}
