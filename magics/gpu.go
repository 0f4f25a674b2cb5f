package magics

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"

	"github.com/spf13/pflag"

	"github.com/gopherpod/gopherpod/kernel/magic"
	"github.com/gopherpod/gopherpod/magics/render"
	"github.com/gopherpod/gopherpod/runpod"
	"github.com/gopherpod/gopherpod/runpod/train"
)

type gpuOptions struct{ prices bool }

func gpuMagic() magic.Magic {
	return &command[gpuOptions]{
		name: "runpod_gpu", kind: magic.Line,
		args:    "[options]",
		summary: "ask a worker of the endpoint for its device, versions and speed",
		about:   "The question is a job of its own: on RunPod it starts a worker, and costs its seconds.",
		define: func(fs *pflag.FlagSet, o *gpuOptions) {
			fs.BoolVar(&o.prices, "prices", false, "list RunPod's kinds of GPU and their prices; asks no worker")
		},
		run: runGPU,
	}
}

func runGPU(ctx context.Context, c *magic.Call, o *gpuOptions, args []string) error {
	if len(args) > 0 {
		return usage("%q: runpod_gpu takes no argument", args[0])
	}
	place, where, err := locate(c.Out.Stderr(), "")
	if o.prices {
		return showPrices(ctx, c, place)
	}
	if err != nil {
		return err
	}
	info, err := train.GPUInfo(ctx, place.Endpoint)
	if err != nil {
		return err
	}
	t := render.Table{Caption: where, Header: []string{"", "value"}, Left: []string{"", "value"}}
	for _, part := range []map[string]any{info.GPUInfo, info.BenchmarkResults} {
		var names []string
		for name := range part {
			names = append(names, name)
		}
		slices.Sort(names)
		for _, name := range names {
			t.Rows = append(t.Rows, []string{name, inWords(part[name])})
		}
	}
	b := t.Bundle()
	c.Out.Display(b)
	return nil
}

// inWords writes a value of any JSON type on one line.
func inWords(v any) string {
	switch v := v.(type) {
	case string:
		return v
	case float64:
		if v == float64(int64(v)) && v < 1e15 {
			return render.Count(int(v))
		}
		return render.Number(v)
	}
	b, err := json.Marshal(v)
	if err != nil {
		return fmt.Sprint(v)
	}
	return string(b)
}

// showPrices lists RunPod's catalogue if its management API is available, otherwise
// the built-in price table.
func showPrices(ctx context.Context, c *magic.Call, place train.Place) error {
	t := render.Table{Header: []string{"pool", "cards", "GB", "$ an hour", "to be had"}, Left: []string{"pool", "cards", "to be had"}}
	source := "table of " + runpod.PricesAsOf
	if place.Managed {
		gpus, err := place.Client().Management().GPUs(ctx, runpod.GPUQuery{Stock: true})
		if err != nil {
			return err
		}
		source = "catalogue"
		for _, p := range runpod.Pools(gpus) {
			cards := ""
			for i, g := range p.GPUs {
				if i > 0 {
					cards += ", "
				}
				cards += g.Name
			}
			t.Rows = append(t.Rows, []string{p.ID, cards, render.Short(p.Memory), render.Short(p.Hourly), string(p.Stock)})
		}
	} else {
		t.Header = []string{"pool", "$ an hour"}
		for _, pool := range train.Pools() {
			hourly, _ := runpod.ListedPrice(pool)
			t.Rows = append(t.Rows, []string{pool, render.Short(hourly)})
		}
	}
	t.Caption = "Prices of one GPU (" + source + ")"
	b := t.Bundle()
	c.Out.Display(b)
	return nil
}
