package budget

import (
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"

	"github.com/gopherpod/gopherpod/runpod/runs"
	"github.com/gopherpod/gopherpod/runpod/settings"
)

// The variables that limit what is spent, in US dollars. 0 allows nothing that is paid; a
// variable that is not set allows everything.
const (
	// EnvDay limits a day, in UTC, over all runs of the user's run store.
	EnvDay = "RUNPOD_BUDGET_DAY"
	// EnvNotebook limits a notebook from the start of its kernel.
	EnvNotebook = "RUNPOD_BUDGET_NOTEBOOK"
	// EnvHour limits what the workers of one run cost an hour.
	EnvHour = "RUNPOD_MAX_PER_HOUR"
)

// A Limit is the value of one of the variables.
type Limit struct {
	Name string
	Most float64 // US dollars
	From settings.Source
}

// Limits are what the user allows; nil means no limit.
type Limits struct{ Day, Notebook, Hour *Limit }

// None reports whether there is no limit.
func (l Limits) None() bool { return l == Limits{} }

// FromEnv reads the limits; see package settings. A value that is not an amount is an error,
// because a budget with a typing error would allow everything.
func FromEnv() (Limits, error) {
	s, err := settings.Read(".env")
	if err != nil {
		return Limits{}, fmt.Errorf("budget: %w", err)
	}
	var l Limits
	for name, at := range map[string]**Limit{EnvDay: &l.Day, EnvNotebook: &l.Notebook, EnvHour: &l.Hour} {
		text := s.Get(name)
		if text == "" {
			continue
		}
		most, err := Dollars(text)
		if err != nil {
			return Limits{}, fmt.Errorf("%s (%s): %w", name, s.From(name), err)
		}
		*at = &Limit{name, most, s.From(name)}
	}
	return l, nil
}

// Dollars reads an amount: "2.50", "$2.50".
func Dollars(text string) (float64, error) {
	x, err := strconv.ParseFloat(strings.TrimPrefix(strings.TrimSpace(text), "$"), 64)
	if err != nil || !(x >= 0) || math.IsInf(x, 0) {
		return 0, fmt.Errorf("want an amount of dollars from 0, as in 2.50, got %.40q", text)
	}
	return x, nil
}

// Budgets returns the limits that the run store checks, at a time.
func (l Limits) Budgets(now time.Time) (list []runs.Budget) {
	if l.Day != nil {
		list = append(list, runs.Budget{Name: EnvDay, Most: l.Day.Most, Since: now.UTC().Truncate(24 * time.Hour)})
	}
	if l.Notebook != nil {
		list = append(list, runs.Budget{Name: EnvNotebook, Most: l.Notebook.Most, Session: "this"})
	}
	return list
}

// zero returns the name of a limit of 0, or "".
func (l Limits) zero() string {
	for _, limit := range []*Limit{l.Day, l.Notebook, l.Hour} {
		if limit != nil && limit.Most == 0 {
			return limit.Name
		}
	}
	return ""
}

// names lists the limits that are set.
func (l Limits) names() string {
	var names []string
	for _, limit := range []*Limit{l.Day, l.Notebook, l.Hour} {
		if limit != nil {
			names = append(names, limit.Name)
		}
	}
	return strings.Join(names, ", ")
}
