package engine

import (
	"encoding/base64"
	"fmt"
	"strings"

	"github.com/gopherpod/gopherpod/tensors"
	"github.com/gopherpod/gopherpod/worker"
)

// stateRef begins the text of a state that lies in the store.
const stateRef = "sha256:"

// fetchState puts a state that lies in the store in the place of its digest.
func (a *arrays) fetchState(text *string, field string) error {
	digest, ok := strings.CutPrefix(*text, stateRef)
	if !ok {
		return nil
	}
	t, err := a.get(worker.Value{SHA256: digest}, field)
	if err != nil {
		return err
	}
	if t.DType != tensors.Uint8 {
		return worker.Invalid(field, fmt.Sprintf("%.64s is %v, and no state", digest, t))
	}
	*text = base64.StdEncoding.EncodeToString(t.Data)
	return nil
}

// keepFrom is the length from which a state is worth a place in the store.
const keepFrom = 256 << 10

// keepStates keeps the states of a result in memory, so that who goes on from them
// need not send them.
func (a *arrays) keepStates(r *worker.TrainResult) {
	k, ok := a.store.(interface {
		Keep(digest string, t tensors.Tensor)
	})
	if !ok {
		return
	}
	for _, text := range []string{r.ModelState, r.OptimizerState} {
		if len(text) < keepFrom {
			continue
		}
		if b, err := base64.StdEncoding.DecodeString(text); err == nil {
			t := tensors.Tensor{DType: tensors.Uint8, Shape: []int{len(b)}, Data: b}
			k.Keep(t.Digest(), t)
		}
	}
}
