package worker

import (
	"encoding/base64"
	"fmt"

	"github.com/gopherpod/gopherpod/tensors"
)

// The names of the states in requests, results and stores.
const (
	ModelState     = "model_state"
	OptimizerState = "optimizer_state"
)

// StateRef begins the text of a state that stands for an array of uint8 in the store; the
// array's digest follows.
const StateRef = "sha256:"

// A State is one of the two states of a request or a result: base64, a difference, or a
// reference (StateRef). Text is the field itself, "" if there is no such state.
type State struct {
	Name string
	Text *string
}

// States returns the states of a request: the model's, then the optimizer's.
func (r *Request) States() [2]State {
	return [2]State{{ModelState, &r.ModelState}, {OptimizerState, &r.OptimizerState}}
}

// States returns the states of a result: the model's, then the optimizer's.
func (r *TrainResult) States() [2]State {
	return [2]State{{ModelState, &r.ModelState}, {OptimizerState, &r.OptimizerState}}
}

// texts returns the texts of a result that may be too large for a chunk.
func (r *TrainResult) texts() []State {
	states := r.States()
	return append(states[:], State{"answer", &r.Answer})
}

// Array returns the state's bytes as an array of uint8, in which form states are stored.
// The array is empty if there is no state.
func (s State) Array() (tensors.Tensor, error) {
	b, err := base64.StdEncoding.DecodeString(*s.Text)
	if err != nil {
		return tensors.Tensor{}, fmt.Errorf("%s: %w", s.Name, err)
	}
	return tensors.Tensor{DType: tensors.Uint8, Shape: []int{len(b)}, Data: b}, nil
}

// Set makes the bytes of an array the state.
func (s State) Set(a tensors.Tensor) { *s.Text = base64.StdEncoding.EncodeToString(a.Data) }
