package worker

import (
	"encoding/json"
	"fmt"
	"reflect"
	"slices"
	"strings"

	"github.com/gopherpod/gopherpod/worker/contract"
)

// Validate refuses unknown names, with the nearest, numbers out of range, and what
// the optimizer, the loss or the scheduler does not use, by the rows of package
// contract. Fields are relative: "optimizer", "scheduler.type".
func (h *Hyperparameters) Validate() error { return h.validate(true) }

// validate checks h. A request of the predecessor, without a protocol, may hold what
// its optimizer does not use.
func (h *Hyperparameters) validate(strict bool) error {
	if h == nil {
		return nil
	}
	rows := contract.Hyperparameters()
	for _, row := range rows {
		outer, _, deep := strings.Cut(row.Name, ".")
		s, _ := h.slot(row.Name, false)
		switch {
		case s.given():
			if err := checkRow(row, s.value); err != nil {
				return err
			}
		case row.Required && deep && h.Has(outer):
			return Invalid(row.Name, "is missing"+didYouMean("", row.Values))
		}
	}
	w := h.words()
	for _, row := range rows {
		s, _ := h.slot(row.Name, false)
		if !s.given() {
			continue
		}
		why := w.unused(row)
		if why == "" || row.Optimizers != nil && !strict {
			continue
		}
		if s.value.Kind() == reflect.Slice && s.value.Len() == 0 || equalsDefault(row, s.value) {
			continue // it changes nothing; clients of the first version send all defaults
		}
		return Invalid(row.Name, why)
	}
	if above, ok := row("delta").Above[w.loss]; ok && h.Has("delta") && h.Delta <= above {
		return Invalid("delta", fmt.Sprintf("is %v, %s wants more than %v", h.Delta, w.loss, above))
	}
	if h.Nesterov && (h.Momentum == 0 || h.Dampening != 0) {
		return Invalid("nesterov", "requires momentum > 0 and no dampening")
	}
	if n := len(h.ClassWeights); n > 0 && !slices.ContainsFunc(h.ClassWeights, func(w float64) bool { return w > 0 }) {
		return Invalid("class_weights", fmt.Sprintf("are all 0 (%d of them): no sample would count", n))
	}
	return nil
}

// checkOperation refuses what the operation does not use, unless it is the default. The
// predecessor's requests, without a protocol, may hold it.
func (h *Hyperparameters) checkOperation(op Operation) error {
	if h == nil {
		return nil
	}
	for _, row := range contract.Hyperparameters() {
		s, _ := h.slot(row.Name, false)
		if s.given() && !slices.Contains(row.Operations, string(op)) && !equalsDefault(row, s.value) {
			return Invalid(row.Name, contract.NotUsed(string(op), row.Operations))
		}
	}
	return nil
}

// row is a row that this package needs by name.
func row(name string) contract.Hyperparameter {
	r, ok := contract.LookupHyperparameter(name)
	if !ok {
		panic("worker: package contract has no row " + name)
	}
	return r
}

// words are what decides which rows apply.
type words struct{ optimizer, loss, scheduler string }

func (h *Hyperparameters) words() words {
	w := words{h.Optimizer, h.LossFunction, ""}
	if w.optimizer == "" {
		w.optimizer, _ = row("optimizer").Default.(string)
	}
	if w.loss == "" {
		w.loss, _ = row("loss_function").Default.(string)
	}
	if h.Scheduler != nil {
		w.scheduler = h.Scheduler.Type
	}
	return w
}

// unused says why a row does not apply, or "".
func (w words) unused(row contract.Hyperparameter) string {
	for _, by := range []struct {
		word string
		list []string
	}{{w.optimizer, row.Optimizers}, {w.loss, row.Losses}, {w.scheduler, row.Schedulers}} {
		if by.list != nil && !slices.Contains(by.list, by.word) {
			return contract.NotUsed(by.word, by.list)
		}
	}
	return ""
}

// Unused says why the optimizer, the loss or the scheduler of h does not use the
// hyperparameter with that name; "" if it does, or if there is no such name.
func (h *Hyperparameters) Unused(name string) string {
	row, _ := contract.LookupHyperparameter(name)
	return h.words().unused(row)
}

// WithoutUse lists the hyperparameters that are given, not as their defaults, and that
// the worker with that name does not support. gpus "all" is whatever there is.
func (h *Hyperparameters) WithoutUse(workerName string) (names []string) {
	if h == nil {
		return nil
	}
	for _, row := range contract.Hyperparameters() {
		if s, _ := h.slot(row.Name, false); s.given() && !slices.Contains(row.Workers, workerName) && !equalsDefault(row, s.value) {
			if raw, ok := s.value.Interface().(json.RawMessage); !ok || string(raw) != `"all"` {
				names = append(names, row.Name)
			}
		}
	}
	return names
}

// DropUnused takes out what the optimizer, the loss or the scheduler does not use, unless
// it is the default, and says of each why: "momentum: adam does not use it; ...".
func (h *Hyperparameters) DropUnused() (dropped []string) {
	w := h.words()
	for _, row := range contract.Hyperparameters() {
		s, _ := h.slot(row.Name, false)
		why := w.unused(row)
		if !s.given() || why == "" || equalsDefault(row, s.value) {
			continue
		}
		h.own(row.Name) // another copy of h may share the object
		s, _ = h.slot(row.Name, false)
		s.value.SetZero()
		*s.owner.mask() &^= 1 << s.index
		dropped = append(dropped, row.Name+": "+why)
	}
	return dropped
}

// Used returns those of the names whose hyperparameters apply to h.
func (h *Hyperparameters) Used(names ...string) (used []string) {
	for _, name := range names {
		if h.Unused(name) == "" {
			used = append(used, name)
		}
	}
	return used
}

// equalsDefault reports whether v is a default of the row, for any optimizer.
func equalsDefault(row contract.Hyperparameter, v reflect.Value) bool {
	defaults := []any{row.Default}
	for _, d := range row.DefaultBy {
		defaults = append(defaults, d)
	}
	text, _ := json.Marshal(v.Interface())
	return slices.ContainsFunc(defaults, func(d any) bool {
		t, _ := json.Marshal(d)
		return d != nil && string(t) == string(text)
	})
}

// checkRow refuses a value that the row does not allow.
func checkRow(row contract.Hyperparameter, v reflect.Value) error {
	switch row.Type {
	case contract.Boolean:
		return nil
	case contract.GPUs:
		return validGPUs(row, v.Bytes())
	case contract.Choice:
		if !slices.Contains(row.Values, v.String()) {
			name := row.Name[strings.LastIndexByte(row.Name, '.')+1:]
			if name == "type" {
				name = row.Name[:strings.LastIndexByte(row.Name, '.')]
			}
			return Invalid(row.Name, fmt.Sprintf("unknown %s %q%s", strings.ReplaceAll(name, "_", " "), clip(v.String()), didYouMean(v.String(), row.Values)))
		}
		return nil
	}
	if v.Kind() == reflect.Pointer {
		v = v.Elem()
	}
	switch v.Kind() {
	case reflect.Slice, reflect.Array:
		for i := range v.Len() {
			if err := inRange(fmt.Sprintf("%s[%d]", row.Name, i), v.Index(i).Float(), *row.Range); err != nil {
				return err
			}
		}
		return nil
	case reflect.Float64:
		return inRange(row.Name, v.Float(), *row.Range)
	}
	if n := v.Int(); !row.Range.ContainsInt(n) {
		return Invalid(row.Name, fmt.Sprintf("is %d, wants %s", n, row.Range))
	}
	return nil
}

func inRange(field string, v float64, r contract.Range) error {
	if !r.Contains(v) {
		return Invalid(field, fmt.Sprintf("is %v, wants %s", v, r))
	}
	return nil
}

func validGPUs(row contract.Hyperparameter, raw json.RawMessage) error {
	if string(raw) == `"all"` {
		return nil
	}
	if n, err := decodeWhole(raw); err != nil || !row.Range.Contains(float64(n)) {
		return Invalid("gpus", fmt.Sprintf("is %s, wants %s, or \"all\"", clip(string(raw)), row.Range))
	}
	return nil
}
