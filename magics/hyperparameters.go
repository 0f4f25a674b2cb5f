package magics

import (
	"errors"
	"slices"
	"strings"

	"github.com/gopherpod/gopherpod/worker"
)

// otherHyperparameters are those that have no option of their own, for --set.
var otherHyperparameters = []string{
	"class_weights", "label_smoothing", "nesterov", "betas", "alpha", "eps", "dampening", "max_iter", "delta", "clip_value", "top_k", "shuffle",
	"checkpoint.epochs", "checkpoint.seconds", "on_oom", "accelerate",
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
		case !slices.Contains(otherHyperparameters, name):
			return nil, usage("--set %s: it is none of %s%s", name, strings.Join(otherHyperparameters, ", "), didYouMean(name, otherHyperparameters))
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
