package sweep

import (
	"fmt"
	"slices"
	"strings"

	"github.com/gopherpod/gopherpod/runpod/train"
	"github.com/gopherpod/gopherpod/worker"
	"github.com/gopherpod/gopherpod/worker/contract"
)

// A LeftOut is a hyperparameter that the options of a sweep set and that some of the
// optimizers that it varies do not use: their trials leave it out.
type LeftOut struct {
	Name       string
	Optimizers []string // those that do not use it
}

// String says which trials leave it out.
func (l LeftOut) String() string {
	return fmt.Sprintf("%s is left out of trials with %s, which do not use it", l.Name, strings.Join(l.Optimizers, ", "))
}

// LeaveOut lists the hyperparameters that the options set and some optimizers of the
// space do not use. One that none of them uses is a mistake, for which LeaveOut returns
// an ErrInvalid with its name. If the space does not vary the optimizer, LeaveOut returns
// nothing, and the check of the hyperparameters refuses what the optimizer does not use.
func LeaveOut(o train.Options, space []Dimension) ([]LeftOut, error) {
	i := slices.IndexFunc(space, func(d Dimension) bool { return d.Name == "optimizer" })
	if i < 0 {
		return nil, nil
	}
	if err := space[i].checkWords(); err != nil {
		return nil, err
	}
	var found []LeftOut
	for _, choice := range space[i].Choices {
		name := fmt.Sprint(choice)
		if err := (&worker.Hyperparameters{Optimizer: name}).Validate(); err != nil {
			return nil, err // an unknown optimizer, which uses nothing
		}
		unused, err := fixedUnused(o, name)
		if err != nil {
			return nil, err
		}
		for _, u := range unused {
			at := slices.IndexFunc(found, func(l LeftOut) bool { return l.Name == u })
			if at < 0 {
				at, found = len(found), append(found, LeftOut{Name: u})
			}
			if !slices.Contains(found[at].Optimizers, name) {
				found[at].Optimizers = append(found[at].Optimizers, name)
			}
		}
	}
	for _, l := range found {
		if !slices.ContainsFunc(space[i].Choices, func(c any) bool { return !slices.Contains(l.Optimizers, fmt.Sprint(c)) }) {
			row, _ := contract.LookupHyperparameter(l.Name)
			return nil, worker.Invalid(l.Name, fmt.Sprintf("none of the optimizers %s uses it; want one of %s among them", strings.Join(l.Optimizers, ", "), strings.Join(row.Optimizers, ", ")))
		}
	}
	return found, nil
}

// fixedUnused lists the hyperparameters that the options set and the optimizer does not
// use. It omits defaults, because they change nothing.
func fixedUnused(o train.Options, optimizer string) ([]string, error) {
	o.Optimizer = optimizer
	h, err := o.Given()
	if err != nil {
		return nil, err
	}
	var names []string
	for _, row := range contract.Hyperparameters() {
		if row.Optimizers != nil && h.Has(row.Name) && h.Unused(row.Name) != "" && h.Pick("optimizer", row.Name).Validate() != nil {
			names = append(names, row.Name)
		}
	}
	return names, nil
}

// leaveOut removes from the options the hyperparameters that their optimizer does
// not use.
func leaveOut(o train.Options) (train.Options, error) {
	names, err := fixedUnused(o, o.Optimizer)
	if err != nil || names == nil {
		return o, err
	}
	for _, name := range names {
		if n := o.Number(name); n != nil {
			*n = nil
		}
		if name == "nesterov" {
			o.Nesterov = false
		}
	}
	if o.Hyperparameters != nil {
		o.Hyperparameters = o.Hyperparameters.Pick(slices.DeleteFunc(contract.HyperparameterNames(), func(name string) bool { return slices.Contains(names, name) })...)
	}
	return o, nil
}
