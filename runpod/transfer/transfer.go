package transfer

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/gopherpod/gopherpod/runpod"
	"github.com/gopherpod/gopherpod/runpod/place"
	"github.com/gopherpod/gopherpod/runpod/store"
	"github.com/gopherpod/gopherpod/worker"
)

// DefaultInline is how many bytes of arrays travel inside a request by default.
const DefaultInline = 1_000_000

// WithLog returns a context whose transfers call log with a line for each array that does
// not travel inside its request: "X: 9f3c41d2a0b7 40.0 MB, already there, 0 B sent".
// Fit reports these lines as events too.
func WithLog(ctx context.Context, log func(line string)) context.Context {
	return context.WithValue(ctx, logKey{}, log)
}

type logKey struct{}

// Log passes a line to the log of WithLog.
func Log(ctx context.Context, line string) {
	if log, ok := ctx.Value(logKey{}).(func(string)); ok {
		log(line)
	}
}

// A Transfer brings one parcel to an endpoint and, if there is a bucket, a large result
// back.
type Transfer struct {
	// Tell is called with a line for each array that does not travel inside the request.
	Tell func(line string)
	// Large means that the result may be larger than an answer, so that it has to go to
	// the bucket, if there is one.
	Large bool
	// Expires is how long presigned URLs live.
	Expires time.Duration

	endpoint *runpod.Endpoint
	store    store.Store // the store that the endpoint's workers read; nil: the one that the environment names, if any
	inline   int         // up to this many bytes, all arrays travel inside the request
	result   store.Name  // the object that the last request asked the result to be written to
	answers  store.Store // the bucket of that object
}

// New returns a transfer to an endpoint. s is the store that the endpoint's workers read,
// nil for the one that the environment names; inline is how many bytes of arrays may travel
// inside a request, 0 for DefaultInline.
func New(ctx context.Context, e *runpod.Endpoint, s store.Store, inline int) *Transfer {
	if inline == 0 {
		inline = DefaultInline
	}
	tell := func(line string) { Log(ctx, line) }
	return &Transfer{endpoint: e, store: s, inline: inline, Tell: tell, Expires: defaultExpiry}
}

// deliveries is how often data is sent that the worker reports as missing.
const deliveries = 3

// Send calls run with the parcel's request. Small arrays travel inside it; large ones are
// sent before. Send retries if the worker lacks data (see Missing): a refused request has
// computed nothing, so retrying is free. The rules:
//
//   - missing data is sent again; a damaged array is removed first;
//   - a worker that may not read from the bucket gets the data as jobs;
//   - a state whose delta the worker cannot use, because it lacks the base, is sent whole;
//   - if the worker still lacks the data after three tries, because the workers share no
//     store, the arrays travel inside the request if they fit.
func (t *Transfer) Send(ctx context.Context, p *Parcel, run func(*worker.Request) error) error {
	small := p.Bytes() <= t.inline
	if (!small || t.Large) && t.store == nil {
		var err error
		if t.store, err = place.StoreOf(t.endpoint); err != nil {
			return fmt.Errorf("train: where to put the data: %w", err)
		}
	}
	if _, signs := t.store.(store.Signer); small && (!t.Large || !signs) {
		r, err := p.referring(nil)
		if err != nil {
			return err
		}
		return run(r)
	}
	var names []string
	var err error
	if !small {
		if p, err = p.withStates(); err != nil {
			return err
		}
		names = p.large()
	}
	for try := range deliveries {
		if err = t.supply(ctx, p, names, try); err != nil {
			break
		}
		var r *worker.Request
		if r, err = p.referring(names); err != nil {
			return err
		}
		if err = t.sign(ctx, p, r, names); err != nil {
			return fmt.Errorf("train: presigned URLs: %w", err)
		}
		err = run(r)
		if t.refused(err) {
			t.store = nil
			if t.Large && p.Request.Operation == worker.OpPredict {
				return ErrNoUpload
			}
			continue
		}
		if len(p.asDelta) > 0 && (Missing(err) || refusesState(err)) {
			p.Deltas = nil // another worker, or an old one: send the states whole the next time
			continue
		}
		if t.damaged(ctx, p, names, err); !Missing(err) {
			return err
		}
	}
	if ctx.Err() != nil || !Missing(err) && !errors.Is(err, errNoStore) {
		return err
	}
	// The workers keep nothing, or do not share what they keep: send the data inside if it fits.
	if r, ok := p.whole(); ok {
		t.Tell("the endpoint's workers share no store: the data travel inside the request")
		return run(r)
	}
	return fmt.Errorf("train: %w, or give the endpoint a network volume: %w", &sizeError{p.Bytes(), runpod.MaxRunBody}, err)
}

// Missing reports whether a worker refused a request because it lacks data, or because
// data that it has is damaged.
func Missing(err error) bool {
	var e *worker.Error
	return errors.As(err, &e) && (e.Kind == worker.ErrMissing || e.Kind == worker.ErrDamaged)
}

// supply makes sure that the endpoint has the arrays. On the first try it reports every
// array, later only those that it sends again.
func (t *Transfer) supply(ctx context.Context, p *Parcel, names []string, try int) error {
	p.Shared.lock()
	defer p.Shared.unlock()
	report := func(name string, r store.Receipt) {
		switch {
		case try == 0:
			t.Tell(fmt.Sprintf("%s: %s", p.Name(name), r))
		case r.Sent > 0:
			t.Tell(fmt.Sprintf("%s: %s, because the worker had lost it", p.Name(name), r))
		}
	}
	_, signs := t.store.(store.Signer)
	if t.store != nil && try < deliveries-1 {
		sent, err := t.direct(ctx, p, names, report)
		if err != nil {
			return fmt.Errorf("train: send the data: %w", err)
		}
		if try == 0 || sent || signs { // with a bucket, new URLs may be all that is needed
			return nil
		}
		// The store has everything and the worker still lacks it: the worker reads elsewhere.
	}
	return t.byJobs(ctx, p, names, report)
}

// direct puts the arrays into the store that the workers read.
func (t *Transfer) direct(ctx context.Context, p *Parcel, names []string, report func(string, store.Receipt)) (sent bool, err error) {
	for _, name := range names {
		r, err := p.sendTo(ctx, t.store, name)
		if err != nil {
			return sent, err
		}
		sent = sent || r.Sent > 0
		report(name, r)
	}
	return sent, nil
}

// refusesState reports whether a worker could not read a state of the request.
func refusesState(err error) bool {
	var e *worker.Error
	return errors.As(err, &e) && e.Kind == worker.ErrInvalid && (e.Field == worker.ModelState || e.Field == worker.OptimizerState)
}
