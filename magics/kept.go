package magics

import (
	"errors"
	"fmt"

	"github.com/gopherpod/gopherpod/runpod/train"
	"github.com/gopherpod/gopherpod/worker"
)

// note returns the line of the result that explains why a run has fewer epochs than asked
// for, and which weights the variable holds if they are not the last ones.
func note(m *train.Model, err error, s *shownRun) string {
	variable, limit := s.variable, ""
	if s.limit != "" {
		limit = " (" + s.limit + ")"
	}
	holds := holdsInWords(m, variable)
	trained := m.Epochs
	if n := m.History.Len(); n > 0 {
		trained = m.History.Records[n-1].Epoch
	}
	var cut *train.InterruptedError
	switch {
	case errors.As(err, &cut) && m.HasWeights():
		return fmt.Sprintf("Interrupted after epoch %d; %s.", trained, holds)
	case errors.As(err, &cut):
		return fmt.Sprintf("Interrupted after epoch %d.", trained)
	case err != nil && m.HasWeights():
		return fmt.Sprintf("Failed after epoch %d; %s; go on with --from %s.", trained, holds, variable)
	case err != nil:
		return fmt.Sprintf("Failed after epoch %d.", trained)
	case m.Stopped == worker.StoppedAtLimit:
		return fmt.Sprintf("Stopped at the limit%s after epoch %d; %s; go on with --from %s.", limit, trained, holds, variable)
	case m.Stopped != "":
		return fmt.Sprintf("Ended after epoch %d: %s.", trained, m.Stopped) // the worker says which state it kept
	case m.Weights.Best != "":
		return holds + "."
	}
	return ""
}

// holdsInWords says which weights a model has: "model holds the weights of epoch 57, the
// best by validation loss".
func holdsInWords(m *train.Model, variable string) string {
	return variable + " holds the weights " + weightsInWords(m.Weights)
}

func weightsInWords(w worker.Weights) string {
	switch {
	case w.Best != "":
		name := map[string]string{"loss": "training loss", "val_loss": "validation loss"}[w.Best]
		return fmt.Sprintf("of epoch %d, the best by %s", w.Epoch, name)
	case w.Batch > 0:
		return fmt.Sprintf("after batch %d of epoch %d", w.Batch, w.Epoch+1)
	}
	return fmt.Sprintf("of epoch %d", w.Epoch)
}
