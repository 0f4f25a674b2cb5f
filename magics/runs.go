package magics

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"path"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/pflag"

	"github.com/gopherpod/gopherpod/kernel/magic"
	"github.com/gopherpod/gopherpod/magics/render"
	"github.com/gopherpod/gopherpod/runpod/runs"
	"github.com/gopherpod/gopherpod/runpod/train"
	"github.com/gopherpod/gopherpod/worker"
)

// errNoStore: the program does not run in a notebook.
var errNoStore = errors.New("there is no run store here: the notebook's kernel did not name one")

// runStore is the store of the notebook's kernel.
func runStore() (runs.Store, error) {
	if s := runs.FromEnv(); s != nil {
		return s, nil
	}
	return nil, errNoStore
}

// findRun finds a run by the name of a model's variable, or by the beginning of its
// id; the word "last" is the newest one.
func findRun(ctx context.Context, c *magic.Call, name string) (runs.Store, runs.Run, error) {
	store, err := runStore()
	if err != nil {
		return nil, runs.Run{}, err
	}
	id := name
	if _, ok := c.Vars.Lookup(name); ok {
		m, err := modelVar(c.Vars, name)
		if err != nil {
			return nil, runs.Run{}, err
		}
		id = m.RunID
	} else if name == "last" {
		list, _, err := store.List(ctx, runs.Filter{Limit: 1})
		if err != nil {
			return nil, runs.Run{}, err
		}
		if len(list) == 0 {
			return nil, runs.Run{}, usage("no run is in the store yet")
		}
		id = list[0].ID
	}
	r, err := store.Get(ctx, id)
	switch {
	case errors.Is(err, runs.ErrNotFound):
		err = usage("no run begins with %s; %%runpod_runs lists them", name)
	case errors.Is(err, runs.ErrAmbiguous):
		err = usage("several runs begin with %s; give more of the id", name)
	}
	return store, r, err
}

type runsOptions struct {
	filter runs.Filter
	state  string
	all    bool
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
		about: `%runpod_history RUN shows one of them, %runpod_attach RUN follows it where it is still open. Every run is kept
before its job is submitted, in the file runs.sqlite (gopherpod runs lists it in a terminal).`,
		define: func(fs *pflag.FlagSet, o *runsOptions) {
			fs.StringVar(&o.state, "state", "", "`name`: only those that are "+strings.Join(states, ", "))
			fs.StringVar(&o.filter.Tag, "tag", "", "only those with that `tag`")
			fs.StringVar(&o.filter.Notebook, "notebook", "", "only those of that notebook `file`")
			fs.StringVar(&o.filter.Parent, "sweep", "", "only the trials of the sweep with that `id`")
			fs.BoolVar(&o.all, "trials", false, "list trials of sweeps too")
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
		return usage("--state %s: no run is that%s", o.state, didYouMean(o.state, []string{"open", "completed", "interrupted", "failed"}))
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

// listed are the runs without their records, which %runpod_history gives.
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
	for _, r := range list {
		t.Rows = append(t.Rows, []string{
			r.ID, r.Created.Local().Format("2006-01-02 15:04"), stateOf(r), epochsOf(r), number(r.Loss), number(r.Score), dollars(r.Dollars),
			base(r.Notebook), r.Title,
		})
	}
	return t
}

// base is a notebook's name without its folder, which is nobody's business in an output.
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

func historyMagic() magic.Magic {
	return &command[noOptions]{
		name: "runpod_history", kind: magic.Line,
		args:    "RUN",
		summary: "show the epochs, the curves and the receipt of a run: a model's variable, the beginning of a run's id, or last",
		run:     runHistory,
	}
}

func runHistory(ctx context.Context, c *magic.Call, _ *noOptions, args []string) error {
	if len(args) != 1 {
		return usage("which run? %%runpod_history wants a model's variable, the beginning of a run's id, or last")
	}
	store, r, err := findRun(ctx, c, args[0])
	if err != nil {
		return err
	}
	record, epochs, err := recordOf(ctx, store, r)
	if err != nil {
		return err
	}
	give(c, history{r, epochs})
	t := render.Training{
		Loss: record.Hyperparameters.LossFunction, Epochs: r.Planned, History: epochs,
		Title: fmt.Sprintf("run %s, %s: %s", r.ID, r.State, title(record.Model, record.Parameters, record.Hyperparameters)),
	}
	if r.Error != "" {
		t.Note = r.Error
	}
	table := t.Table()
	c.Out.Display(table)
	if len(epochs) > 0 {
		curve := t.Curve()
		c.Out.Display(curve)
	}
	b := receipt(record.Receipt)
	c.Out.Display(b)
	fmt.Fprintln(c.Out.Stdout(), runInWords(r))
	return nil
}

// history is a run and its epochs, for a program to read.
type history struct {
	Run    runs.Run       `json:"run"`
	Epochs []worker.Epoch `json:"epochs"`
}

// recordOf is what a run was made of, and its epochs.
func recordOf(ctx context.Context, store runs.Store, r runs.Run) (train.Record, []worker.Epoch, error) {
	var record train.Record
	if err := json.Unmarshal(r.Record, &record); err != nil || record.Model == nil {
		return record, nil, fmt.Errorf("run %s: its record cannot be read: %w", r.ID, errors.Join(err, errors.New("damaged, or of another version")))
	}
	events, err := store.Events(ctx, r.ID)
	if err != nil {
		return record, nil, err
	}
	var epochs []worker.Epoch
	for _, e := range events {
		var event worker.Event
		if json.Unmarshal(e.Data, &event) == nil && event.Epoch != nil && (len(epochs) == 0 || event.Epoch.Epoch > epochs[len(epochs)-1].Epoch) {
			epochs = append(epochs, *event.Epoch)
		}
	}
	return record, epochs, nil
}

// runInWords is what the columns say that the receipt does not.
func runInWords(r runs.Run) string {
	s := "begun " + r.Created.Local().Format("2006-01-02 15:04:05")
	if r.Job != "" {
		s += ", job " + r.Job
	}
	if r.Endpoint != "" {
		s += " on " + r.Endpoint
	}
	if r.Notebook != "" {
		s += ", " + path.Base(r.Notebook)
	}
	if r.Cell > 0 {
		s += fmt.Sprintf(", cell %d", r.Cell)
	}
	if r.Billed > 0 {
		seconds := func(x float64) string { return render.Duration(time.Duration(x * float64(time.Second))) }
		s += fmt.Sprintf("; waited %s, ran %s", seconds(r.Waited), seconds(r.Billed))
	}
	if r.Dollars > 0 {
		s += ", " + money(r.Dollars)
	}
	return s
}
