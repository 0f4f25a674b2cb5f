package train

import (
	"errors"
	"fmt"

	"github.com/gopherpod/gopherpod/runpod"
	"github.com/gopherpod/gopherpod/runpod/transfer"
	"github.com/gopherpod/gopherpod/tensors"
)

var (
	// ErrNoWeights means that the model has a history and no weights, because its training
	// was interrupted. Train it again, or use another model.
	ErrNoWeights = errors.New("the model has no weights: its training did not end")
	// ErrNoOutput means that the service reports COMPLETED and has no output, because it
	// refused the worker's result, and that the worker has not kept it either. Nothing is computed
	// again by itself, because that would be billed again.
	ErrNoOutput = transfer.ErrNoOutput

	// ErrResult means that the endpoint's answer does not fit the request.
	ErrResult = transfer.ErrResult
)

// A DataError says what is wrong with an array before it is sent. Err is the
// kind: tensors.ErrNotFinite, ErrEmpty, ErrRagged, ErrShape, ErrType, ErrRange.
type DataError struct {
	Name string // the caller's name for it: "Xtrain"
	Text string // what is wrong with it, and what it should be
	Err  error
}

// Error says what is wrong, in one line.
func (e *DataError) Error() string { return e.Name + " " + e.Text }

// Unwrap returns the kind of error.
func (e *DataError) Unwrap() error { return e.Err }

func wrong(name string, kind error, format string, args ...any) error {
	return &DataError{Name: name, Text: fmt.Sprintf(format, args...), Err: kind}
}

// An InterruptedError is the error of a training that ended because its context was done or
// because someone cancelled its job. The model that is returned with it holds the epochs so
// far, and the weights if they could be collected from the worker.
type InterruptedError struct {
	JobID runpod.JobID // empty if no job had been accepted
	// Cancelled reports whether the job is known not to run any more. If not, CancelErr says
	// why, and the job may still run and cost money.
	Cancelled bool
	CancelErr error
	Epochs    int   // number of finished epochs
	Weights   bool  // the model has weights; Model.Weights says which
	Cause     error // context.Cause
}

// Error says what is wrong, in one line.
func (e *InterruptedError) Error() string {
	switch {
	case e.JobID == "" && e.CancelErr != nil:
		return fmt.Sprintf("interrupted while the job was sent, and it may have been accepted (%v): it may run and cost money; look in the RunPod console", e.CancelErr)
	case e.JobID == "":
		return "interrupted before the job was accepted; nothing runs on the endpoint"
	case e.Cancelled:
		s := fmt.Sprintf("interrupted after %d finished epochs; job %s is cancelled", e.Epochs, e.JobID)
		if e.Weights {
			s += ", and the model has the weights so far"
		}
		return s
	default:
		return fmt.Sprintf("interrupted after %d finished epochs, and job %s could not be cancelled (%v): it may still run and cost money; cancel it in the RunPod console", e.Epochs, e.JobID, e.CancelErr)
	}
}

// Unwrap returns the cause.
func (e *InterruptedError) Unwrap() error { return e.Cause }

// kindOf returns the sentinel error of package tensors that err wraps.
func kindOf(err error) error {
	for _, k := range []error{tensors.ErrNotFinite, tensors.ErrEmpty, tensors.ErrRagged, tensors.ErrShape, tensors.ErrRange, tensors.ErrTooLarge} {
		if errors.Is(err, k) {
			return k
		}
	}
	return tensors.ErrType
}
