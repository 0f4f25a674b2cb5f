package magics

import (
	"context"
	"os"
	"time"

	"github.com/gopherpod/gopherpod/magics/render"
	"github.com/gopherpod/gopherpod/runpod/budget"
	"github.com/gopherpod/gopherpod/runpod/runs"
)

// setLimits sets the limits of the session that options give. They are variables of the
// session's environment, so that Go code in cells keeps to them too.
func (o *billOptions) setLimits() error {
	for _, l := range []struct{ option, variable, text string }{
		{"--budget", budget.EnvNotebook, o.budget}, {"--max-per-hour", budget.EnvHour, o.hour},
	} {
		switch l.text {
		case "":
			continue
		case "off":
			if err := os.Unsetenv(l.variable); err != nil {
				return err
			}
			continue
		}
		if _, err := budget.Dollars(l.text); err != nil {
			return usage("%s: %v, or off", l.option, err)
		}
		if err := os.Setenv(l.variable, l.text); err != nil {
			return err
		}
	}
	return nil
}

// A limit is one of the user's limits and what counts against it.
type limit struct {
	Name string  `json:"name"`
	Most float64 `json:"most"`
	From string  `json:"from"`
	// Spent is nil for the limit an hour, and without a run store.
	Spent *runs.Spending `json:"spent,omitempty"`
	Left  *float64       `json:"left,omitempty"`
}

// limitsNow returns the limits that are set.
func limitsNow(ctx context.Context) (list []limit, err error) {
	all, err := budget.FromEnv()
	if err != nil {
		return nil, usage("%v", err)
	}
	for _, l := range []*budget.Limit{all.Day, all.Notebook, all.Hour} {
		if l != nil {
			list = append(list, limit{Name: l.Name, Most: l.Most, From: string(l.From)})
		}
	}
	store := runs.FromEnv()
	if store == nil {
		return list, nil
	}
	for _, b := range all.Budgets(time.Now()) {
		for i := range list {
			if list[i].Name == b.Name {
				spent, err := store.Spent(ctx, b)
				if err != nil {
					return nil, err
				}
				left := spent.Left(b)
				list[i].Spent, list[i].Left = &spent, &left
			}
		}
	}
	return list, nil
}

func limitTable(list []limit) render.Table {
	t := render.Table{
		Caption: "Limits", Header: []string{"variable", "from", "dollars", "spent", "in open jobs, at most", "left"},
		Left: []string{"variable", "from"},
	}
	for _, l := range list {
		row := []string{l.Name, l.From, money(l.Most), "", "", ""}
		if l.Spent != nil {
			row = append(row[:3], money(l.Spent.Settled), money(l.Spent.Open), money(*l.Left))
		}
		t.Rows = append(t.Rows, row)
	}
	return t
}
