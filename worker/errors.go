package worker

import "github.com/gopherpod/gopherpod/tensors/printable"

// An ErrorKind is the decision that a caller can take on a refused request.
type ErrorKind string

const (
	// ErrInvalid: the request is wrong; sending it again does not help.
	ErrInvalid ErrorKind = "InvalidRequest"
	// ErrUnsupported: the request is right, this worker cannot do it.
	ErrUnsupported ErrorKind = "Unsupported"
	// ErrDiverged: the training produced no number; the history up to there was streamed.
	ErrDiverged ErrorKind = "Diverged"
	// ErrMemory: it does not fit; a smaller batch may.
	ErrMemory ErrorKind = "OutOfMemory"
	// ErrMissing: the store does not hold a digest; Field names it.
	ErrMissing ErrorKind = "MissingData"
	// ErrDamaged: the data under a digest have another digest: send them again.
	ErrDamaged ErrorKind = "DamagedData"
	// ErrInternal: a bug of the worker.
	ErrInternal ErrorKind = "InternalError"
)

// An Error is a job's failure. It travels in the job's error text as the JSON
// object that RunPod's SDK writes for an exception: error_type holds the kind,
// error_message the text, and field, if any, the path in the request
// ("model_config.layers[2].in_features").
type Error struct {
	Kind    ErrorKind `json:"error_type"`
	Message string    `json:"error_message"`
	Field   string    `json:"field,omitempty"`
}

// Error says what is wrong, in one line. It is fit to be shown, whatever a worker sent.
func (e *Error) Error() string {
	if e.Field == "" {
		return printable.Text(e.Message)
	}
	return printable.Text(e.Field + ": " + e.Message)
}

// Invalid is an ErrInvalid about field.
func Invalid(field, message string) *Error {
	return &Error{Kind: ErrInvalid, Message: message, Field: field}
}
