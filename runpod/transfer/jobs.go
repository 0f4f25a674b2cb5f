package transfer

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/gopherpod/gopherpod/runpod"
	"github.com/gopherpod/gopherpod/runpod/store"
	"github.com/gopherpod/gopherpod/tensors"
	"github.com/gopherpod/gopherpod/worker"
)

// errNoStore means that the endpoint's worker does not support the operation store, or
// does not do it properly.
var errNoStore = errors.New("the endpoint's worker stores no data")

const (
	// partBytes is the size of the parts of a large array; a part makes a request of 9.4 MB.
	partBytes = 7_000_000
	// partsAtOnce is how many of these requests are sent at the same time.
	partsAtOnce = 4
	// storeTries is how often a store job is tried. Repeating one is safe: storing the
	// same data twice changes nothing.
	storeTries = 3
	// storeTime is how long a store job may take: it writes some megabytes.
	storeTime = 2 * time.Minute
)

// byJobs sends the arrays that the worker does not have as jobs of the operation store.
func (t *Transfer) byJobs(ctx context.Context, p *Parcel, names []string, report func(string, store.Receipt)) error {
	bases := map[string]string{} // digests of the bases of states that can be sent as deltas
	p.asDelta = map[string]bool{}
	ask := &worker.Request{Operation: worker.OpStore, Protocol: worker.Protocol}
	for _, name := range names {
		ask.Have = append(ask.Have, p.Digest(name))
		if base, next, err := tensors.DeltaDigests(p.Deltas[name]); err == nil && next == p.Digest(name) {
			bases[name] = base
			ask.Have = append(ask.Have, base)
		}
	}
	answer, err := t.storeJob(ctx, ask)
	if err != nil {
		return err
	}
	group := tensors.Set{}
	flush := func() error {
		err := t.sendSet(ctx, p, group)
		for _, name := range group.Names() {
			if err == nil {
				report(name, store.Receipt{Digest: p.Digest(name), Size: int64(len(p.Set[name].Data)), Sent: int64(len(p.Set[name].Data)), Parts: 1})
			}
		}
		group = tensors.Set{}
		return err
	}
	for _, name := range names {
		a, digest := p.Set[name], p.Digest(name)
		r := store.Receipt{Digest: digest, Size: int64(len(a.Data)), Parts: 1}
		switch {
		case slices.Contains(answer.Have, digest):
			report(name, r)
		case bases[name] != "" && slices.Contains(answer.Have, bases[name]):
			p.asDelta[name] = true
			r.Sent = int64(len(p.Deltas[name]))
			report(name, r)
		case len(a.Data) > partBytes:
			if r.Sent, r.Parts, err = t.sendParts(ctx, a, digest); err != nil {
				return err
			}
			report(name, r)
		default:
			if group.Bytes()+len(a.Data) > partBytes {
				if err := flush(); err != nil {
					return err
				}
			}
			group[name] = a
		}
	}
	return flush()
}

// sendSet sends arrays in one job.
func (t *Transfer) sendSet(ctx context.Context, p *Parcel, set tensors.Set) error {
	if len(set) == 0 {
		return nil
	}
	packed, err := pack(set)
	if err != nil {
		return err
	}
	answer, err := t.storeJob(ctx, &worker.Request{Operation: worker.OpStore, Protocol: worker.Protocol, Tensors: packed})
	if err != nil {
		return err
	}
	for name := range set {
		if answer.Stored[name] != p.Digest(name) {
			return fmt.Errorf("train: send %s: %w: %w: what arrived has another digest", p.Name(name), errNoStore, ErrResult)
		}
	}
	return nil
}

// sendParts sends the parts of an array that the worker does not have, and has the worker
// put them together. After a broken connection it resumes with the missing parts.
func (t *Transfer) sendParts(ctx context.Context, a tensors.Tensor, digest string) (sent int64, count int, err error) {
	j := worker.Join{SHA256: digest, DType: a.DType, Shape: a.Shape}
	parts := map[string]tensors.Tensor{}
	for b := range slices.Chunk(a.Data, partBytes) {
		part := tensors.Tensor{DType: tensors.Uint8, Shape: []int{len(b)}, Data: b}
		d := part.Digest()
		parts[d] = part
		j.Parts = append(j.Parts, d)
	}
	for range deliveries {
		answer, err := t.storeJob(ctx, &worker.Request{Operation: worker.OpStore, Protocol: worker.Protocol, Join: []worker.Join{j}})
		if err != nil {
			return sent, len(j.Parts), err
		}
		if slices.Contains(answer.Have, digest) {
			return sent, len(j.Parts), nil
		}
		n, err := t.sendEach(ctx, parts, answer.Missing)
		if sent += n; err != nil {
			return sent, len(j.Parts), err
		}
	}
	return sent, len(j.Parts), fmt.Errorf("train: %w: it lost parts of an array of %.1f MB before all of them had arrived", errNoStore, mb(len(a.Data)))
}

// sendEach sends the parts with those digests, each as a job, several at the same time. It
// stops at the first error.
func (t *Transfer) sendEach(ctx context.Context, parts map[string]tensors.Tensor, digests []string) (sent int64, err error) {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	var all sync.WaitGroup
	var mu sync.Mutex
	slots := make(chan struct{}, partsAtOnce)
	slices.Sort(digests)
	for _, digest := range slices.Compact(digests) {
		part, ok := parts[digest]
		if !ok {
			return sent, fmt.Errorf("train: %w: %w: it asks for a part that does not exist", errNoStore, ErrResult)
		}
		slots <- struct{}{}
		if ctx.Err() != nil {
			break
		}
		all.Go(func() {
			defer func() { <-slots }()
			p := &Parcel{Set: tensors.Set{"part": part}, digests: map[string]string{"part": digest}}
			if err := t.sendSet(ctx, p, p.Set); err != nil {
				cancel(err)
				return
			}
			mu.Lock()
			sent += int64(len(part.Data))
			mu.Unlock()
		})
	}
	all.Wait()
	if ctx.Err() != nil {
		return sent, context.Cause(ctx)
	}
	return sent, nil
}

// storeJob runs a request of the operation store. If the request may not
// have arrived, storeJob sends it again.
func (t *Transfer) storeJob(ctx context.Context, r *worker.Request) (*worker.Response, error) {
	for try := 1; ; try++ {
		output, err := Call(ctx, t.endpoint, r, runpod.Policy{ExecutionTimeout: storeTime})
		var refused *worker.Error
		switch {
		case err == nil:
			var answer worker.Response
			if err := Decode(output, &answer); err != nil || answer.Status != "success" {
				return nil, fmt.Errorf("train: %w: %w", errNoStore, ErrResult)
			}
			return &answer, nil
		case ctx.Err() != nil:
			return nil, err
		case errors.As(err, &refused) && (refused.Kind == worker.ErrInvalid || refused.Kind == worker.ErrUnsupported):
			return nil, fmt.Errorf("%w: %w", errNoStore, err)
		case try < storeTries && again(err):
			continue
		}
		return nil, err
	}
}

// again reports whether an error is one of the connection or the service and not of the
// job, so that another try may succeed.
func again(err error) bool {
	for _, kind := range []error{runpod.ErrUnknownOutcome, runpod.ErrUnreachable, runpod.ErrServer, runpod.ErrJobTimedOut, ErrNoOutput} {
		if errors.Is(err, kind) {
			return true
		}
	}
	return false
}
