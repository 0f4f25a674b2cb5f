// Package runs is the run store: what was trained, from which data, at what price,
// with what result. A run is in the store before its job is submitted, so that no
// run goes unnoticed.
//
// The file belongs to the notebook kernel's process or to the command line (package
// runs/sqlite); a notebook's session reaches it over HTTP (Dial, Handler), so that a
// session holds no database. The store knows no training: the record is JSON of
// package train, and the columns are what is listed, filtered and summed.
//
//	runs.go      a run, the store's interface
//	charge.go    what paid jobs cost, and budgets
//	http.go      the store over HTTP, for a session
//	outlived.go  keys of endpoints that outlive their kernel
//	sqlite       the store in a file
package runs

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"
)

// A State is the state of a run.
type State string

const (
	Open        State = "open"        // about to be submitted, waiting or running, as far as is known
	Completed   State = "completed"   // with all its epochs, or stopped early as asked for
	Interrupted State = "interrupted" // by the user; the model so far may be available
	Failed      State = "failed"      // Error says why
)

// States returns all states.
func States() []State { return []State{Open, Completed, Interrupted, Failed} }

// A Run is one training as the store keeps it.
type Run struct {
	ID       string    `json:"run_id"`
	State    State     `json:"state"`
	Created  time.Time `json:"created"`
	Ended    time.Time `json:"ended,omitzero"`
	Job      string    `json:"job_id,omitempty"`
	Endpoint string    `json:"endpoint,omitempty"`
	Address  string    `json:"address,omitempty"` // base URL of an endpoint on this machine
	Parent   string    `json:"parent,omitempty"`  // the sweep, if the run is one of its trials
	Notebook string    `json:"notebook,omitempty"`
	Cell     int       `json:"cell,omitempty"`   // execution count
	Source   string    `json:"source,omitempty"` // what was typed
	Tags     []string  `json:"tags,omitempty"`
	Title    string    `json:"title,omitempty"` // the model in words
	GPU      string    `json:"gpu,omitempty"`
	Image    string    `json:"image,omitempty"`

	Epochs  int     `json:"epochs"`            // done
	Planned int     `json:"planned,omitempty"` // number of the last epoch
	Loss    float64 `json:"loss,omitempty"`    // of the last epoch: the validation loss if there is one
	Score   float64 `json:"score,omitempty"`   // accuracy or the like of the last epoch, 0: none
	Seconds float64 `json:"seconds,omitempty"` // that the worker trained
	FLOPs   float64 `json:"flops,omitempty"`   // that it took for that, computed from sizes
	Steps   float64 `json:"steps,omitempty"`   // of the optimizer, in that time
	Billed  float64 `json:"billed,omitempty"`  // seconds that the job was executed, as the endpoint reports
	Waited  float64 `json:"waited,omitempty"`  // seconds in the queue
	Start   float64 `json:"start,omitempty"`   // seconds that its worker took to start, which are billed too
	Idle    float64 `json:"idle,omitempty"`    // seconds that the worker stays up after it, at most, which are billed too
	Dollars float64 `json:"dollars,omitempty"` // for all of these
	Error   string  `json:"error,omitempty"`

	// Record is what is needed to repeat the run: a train.Record.
	Record json.RawMessage `json:"record,omitempty"`
}

// A Filter selects the runs to list. The zero value lists the newest 50.
type Filter struct {
	State    State     `json:"state,omitempty"`
	Tag      string    `json:"tag,omitempty"`
	Notebook string    `json:"notebook,omitempty"`
	Endpoint string    `json:"endpoint,omitempty"`
	Parent   string    `json:"parent,omitempty"`
	Since    time.Time `json:"since,omitzero"`
	Limit    int       `json:"limit,omitempty"` // 50; negative: all
}

// DefaultLimit is how many runs are listed if Filter.Limit is 0.
const DefaultLimit = 50

// A Sum is what a group of runs cost.
type Sum struct {
	Group   string  `json:"group"`
	Runs    int     `json:"runs"`
	Billed  float64 `json:"billed"`  // seconds
	Dollars float64 `json:"dollars"` // 0: no price was known
	// Others is what other things cost, in US dollars: evaluations, predictions, warm workers.
	Others float64 `json:"others,omitempty"`
}

// Groupings returns the groupings that Store.Sums takes.
func Groupings() []string { return []string{"day", "notebook", "endpoint"} }

// A Store keeps runs. Its methods may be called from any goroutine.
type Store interface {
	// Put writes a run. It replaces the run that has its id. A run that has ended does not
	// become open again under the same job: if two processes follow it, one may know that it
	// has ended while the other still writes what it saw before. Such a Put changes nothing
	// and returns no error.
	Put(ctx context.Context, r Run) error
	// Append adds events of a run, each with its number in the run. An event that is
	// already there stays as it is, so following a run twice does not duplicate its events.
	Append(ctx context.Context, id string, events []Event) error
	// Get returns the run whose id begins with prefix: ErrNotFound if there is
	// none, ErrAmbiguous if there are several.
	Get(ctx context.Context, prefix string) (Run, error)
	// Events returns the events of a run, in order.
	Events(ctx context.Context, id string) ([]Event, error)
	// List returns runs, the newest first, without Record and Source, and the number
	// of all runs that the filter selects.
	List(ctx context.Context, f Filter) (list []Run, all int, err error)
	// Sums adds up what the runs since a time cost, by one of Groupings. Days
	// are in UTC, as RunPod bills, the newest first; other groups are sorted by
	// cost, the highest first.
	Sums(ctx context.Context, by string, since time.Time) ([]Sum, error)
	// Charge writes a charge, in place of the one with its id, if all charges together then
	// stay within the budgets. Otherwise it writes nothing and returns an *OverBudget. The
	// check and the write are one step, so two callers cannot spend the same dollar.
	Charge(ctx context.Context, c Charge, within ...Budget) error
	// Spent returns what counts against a budget.
	Spent(ctx context.Context, b Budget) (Spending, error)
}

// An Event is one event of a run, as the worker sent it, without weights.
type Event struct {
	Seq  int             `json:"seq"`
	Data json.RawMessage `json:"data"`
}

var (
	ErrNotFound  = errors.New("no such run")      // no id begins with what was asked for
	ErrAmbiguous = errors.New("ambiguous run id") // the caller needs more of the id
)

// Check returns an error for a run that the store could not find again.
func (r Run) Check() error {
	if len(r.ID) < 4 || len(r.ID) > 64 {
		return fmt.Errorf("runs: the id %.80q has %d characters, want 4 to 64", r.ID, len(r.ID))
	}
	for _, c := range r.ID {
		if c != '-' && c != '_' && (c < '0' || c > '9') && (c < 'a' || c > 'z') && (c < 'A' || c > 'Z') {
			return fmt.Errorf("runs: the id %.80q contains %q, want letters, digits, - and _", r.ID, c)
		}
	}
	if r.Created.IsZero() {
		return fmt.Errorf("runs: run %s has no creation time", r.ID)
	}
	return nil
}
