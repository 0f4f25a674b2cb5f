package budget

import (
	"context"
	"errors"
	"time"

	"github.com/gopherpod/gopherpod/runpod"
	"github.com/gopherpod/gopherpod/runpod/place"
	"github.com/gopherpod/gopherpod/runpod/runs"
)

// A Meter is a charge that grows with time: that of a worker which is kept up. A process that
// dies leaves what it reserved last, not the whole time that was planned.
type Meter struct {
	charge *Charge
	began  time.Time
}

// BeginMeter begins a meter for a worker that is to be up for that long. The error is a *Refused
// if that passes a limit; nothing is reserved yet. The price must be known.
func BeginMeter(ctx context.Context, e *runpod.Endpoint, j Job, most time.Duration) (*Meter, error) {
	if err := Check(ctx, e, j, func(r place.Rate) float64 { return r.Most(most) }); err != nil {
		return nil, err
	}
	c := &Charge{endpoint: e, rate: j.Rate, store: j.Store}
	if c.store == nil {
		c.store = runs.FromEnv()
	}
	c.kept = newCharge(e, j)
	return &Meter{c, c.kept.At}, nil
}

// Reserve reserves the price of the time since the meter began and of that much more. The error
// is a *Refused if that passes a limit.
func (m *Meter) Reserve(ctx context.Context, more time.Duration) error {
	c := m.charge
	if c.store == nil {
		return nil
	}
	limits, err := FromEnv()
	if err != nil {
		return err
	}
	up := time.Since(m.began) + more
	c.kept.Open, c.kept.Seconds = true, up.Seconds()
	c.kept.Dollars = max(c.rate.Cost(up)-m.others(ctx), 0)
	err = c.store.Charge(ctx, c.kept, limits.Budgets(time.Now())...)
	var over *runs.OverBudget
	if errors.As(err, &over) {
		return refused(over, c.rate)
	}
	return err
}

// Cost returns what the worker has cost since the meter began.
func (m *Meter) Cost() float64 { return m.charge.rate.Cost(time.Since(m.began)) }

// End settles the charge of a worker that stays up for that much longer.
func (m *Meter) End(ctx context.Context, more time.Duration) error {
	c := m.charge
	if c.store == nil {
		return nil
	}
	up := time.Since(m.began) + more
	c.kept.Open, c.kept.Seconds = false, up.Seconds()
	c.kept.Dollars = max(c.rate.Cost(up)-m.others(ctx), 0)
	return c.store.Charge(ctx, c.kept)
}

// others returns what jobs of this session have cost on the endpoint since the meter began. They
// ran on the worker that the meter pays for, which must not be counted twice.
func (m *Meter) others(ctx context.Context) float64 {
	sum, err := m.charge.store.Spent(ctx, runs.Budget{Since: m.began.Add(time.Nanosecond), Session: "this", Endpoint: string(m.charge.endpoint.ID)})
	if err != nil {
		return 0
	}
	return sum.Settled
}
