package magics

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/pflag"

	"github.com/gopherpod/gopherpod/kernel/magic"
	"github.com/gopherpod/gopherpod/magics/render"
	"github.com/gopherpod/gopherpod/runpod"
	"github.com/gopherpod/gopherpod/runpod/runs"
)

type billOptions struct {
	days count
	by   string
	all  bool
	// budget and hour are amounts, or "off"
	budget, hour string
}

func costMagic() magic.Magic {
	return &command[billOptions]{
		name: "runpod_cost", kind: magic.Line,
		args:    "[options]",
		summary: "show what the runs of this machine cost, and beside it what RunPod billed",
		about: `A run costs the start of its worker, its execution, and the time that the worker stays up after it, at the
price of a second; RunPod bills all that others send to the endpoint as well. The difference is shown by day.
Days are those of UTC.

Limits, which refuse what may pass them before it is sent (trainings, sweeps, evaluations, predictions):
  RUNPOD_BUDGET_DAY        dollars a day, over all notebooks and commands of this user
  RUNPOD_BUDGET_NOTEBOOK   dollars of this notebook since its kernel started; --budget sets it
  RUNPOD_MAX_PER_HOUR      dollars an hour of all workers of a run; --max-per-hour sets it
Set them in the environment or in .env. 0 allows nothing that is paid. What is not over counts in full, with
the most that its --timeout or --max-cost allows.`,
		define: func(fs *pflag.FlagSet, o *billOptions) {
			fs.Var(&o.days, "days", "`number` of days (default 7)")
			fs.StringVar(&o.by, "by", "day", "`word`: add up by "+strings.Join(runs.Groupings(), ", "))
			fs.BoolVar(&o.all, "all", false, "all endpoints of the account")
			fs.StringVar(&o.budget, "budget", "", "`dollars` that this notebook may spend, from the start of its kernel; off: any")
			fs.StringVar(&o.hour, "max-per-hour", "", "`dollars` an hour that the workers of one run may cost; off: any")
		},
		choices: map[string][]string{"by": runs.Groupings()},
		run:     runCost,
	}
}

func runCost(ctx context.Context, c *magic.Call, o *billOptions, args []string) (err error) {
	if len(args) > 0 {
		return usage("%q: runpod_cost takes no argument", args[0])
	}
	if !slices.Contains(runs.Groupings(), o.by) {
		return usage("--by: want one of %s, got %s%s", strings.Join(runs.Groupings(), ", "), o.by, didYouMean(o.by, runs.Groupings()))
	}
	if err := o.setLimits(); err != nil {
		return err
	}
	limits, err := limitsNow(ctx)
	if err != nil {
		return err
	}
	place, where, err := locate(c.Out.Stderr(), "")
	if err != nil {
		return err
	}
	days := int(o.days)
	if days == 0 {
		days = 7
	}
	now := time.Now()
	since := now.UTC().Truncate(24*time.Hour).AddDate(0, 0, 1-days)
	var sums []runs.Sum
	if store := runs.FromEnv(); store != nil {
		if sums, err = store.Sums(ctx, o.by, since); err != nil {
			return err
		}
	}
	costs := costs{Days: days, By: o.by, Runs: sums, Limits: limits}
	defer func() {
		if len(limits) > 0 && err == nil {
			show(c, limitTable(limits))
		}
	}()
	if !place.Managed {
		give(c, costs)
		fmt.Fprintln(c.Out.Stdout(), where+": it costs nothing")
		if len(sums) > 0 {
			show(c, spent(o.by, days, sums, nil))
		}
		return nil
	}
	q := runpod.BillingQuery{Start: since, End: now, Bucket: "day", Endpoint: place.ID}
	if o.all {
		q.Endpoint = ""
	}
	records, err := place.Client().Management().Billing(ctx, q)
	if err != nil {
		return err
	}
	costs.Billed = records
	give(c, costs)
	switch {
	case len(sums) == 0:
	case o.by == "day":
		show(c, spent(o.by, days, sums, records))
	default:
		show(c, spent(o.by, days, sums, nil))
	}
	show(c, bill(where, days, records))
	return nil
}

// costs is the result of %runpod_cost, for a program to read.
type costs struct {
	Days   int                    `json:"days"`
	By     string                 `json:"by"`
	Runs   []runs.Sum             `json:"runs"`
	Billed []runpod.BillingRecord `json:"billed,omitempty"` // on RunPod
	Limits []limit                `json:"limits,omitempty"`
}

func show(c *magic.Call, t render.Table) {
	b := t.Bundle()
	c.Out.Display(b)
}

// spent returns a table of what the runs cost, by group. If there are records from
// RunPod, which are per day, it also shows what was billed.
func spent(by string, days int, sums []runs.Sum, records []runpod.BillingRecord) render.Table {
	t := render.Table{
		Caption: fmt.Sprintf("Runs of this machine in the last %s, by %s", plural(days, "day"), by),
		Header:  []string{by, "runs", "ran", "cost"}, Left: []string{by},
	}
	billed := map[string]float64{}
	for _, r := range records {
		billed[r.StartTime.UTC().Format(time.DateOnly)] += r.TotalAmount
	}
	if records != nil {
		t.Header = append(t.Header, "billed", "not from these")
		for day := range billed {
			if !slices.ContainsFunc(sums, func(s runs.Sum) bool { return s.Group == day }) {
				sums = append(sums, runs.Sum{Group: day})
			}
		}
		slices.SortFunc(sums, func(a, b runs.Sum) int { return strings.Compare(b.Group, a.Group) })
	}
	all := runs.Sum{Group: "in all"}
	others := slices.ContainsFunc(sums, func(s runs.Sum) bool { return s.Others > 0 })
	if others {
		t.Header = slices.Insert(t.Header, 4, "other jobs")
	}
	row := func(s runs.Sum, billed float64) {
		cells := []string{s.Group, strconv.Itoa(s.Runs), render.Duration(time.Duration(s.Billed * float64(time.Second))), money(s.Dollars)}
		if others {
			cells = append(cells, money(s.Others))
		}
		if records != nil {
			cells = append(cells, money(billed), money(billed-s.Dollars-s.Others))
		}
		t.Rows = append(t.Rows, cells)
	}
	total := 0.0
	for _, s := range sums {
		name := s
		if by == "notebook" {
			name.Group = base(s.Group)
		}
		if name.Group == "" {
			name.Group = "(none)"
		}
		row(name, billed[s.Group])
		all.Runs, all.Billed, all.Dollars, all.Others = all.Runs+s.Runs, all.Billed+s.Billed, all.Dollars+s.Dollars, all.Others+s.Others
		total += billed[s.Group]
	}
	row(all, total)
	t.Mark = len(t.Rows)
	return t
}

func bill(where string, days int, records []runpod.BillingRecord) render.Table {
	t := render.Table{
		Caption: fmt.Sprintf("%s: billed in the last %s", where, plural(days, "day")),
		Header:  []string{"day", "endpoint", "GPU", "disk", "in all"}, Left: []string{"day", "endpoint"},
	}
	total := 0.0
	for _, r := range records {
		total += r.TotalAmount
		t.Rows = append(t.Rows, []string{r.StartTime.UTC().Format(time.DateOnly), string(r.ServerlessID), money(r.GPUAmount), money(r.DiskAmount), money(r.TotalAmount)})
	}
	t.Rows = append(t.Rows, []string{"in all", "", "", "", money(total)})
	t.Mark = len(t.Rows)
	return t
}
