package magics

import (
	"context"
	"encoding/json"
	"fmt"
	"path"
	"slices"
	"strconv"
	"strings"

	"github.com/spf13/pflag"

	"github.com/gopherpod/gopherpod/kernel/magic"
	"github.com/gopherpod/gopherpod/magics/render"
	"github.com/gopherpod/gopherpod/runpod/runs"
	"github.com/gopherpod/gopherpod/runpod/train"
)

type runsOptions struct {
	filter runs.Filter
	state  string
	limit  count
}

func runsMagic() magic.Magic {
	var states []string
	for _, s := range runs.States() {
		states = append(states, string(s))
	}
	return &command[runsOptions]{
		name: "runpod_runs", kind: magic.Line,
		args:    "[options]",
		summary: "list the runs of this machine, newest first",
		about: `%runpod_history RUN shows one of them, %runpod_attach RUN follows it if it is still open. Every run is kept
before its job is submitted, in the file runs.sqlite (gopherpod runs lists it in a terminal).`,
		define: func(fs *pflag.FlagSet, o *runsOptions) {
			fs.StringVar(&o.state, "state", "", "`name`: only those that are "+strings.Join(states, ", "))
			fs.StringVar(&o.filter.Tag, "tag", "", "only those with that `tag`")
			fs.StringVar(&o.filter.Notebook, "notebook", "", "only those of that notebook `file`")
			fs.StringVar(&o.filter.Parent, "sweep", "", "only the trials of the sweep with that `id`")
			fs.VarP(&o.limit, "limit", "n", "`number` of runs (default 20)")
		},
		choices: map[string][]string{"state": states},
		run:     runRuns,
	}
}

func runRuns(ctx context.Context, c *magic.Call, o *runsOptions, args []string) error {
	if len(args) > 0 {
		return usage("%q: runpod_runs takes options only; %%runpod_history shows one run", args[0])
	}
	if o.filter.State = runs.State(o.state); o.state != "" && !slices.Contains(runs.States(), o.filter.State) {
		return usage("--state: unknown state %s%s", o.state, didYouMean(o.state, []string{"open", "completed", "interrupted", "failed"}))
	}
	store, err := runStore()
	if err != nil {
		return err
	}
	if o.filter.Limit = int(o.limit); o.limit == 0 {
		o.filter.Limit = 20
	}
	if _, err := train.Lost(ctx, store); err != nil {
		return err
	}
	list, all, err := store.List(ctx, o.filter)
	if err != nil {
		return err
	}
	give(c, listed(list))
	b := runsTable(list, all).Bundle()
	c.Out.Display(b)
	return nil
}

// listed returns the runs without their records, which %runpod_history shows.
func listed(list []runs.Run) []runs.Run {
	short := make([]runs.Run, len(list))
	for i, r := range list {
		r.Record = nil
		short[i] = r
	}
	return short
}

func runsTable(list []runs.Run, all int) render.Table {
	t := render.Table{
		Caption: plural(all, "run"), Header: []string{"run", "begun", "state", "epochs", "loss", "score", "cost", "notebook", "model"},
		Left: []string{"run", "begun", "state", "notebook", "model"},
	}
	if all > len(list) {
		t.Caption += fmt.Sprintf(", the newest %d", len(list))
	}
	losses := lossesOf(list)
	for i, r := range list {
		t.Rows = append(t.Rows, []string{
			r.ID, r.Created.Local().Format("2006-01-02 15:04"), stateOf(r), epochsOf(r), losses[i], number(r.Score), dollars(r.Dollars),
			base(r.Notebook), r.Title,
		})
	}
	return t
}

// lossesOf returns the losses of the runs, with the names of the loss functions if
// they differ, because the numbers are then not comparable.
func lossesOf(list []runs.Run) []string {
	names, texts := make([]string, len(list)), make([]string, len(list))
	for i, r := range list {
		var record train.Record
		if json.Unmarshal(r.Record, &record) == nil {
			names[i] = record.Hyperparameters.LossFunction
		}
		texts[i] = number(r.Loss)
	}
	if differ := slices.Compact(slices.Sorted(slices.Values(names))); len(differ) < 2 {
		return texts
	}
	for i, name := range names {
		if texts[i] != "" {
			texts[i] += " " + name
		}
	}
	return texts
}

// base returns a notebook's name without its folder, which does not belong in an
// output.
func base(notebook string) string {
	if notebook == "" {
		return ""
	}
	return path.Base(notebook)
}

func stateOf(r runs.Run) string {
	if len(r.Tags) > 0 {
		return fmt.Sprintf("%s (%s)", r.State, strings.Join(r.Tags, ", "))
	}
	return string(r.State)
}

func epochsOf(r runs.Run) string {
	if r.Epochs == r.Planned {
		return strconv.Itoa(r.Epochs)
	}
	return fmt.Sprintf("%d of %d", r.Epochs, r.Planned)
}

func number(x float64) string {
	if x == 0 {
		return ""
	}
	return strconv.FormatFloat(x, 'g', 4, 64)
}

func dollars(x float64) string {
	if x == 0 {
		return ""
	}
	return money(x)
}
