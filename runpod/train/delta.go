package train

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"slices"

	"github.com/gopherpod/gopherpod/runpod"
	"github.com/gopherpod/gopherpod/runpod/place"
	"github.com/gopherpod/gopherpod/runpod/store"
	"github.com/gopherpod/gopherpod/runpod/transfer"
	"github.com/gopherpod/gopherpod/tensors"
	"github.com/gopherpod/gopherpod/tensors/wording"
	"github.com/gopherpod/gopherpod/worker"
	"github.com/gopherpod/gopherpod/worker/contract"
)

// keepDelta is the length of the longest delta that a model keeps. The model sends it
// instead of the state to a worker that has the base. It must be short because it travels
// inside the request.
const keepDelta = 6_000_000

// wantsDelta reports whether a request asks for its states as deltas. Unless the options
// say otherwise, it does if it continues a state, the worker that made the state supports
// deltas, and the answer comes over a network.
func (p *Plan) wantsDelta(e *runpod.Endpoint) bool {
	from := p.options.From
	if from == nil || p.request.ModelState == "" {
		return false
	}
	if want := p.options.StateDelta; want != nil {
		return *want
	}
	return slices.Contains(from.features, contract.FeatureStateDelta) && !e.Client().Local()
}

// refuses reports whether a worker refused a field of the request because it is too old to
// know it. It has computed nothing then.
func refuses(err error, field string) bool {
	var e *worker.Error
	return errors.As(err, &e) && e.Kind == worker.ErrInvalid && e.Field == field
}

// rebuild replaces the deltas in a result by the full states, and returns the deltas. The
// bases are the states that the plan sent or, if another process sent the plan, the states
// that the endpoint's store has.
func (p *Plan) rebuild(ctx context.Context, e *runpod.Endpoint, r *worker.TrainResult) (deltas map[string]string, err error) {
	var came, whole int
	for i, s := range r.States() {
		delta := *s.Text
		if !tensors.IsDelta(delta) {
			continue
		}
		var base string
		if p.attached != nil {
			base, err = p.stored(ctx, e, delta)
		} else {
			base = *p.request.States()[i].Text
		}
		if err == nil {
			*s.Text, err = tensors.DecodeDelta(base, delta, transfer.MaxResult)
		}
		if err != nil {
			return nil, fmt.Errorf("%s arrived as a delta: %w", s.Name, err)
		}
		came, whole = came+len(delta), whole+len(*s.Text)
		if len(delta) <= keepDelta {
			if deltas == nil {
				deltas = map[string]string{}
			}
			deltas[s.Name] = delta
		}
	}
	if came > 0 {
		p.observers.notice(fmt.Sprintf("the states came back as differences to those before: %s instead of %s", wording.Bytes(int64(came)), wording.Bytes(int64(whole))))
	}
	return deltas, nil
}

// stored returns the base of a delta from the endpoint's store.
func (p *Plan) stored(ctx context.Context, e *runpod.Endpoint, delta string) (string, error) {
	digest, _, err := tensors.DeltaDigests(delta)
	if err != nil {
		return "", err
	}
	s := p.options.Store
	if s == nil {
		if s, err = place.StoreOf(e); err != nil {
			return "", err
		}
	}
	if s == nil {
		return "", fmt.Errorf("the base %.12s cannot be read: the environment names no store", digest)
	}
	t, err := store.FetchTensor(ctx, s, digest, store.Options{Limit: transfer.MaxResult})
	if err != nil {
		return "", err
	}
	return base64.StdEncoding.EncodeToString(t.Data), nil
}
