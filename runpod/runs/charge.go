package runs

import (
	"errors"
	"fmt"
	"time"
)

// A Charge is what something paid costs: a run, an evaluation, a warm worker. While it is
// Open, Dollars is the most that it may cost, and counts against budgets in full.
type Charge struct {
	ID       string    `json:"id"` // the run's id, or one of its own
	Kind     string    `json:"kind"`
	Open     bool      `json:"open,omitempty"`
	At       time.Time `json:"at"`
	Endpoint string    `json:"endpoint,omitempty"`
	Notebook string    `json:"notebook,omitempty"`
	// Session is the kernel, or the call of a command, that the charge came from. The
	// store's Handler sets it.
	Session string  `json:"session,omitempty"`
	Seconds float64 `json:"seconds,omitempty"` // billed: start, execution and idle time
	Dollars float64 `json:"dollars"`
}

// Check returns an error for a charge that the store could not keep.
func (c Charge) Check() error {
	switch {
	case c.ID == "" || len(c.ID) > 64:
		return fmt.Errorf("runs: the charge's id has %d characters, want 1 to 64", len(c.ID))
	case c.At.IsZero():
		return fmt.Errorf("runs: charge %s has no time", c.ID)
	case !(c.Dollars >= 0) || c.Dollars > 1e9:
		return fmt.Errorf("runs: charge %s is of %v dollars, want 0 or more", c.ID, c.Dollars)
	}
	return nil
}

// A Budget is the most that charges may come to together: all since a time, or those of the
// session that asks.
type Budget struct {
	Name  string    `json:"name"` // of the variable that sets it
	Most  float64   `json:"most"` // US dollars
	Since time.Time `json:"since,omitzero"`
	// Session, if not empty, leaves out the charges of other sessions. A client of Handler
	// gives any text, in place of which the handler puts its own.
	Session string `json:"session,omitempty"`
	// Endpoint, if not empty, leaves out what other endpoints cost.
	Endpoint string `json:"endpoint,omitempty"`
}

// A Spending is what counts against a budget.
type Spending struct {
	Settled float64 `json:"settled"` // US dollars that have been spent
	Open    float64 `json:"open"`    // US dollars that open charges may cost at most
	Jobs    int     `json:"jobs"`    // how many charges are open
}

// Left returns what is left of a budget, 0 if it is used up.
func (s Spending) Left(b Budget) float64 { return max(b.Most-s.Settled-s.Open, 0) }

// ErrOverBudget means that a charge would pass a budget. The error is an *OverBudget.
var ErrOverBudget = errors.New("over the budget")

// An OverBudget says which budget a charge would pass. The charge is not in the store.
type OverBudget struct {
	Budget   Budget   `json:"budget"`
	Spending Spending `json:"spending"`
	Want     float64  `json:"want"` // US dollars
}

func (e *OverBudget) Error() string {
	return fmt.Sprintf("%s: want up to $%.4f, and $%.4f of $%.2f are left", e.Budget.Name, e.Want, e.Spending.Left(e.Budget), e.Budget.Most)
}

// Is makes errors.Is(err, ErrOverBudget) true.
func (e *OverBudget) Is(target error) bool { return target == ErrOverBudget }
