package place

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/gopherpod/gopherpod/runpod"
	"github.com/gopherpod/gopherpod/worker"
)

// A Rate is the price of a worker. The zero value means that the price is unknown, or that
// the worker costs nothing.
type Rate struct {
	Pool   string  // RunPod's id of the kind of GPU: "ADA_24"
	GPUs   int     // number of GPUs of one worker
	Hourly float64 // US dollars per hour for one GPU
	Source string  // where the price comes from: "catalogue", or "table of 2026-06-08, because the catalogue did not answer"
}

// Known reports whether there is a price.
func (r Rate) Known() bool { return r.Hourly > 0 }

// PerSecond returns the price of a second of one worker, in US dollars.
func (r Rate) PerSecond() float64 { return r.Hourly / 3600 * float64(max(r.GPUs, 1)) }

// Cost returns what a job that ran for d costs at least; see runpod.Estimate.
func (r Rate) Cost(d time.Duration) float64 { return runpod.Estimate(d, r.Hourly, r.GPUs) }

// Affords returns how long a job may run for that many dollars, in whole seconds.
func (r Rate) Affords(dollars float64) time.Duration {
	return time.Duration(dollars / r.PerSecond() * float64(time.Second)).Truncate(time.Second)
}

// FindRate finds the price of a worker of the place: of the pool called gpu or, if gpu is
// empty, of the endpoint's first pool, which it gets from the management API. It takes
// prices from the catalogue, else from runpod.ListedPrice. The embedded endpoint costs
// nothing. The error is a *worker.Error if gpu is unknown. It is not an error if there is no
// price; the Rate is zero then.
func FindRate(ctx context.Context, place Place, gpu string) (Rate, error) {
	why := ""
	r := Rate{Pool: strings.ToUpper(strings.ReplaceAll(gpu, "-", "_")), GPUs: 1}
	if place.Managed {
		ctx, cancel := context.WithTimeout(ctx, rateTimeout)
		defer cancel()
		m := place.Client().Management()
		if gpu == "" {
			info, err := place.Info(ctx)
			if err != nil || info.GPU == nil || len(info.GPU.Pools) == 0 {
				return Rate{}, nil
			}
			r.Pool, r.GPUs = info.GPU.Pools[0], max(info.GPU.Count, 1)
		}
		gpus, err := m.GPUs(ctx, runpod.GPUQuery{})
		if err != nil {
			why = ", because the catalogue did not answer"
		} else {
			why = ", because the catalogue has no price"
			for _, p := range runpod.Pools(gpus) {
				if p.ID == r.Pool {
					r.Hourly, r.Source = p.Hourly, "catalogue"
					return r, nil
				}
			}
		}
	}
	if r.Pool == "" {
		return Rate{}, nil
	}
	hourly, ok := runpod.ListedPrice(r.Pool)
	if !ok && gpu != "" {
		return Rate{}, unknownGPU(gpu)
	}
	r.Hourly, r.Source = hourly, "table of "+runpod.PricesAsOf+why
	return r, nil
}

// rateTimeout is the timeout for asking about prices. It is short because a run must not
// wait for them.
const rateTimeout = 3 * time.Second

// Pools lists the kinds of GPU that runpod.ListedPrice knows.
func Pools() []string {
	return []string{"AMPERE_16", "AMPERE_24", "ADA_24", "AMPERE_48", "ADA_48_PRO", "AMPERE_80", "BLACKWELL_96", "ADA_80_PRO", "HOPPER_141", "BLACKWELL_180"}
}

func unknownGPU(name string) error {
	if near := worker.Nearest(name, Pools()); near != "" {
		return worker.Invalid("gpu", fmt.Sprintf("unknown kind of GPU %q; did you mean %s?", name, near))
	}
	return worker.Invalid("gpu", fmt.Sprintf("unknown kind of GPU %q; known: %s", name, strings.Join(Pools(), ", ")))
}
