package engine

import (
	"encoding/base64"
	"fmt"
	"strings"

	"github.com/gopherpod/gopherpod/tensors"
	"github.com/gopherpod/gopherpod/worker"
)

// fetchState replaces *text, if it refers to a state in the store or is a delta to
// one, with the state.
func (a *arrays) fetchState(text *string, field string, o *Options) error {
	if digest, ok := strings.CutPrefix(*text, worker.StateRef); ok {
		state, err := a.storedState(digest, field)
		*text = state
		return err
	}
	if !tensors.IsDelta(*text) {
		return nil
	}
	base, _, err := tensors.DeltaDigests(*text)
	if err != nil {
		return worker.Invalid(field, trim(err))
	}
	state, err := a.storedState(base, field)
	if err != nil {
		return err
	}
	room := o.room()
	if *text, err = tensors.DecodeDelta(state, *text, room); err != nil {
		return o.undecodable(field, err, room)
	}
	a.keepState(*text)
	return nil
}

// storedState returns the text of a state in the store.
func (a *arrays) storedState(digest, field string) (string, error) {
	t, err := a.get(worker.Value{SHA256: digest}, field)
	if err != nil {
		return "", err
	}
	if t.DType != tensors.Uint8 {
		return "", worker.Invalid(field, fmt.Sprintf("%.64s is %v, not a state", digest, t))
	}
	return base64.StdEncoding.EncodeToString(t.Data), nil
}

// keepFrom is the length in bytes from which a state is worth storing.
const keepFrom = 256 << 10

// keepState keeps a state in memory, so that a client that continues from it need not send it.
func (a *arrays) keepState(text string) {
	k, ok := a.store.(interface {
		Keep(digest string, t tensors.Tensor)
	})
	if !ok || len(text) < keepFrom {
		return
	}
	if t, err := (worker.State{Text: &text}).Array(); err == nil {
		k.Keep(t.Digest(), t)
	}
}

// differences replaces the states of a result with deltas to the request's states if the
// request accepts deltas, for each state whose delta is shorter.
func differences(r *worker.Request, result *worker.TrainResult) error {
	if !r.StateDelta {
		return nil
	}
	bases := r.States()
	for i, s := range result.States() {
		if *bases[i].Text == "" || *s.Text == "" {
			continue
		}
		text, shorter, err := tensors.EncodeDelta(*bases[i].Text, *s.Text)
		if err != nil {
			return err
		}
		if shorter {
			*s.Text = text
		}
	}
	return nil
}
