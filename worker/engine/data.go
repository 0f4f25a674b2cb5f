package engine

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"math"
	"slices"
	"strings"
	"time"

	"github.com/gopherpod/gopherpod/tensors"
	"github.com/gopherpod/gopherpod/worker"
)

// arrays resolves the arrays that a request's values refer to.
type arrays struct {
	named   tensors.Set
	store   Store
	fetched map[string]tensors.Tensor // from the request's sources, by digest
	until   time.Time                 // when the time of the batch is over; zero: no limit is known
}

// newArrays decodes the request's tensors and reads its sources; outer holds the arrays
// of the enclosing batch.
func newArrays(ctx context.Context, r *worker.Request, outer *arrays, o *Options) (*arrays, error) {
	a := &arrays{named: tensors.Set{}, store: o.Store, fetched: map[string]tensors.Tensor{}}
	if outer != nil {
		maps.Copy(a.named, outer.named)
		maps.Copy(a.fetched, outer.fetched)
	}
	if err := checkUpload(r, o); err != nil {
		return nil, err
	}
	if err := a.fetch(ctx, r, o); err != nil {
		return nil, err
	}
	for _, s := range r.States() {
		if err := a.fetchState(s.Text, s.Name, o); err != nil {
			return nil, err
		}
	}
	if r.Tensors == nil {
		return a, nil
	}
	room := o.room()
	set, err := tensors.DecodeSet(r.Tensors.Codec, r.Tensors.Data, room)
	if err != nil {
		return nil, o.undecodable("tensors", err, room)
	}
	for name, t := range set {
		a.named[name] = t
	}
	return a, nil
}

// trim removes the package's name from a message that follows a field's name.
func trim(err error) string { return strings.TrimPrefix(err.Error(), "tensors: ") }

func (a *arrays) get(v worker.Value, path string) (tensors.Tensor, error) {
	switch {
	case v.List != nil:
		t, err := worker.ParseList(v.List)
		return t, under(path, err)
	case v.Tensor != "":
		t, ok := a.named[v.Tensor]
		if !ok {
			hint := ""
			if n := worker.Nearest(v.Tensor, a.named.Names()); n != "" {
				hint = fmt.Sprintf("; did you mean %q?", n)
			}
			return t, worker.Invalid(path, fmt.Sprintf("the request's tensors hold no %.40q%s", v.Tensor, hint))
		}
		return t, nil
	case v.SHA256 != "":
		if t, ok := a.fetched[v.SHA256]; ok {
			return t, nil
		}
		if a.store != nil {
			if t, ok := a.store.Get(v.SHA256); ok {
				return t, nil
			}
		}
		return tensors.Tensor{}, &worker.Error{Kind: worker.ErrMissing, Field: path, Message: fmt.Sprintf("the store does not hold %.64s", v.SHA256)}
	case v.URL != "":
		return tensors.Tensor{}, &worker.Error{Kind: worker.ErrUnsupported, Field: path, Message: "the engine on the CPU reads no addresses without a digest, as sources have it; the PyTorch worker does"}
	}
	return tensors.Tensor{}, worker.Invalid(path, "is missing")
}

// under puts path before the field of a *worker.Error.
func under(path string, err error) error {
	var e *worker.Error
	if !errors.As(err, &e) {
		return err
	}
	c := *e
	c.Field = path + c.Field
	return &c
}

// A dataset holds features and labels in the form that the engine computes
// with.
type dataset struct {
	shape []int // of a sample
	size  int   // numbers of a sample
	n     int
	x     []float32
	t     targets
}

// features reads an array of samples: float32, finite, at least one.
func (a *arrays) features(d *worker.Dataset, path string) (*dataset, error) {
	path += ".features"
	t, err := a.get(d.Features, path)
	if err != nil {
		return nil, err
	}
	if len(t.Shape) == 0 || t.Len() == 0 {
		return nil, worker.Invalid(path, fmt.Sprintf("is empty: its shape is %s", worker.Sizes(t.Shape)))
	}
	if len(t.Shape) == 1 { // a column of single numbers
		t.Shape = []int{t.Shape[0], 1}
	}
	x, err := finite32(t, path)
	if err != nil {
		return nil, err
	}
	return &dataset{shape: slices.Clone(t.Shape[1:]), size: t.Cols(), n: t.Rows(), x: x}, nil
}

// finite32 returns the array as float32, or an error that names the first number that
// is not finite.
func finite32(t tensors.Tensor, path string) ([]float32, error) {
	if err := t.CheckFinite(); err != nil {
		var bad *tensors.NonFiniteError
		if errors.As(err, &bad) {
			return nil, worker.Invalid(path, fmt.Sprintf("%s %s%s", place(bad.Index), spell(bad.Value), more(bad.Count)))
		}
		return nil, worker.Invalid(path, trim(err))
	}
	x, err := t.Float32s()
	if err != nil {
		return nil, worker.Invalid(path, trim(err))
	}
	return x, nil
}

func place(index []int) string {
	switch len(index) {
	case 1:
		return fmt.Sprintf("row %d is", index[0])
	case 2:
		return fmt.Sprintf("row %d, column %d is", index[0], index[1])
	}
	return fmt.Sprintf("index %s is", worker.Sizes(index))
}

func spell(v float64) string {
	switch {
	case math.IsNaN(v):
		return "NaN"
	case v > 0:
		return "infinite"
	}
	return "minus infinity"
}

func more(count int) string {
	if count < 2 {
		return " (counted from 0)"
	}
	return fmt.Sprintf(" (counted from 0; %d numbers are not finite)", count)
}

// labels reads the labels for outputs of shape out and checks them against the
// loss. Call it after features: the labels depend on the model's output, and
// the model depends on the shape of the features.
func (a *arrays) labels(set *dataset, d *worker.Dataset, path string, h *worker.Hyperparameters, out []int) error {
	path += ".labels"
	t, err := a.get(d.Labels, path)
	if err != nil {
		return err
	}
	if len(t.Shape) == 0 || t.Rows() != set.n {
		n := 0
		if len(t.Shape) > 0 {
			n = t.Rows()
		}
		return worker.Invalid(path, fmt.Sprintf("%d labels, but the features have %d rows", n, set.n))
	}
	if worker.ClassLabels(h.LossFunction) {
		set.t.classes, err = classLabels(t, path, h.LossFunction, out)
		return err
	}
	set.t.values, err = valueLabels(t, path, h.LossFunction, out)
	set.t.width = elements(out)
	return err
}

// classLabels returns labels of shape [n] or [n, 1]: whole numbers from 0 to the number of outputs minus one.
func classLabels(t tensors.Tensor, path, loss string, out []int) ([]int32, error) {
	if t.Cols() != 1 {
		return nil, worker.Invalid(path, fmt.Sprintf("%s wants one class number a sample, but the labels have shape %s", loss, worker.Sizes(t.Shape)))
	}
	values, err := t.Float64s()
	if err != nil {
		return nil, worker.Invalid(path, trim(err))
	}
	classes := make([]int32, len(values))
	for i, v := range values {
		switch {
		case v != math.Trunc(v) || math.IsInf(v, 0):
			return nil, worker.Invalid(path, fmt.Sprintf("row %d is %v, but %s wants whole class numbers 0, 1, 2, ...; for numbers there is mse", i, v, loss))
		case v < 0 || v >= float64(out[0]):
			return nil, worker.Invalid(path, fmt.Sprintf("row %d is class %v, but the model gives %d outputs: classes 0 to %d", i, v, out[0], out[0]-1))
		}
		classes[i] = int32(v)
	}
	return classes, nil
}

// valueLabels returns labels of the output's shape; dimensions of size 1 may be left out.
func valueLabels(t tensors.Tensor, path, loss string, out []int) ([]float32, error) {
	one := func(n int) bool { return n == 1 }
	have := slices.DeleteFunc(slices.Clone(t.Shape[1:]), one)
	if !slices.Equal(have, slices.DeleteFunc(slices.Clone(out), one)) {
		return nil, worker.Invalid(path, fmt.Sprintf("a label has shape %s, but the model gives %s a sample", worker.Sizes(t.Shape[1:]), worker.Sizes(out)))
	}
	values, err := finite32(t, path)
	if err != nil || loss != "bce_with_logits" {
		return values, err
	}
	for i, v := range values {
		if v < 0 || v > 1 {
			return nil, worker.Invalid(path, fmt.Sprintf("row %d is %v, but bce_with_logits wants labels from 0 to 1", i/t.Cols(), v))
		}
	}
	return values, nil
}

// split holds out the last part of the samples, after a seeded shuffle if the
// hyperparameters ask for one.
func (d *dataset) split(h *worker.Hyperparameters) (train, held *dataset, err error) {
	count := h.Held(d.n)
	if count >= d.n {
		return nil, nil, worker.Invalid("hyperparameters.validation_split", fmt.Sprintf("%v of %d samples leaves nothing to train on", h.ValidationSplit, d.n))
	}
	order := make([]int, d.n)
	for i := range order {
		order[i] = i
	}
	if *h.Shuffle {
		order = newGenerator(*h.Seed).perm(d.n)
	}
	return d.subset(order[:d.n-count]), d.subset(order[d.n-count:]), nil
}

func (d *dataset) subset(index []int) *dataset {
	s := &dataset{shape: d.shape, size: d.size, n: len(index)}
	s.x = make([]float32, len(index)*d.size)
	d.pick(s.x, index)
	d.t.pick(&s.t, index)
	return s
}

// pick copies the samples of index to dst.
func (d *dataset) pick(dst []float32, index []int) {
	for i, k := range index {
		copy(dst[i*d.size:(i+1)*d.size], d.x[k*d.size:])
	}
}

// checkIndices refuses numbers for which a leading embedding has no vector.
func (net *network) checkIndices(d *dataset, path string) error {
	e, ok := net.root.layers[0].(*embedding)
	if !ok {
		return nil
	}
	for i, v := range d.x {
		if v != float32(math.Trunc(float64(v))) || v < 0 || v >= float32(e.count) {
			return worker.Invalid(path+".features", fmt.Sprintf("row %d has %v, but the embedding takes whole numbers 0 to %d", i/d.size, v, e.count-1))
		}
	}
	return nil
}
