package budget

import (
	"cmp"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"strconv"
	"sync"
	"time"

	"github.com/gopherpod/gopherpod/runpod"
	"github.com/gopherpod/gopherpod/runpod/place"
	"github.com/gopherpod/gopherpod/runpod/runs"
	"github.com/gopherpod/gopherpod/runpod/settings"
)

// A Job says what is about to be sent. The zero value of a field is its default.
type Job struct {
	Kind string // "train", "evaluate", ...
	// ID is the run's id; default: one of the charge's own.
	ID string
	// Rate is the price; default: what the endpoint costs. Without limits, that is asked only
	// at the end.
	Rate place.Rate
	// Limit is how long the job may run; default: the endpoint's limit.
	Limit time.Duration
	// Workers is how many workers run jobs like this one at the same time; default 1.
	Workers int
	// Store is where charges are kept; default: the store of the notebook's kernel.
	Store runs.Store
}

// ErrRefused means that a job would pass a limit. Nothing was sent. The error is a *Refused.
var ErrRefused = errors.New("a budget refuses it")

// A Refused says which limit a job would pass.
type Refused struct {
	Limit string  // the variable
	Most  float64 // its value, in US dollars
	// Left is what is left of a budget, Open how much of it jobs that are not over may still
	// cost, and Want the most that this one may cost.
	Left, Open, Want float64
	// Why is set if the reason is another one: the price or what was spent is not known.
	Why string
	// Rate is the price, if it is known.
	Rate place.Rate
}

func (e *Refused) Error() string {
	switch {
	case e.Why != "":
		return e.Limit + ": " + e.Why
	case e.Limit == EnvHour:
		return fmt.Sprintf("%s: workers cost %s an hour, and %s is the most", e.Limit, Money(e.Want), Money(e.Most))
	case e.Open > 0:
		return fmt.Sprintf("%s: it may cost %s, and %s of %s are left, because jobs that are not over may cost %s", e.Limit, Money(e.Want), Money(e.Left), Money(e.Most), Money(e.Open))
	}
	return fmt.Sprintf("%s: it may cost %s, and %s of %s are left", e.Limit, Money(e.Want), Money(e.Left), Money(e.Most))
}

// refused returns the *Refused for what the run store says.
func refused(over *runs.OverBudget, r place.Rate) *Refused {
	return &Refused{Limit: over.Budget.Name, Most: over.Budget.Most, Left: over.Spending.Left(over.Budget), Open: over.Spending.Open, Want: over.Want, Rate: r}
}

// Is makes errors.Is(err, ErrRefused) true.
func (e *Refused) Is(target error) bool { return target == ErrRefused }

// Money writes dollars with at least two significant digits.
func Money(x float64) string {
	digits := 2
	if x != 0 && x < 0.1 {
		digits = 4
	}
	return "$" + strconv.FormatFloat(x, 'f', digits, 64)
}

// A Charge adds up what jobs cost. A nil Charge does nothing: the jobs are free, or part of
// another charge.
type Charge struct {
	endpoint *runpod.Endpoint
	rate     place.Rate
	store    runs.Store // nil: nothing is recorded
	kept     runs.Charge
	limit    time.Duration // 0: none has to be sent

	mu   sync.Mutex
	jobs []ran
	// guessed is set if the service did not say how long a job ran.
	guessed bool
	// doubt is set if nobody knows whether a job was accepted; see Doubt.
	doubt bool
}

type chargeKey struct{}

// Begin reserves what a job may cost at most, and returns a context for the job. The error is
// a *Refused if that passes a limit, or if there are limits and the price or what was spent is
// not known. If ctx belongs to another charge, the job is part of that one. The endpoint on
// this machine costs nothing.
func Begin(ctx context.Context, e *runpod.Endpoint, j Job) (context.Context, *Charge, error) {
	switch {
	case ctx.Value(chargeKey{}) != nil:
		return ctx, nil, nil
	case free(e, j.Rate) && j.Rate.Known(): // it is asked what it would cost elsewhere
		c := &Charge{endpoint: e, rate: j.Rate}
		return context.WithValue(ctx, chargeKey{}, c), c, nil
	case free(e, j.Rate):
		return ctx, nil, nil
	}
	limits, err := j.complete(ctx, e)
	if err != nil {
		return ctx, nil, err
	}
	c := &Charge{endpoint: e, rate: j.Rate, store: j.Store}
	if err := c.reserve(ctx, j, limits); err != nil {
		return ctx, nil, err
	}
	if !j.Rate.Known() && c.store == nil {
		return ctx, nil, nil // nothing to count
	}
	return context.WithValue(ctx, chargeKey{}, c), c, nil
}

// complete fills in the store and, if there are limits, the price, and returns the limits. A
// limit of 0 refuses every job.
func (j *Job) complete(ctx context.Context, e *runpod.Endpoint) (Limits, error) {
	limits, err := FromEnv()
	if err != nil {
		return limits, err
	}
	if name := limits.zero(); name != "" {
		return limits, &Refused{Limit: name, Why: "it is 0, so nothing that is paid may be sent"}
	}
	if j.Store == nil {
		j.Store = runs.FromEnv()
	}
	if !j.Rate.Known() && !limits.None() {
		j.Rate, err = place.RateOf(ctx, e)
	}
	return limits, err
}

// Check returns the *Refused that Begin would return for jobs that together cost that much at
// most, and reserves nothing. The function most gets the price.
func Check(ctx context.Context, e *runpod.Endpoint, j Job, most func(place.Rate) float64) error {
	if free(e, j.Rate) {
		return nil
	}
	limits, err := j.complete(ctx, e)
	if err != nil || limits.None() {
		return err
	}
	if err := known(limits, j.Rate, j.Store, e); err != nil {
		return err
	}
	dollars := most(j.Rate)
	if err := ceiling(limits, j); err != nil {
		return err
	}
	for _, b := range limits.Budgets(time.Now()) {
		spent, err := j.Store.Spent(ctx, b)
		if err != nil {
			return err
		}
		if left := spent.Left(b); dollars > left {
			return &Refused{Limit: b.Name, Most: b.Most, Left: left, Open: spent.Open, Want: dollars, Rate: j.Rate}
		}
	}
	return nil
}

// free reports whether jobs of an endpoint cost nothing: it is the embedded one, or on this
// machine and nobody gave it a price.
func free(e *runpod.Endpoint, r place.Rate) bool {
	c := e.Client()
	return settings.IsLocal(c.BaseURL()) || c.Local() && !r.Known() && !c.Managed()
}

// known refuses a job if its price or what was spent is not known, and there are limits.
func known(l Limits, r place.Rate, store runs.Store, e *runpod.Endpoint) error {
	switch {
	case l.None():
		return nil
	case !r.Known():
		return &Refused{Limit: l.names(), Why: fmt.Sprintf("the price of endpoint %s is not known, so the limit cannot be kept", e.ID)}
	case store == nil && (l.Day != nil || l.Notebook != nil):
		return &Refused{Limit: l.names(), Why: "there is no run store, so what was spent is not known"}
	}
	return nil
}

// ceiling refuses a job whose workers cost too much an hour.
func ceiling(l Limits, j Job) error {
	hour := j.Rate.Hour() * float64(max(j.Workers, 1))
	if l.Hour != nil && hour > l.Hour.Most {
		return &Refused{Limit: EnvHour, Most: l.Hour.Most, Want: hour, Rate: j.Rate}
	}
	return nil
}

func (c *Charge) reserve(ctx context.Context, j Job, limits Limits) error {
	if err := known(limits, j.Rate, j.Store, c.endpoint); err != nil {
		return err
	}
	if err := ceiling(limits, j); err != nil {
		return err
	}
	if c.store == nil {
		return nil
	}
	if !j.Rate.Known() { // nothing is reserved, and nothing is limited
		c.kept = newCharge(c.endpoint, j)
		return nil
	}
	if j.Limit == 0 {
		j.Limit = c.endpoint.TimeLimit(ctx).Time
	}
	if !limits.None() {
		c.limit = j.Limit
	}
	return c.keep(ctx, limits, j, j.Rate.Start+j.Limit+j.Rate.Idle)
}

// keep puts a reservation of that time into the store.
func (c *Charge) keep(ctx context.Context, limits Limits, j Job, most time.Duration) error {
	c.kept = newCharge(c.endpoint, j)
	c.kept.Open, c.kept.Seconds, c.kept.Dollars = true, most.Seconds(), j.Rate.Cost(most)
	budgets := limits.Budgets(c.kept.At)
	err := c.store.Charge(ctx, c.kept, budgets...)
	var over *runs.OverBudget
	switch {
	case errors.As(err, &over):
		return refused(over, j.Rate)
	case err != nil && len(budgets) > 0:
		return &Refused{Limit: limits.names(), Why: "the run store does not answer, so what was spent is not known: " + err.Error()}
	case err != nil:
		c.store = nil // as for runs: a broken store does not stop a training
	}
	return nil
}

// newCharge returns the charge of a job, without its amount.
func newCharge(e *runpod.Endpoint, j Job) runs.Charge {
	return runs.Charge{ID: cmp.Or(j.ID, rand.Text()), Kind: j.Kind, At: time.Now().UTC(), Endpoint: string(e.ID)}
}

// Rate returns the price by which the bill is made, after End.
func (c *Charge) Rate() place.Rate {
	if c == nil {
		return place.Rate{}
	}
	return c.rate
}

// Policy returns p with the time for which the charge has reserved the price, if there are
// limits: the endpoint's own time may change, or may not be known.
func (c *Charge) Policy(p runpod.Policy) runpod.Policy {
	if c != nil && c.limit > 0 && p.ExecutionTimeout == 0 {
		p.ExecutionTimeout = c.limit
	}
	return p
}

// Counts reports whether ctx belongs to a charge, so that jobs have to be added with Ran.
func Counts(ctx context.Context) bool { return ctx.Value(chargeKey{}) != nil }

// Ran adds a job of the charge of ctx, if there is one. job is what the service said at the end
// of the job, or nil if it said nothing: then the time since the submission counts.
func Ran(ctx context.Context, job *runpod.Job, submitted time.Time) {
	if c, ok := ctx.Value(chargeKey{}).(*Charge); ok {
		c.Ran(job, submitted)
	}
}

// Ran adds a job; see the function Ran.
func (c *Charge) Ran(job *runpod.Job, submitted time.Time) {
	if c == nil {
		return
	}
	j := ran{submitted: submitted}
	c.mu.Lock()
	defer c.mu.Unlock()
	switch {
	case job != nil && job.Status == runpod.StatusInQueue && job.Retries == 0:
		return // it was cancelled before a worker had it
	case job == nil || job.Execution == 0 && !job.Status.Terminal():
		j.execution, c.guessed = time.Since(submitted), true
	default:
		j.worker, j.delay, j.execution = job.WorkerID, job.Delay, job.Execution
		if job.Execution == 0 && job.Delay == 0 && job.WorkerID == "" && job.Status != runpod.StatusCompleted {
			return // it ended in the queue
		}
	}
	c.jobs = append(c.jobs, j)
}

// Doubt keeps the reservation of the charge of ctx, if there is one and err says that a job may
// have been accepted, so that it may run and be billed.
func Doubt(ctx context.Context, err error) {
	if c, ok := ctx.Value(chargeKey{}).(*Charge); ok && errors.Is(err, runpod.ErrUnknownOutcome) {
		c.mu.Lock()
		c.doubt = true
		c.mu.Unlock()
	}
}

// End replaces the reservation by the bill, and returns it. It has no dollars if the price is not
// known. If a job is in doubt, the reservation stays.
func (c *Charge) End(ctx context.Context) *Bill {
	if c == nil {
		return nil
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 2*askTime)
	defer cancel()
	c.mu.Lock()
	jobs, guessed, doubt := c.jobs, c.guessed, c.doubt
	c.mu.Unlock()
	if !c.rate.Known() && len(jobs) > 0 {
		c.rate, _ = place.RateOf(ctx, c.endpoint) // not known: then the bill has no dollars
	}
	b := bill(ctx, c.endpoint, c.rate, jobs)
	b.Estimated = b.Estimated || guessed
	if c.store != nil && (c.kept.Open || c.rate.Known()) && !(c.kept.Open && doubt) {
		c.kept.Open, c.kept.Seconds, c.kept.Dollars = false, b.Seconds(), b.Dollars
		// If this fails, the reservation stays, which is more than the bill.
		_ = c.store.Charge(ctx, c.kept)
	}
	return &b
}

// BeginIdle reserves the idle time of Job.Workers workers after several jobs, whose own prices
// have no idle time, because another job follows at once. EndIdle settles it.
func BeginIdle(ctx context.Context, e *runpod.Endpoint, j Job) (*Charge, error) {
	if free(e, j.Rate) || j.Rate.Idle == 0 {
		return nil, nil
	}
	c := &Charge{endpoint: e, rate: j.Rate, store: j.Store}
	if c.store == nil {
		c.store = runs.FromEnv()
	}
	limits, err := FromEnv()
	if err != nil || c.store == nil {
		return nil, err
	}
	return c, c.keep(ctx, limits, j, time.Duration(j.Workers)*j.Rate.Idle)
}

// EndIdle settles the charge of BeginIdle for the number of workers that there were.
func (c *Charge) EndIdle(ctx context.Context, workers int) {
	if c == nil || c.store == nil {
		return
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), askTime)
	defer cancel()
	idle := time.Duration(workers) * c.rate.Idle
	c.kept.Open, c.kept.Seconds, c.kept.Dollars = false, idle.Seconds(), c.rate.Cost(idle)
	_ = c.store.Charge(ctx, c.kept) // if this fails, the reservation stays, which is as much or more
}

// Settle makes the bill of a run that another process began, and whose job is over, and returns
// the price too. The bill is nil if the run is free.
func Settle(ctx context.Context, e *runpod.Endpoint, j Job, began time.Time, job *runpod.Job) (*Bill, place.Rate) {
	if free(e, j.Rate) && !j.Rate.Known() {
		return nil, place.Rate{}
	}
	c := &Charge{endpoint: e, rate: j.Rate, store: j.Store}
	c.kept = newCharge(e, j)
	c.kept.At = began.UTC()
	if free(e, j.Rate) {
		c.store = nil
	}
	c.Ran(job, began)
	b := c.End(ctx)
	return b, c.rate
}
