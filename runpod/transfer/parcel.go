package transfer

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"maps"
	"slices"

	"github.com/gopherpod/gopherpod/runpod"
	"github.com/gopherpod/gopherpod/runpod/store"
	"github.com/gopherpod/gopherpod/tensors"
	"github.com/gopherpod/gopherpod/worker"
)

// keepInside is the size up to which an array travels inside the request even if others
// do not: naming it by digest and asking whether it is there would cost as much.
const keepInside = 4 << 10

// A Parcel is a request and its arrays, which travel inside it or before it.
type Parcel struct {
	Request *worker.Request   // without the arrays
	Set     tensors.Set       // the arrays
	Names   map[string]string // the caller's names for the arrays; nil: the names in Set
	Deltas  map[string]string // states as deltas to states that a worker may have
	Shared  *Shared           // what it shares with other parcels of the same arrays; nil: nothing

	digests map[string]string // the known digests; the others are computed when needed
	states  bool              // whether the states of the request are in Set too
	inner   []inner           // the requests of a batch
	asDelta map[string]bool   // the states that are sent as deltas, because the worker has their bases
}

// shownStates are the names of the states in messages.
var shownStates = map[string]string{worker.ModelState: "weights", worker.OptimizerState: "optimizer"}

// withStates returns a copy of the parcel with the states of the request as byte arrays in
// Set, so that they are sent like the other arrays. That saves sending them if they are the
// states that the worker sent last, because it keeps those.
func (p *Parcel) withStates() (*Parcel, error) {
	if p.digests == nil {
		p.digests = map[string]string{} // both parcels share the map
	}
	q := &Parcel{Request: p.Request, Set: maps.Clone(p.Set), Names: maps.Clone(p.Names), digests: p.digests, states: true, inner: p.inner, Deltas: p.Deltas, Shared: p.Shared}
	if q.Names == nil {
		q.Names = map[string]string{}
	}
	for _, s := range p.Request.States() {
		q.Names[s.Name] = shownStates[s.Name]
		if *s.Text == "" {
			continue
		}
		a, err := s.Array()
		if err != nil {
			return nil, fmt.Errorf("train: %w", err)
		}
		q.Set[s.Name] = a
	}
	return q, nil
}

// Bytes returns the size of all arrays and states.
func (p *Parcel) Bytes() int {
	return p.Set.Bytes() + base64.StdEncoding.DecodedLen(len(p.Request.ModelState)+len(p.Request.OptimizerState))
}

// Name returns the caller's name for an array of Set.
func (p *Parcel) Name(name string) string {
	if n := p.Names[name]; n != "" {
		return n
	}
	return name
}

// Digest returns the digest of an array of Set. It is computed once.
func (p *Parcel) Digest(name string) string {
	d := p.known(name)
	if d == "" {
		d = p.Set[name].Digest()
		p.learn(name, d)
	}
	return d
}

// known returns the digest of an array if it was computed before, else "".
func (p *Parcel) known(name string) string {
	if d := p.digests[name]; d != "" {
		return d
	}
	return p.Shared.digest(p.Set[name])
}

func (p *Parcel) learn(name, digest string) {
	if p.digests == nil {
		p.digests = map[string]string{}
	}
	p.digests[name] = digest
	p.Shared.learn(p.Set[name], digest)
}

// sendTo puts an array into a store. If its digest is not known yet, it is computed while
// the array is sent.
func (p *Parcel) sendTo(ctx context.Context, s store.Store, name string) (store.Receipt, error) {
	if d := p.known(name); d != "" {
		return store.SendTensorAs(ctx, s, p.Set[name], d)
	}
	r, err := store.SendTensor(ctx, s, p.Set[name])
	if err == nil {
		p.learn(name, r.Digest)
	}
	return r, err
}

// large returns the names of the arrays that are sent before the request.
func (p *Parcel) large() []string {
	return slices.DeleteFunc(p.Set.Names(), func(n string) bool { return len(p.Set[n].Data) <= keepInside })
}

// Inside returns the request with all arrays inside.
func (p *Parcel) Inside() (*worker.Request, error) { return p.referring(nil) }

// referring returns the request with digests for the named arrays and the other arrays
// inside.
func (p *Parcel) referring(names []string) (*worker.Request, error) {
	inside := maps.Clone(p.Set)
	for _, n := range names {
		delete(inside, n)
	}
	r := *p.Request
	if p.states {
		delete(inside, worker.ModelState)
		delete(inside, worker.OptimizerState)
	}
	for _, s := range r.States() {
		if p.asDelta[s.Name] {
			*s.Text = p.Deltas[s.Name]
		} else if p.states && slices.Contains(names, s.Name) {
			*s.Text = worker.StateRef + p.Digest(s.Name)
		}
	}
	p.refer(&r, names)
	for _, in := range p.inner {
		text, err := in.referringTo(p, names)
		if err != nil {
			return nil, err
		}
		r.Requests = append(r.Requests, text)
		for _, state := range in.states {
			delete(inside, state) // the inner request has it, unless it is sent before
		}
	}
	var err error
	if r.Tensors = nil; len(inside) > 0 {
		r.Tensors, err = pack(inside)
	}
	return &r, err
}

// refer replaces the references to the named arrays by their digests.
func (p *Parcel) refer(r *worker.Request, names []string) {
	eachValue(r, func(v *worker.Value) {
		if slices.Contains(names, v.Tensor) {
			*v = worker.Value{SHA256: p.Digest(v.Tensor)}
		}
	})
}

// whole returns the request with all arrays inside; ok is false if it is too large to send.
func (p *Parcel) whole() (r *worker.Request, ok bool) {
	if p.Bytes() > 8*runpod.MaxRunBody { // data hardly ever compress to an eighth
		return nil, false
	}
	r, err := p.referring(nil)
	return r, err == nil && Size(r) < runpod.MaxRunBody
}

// compressAbove is the size from which data is compressed; below it the saving
// is not worth a frame.
const compressAbove = 16 << 10

// pack puts arrays into the envelope.
func pack(set tensors.Set) (*worker.Tensors, error) {
	codec := tensors.CodecMsgpack
	if set.Bytes() > compressAbove {
		codec = tensors.CodecMsgpackZstd
	}
	data, err := tensors.EncodeSet(set, codec)
	if err != nil {
		return nil, err
	}
	return &worker.Tensors{Codec: codec, Data: data}, nil
}

// Size is about how many bytes a request takes on the wire.
func Size(r *worker.Request) int {
	n := len(r.ModelState) + len(r.OptimizerState) + 2000
	if r.Tensors != nil {
		n += len(r.Tensors.Data)
	}
	for _, part := range r.Requests {
		n += len(part)
	}
	return n
}

// Merge combines parcels into one request of the operation batch. An array that several of
// them have is sent once, and so is a state.
func Merge(parcels []*Parcel) *Parcel {
	all := &Parcel{Request: &worker.Request{Operation: worker.OpBatch, Protocol: worker.Protocol}, Set: tensors.Set{}, Names: map[string]string{}, digests: map[string]string{}}
	known := map[string]string{}     // names by digest
	placed := map[sharedKey]string{} // names by memory, which saves computing the digest
	statesOf := map[string]string{}  // names by text
	put := func(name, shown string, t tensors.Tensor, digest string) string {
		at, ok := keyOf(t)
		if first := placed[at]; ok && first != "" {
			return first
		}
		if digest == "" {
			digest = t.Digest()
		}
		if first, ok := known[digest]; ok {
			return first
		}
		known[digest], all.Set[name], all.Names[name], all.digests[name] = name, t, shown, digest
		if ok {
			placed[at] = name
		}
		return name
	}
	for i, p := range parcels {
		r := *p.Request
		renamed := map[string]string{}
		for _, name := range p.Set.Names() {
			renamed[name] = put(fmt.Sprintf("%d.%s", i, name), p.Name(name), p.Set[name], p.known(name))
		}
		eachValue(&r, func(v *worker.Value) {
			if v.Tensor != "" {
				v.Tensor = renamed[v.Tensor]
			}
		})
		in := inner{request: &r}
		for j, s := range r.States() {
			if in.states[j] = statesOf[*s.Text]; in.states[j] != "" {
				continue
			}
			if a, err := s.Array(); err == nil && len(a.Data) > keepInside {
				shown := shownStates[s.Name]
				in.states[j] = put(fmt.Sprintf("%d.%s", i, shown), shown, a, "")
				statesOf[*s.Text] = in.states[j]
			}
		}
		all.inner = append(all.inner, in)
	}
	return all
}

// An inner request is one part of a batch, with the names of its states in the batch's
// Set.
type inner struct {
	request *worker.Request
	states  [2]string // in the order of Request.States; "" if a state is not in the Set
}

// referringTo returns the inner request as JSON, with digests for the named arrays.
func (in inner) referringTo(p *Parcel, names []string) (json.RawMessage, error) {
	r := *in.request
	for i, s := range r.States() {
		if name := in.states[i]; name != "" && slices.Contains(names, name) {
			*s.Text = worker.StateRef + p.Digest(name)
		}
	}
	p.refer(&r, names)
	return json.Marshal(&r)
}

// eachValue calls do for each value of a request. It copies the data sets first, so that
// do may change the values.
func eachValue(r *worker.Request, do func(*worker.Value)) {
	for _, d := range []**worker.Dataset{&r.TrainingData, &r.ValidationData, &r.EvaluationData, &r.InputData} {
		if *d == nil {
			continue
		}
		c := **d
		do(&c.Features)
		do(&c.Labels)
		*d = &c
	}
}
