package train

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/gopherpod/gopherpod/runpod"
	"github.com/gopherpod/gopherpod/runpod/place"
	"github.com/gopherpod/gopherpod/runpod/store"
	"github.com/gopherpod/gopherpod/tensors"
	"github.com/gopherpod/gopherpod/worker"
)

// defaultInline is Options.Inline where that is 0.
const defaultInline = 1_000_000

// keepInside is the size up to which an array travels inside the request even
// where others do not: a name of it and a question for it cost as much.
const keepInside = 4 << 10

// WithLog makes what is sent with that context tell of each array that does not
// travel inside its request: "X: 9f3c41d2a0b7 40.0 MB, already there, 0 B sent".
// Fit tells it as an event too.
func WithLog(ctx context.Context, log func(line string)) context.Context {
	return context.WithValue(ctx, logKey{}, log)
}

type logKey struct{}

// A parcel is a request and its arrays, which travel inside it or before it.
type parcel struct {
	request *worker.Request
	set     tensors.Set
	names   map[string]string // as the caller calls the arrays; nil: as the set does
	digests map[string]string // those known; the others are computed when needed
	states  bool              // the states of the request are arrays of the set too
	inner   []inner           // of a batch: its requests
	deltas  map[string]string // of states, their differences to states that a worker may have
	asDelta map[string]bool   // the states that go as those, for the worker has what they are differences to
}

// The names of states in a set.
const (
	modelState     = "model_state"
	optimizerState = "optimizer_state"
)

// withStates is the parcel with its states as arrays of bytes among the others, for
// they travel as those do. A worker has the states that it sent last.
func (p *parcel) withStates() (*parcel, error) {
	if p.digests == nil {
		p.digests = map[string]string{} // which the two share
	}
	q := &parcel{request: p.request, set: maps.Clone(p.set), names: maps.Clone(p.names), digests: p.digests, states: true, inner: p.inner, deltas: p.deltas}
	if q.names == nil {
		q.names = map[string]string{}
	}
	q.names[modelState], q.names[optimizerState] = "weights", "optimizer"
	for name, text := range map[string]string{modelState: p.request.ModelState, optimizerState: p.request.OptimizerState} {
		if text == "" {
			continue
		}
		b, err := base64.StdEncoding.DecodeString(text)
		if err != nil {
			return nil, fmt.Errorf("train: %s: %w", name, err)
		}
		q.set[name] = tensors.Tensor{DType: tensors.Uint8, Shape: []int{len(b)}, Data: b}
	}
	return q, nil
}

// bytes is the size of all arrays and states.
func (p *parcel) bytes() int {
	return p.set.Bytes() + base64.StdEncoding.DecodedLen(len(p.request.ModelState)+len(p.request.OptimizerState))
}

func (p *parcel) name(name string) string {
	if n := p.names[name]; n != "" {
		return n
	}
	return name
}

func (p *parcel) digest(name string) string {
	if p.digests[name] == "" {
		if p.digests == nil {
			p.digests = map[string]string{}
		}
		p.digests[name] = p.set[name].Digest()
	}
	return p.digests[name]
}

// sendTo puts an array into a store, and learns its digest on the way where it is not
// known yet.
func (p *parcel) sendTo(ctx context.Context, s store.Store, name string) (store.Receipt, error) {
	if p.digests[name] != "" {
		return store.SendTensorAs(ctx, s, p.set[name], p.digests[name])
	}
	r, err := store.SendTensor(ctx, s, p.set[name])
	if err == nil {
		if p.digests == nil {
			p.digests = map[string]string{}
		}
		p.digests[name] = r.Digest
	}
	return r, err
}

// large names the arrays that travel before the request.
func (p *parcel) large() []string {
	return slices.DeleteFunc(p.set.Names(), func(n string) bool { return len(p.set[n].Data) <= keepInside })
}

// referring is the request that refers to those arrays by digest and has the
// others inside.
func (p *parcel) referring(names []string) (*worker.Request, error) {
	inside := maps.Clone(p.set)
	for _, n := range names {
		delete(inside, n)
	}
	r := *p.request
	if p.states {
		delete(inside, modelState)
		delete(inside, optimizerState)
	}
	for name, text := range map[string]*string{modelState: &r.ModelState, optimizerState: &r.OptimizerState} {
		if p.asDelta[name] {
			*text = p.deltas[name]
		} else if p.states && slices.Contains(names, name) {
			*text = stateRef + p.digest(name)
		}
	}
	p.refer(&r, names)
	for _, in := range p.inner {
		text, err := in.referringTo(p, names)
		if err != nil {
			return nil, err
		}
		r.Requests = append(r.Requests, text)
		for _, state := range []string{in.model, in.optimizer} {
			delete(inside, state) // the text has it where it does not travel before
		}
	}
	var err error
	if r.Tensors = nil; len(inside) > 0 {
		r.Tensors, err = pack(inside)
	}
	return &r, err
}

// refer puts digests in the place of those arrays.
func (p *parcel) refer(r *worker.Request, names []string) {
	eachValue(r, func(v *worker.Value) {
		if slices.Contains(names, v.Tensor) {
			*v = worker.Value{SHA256: p.digest(v.Tensor)}
		}
	})
}

// A transfer brings parcels to an endpoint.
type transfer struct {
	endpoint *runpod.Endpoint
	store    store.Store // that the endpoint's workers read; nil: what the environment names, else none
	inline   int         // bytes of arrays up to which they all travel inside
	tell     func(line string)
	sending  *sync.Mutex   // nil: of no other
	large    bool          // the result may be larger than an answer: it goes to a bucket where there is one
	expires  time.Duration // of presigned URLs
	result   store.Name    // where the last request wanted its result
	answers  store.Store   // the bucket of that
}

func newTransfer(ctx context.Context, e *runpod.Endpoint, s store.Store, inline int) *transfer {
	if inline == 0 {
		inline = defaultInline
	}
	tell, ok := ctx.Value(logKey{}).(func(string))
	if !ok {
		tell = func(string) {}
	}
	return &transfer{endpoint: e, store: s, inline: inline, tell: tell, expires: defaultExpiry}
}

// deliveries is how often data that the worker misses are sent.
const deliveries = 3

// do runs the parcel's request by run, with its arrays inside where they are small,
// else sent before, and again where the worker misses some: it has refused the
// request then, which costs nothing twice.
func (t *transfer) do(ctx context.Context, p *parcel, run func(*worker.Request) error) error {
	small := p.bytes() <= t.inline
	if (!small || t.large) && t.store == nil {
		var err error
		if t.store, err = place.StoreOf(t.endpoint); err != nil {
			return fmt.Errorf("train: where to put the data: %w", err)
		}
	}
	if _, signs := t.store.(store.Signer); small && (!t.large || !signs) {
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
			if t.large && p.request.Operation == worker.OpPredict {
				return errNoUpload
			}
			continue
		}
		if len(p.asDelta) > 0 && (missing(err) || refusesState(err)) {
			p.deltas = nil // another worker, or an old one: the next time they go whole
			continue
		}
		if t.damaged(ctx, p, names, err); !missing(err) {
			return err
		}
	}
	if ctx.Err() != nil || !missing(err) && !errors.Is(err, errNoStore) {
		return err
	}
	// The workers keep nothing, or each keeps its own: what fits travels inside.
	if r, ok := p.whole(); ok {
		t.tell("the endpoint's workers share no store: the data travel inside the request")
		return run(r)
	}
	return fmt.Errorf("train: %w, or give the endpoint a network volume: %w", &sizeError{p.bytes(), runpod.MaxRunBody}, err)
}

// whole is the request with all arrays inside, where it can be sent so.
func (p *parcel) whole() (r *worker.Request, ok bool) {
	if p.bytes() > 8*runpod.MaxRunBody { // data hardly shrink that much
		return nil, false
	}
	r, err := p.referring(nil)
	return r, err == nil && size(r) < runpod.MaxRunBody
}

// missing tells whether a worker refused a request because it lacks data.
func missing(err error) bool {
	var e *worker.Error
	return errors.As(err, &e) && (e.Kind == worker.ErrMissing || e.Kind == worker.ErrDamaged)
}

// supply makes sure that the endpoint has the arrays. The first time it tells of
// each, later only of what is sent again.
func (t *transfer) supply(ctx context.Context, p *parcel, names []string, try int) error {
	if t.sending != nil {
		t.sending.Lock()
		defer t.sending.Unlock()
	}
	report := func(name string, r store.Receipt) {
		switch {
		case try == 0:
			t.tell(fmt.Sprintf("%s: %s", p.name(name), r))
		case r.Sent > 0:
			t.tell(fmt.Sprintf("%s: %s, for the worker had lost it", p.name(name), r))
		}
	}
	_, signs := t.store.(store.Signer)
	if t.store != nil && try < deliveries-1 {
		sent, err := t.direct(ctx, p, names, report)
		if err != nil {
			return fmt.Errorf("train: send the data: %w", err)
		}
		if try == 0 || sent || signs { // new URLs may do
			return nil
		}
		// All is there and the worker does not see it: it looks elsewhere.
	}
	return t.byJobs(ctx, p, names, report)
}

// direct puts arrays where the workers read.
func (t *transfer) direct(ctx context.Context, p *parcel, names []string, report func(string, store.Receipt)) (sent bool, err error) {
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
