package runpod

import (
	"context"
	"fmt"
	"net/url"
	"strings"
	"sync"
	"time"
)

// Waiting explains why a job that has been queued that long is still waiting: "queued
// behind 3 jobs", "a worker is starting (24 s so far)", "no capacity for ADA_24". It asks
// for the endpoint's health and, if that does not tell, for its workers and the stock of
// its GPUs, at most every 15 s. It is not an error if the management API does not answer.
func (e *Endpoint) Waiting(ctx context.Context, queued time.Duration) (string, error) {
	h, err := e.Health(ctx)
	if err != nil {
		return "", err
	}
	if alive := h.Workers.Idle + h.Workers.Ready + h.Workers.Running; alive > 0 {
		return h.Explain(queued), nil
	}
	return h.explain(queued, e.client.diagnoses.of(ctx, e)), nil
}

// Explain explains the counts for a job that has been queued that long. It never
// returns "".
func (h *Health) Explain(queued time.Duration) string { return h.explain(queued, diagnosis{}) }

func (h *Health) explain(queued time.Duration, d diagnosis) string {
	w, ahead := h.Workers, h.Jobs.InQueue-1
	so := soFar(queued)
	alive := w.Idle + w.Ready + w.Running
	starting := max(w.Initializing, d.starting)
	switch {
	case ahead > 0 && alive > 0:
		return fmt.Sprintf("queued behind %s, %s busy%s", count(ahead, "job"), count(max(w.Running, 1), "worker"), so)
	case starting > 0:
		if d.starting > 0 {
			so = soFar(d.since())
		}
		return count(starting, "worker") + are(starting) + " starting" + so + behind(ahead)
	case w.Running > 0 && w.Idle == 0:
		return count(w.Running, "worker") + are(w.Running) + " busy with other jobs" + so
	case w.Idle > 0 || w.Ready > 0:
		return "a worker is about to take the job" + so
	case d.none:
		return "no capacity for " + d.gpus + ": RunPod has none free now; deploy with other kinds of GPU, or wait" + so + behind(ahead)
	case w.Throttled > 0 || d.throttled > 0:
		what := "a GPU of the endpoint's kinds"
		if d.gpus != "" {
			what = d.gpus
		}
		return "no capacity: the workers are throttled until " + what + " is free" + so + behind(ahead)
	case w.Unhealthy > 0 || d.unhealthy > 0:
		return "the workers are unhealthy: look at their logs" + so
	case d.known && d.max == 0:
		return "no worker: the endpoint's maximum of workers is 0" + so
	case queued < 15*time.Second:
		return "waiting for a worker to start" + so
	}
	return "no worker: none is starting; look whether the endpoint's maximum of workers is 0, or its kinds of GPU are all taken" + so
}

func soFar(d time.Duration) string { return fmt.Sprintf(" (%d s so far)", int(d.Seconds())) }

func are(n int) string {
	if n == 1 {
		return " is"
	}
	return " are"
}

func behind(jobs int) string {
	if jobs <= 0 {
		return ""
	}
	return ", queued behind " + count(jobs, "job")
}

func count(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return fmt.Sprintf("%d %ss", n, what)
}

// A diagnosis is what the management API reports about an endpoint without a worker.
type diagnosis struct {
	at                             time.Time
	starting, throttled, unhealthy int
	longest                        time.Duration // how long the oldest starting worker had been starting at that time
	known                          bool          // max and gpus are filled in
	max                            int           // workers
	gpus                           string        // the pools: "ADA_24 or AMPERE_24"
	none                           bool          // none of them is in stock
}

// since returns how long the oldest worker that starts has been starting.
func (d diagnosis) since() time.Duration { return d.longest + time.Since(d.at) }

// diagnoses are cached for a while: waiting callers ask every few seconds, and the
// management API limits requests per minute.
type diagnoses struct {
	mu   sync.Mutex
	last map[EndpointID]diagnosis
}

// diagnosisAge is how long a diagnosis is valid, diagnosisTimeout how long one may take.
const (
	diagnosisAge     = 15 * time.Second
	diagnosisTimeout = 5 * time.Second
)

// of returns the endpoint's diagnosis; empty if the management API has none.
func (ds *diagnoses) of(ctx context.Context, e *Endpoint) diagnosis {
	if !e.client.managesOwn() {
		return diagnosis{}
	}
	ds.mu.Lock()
	defer ds.mu.Unlock()
	if d, ok := ds.last[e.ID]; ok && time.Since(d.at) < diagnosisAge {
		return d
	}
	ctx, cancel := context.WithTimeout(ctx, diagnosisTimeout)
	defer cancel()
	d := e.diagnose(ctx)
	if ds.last == nil {
		ds.last = map[EndpointID]diagnosis{}
	}
	ds.last[e.ID] = d
	return d
}

// managesOwn reports whether the management API can be that of the job API's service.
func (c *Client) managesOwn() bool {
	if (c.config.BaseURL == DefaultBaseURL) != (c.config.ManagementURL == DefaultManagementURL) {
		return false
	}
	u, err := url.Parse(c.config.ManagementURL)
	return err == nil && isLoopback(u.Hostname()) == c.local
}

func (e *Endpoint) diagnose(ctx context.Context) diagnosis {
	d := diagnosis{at: time.Now()}
	m := e.client.Management()
	list, err := m.Workers(ctx, e.ID)
	if err != nil {
		return d
	}
	for _, w := range list.Workers {
		switch w.Status {
		case "INITIALIZING":
			d.starting++
			d.longest = max(d.longest, time.Duration(w.UptimeSeconds*float64(time.Second)))
		case "THROTTLED":
			d.throttled++
		case "UNHEALTHY":
			d.unhealthy++
		}
	}
	if d.starting > 0 {
		return d
	}
	info, err := m.Endpoint(ctx, e.ID)
	if err != nil {
		return d
	}
	d.known = info.Workers != nil
	if d.known {
		d.max = info.Workers.Max
	}
	if info.GPU == nil || len(info.GPU.Pools) == 0 {
		return d
	}
	d.gpus = strings.Join(info.GPU.Pools, " or ")
	gpus, err := m.GPUs(ctx, GPUQuery{Stock: true, Count: info.GPU.Count})
	if err != nil {
		return d
	}
	stock := map[string]Stock{}
	for _, p := range Pools(gpus) {
		stock[p.ID] = p.Stock
	}
	d.none = true
	for _, p := range info.GPU.Pools {
		d.none = d.none && stock[p] == StockNone
	}
	return d
}
