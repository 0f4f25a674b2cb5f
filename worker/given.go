package worker

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math"
	"reflect"
	"slices"
	"strings"

	"github.com/gopherpod/gopherpod/worker/contract"
)

// given says which fields of a struct were given as zero: bit i stands for field i. A
// field that is not zero is given without its bit, so that Go code can write plain
// literals, and equal values compare equal.
type given uint64

func (g given) has(i int) bool { return g>>i&1 == 1 }

// masked are the structs with a given field.
type masked interface {
	mask() *given
}

func (h *Hyperparameters) mask() *given { return &h.given }
func (s *Scheduler) mask() *given       { return &s.given }
func (s *EarlyStopping) mask() *given   { return &s.given }
func (c *Checkpoint) mask() *given      { return &c.given }

// A slot is one field of hyperparameters or of an object within.
type slot struct {
	value  reflect.Value // settable
	owner  masked
	index  int
	parent bool // the object exists
}

func (s slot) given() bool {
	return s.parent && (!s.value.IsZero() || s.owner.mask().has(s.index))
}

func (s slot) give(v reflect.Value) {
	s.value.Set(v)
	if *s.owner.mask() &^= 1 << s.index; v.IsZero() {
		*s.owner.mask() |= 1 << s.index
	}
}

// slot returns the field of a row's name. With make, it makes the object around.
func (h *Hyperparameters) slot(name string, make bool) (s slot, ok bool) {
	outer, inner, deep := strings.Cut(name, ".")
	s.owner, s.parent = h, true
	v := reflect.ValueOf(h).Elem()
	if s.index = fieldOf(v.Type(), outer); s.index < 0 {
		return s, false
	}
	s.value = v.Field(s.index)
	if !deep {
		return s, true
	}
	if s.value.Kind() != reflect.Pointer || s.value.Type().Elem().Kind() != reflect.Struct {
		return s, false
	}
	object := s.value
	if object.IsNil() {
		s.parent = make
		if !make {
			object = reflect.New(object.Type().Elem())
		} else {
			object.Set(reflect.New(object.Type().Elem()))
		}
	}
	s.owner, _ = object.Interface().(masked)
	if s.index = fieldOf(object.Type().Elem(), inner); s.index < 0 {
		return s, false
	}
	s.value = object.Elem().Field(s.index)
	return s, true
}

// fieldOf is the index of the field with that JSON name, or -1.
func fieldOf(t reflect.Type, name string) int {
	return slices.Index(jsonNames(t), name)
}

// Has reports whether the hyperparameter with that name in package contract is
// given: it is not zero, or an explicit zero.
func (h *Hyperparameters) Has(name string) bool {
	s, ok := h.slot(name, false)
	return ok && s.given()
}

// Has reports whether the field with that JSON name is given.
func (s *Scheduler) Has(name string) bool {
	return (&Hyperparameters{Scheduler: s}).Has("scheduler." + name)
}

// Give sets the hyperparameter with that name, also to 0: an integer or a float
// for a number, a bool, a string, or []float64.
func (h *Hyperparameters) Give(name string, value any) error {
	raw, err := json.Marshal(value)
	if err != nil {
		return Invalid(name, err.Error())
	}
	return h.give(name, raw)
}

func (h *Hyperparameters) give(name string, raw []byte) error {
	s, ok := h.slot(name, false)
	if !ok {
		return Invalid(name, "hyperparameters has no such field"+didYouMean(name, contract.HyperparameterNames()))
	}
	v := reflect.New(s.value.Type())
	if err := decodeField(raw, v.Interface()); err != nil {
		return at(name, err)
	}
	h.own(name)
	s, _ = h.slot(name, true)
	s.give(v.Elem())
	return nil
}

// own copies the object around a field, so that another copy of h does not change.
func (h *Hyperparameters) own(name string) {
	outer, _, deep := strings.Cut(name, ".")
	if !deep {
		return
	}
	s, _ := h.slot(outer, false)
	if !s.value.IsNil() {
		c := reflect.New(s.value.Type().Elem())
		c.Elem().Set(s.value.Elem())
		s.value.Set(c)
	}
}

// take copies a field from another struct, with whether it is given.
func (h *Hyperparameters) take(name string, from *Hyperparameters) {
	if s, ok := from.slot(name, false); ok && s.given() {
		h.own(name)
		to, _ := h.slot(name, true)
		to.give(s.value)
	}
}

// Pick returns the hyperparameters with these names, so far as h has them.
func (h *Hyperparameters) Pick(names ...string) *Hyperparameters {
	var c Hyperparameters
	for _, name := range names {
		c.take(name, h)
	}
	return &c
}

// Over replaces what h has by what over gives: objects as a whole.
func (h *Hyperparameters) Over(over *Hyperparameters) {
	for _, name := range jsonNames(reflect.TypeFor[Hyperparameters]()) {
		h.take(name, over)
	}
}

// Inherit fills in what h does not give from the training before, so far as it
// applies to h's optimizer, loss and scheduler. What belongs to an optimizer, and
// the learning rate, stay only with the same one. Epochs, GPUs and early stopping
// belong to a job and are not inherited; the scheduler and the checkpoint are
// inherited as a whole.
func (h *Hyperparameters) Inherit(before *Hyperparameters) {
	mine, its := h.words(), before.words()
	same := !h.Has("optimizer") || mine.optimizer == its.optimizer
	for _, name := range []string{"optimizer", "loss_function"} {
		if !h.Has(name) {
			h.take(name, before)
		}
	}
	mine = h.words()
	for _, row := range contract.Hyperparameters() {
		outer, _, _ := strings.Cut(row.Name, ".")
		switch {
		case row.Job || h.Has(outer):
		case row.ByOptimizer() && !same:
		case outer != "scheduler" && mine.unused(row) != "":
		default:
			h.take(outer, before)
		}
	}
}

// WithDefaults returns a copy in which everything that applies has its value; nil
// gives all defaults. BatchSize stays 0 for train_epoch: all samples. What is for
// GPUs alone is left to the worker.
func (h *Hyperparameters) WithDefaults(op Operation) *Hyperparameters {
	var c Hyperparameters
	if h != nil {
		c = *h
	}
	w := c.words()
	for _, row := range contract.Hyperparameters() {
		outer, _, deep := strings.Cut(row.Name, ".")
		def := row.DefaultFor(w.optimizer)
		switch {
		case def == nil || c.Has(row.Name) || deep && !c.Has(outer):
		case !slices.Contains(row.Workers, contract.WorkerEngine) && row.Name != "max_iter":
		case w.unused(row) != "":
		case row.Name == "batch_size" && op == OpTrainEpoch:
		default:
			if s, _ := c.slot(row.Name, true); reflect.ValueOf(def).IsZero() && s.value.Kind() != reflect.Pointer {
				continue // it is that already
			}
			if err := c.Give(row.Name, def); err != nil {
				panic(fmt.Sprintf("worker: the default of %s: %v", row.Name, err)) // the table is wrong
			}
		}
	}
	return &c
}

// MarshalJSON writes what is given, also if it is 0.
func (h Hyperparameters) MarshalJSON() ([]byte, error) { return marshalGiven(&h, "") }

// MarshalJSON writes the type, and what is given besides.
func (s Scheduler) MarshalJSON() ([]byte, error) { return marshalGiven(&s, "type") }

// MarshalJSON writes the patience, and what is given besides.
func (s EarlyStopping) MarshalJSON() ([]byte, error) { return marshalGiven(&s, "patience") }

// MarshalJSON writes what is given, also if it is 0.
func (c Checkpoint) MarshalJSON() ([]byte, error) { return marshalGiven(&c, "") }

func marshalGiven(m masked, always string) ([]byte, error) {
	v := reflect.ValueOf(m).Elem()
	b := bytes.NewBufferString("{")
	for i, name := range jsonNames(v.Type()) {
		if v.Field(i).IsZero() && !m.mask().has(i) && name != always {
			continue
		}
		text, err := json.Marshal(v.Field(i).Interface())
		if err != nil {
			return nil, err
		}
		if b.Len() > 1 {
			b.WriteByte(',')
		}
		fmt.Fprintf(b, "%q:%s", name, text)
	}
	b.WriteByte('}')
	return b.Bytes(), nil
}

// UnmarshalJSON refuses unknown fields by name, and remembers which are given.
func (h *Hyperparameters) UnmarshalJSON(raw []byte) error {
	type bare Hyperparameters
	return strictGiven(raw, "hyperparameters", (*bare)(h), &h.given)
}

// UnmarshalJSON refuses unknown fields by name, and remembers which are given.
func (s *Scheduler) UnmarshalJSON(raw []byte) error {
	type bare Scheduler
	return strictGiven(raw, "scheduler", (*bare)(s), &s.given)
}

// UnmarshalJSON refuses unknown fields by name, and remembers which are given.
func (s *EarlyStopping) UnmarshalJSON(raw []byte) error {
	type bare EarlyStopping
	return strictGiven(raw, "early_stopping", (*bare)(s), &s.given)
}

// UnmarshalJSON refuses unknown fields by name, and remembers which are given.
func (c *Checkpoint) UnmarshalJSON(raw []byte) error {
	type bare Checkpoint
	return strictGiven(raw, "checkpoint", (*bare)(c), &c.given)
}

// strictStruct decodes an object field by field into the struct that v points
// to, whose json tags are all the fields there are.
func strictStruct(raw []byte, what string, v any) error {
	return strictGiven(raw, what, v, new(given))
}

func strictGiven(raw []byte, what string, v any, g *given) error {
	target := reflect.ValueOf(v).Elem()
	names := jsonNames(target.Type())
	fields, err := object(raw, what, names)
	if err != nil {
		return err
	}
	for i, name := range names {
		if value, ok := fields[name]; ok {
			if err := decodeField(value, target.Field(i).Addr().Interface()); err != nil {
				return at(name, err)
			}
			if target.Field(i).IsZero() {
				*g |= 1 << i
			}
		}
	}
	return nil
}

// decodeField is plain, but takes 32.0 for a whole number and refuses lists that
// have another length, or a null within.
func decodeField(raw []byte, v any) error {
	switch v := v.(type) {
	case *int:
		n, err := decodeWhole(raw)
		*v = int(n)
		return err
	case *int64:
		n, err := decodeWhole(raw)
		*v = n
		return err
	case **int64:
		n, err := decodeWhole(raw)
		*v = &n
		return err
	case *[]float64:
		list, err := decodeFloats(raw)
		*v = list
		return err
	case **[2]float64:
		list, err := decodeFloats(raw)
		if err == nil && len(list) != 2 {
			err = Invalid("", fmt.Sprintf("has %d numbers, wants 2", len(list)))
		}
		if err == nil {
			*v = &[2]float64{list[0], list[1]}
		}
		return err
	}
	return plain(raw, v)
}

func decodeFloats(raw []byte) ([]float64, error) {
	var list []json.RawMessage
	if err := plain(raw, &list); err != nil {
		return nil, err
	}
	if most := contract.Bounds().List; len(list) > most {
		return nil, Invalid("", fmt.Sprintf("has %d numbers, wants at most %d", len(list), most))
	}
	floats := make([]float64, len(list))
	for i, r := range list {
		if jsonKind(r) != "a number" {
			return nil, Invalid(fmt.Sprintf("[%d]", i), "wants a number, not "+jsonKind(r))
		}
		if err := plain(r, &floats[i]); err != nil {
			return nil, at(fmt.Sprintf("[%d]", i), err)
		}
	}
	return floats, nil
}

// decodeWhole takes any int64, and 64.0, as JavaScript and R write it.
func decodeWhole(raw []byte) (int64, error) {
	if kind := jsonKind(raw); kind != "a number" {
		return 0, Invalid("", "wants a whole number, not "+kind)
	}
	var n int64
	if err := plain(raw, &n); err == nil {
		return n, nil
	}
	var f float64
	if err := plain(raw, &f); err != nil {
		return 0, err
	}
	if f != math.Trunc(f) {
		return 0, Invalid("", fmt.Sprintf("is %s, wants a whole number", clip(string(raw))))
	}
	if math.Abs(f) >= 1<<63 {
		return 0, Invalid("", fmt.Sprintf("is %s, which is too large", clip(string(raw))))
	}
	return int64(f), nil
}

// jsonNames are the JSON names of the exported fields, which come first.
func jsonNames(t reflect.Type) []string {
	var names []string
	for i := range t.NumField() {
		if f := t.Field(i); f.IsExported() {
			name, _, _ := strings.Cut(f.Tag.Get("json"), ",")
			names = append(names, name)
		}
	}
	return names
}
