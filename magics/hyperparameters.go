package magics

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/gopherpod/gopherpod/worker"
	"github.com/gopherpod/gopherpod/worker/contract"
)

// otherHyperparameters returns the hyperparameters without an option of their own,
// which --set takes.
func otherHyperparameters() []string {
	var names []string
	for _, row := range contract.Hyperparameters() {
		if row.Option == "" {
			names = append(names, row.Name)
		}
	}
	return names
}

// optionHelp returns the help of an option that sets hyperparameters: the text of the
// contract's rows, followed by more.
func optionHelp(option, more string) string {
	rows := contract.OfOption(option)
	row := rows[0]
	doc := strings.TrimSuffix(row.Doc, ".")
	text := strings.ToLower(doc[:1]) + doc[1:]
	if row.Arg != "" { // a switch has none
		text = strings.Replace(text, row.Arg, "`"+row.Arg+"`", 1)
	}
	var words []string
	switch {
	case row.Type == contract.Choice:
		for _, w := range row.Values {
			words = append(words, w+parametersOf(w, rows[1:]))
		}
		text += ": " + strings.Join(words, ", ")
	case row.Type == contract.GPUs:
		text += ", " + row.Range.String()
	case row.Range != nil && row.Range.Brief() != "":
		text += ", " + row.Range.Brief()
	}
	if row.Type != contract.Choice {
		for _, other := range rows[1:] {
			_, inner, _ := strings.Cut(other.Name, ".")
			if other.Values != nil {
				inner += " (" + strings.Join(other.Values, ", ") + ")"
			}
			words = append(words, inner)
		}
		if words != nil {
			text += "; more after commas: " + strings.Join(words, ", ")
		}
	}
	if row.Default != nil && more == "" {
		more = " (default " + defaults(row) + ")"
	}
	if row.Optimizers != nil && len(row.Optimizers) < 4 {
		more += ", for " + strings.Join(row.Optimizers, " and ")
	}
	return text + more
}

// parametersOf lists the parameters of a scheduler: " (step_size, gamma)".
func parametersOf(scheduler string, rows []contract.Hyperparameter) string {
	var names []string
	for _, row := range rows {
		if slices.Contains(row.Schedulers, scheduler) {
			_, inner, _ := strings.Cut(row.Name, ".")
			names = append(names, inner)
		}
	}
	if names == nil {
		return ""
	}
	return " (" + strings.Join(names, ", ") + ")"
}

// defaults returns the default of a row, and the optimizers that have a different
// one.
func defaults(row contract.Hyperparameter) string {
	text := fmt.Sprint(row.Default)
	for _, optimizer := range contract.OptimizerNames() {
		if d, ok := row.DefaultBy[optimizer]; ok {
			text += fmt.Sprintf("; %s %v", optimizer, d)
		}
	}
	return text
}

// varyLoss lists the hyperparameters that a sweep may vary and that change what the
// loss measures.
func varyLoss() []string {
	var names []string
	for _, row := range contract.Hyperparameters() {
		if row.Varies && row.InLoss {
			names = append(names, row.Name)
		}
	}
	return names
}

// optionWords lists the words that options with a choice take, for completion.
func optionWords() map[string][]string {
	words := map[string][]string{}
	for _, row := range contract.Hyperparameters() {
		if _, there := words[row.Option]; row.Option != "" && row.Type == contract.Choice && !there {
			words[row.Option] = row.Values
		}
	}
	return words
}

// optionFor returns how the command line sets the hyperparameter in a field of the
// contract: "--lr", "--scheduler: gamma", "--set alpha". It returns "" if the field is
// not a hyperparameter.
func optionFor(field string) string {
	name, _, _ := strings.Cut(strings.TrimPrefix(field, "hyperparameters."), "[")
	row, ok := contract.LookupHyperparameter(name)
	_, inner, deep := strings.Cut(name, ".")
	switch {
	case !ok:
		return ""
	case row.Option == "":
		return "--set " + name
	case deep:
		return "--" + row.Option + ": " + inner
	}
	return "--" + row.Option
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
			return nil, usage("--set %s: want name=value, as in --set label_smoothing=0.1", w)
		case !slices.Contains(otherHyperparameters(), name):
			return nil, usage("--set %s: unknown name; want one of %s%s", name, strings.Join(otherHyperparameters(), ", "), didYouMean(name, otherHyperparameters()))
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
