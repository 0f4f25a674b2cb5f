package magics

import (
	"fmt"
	"strings"

	"github.com/gopherpod/gopherpod/magics/render"
	"github.com/gopherpod/gopherpod/runpod/train"
	"github.com/gopherpod/gopherpod/tensors/wording"
	"github.com/gopherpod/gopherpod/worker"
)

// howTrained lists the hyperparameters that identify a training: "adam, lr 0.002,
// batch 32, seed 7".
func howTrained(h worker.Hyperparameters) string {
	s := fmt.Sprintf("%s, lr %v, batch %d", h.Optimizer, h.LearningRate, h.BatchSize)
	if h.DropLast {
		s += ", without a smaller last batch"
	}
	if h.Shuffle != nil && !*h.Shuffle {
		s += ", samples in their order"
	}
	if h.Scheduler != nil {
		s += ", scheduler " + h.Scheduler.Type
	}
	if h.Seed != nil {
		s += fmt.Sprintf(", seed %d", *h.Seed)
	}
	return s
}

// title returns the line above the table of a training.
func title(m *worker.ModelConfig, parameters int, h worker.Hyperparameters) string {
	if m != nil && m.Other != nil && parameters == 0 { // before its worker has counted them
		return m.Title() + "; " + howTrainedModel(m, h)
	}
	return fmt.Sprintf("%s: %s parameters; %s", m.Title(), render.Count(parameters), howTrainedModel(m, h))
}

// howTrainedModel is howTrained for a model that may bring its own optimizer, which then has
// its own rates.
func howTrainedModel(m *worker.ModelConfig, h worker.Hyperparameters) string {
	how := howTrained(h)
	if p, ok := m.Python(); ok && p.Defines("configure_optimizer") {
		how = how[strings.Index(how, "batch "):]
	}
	return how
}

// planInWords returns the first line of a run. It begins with where and contains
// nothing that changes from run to run.
func planInWords(p *train.Plan, where string) string {
	h := p.Hyperparameters
	held := ""
	switch {
	case p.Validation > 0:
		held = fmt.Sprintf(" (and %s to validate)", render.Count(p.Validation))
	case h.ValidationSplit > 0:
		held = fmt.Sprintf(" (%s to validate)", render.Count(h.Held(p.Samples)))
		if h.Shuffle != nil && !*h.Shuffle {
			held = fmt.Sprintf(" (the last %s to validate)", render.Count(h.Held(p.Samples)))
		}
	}
	model := plural(p.Parameters, "parameter")
	if p.Model.Other != nil {
		model = p.Model.Title()
	}
	if _, ok := p.Model.Python(); ok {
		model += ", run there as code"
	}
	return fmt.Sprintf("%s: %s samples of %s%s, %s, %s, %s of data",
		where, render.Count(p.Samples), sizes(p.Input), held, model, plural(h.Epochs, "epoch"), wording.Bytes(int64(p.Bytes())))
}

func sizes(shape []int) string {
	s := fmt.Sprint(shape)
	return strings.ReplaceAll(strings.Trim(s, "[]"), " ", "x")
}

func plural(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return render.Count(n) + " " + what + "s"
}
