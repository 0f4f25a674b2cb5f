package magics

import (
	"context"
	"fmt"
	"time"

	"github.com/spf13/pflag"

	"github.com/gopherpod/gopherpod/kernel/magic"
	"github.com/gopherpod/gopherpod/magics/render"
	"github.com/gopherpod/gopherpod/runpod"
)

type billOptions struct {
	days count
	all  bool
}

func costMagic() magic.Magic {
	return &command[billOptions]{
		name: "runpod_cost", kind: magic.Line,
		args:    "[options]",
		summary: "show what RunPod billed for the endpoint, day by day",
		about:   "RunPod bills endpoints by the hour and knows no price of a job; what a run took stands under its result.",
		define: func(fs *pflag.FlagSet, o *billOptions) {
			fs.Var(&o.days, "days", "`number` of days (default 7)")
			fs.BoolVar(&o.all, "all", false, "all endpoints of the account")
		},
		run: runCost,
	}
}

func runCost(ctx context.Context, c *magic.Call, o *billOptions, args []string) error {
	if len(args) > 0 {
		return usage("%q: runpod_cost takes no argument", args[0])
	}
	place, where, err := locate(c.Out.Stderr(), "")
	if err != nil {
		return err
	}
	if !place.Managed {
		fmt.Fprintln(c.Out.Stdout(), where+": it costs nothing")
		return nil
	}
	days := int(o.days)
	if days == 0 {
		days = 7
	}
	now := time.Now()
	q := runpod.BillingQuery{Start: now.AddDate(0, 0, -days), End: now, Bucket: "day", Endpoint: place.ID}
	if o.all {
		q.Endpoint = ""
	}
	records, err := place.Client().Management().Billing(ctx, q)
	if err != nil {
		return err
	}
	b := bill(where, days, records).Bundle()
	c.Out.Display("", false, b.Data, b.Metadata)
	return nil
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
