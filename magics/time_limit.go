package magics

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/gopherpod/gopherpod/magics/render"
	"github.com/gopherpod/gopherpod/runpod"
	"github.com/gopherpod/gopherpod/runpod/train"
)

// timeoutHelp is the help of --timeout for a job that does not train.
const timeoutHelp = "`time` that the job has on the server, as in 90s or 2h (default: the endpoint's own limit)"

// A timeLimit is how long a job may run on the server, and what says so.
type timeLimit struct {
	time   time.Duration
	option string // "--timeout 2h0m0s"; empty if it is the endpoint's own limit
	known  bool   // whether the endpoint's own limit is known
}

// limitOf returns the limit of a job with those options. --max-cost becomes a time after
// which the server ends the job, so the cap holds even if this machine crashes; the shorter
// of the two options counts. Without them it asks for the endpoint's own limit.
func limitOf(ctx context.Context, place train.Place, rate train.Rate, timeout time.Duration, dollars float64) (timeLimit, error) {
	l, err := limitGiven(timeout)
	switch {
	case timeout != 0:
	case place.Endpoint == nil:
		l = timeLimit{time: runpod.DefaultTimeout}
	default:
		own := place.TimeLimit(ctx)
		l = timeLimit{time: own.Time, known: own.Known}
	}
	if err != nil {
		return l, err
	}
	cap, err := affords(place, rate, dollars)
	if cap > 0 && (cap < l.time || l.option == "" && !l.known) {
		l = timeLimit{time: cap, option: fmt.Sprintf("--max-cost %v", dollars)}
	}
	return l, err
}

// limitGiven returns the limit that --timeout sets. If it sets none, time is 0: what the
// endpoint's own limit is, only a job that reaches it tells.
func limitGiven(timeout time.Duration) (timeLimit, error) {
	switch {
	case timeout == 0:
		return timeLimit{known: true}, nil
	case timeout < runpod.MinTimeout || timeout > runpod.MaxTimeout:
		return timeLimit{}, usage("--timeout: want 5s to 168h, got %v", timeout)
	}
	return timeLimit{time: timeout, option: fmt.Sprintf("--timeout %v", timeout)}, nil
}

// policy is the limit as a job's policy. It has no time if the endpoint's own limit is meant,
// because that one may change while the job waits.
func (l timeLimit) policy() runpod.Policy {
	if l.option == "" {
		return runpod.Policy{}
	}
	return runpod.Policy{ExecutionTimeout: l.time}
}

// affords returns how long a job may run for that many dollars; 0 if there is no cap.
func affords(place train.Place, rate train.Rate, dollars float64) (time.Duration, error) {
	switch {
	case dollars == 0:
		return 0, nil
	case !(dollars > 0):
		return 0, usage("--max-cost: want a sum of dollars above 0, got %v", dollars)
	case place.Embedded && !rate.Known():
		return 0, nil
	case !rate.Known():
		return 0, usage("--max-cost: cannot find the price of a second; name the GPU, as in --gpu ADA_24")
	}
	d := rate.Affords(dollars)
	if d < runpod.MinTimeout {
		return 0, usage("--max-cost %v is less than the shortest job costs: 5 s on %s are %s%s", dollars, rate.Pool, money(rate.Most(runpod.MinTimeout)), extras(rate))
	}
	return min(d, runpod.MaxTimeout), nil
}

// String says in the line about a plan how long its job may run: "at most 6h, the endpoint's
// own limit".
func (l timeLimit) String() string {
	s := "at most " + hours(l.time)
	switch {
	case strings.HasPrefix(l.option, "--timeout"):
		return s + ", --timeout"
	case l.option != "":
		return s + ", " + l.option
	case !l.known:
		return s + ", RunPod's default, because the endpoint's own limit is not known; --timeout sets another"
	case l.time == runpod.MaxTimeout:
		return s + ", because the endpoint has no limit of its own"
	}
	return s + ", the endpoint's own limit"
}

// ended says after a job was stopped what limited it.
func (l timeLimit) ended() string {
	switch {
	case l.option != "":
		return l.option
	case !l.known:
		return hours(l.time) + " by default; --timeout gives it more"
	}
	return hours(l.time) + ", the endpoint's own limit; --timeout gives it more"
}

// hours writes a time as options take it: "6h", "1h30m", "90s".
func hours(d time.Duration) string {
	s := d.String()
	if strings.HasSuffix(s, "m0s") {
		s = s[:len(s)-2]
	}
	if strings.HasSuffix(s, "h0m") {
		s = s[:len(s)-2]
	}
	return s
}

// ErrOvertime means that the server stopped a job that had used up its time.
var ErrOvertime = errors.New("out of time")

// overtime says what limited a job's time, if the job used all of it, and then what is left of
// it; any other error stays as it is. RunPod calls such a job FAILED or TIMED_OUT.
//
// Source: docs.runpod.io, Serverless, "Job states and metrics" and "Send API requests".
func (l timeLimit) overtime(err error, left string) error {
	var job *runpod.JobError
	if !errors.As(err, &job) || job.Status == runpod.StatusCancelled {
		return err
	}
	if job.Execution > 0 && job.Execution < l.time || job.Status != runpod.StatusTimedOut && l.time == 0 || job.Status != runpod.StatusTimedOut && job.Execution == 0 {
		return err // lost, or it waited too long
	}
	text := "the job was ended: "
	if given := cmp.Or(l.time, job.Execution); given > 0 {
		text = fmt.Sprintf("the job was ended after %s: ", render.Duration(given))
	}
	switch {
	case strings.HasPrefix(l.option, "--max-cost"):
		text += fmt.Sprintf("that is what %s affords; give it more, or less to do", l.option)
	case l.option != "":
		text += fmt.Sprintf("that is its %s; give it more, or less to do", l.option)
	case !l.known:
		text += "the time that a job has by default; --timeout gives it more, as in --timeout 2h"
	default:
		text += "the endpoint's own limit; --timeout gives the job more, as in --timeout 2h"
	}
	text += " (job " + string(job.JobID) + ")"
	if left != "" {
		text += "; " + left
	}
	return &hint{errors.Join(err, ErrOvertime), text}
}

// leftInWords says what a training that the server ended has left.
func leftInWords(m *train.Model, variable string) string {
	if m != nil && m.HasWeights() {
		return holdsInWords(m, variable)
	}
	return "the variable holds the epochs so far, without weights"
}
