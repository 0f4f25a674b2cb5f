package place

import (
	"cmp"
	"context"
	"fmt"
	"math"
	"strings"
	"time"

	"github.com/gopherpod/gopherpod/runpod"
	"github.com/gopherpod/gopherpod/runpod/runs"
	"github.com/gopherpod/gopherpod/worker"
)

// A Rate is the price of a worker, and how long it is billed beside a job. The zero value means
// that the price is unknown, or that the worker costs nothing.
type Rate struct {
	Pool   string  // RunPod's id of the kind of GPU: "ADA_24"
	GPUs   int     // number of GPUs of one worker
	Hourly float64 // US dollars per hour for one GPU
	Source string  // where the price comes from: "catalogue", or "table of 2026-06-08, because the catalogue did not answer"

	// Start is how long the start of a worker is expected to take at most, and Idle how long
	// the worker stays up after its last job. RunPod bills both. They are 0 if they are not
	// known, or if the endpoint has workers that are always on.
	Start, Idle time.Duration
	// Always is how many workers the endpoint keeps on, which are billed with and without jobs.
	Always int
}

// Known reports whether there is a price.
func (r Rate) Known() bool { return r.Hourly > 0 }

// PerSecond returns the price of a second of one worker, in US dollars.
func (r Rate) PerSecond() float64 { return r.Hourly / 3600 * float64(max(r.GPUs, 1)) }

// Hour returns the price of an hour of one worker, in US dollars.
func (r Rate) Hour() float64 { return r.Hourly * float64(max(r.GPUs, 1)) }

// Cost returns what d of one worker cost; see runpod.Estimate.
func (r Rate) Cost(d time.Duration) float64 { return runpod.Estimate(d, r.Hourly, r.GPUs) }

// Most returns what a job costs at most that may run for d: with the start of a worker before
// it and the idle time after it.
func (r Rate) Most(d time.Duration) float64 { return r.Cost(r.Start + d + r.Idle) }

// Affords returns how long a job may run for that many dollars, in whole seconds, if the start
// of a worker and its idle time have to be paid too. It is not positive if they cost more.
func (r Rate) Affords(dollars float64) time.Duration {
	return time.Duration(dollars/r.PerSecond()*float64(time.Second)).Truncate(time.Second) - r.Start - r.Idle
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
		info, err := place.Info(ctx)
		if err == nil {
			r.read(info)
			if r.Start > 0 {
				r.Start = startOf(ctx, place)
			}
		}
		if gpu == "" {
			if err != nil || info.GPU == nil || len(info.GPU.Pools) == 0 {
				return Rate{}, nil
			}
			r.Pool = info.GPU.Pools[0]
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

// RateOf is FindRate for an endpoint without a Place. Prices are kept for a minute, because
// evaluations and predictions come one after the other.
func RateOf(ctx context.Context, e *runpod.Endpoint) (Rate, error) {
	key := endpointKey{e.Client(), e.ID}
	clients.mu.Lock()
	kept, ok := clients.rates[key]
	clients.mu.Unlock()
	if ok && time.Since(kept.at) < rateAge {
		return kept.Rate, nil
	}
	r, err := FindRate(ctx, Place{Endpoint: e, Managed: e.Client().Managed()}, "")
	if err != nil || !r.Known() {
		return r, err
	}
	clients.mu.Lock()
	defer clients.mu.Unlock()
	if clients.rates == nil || len(clients.rates) >= maxClients {
		clients.rates = map[endpointKey]datedRate{}
	}
	clients.rates[key] = datedRate{r, time.Now()}
	return r, nil
}

// rateAge is how long RateOf keeps a price.
const rateAge = time.Minute

// read takes what the endpoint's settings say about what is billed.
func (r *Rate) read(info *runpod.EndpointInfo) {
	if info.GPU != nil {
		r.GPUs = max(info.GPU.Count, 1)
	}
	w := info.Workers
	switch {
	case w == nil:
		r.Start, r.Idle = DefaultStart, DefaultIdle
	case w.Min > 0: // billed anyway
		r.Always = w.Min
	case info.Scaling != nil && info.Scaling.RequestCount > 0: // has no idle timeout
		r.Start = DefaultStart
	default:
		r.Start, r.Idle = DefaultStart, cmp.Or(time.Duration(w.IdleTimeout)*time.Second, DefaultIdle)
	}
}

// DefaultStart is Rate.Start if the run store knows no start of a worker of the endpoint.
// Starts are documented to take 10 to 60 s. DefaultIdle is the service's idle timeout.
//
// Source: docs.runpod.io, Serverless, "Overview" (cold starts) and API reference (v2), serverless.
const (
	DefaultStart = time.Minute
	DefaultIdle  = 10 * time.Second
)

// startOf returns the longest of the last starts of the endpoint's workers that the run store
// has, or DefaultStart.
func startOf(ctx context.Context, place Place) time.Duration {
	store := runs.FromEnv()
	if store == nil {
		return DefaultStart
	}
	list, _, err := store.List(ctx, runs.Filter{Endpoint: string(place.ID), Limit: lastRuns})
	longest := 0.0
	for _, r := range list {
		longest = max(longest, r.Start)
	}
	if err != nil || longest == 0 {
		return DefaultStart
	}
	return time.Duration(math.Ceil(longest)) * time.Second
}

// lastRuns is how many runs startOf looks at.
const lastRuns = 20

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
