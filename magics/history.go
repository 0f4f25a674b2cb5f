package magics

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"path"
	"time"

	"github.com/gopherpod/gopherpod/kernel/magic"
	"github.com/gopherpod/gopherpod/magics/render"
	"github.com/gopherpod/gopherpod/runpod/runs"
	"github.com/gopherpod/gopherpod/runpod/train"
	"github.com/gopherpod/gopherpod/worker"
)

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
	if len(epochs) == 0 && r.Epochs > 0 && r.State != runs.Open {
		fmt.Fprintln(c.Out.Stdout(), "its epochs are no longer kept: the run store has reached its bound, and the oldest go first")
	}
	return nil
}

// history is a run and its epochs, for a program to read.
type history struct {
	Run    runs.Run       `json:"run"`
	Epochs []worker.Epoch `json:"epochs"`
}

// recordOf returns what a run was made of, and its epochs.
func recordOf(ctx context.Context, store runs.Store, r runs.Run) (train.Record, []worker.Epoch, error) {
	var record train.Record
	if err := json.Unmarshal(r.Record, &record); err != nil || record.Model == nil {
		return record, nil, fmt.Errorf("run %s: cannot read its record: %w", r.ID, errors.Join(err, errors.New("damaged, or of another version")))
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

// runInWords describes the run by the store's columns that the receipt does not
// have.
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
