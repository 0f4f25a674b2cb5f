package magics

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/gopherpod/gopherpod/worker"
	"github.com/gopherpod/gopherpod/worker/contract"
)

// otherHyperparameters are those that have no option of their own, for --set.
func otherHyperparameters() []string {
	var names []string
	for _, row := range contract.Hyperparameters() {
		if row.Option == "" {
			names = append(names, row.Name)
		}
	}
	return names
}

// optionHelp is the help of an option that gives one hyperparameter: text, and the
// default of the contract's row, with those of optimizers that have another.
func optionHelp(option, text string) string {
	for _, row := range contract.Hyperparameters() {
		if row.Option != option || row.Default == nil {
			continue
		}
		defaults := fmt.Sprint(row.Default)
		for _, optimizer := range contract.OptimizerNames() {
			if d, ok := row.DefaultBy[optimizer]; ok {
				defaults += fmt.Sprintf("; %s %v", optimizer, d)
			}
		}
		text += " (default " + defaults + ")"
		if row.Optimizers != nil && len(row.Optimizers) < 4 {
			text += ", for " + strings.Join(row.Optimizers, " and ")
		}
		break
	}
	return text
}

// parseSet reads --set name=value, given any number of times.
func parseSet(words []string) (*worker.Hyperparameters, error) {
	if len(words) == 0 {
		return nil, nil
	}
	h := &worker.Hyperparameters{}
	for _, w := range words {
		name, value, ok := strings.Cut(w, "=")
		name = strings.ReplaceAll(name, "-", "_")
		switch {
		case !ok || value == "":
			return nil, usage("--set %s: name=value is wanted, as in --set label_smoothing=0.1", w)
		case !slices.Contains(otherHyperparameters(), name):
			return nil, usage("--set %s: it is none of %s%s", name, strings.Join(otherHyperparameters(), ", "), didYouMean(name, otherHyperparameters()))
		}
		if err := h.Set(name, value); err != nil {
			var e *worker.Error
			if errors.As(err, &e) {
				return nil, usage("--set %s: %s", w, e.Message)
			}
			return nil, usage("--set %s: %v", w, err)
		}
	}
	return h, nil
}
