package worker

import (
	"slices"
	"strings"

	"github.com/gopherpod/gopherpod/worker/contract"
)

// A request without a protocol is one of the predecessor. docs/predecessor.md says what that
// system documented, and what of it is answered differently on purpose.

// fillOld puts the contract's words where a request of the predecessor may have others: no
// operation meant train_epoch, and the name of an optimizer could have any case.
func (r *Request) fillOld() {
	if r.Protocol != 0 {
		return
	}
	// A request with neither stays without an operation: the error about that says more.
	if r.Operation == "" && (r.Model != nil || r.TrainingData != nil) {
		r.Operation = OpTrainEpoch
	}
	if h := r.Hyperparameters; h != nil {
		if name := strings.ToLower(h.Optimizer); slices.Contains(contract.OptimizerNames(), name) {
			h.Optimizer = name // an unknown name stays as it is, for the error
		}
	}
}

// spared reports whether a request of the predecessor may lack a field that others need.
func (r *Request) spared(row contract.Operation, field string) bool {
	return r.Protocol == 0 && slices.Contains(row.SparedOld, field)
}
