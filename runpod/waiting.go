package runpod

import (
	"context"
	"fmt"
	"time"
)

// Waiting says in words why a job that has been queued for so long still is:
// "queued behind 3 jobs", "a worker is starting (24 s so far)". It asks for the
// endpoint's health.
func (e *Endpoint) Waiting(ctx context.Context, queued time.Duration) (string, error) {
	h, err := e.Health(ctx)
	if err != nil {
		return "", err
	}
	return h.Explain(queued), nil
}

// Explain says what the counts mean for a job that has been queued for so long.
// It is never empty.
func (h *Health) Explain(queued time.Duration) string {
	w, ahead := h.Workers, h.Jobs.InQueue-1
	so := fmt.Sprintf(" (%d s so far)", int(queued.Seconds()))
	alive := w.Idle + w.Ready + w.Running
	switch {
	case ahead > 0 && alive > 0:
		return fmt.Sprintf("queued behind %s, %s busy%s", count(ahead, "job"), count(max(w.Running, 1), "worker"), so)
	case w.Initializing > 0:
		return count(w.Initializing, "worker") + map[bool]string{true: " is", false: " are"}[w.Initializing == 1] + " starting" + so
	case w.Running > 0 && w.Idle == 0:
		return count(w.Running, "worker") + map[bool]string{true: " is", false: " are"}[w.Running == 1] + " busy with other jobs" + so
	case w.Idle > 0 || w.Ready > 0:
		return "a worker is about to take the job" + so
	case w.Throttled > 0:
		return "no capacity: the workers are throttled until a GPU of the endpoint's kinds is free" + so
	case w.Unhealthy > 0:
		return "the workers are unhealthy: look at their logs" + so
	case queued < 15*time.Second:
		return "waiting for a worker to start" + so
	}
	return "no worker: none is starting; look whether the endpoint's maximum of workers is 0, or its kinds of GPU are all taken" + so
}

func count(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return fmt.Sprintf("%d %ss", n, what)
}
