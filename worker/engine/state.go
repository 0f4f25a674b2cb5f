package engine

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"

	"github.com/gopherpod/gopherpod/tensors"
	"github.com/gopherpod/gopherpod/worker"
	"github.com/gopherpod/gopherpod/worker/contract"
)

// state returns the network's state_dict; the tensors are copies.
func (net *network) state() (tensors.Set, error) {
	set := tensors.Set{}
	for _, t := range net.tensors {
		x, err := toTensor(t.data, t.Shape)
		if err == nil && t.Int64 {
			x, err = x.To(tensors.Int64)
		}
		if err != nil {
			return nil, err
		}
		set[t.Name] = x
	}
	return set, nil
}

// toTensor copies data, which has at least one element, into a tensor.
func toTensor(data []float32, shape []int) (tensors.Tensor, error) {
	t, err := tensors.From(slices.Clone(data))
	if err != nil {
		return t, err
	}
	return t.Reshape(shape...)
}

// load loads a state_dict, which must have the network's names and shapes.
func (net *network) load(set tensors.Set) error {
	var missing, names []string
	for _, t := range net.tensors {
		names = append(names, t.Name)
		x, ok := set[t.Name]
		if !ok {
			missing = append(missing, t.Name)
			continue
		}
		if !slices.Equal(x.Shape, t.Shape) && (x.Len() != 1 || len(t.data) != 1) {
			return worker.Invalid("model_state", fmt.Sprintf("%s has shape %s, but the model has %s", t.Name, worker.Sizes(x.Shape), worker.Sizes(t.Shape)))
		}
		values, err := x.Float32s()
		if err != nil {
			return worker.Invalid("model_state", t.Name+": "+trim(err))
		}
		copy(t.data, values)
	}
	if len(missing) > 0 {
		return worker.Invalid("model_state", "it lacks "+some(missing)+"; it belongs to another model")
	}
	for _, name := range set.Names() {
		if !slices.Contains(names, name) {
			return worker.Invalid("model_state", fmt.Sprintf("it has %.60q, which the model does not have; it belongs to another model", name))
		}
	}
	return nil
}

// some lists a few names.
func some(names []string) string {
	if len(names) > 4 {
		return strings.Join(names[:4], ", ") + fmt.Sprintf(" and %d more", len(names)-4)
	}
	return strings.Join(names, ", ")
}

// state returns the optimizer's state and the schedule's, as the contract names them.
func (o *optimizer) state(net *network, c *schedule) (tensors.Set, error) {
	steps, err := tensors.From([]int64{int64(o.steps)})
	if err != nil {
		return nil, err
	}
	steps.Shape = []int{}
	set := tensors.Set{"step": steps}
	err = net.eachTrained(func(t *tensor, from, to int) error {
		for _, slot := range o.order {
			if o.fresh {
				continue
			}
			x, err := toTensor(o.slots[slot][from:to], t.Shape)
			if err != nil {
				return err
			}
			set[t.Name+"."+slot] = x
		}
		if o.h.Optimizer == "nadam" && !o.fresh {
			set[t.Name+".mu_product"] = scalar(o.muProduct)
		}
		return nil
	})
	if c != nil && c.s != nil && c.s.Type == "plateau" {
		set["scheduler.lr"], set["scheduler.best"], set["scheduler.bad_epochs"] = scalar(c.rate), scalar(c.best), scalar(float64(c.bad))
	}
	return set, err
}

// eachTrained calls f with each trained tensor and its range in the weights.
func (net *network) eachTrained(f func(t *tensor, from, to int) error) error {
	at := 0
	for _, t := range net.tensors {
		if t.grad == nil {
			continue
		}
		if err := f(t, at, at+len(t.data)); err != nil {
			return err
		}
		at += len(t.data)
	}
	return nil
}

func scalar(v float64) tensors.Tensor {
	t, _ := tensors.From([]float64{v})
	t.Shape = []int{}
	return t
}

// load restores the state of an optimizer of the same kind and model.
func (o *optimizer) load(set tensors.Set, net *network, c *schedule) error {
	steps, ok := number(set, "step")
	if !ok || steps < 0 || steps > 1<<53 || steps != math.Trunc(steps) {
		return worker.Invalid("optimizer_state", "it has no step; it is not an optimizer state")
	}
	o.steps = int(steps)
	used := 1
	err := net.eachTrained(func(t *tensor, from, to int) error {
		for _, slot := range o.order {
			x, ok := set[t.Name+"."+slot]
			if !ok {
				if o.steps > 0 {
					return worker.Invalid("optimizer_state", fmt.Sprintf("it lacks %s.%s; it belongs to another optimizer or model", t.Name, slot))
				}
				continue
			}
			if !slices.Equal(x.Shape, t.Shape) {
				return worker.Invalid("optimizer_state", fmt.Sprintf("%s.%s has shape %s, but the parameter has %s", t.Name, slot, worker.Sizes(x.Shape), worker.Sizes(t.Shape)))
			}
			values, err := x.Float32s()
			if err != nil {
				return worker.Invalid("optimizer_state", trim(err))
			}
			copy(o.slots[slot][from:to], values)
			used++
		}
		if v, ok := number(set, t.Name+".mu_product"); ok && o.h.Optimizer == "nadam" {
			o.muProduct = v
			used++
		}
		return nil
	})
	if err != nil {
		return err
	}
	o.fresh = o.steps == 0
	return o.loadSchedule(set, c, used)
}

func (o *optimizer) loadSchedule(set tensors.Set, c *schedule, used int) error {
	for _, name := range set.Names() {
		v, ok := number(set, name)
		switch name {
		case "scheduler.lr":
			c.rate = v
		case "scheduler.best":
			c.best = v
		case "scheduler.bad_epochs":
			c.bad = int(min(max(v, 0), 1e9))
		default:
			continue
		}
		if !ok {
			return worker.Invalid("optimizer_state", name+" is not a number")
		}
		used++
	}
	if used != len(set) {
		return worker.Invalid("optimizer_state", fmt.Sprintf("it has %d tensors, of which %s on this model uses %d; it belongs to another optimizer or model", len(set), o.h.Optimizer, used))
	}
	return nil
}

// number reads a tensor of one element.
func number(set tensors.Set, name string) (float64, bool) {
	t, ok := set[name]
	if !ok || t.Len() != 1 {
		return 0, false
	}
	v, err := t.Float64s()
	if err != nil {
		return 0, false
	}
	return v[0], true
}

// loadState decodes the state that a request has in field.
func loadState(text, field string, o *Options) (tensors.Set, error) {
	room := o.room()
	set, err := tensors.DecodeState(text, room)
	var pickle *tensors.PickleError
	if errors.As(err, &pickle) {
		return nil, worker.Invalid(field, contract.RefusedPickle(pickle.Zip))
	}
	if err != nil {
		return nil, o.undecodable(field, err, room)
	}
	return set, nil
}

// A snapshot is a copy of everything that training changes.
type snapshot struct {
	data       [][]float32
	slots      [][]float32
	steps      int
	muProduct  float64
	fresh      bool
	rate, best float64
	bad        int
	epoch      int
	monitored  string // the loss by which its epoch was the best; "" if it is just the last epoch
}

// takeSnapshot copies the current state. It reuses the memory of old, if there
// is one.
func takeSnapshot(old *snapshot, net *network, o *optimizer, c *schedule, epoch int) *snapshot {
	s := &snapshot{steps: o.steps, muProduct: o.muProduct, fresh: o.fresh, rate: c.rate, best: c.best, bad: c.bad, epoch: epoch}
	if old != nil {
		s.data, s.slots = old.data[:0], old.slots[:0]
	}
	for _, t := range net.tensors {
		s.data = appendCopy(s.data, t.data)
	}
	for _, name := range o.order {
		s.slots = appendCopy(s.slots, o.slots[name])
	}
	return s
}

// appendCopy appends a copy of x. It reuses the memory after the end of the list.
func appendCopy(list [][]float32, x []float32) [][]float32 {
	if n := len(list); n < cap(list) {
		list = list[:n+1]
		list[n] = append(list[n][:0], x...)
		return list
	}
	return append(list, slices.Clone(x))
}

func (s *snapshot) restore(net *network, o *optimizer, c *schedule) {
	for i, t := range net.tensors {
		copy(t.data, s.data[i])
	}
	for i, name := range o.order {
		copy(o.slots[name], s.slots[i])
	}
	o.steps, o.muProduct, o.fresh, c.rate, c.best, c.bad = s.steps, s.muProduct, s.fresh, s.rate, s.best, s.bad
}
