package magics

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/gopherpod/gopherpod/kernel/magic"
	"github.com/gopherpod/gopherpod/magics/render"
	"github.com/gopherpod/gopherpod/runpod/train"
	"github.com/gopherpod/gopherpod/runpod/warm"
)

// warmth is the worker that the session keeps up, if any.
type warmth struct {
	mu sync.Mutex
	k  *warm.Keeper
}

type warmKey struct{}

// with returns a context whose views show what the worker costs.
func (w *warmth) with(ctx context.Context) context.Context {
	return context.WithValue(ctx, warmKey{}, w)
}

// warmCost returns what the worker of the context's session has cost so far, as " + $0.12 warm
// worker", or "".
func warmCost(ctx context.Context) string {
	w, ok := ctx.Value(warmKey{}).(*warmth)
	if !ok {
		return ""
	}
	w.mu.Lock()
	k := w.k
	w.mu.Unlock()
	if k == nil || k.State().Over {
		return ""
	}
	return fmt.Sprintf(" (warm worker so far: %s)", money(k.State().Dollars))
}

// set begins or ends keeping a worker up: text is a time, or off.
func (w *warmth) set(ctx context.Context, c *magic.Call, text string) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	if text == "off" {
		if w.k == nil {
			return usage("--warm off: this session keeps no worker up")
		}
		w.k.Stop()
		s := w.k.State()
		w.k = nil
		fmt.Fprintf(c.Out.Stdout(), "the worker is let go, and stops after its idle timeout; it has cost %s%s\n", money(s.Dollars), because(s))
		return nil
	}
	d, err := time.ParseDuration(text)
	if err != nil || d < warm.Shortest || d > warm.Longest {
		return usage("--warm: want a time from 1m to 12h, as in 30m, or off; got %s", text)
	}
	place, where, err := locate(c.Out.Stderr(), "")
	if err != nil {
		return err
	}
	if place.Embedded {
		return usage("--warm: the embedded endpoint starts at once and costs nothing")
	}
	rate, err := train.FindRate(ctx, place, "")
	if err != nil {
		return err
	}
	if rate.Known() {
		fmt.Fprintf(c.Out.Stdout(), "%s: a worker is kept up for %s, for %s an hour, %s in all at most\n", where, hours(d), money(rate.Hour()), money(rate.Most(d)))
	}
	if w.k != nil {
		w.k.Stop()
		w.k = nil
	}
	// The worker is for the session, not for the cell.
	k, err := warm.Keep(context.WithoutCancel(ctx), place.Endpoint, warm.Options{For: d, Rate: rate})
	if errors.Is(err, warm.ErrCannot) {
		return usage("--warm: %v", err)
	}
	if err != nil {
		return err
	}
	w.k = k
	fmt.Fprintf(c.Out.Stdout(), "%%runpod_status --warm off lets it go; so does the end of the session, also a crash: RunPod stops a worker that gets no job for %s\n", render.Duration(rate.Idle))
	return nil
}

// tell says how the worker is doing.
func (w *warmth) tell(c *magic.Call) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.k == nil {
		return
	}
	s := w.k.State()
	if s.Over {
		fmt.Fprintf(c.Out.Stdout(), "no worker is kept up any longer%s; it has cost %s\n", because(s), money(s.Dollars))
		w.k = nil
		return
	}
	what := "is up"
	if !s.Up {
		what = "starts"
	}
	fmt.Fprintf(c.Out.Stdout(), "a warm worker %s until %s, for %s an hour; %s so far\n", what, s.Until.Local().Format("15:04"), money(s.Hour), money(s.Dollars))
}

// because says why a worker was let go that nobody let go.
func because(s warm.State) string {
	if s.Err == nil {
		return ""
	}
	return ", because " + trimmed(explain(s.Err))
}
