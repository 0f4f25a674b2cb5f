package worker

import (
	"encoding/json"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/gopherpod/gopherpod/worker/contract"
)

// appliesTo returns hyperparameters to which the row applies.
func appliesTo(row contract.Hyperparameter) *Hyperparameters {
	h := &Hyperparameters{}
	if row.Optimizers != nil {
		h.Optimizer = row.Optimizers[0]
	}
	if row.Losses != nil {
		h.LossFunction = row.Losses[0]
	}
	outer, _, deep := strings.Cut(row.Name, ".")
	switch {
	case row.Schedulers != nil:
		h.Scheduler = &Scheduler{Type: row.Schedulers[0]}
	case deep && outer == "scheduler":
		h.Scheduler = &Scheduler{Type: "step"}
	case outer == "early_stopping":
		h.EarlyStopping = &EarlyStopping{Patience: 3}
	}
	if row.Name == "nesterov" {
		h.Momentum = 0.9
	}
	return h
}

// valid returns a value that the row allows and that is not its default.
func valid(row contract.Hyperparameter) any {
	switch row.Type {
	case contract.Boolean:
		return row.Default != true
	case contract.Choice:
		for _, v := range row.Values {
			if v != row.Default && v != "step" {
				return v
			}
		}
	case contract.Numbers:
		return []float64{0.5, 0.25}
	case contract.Number:
		return 0.75
	}
	return 7
}

// TestEveryRowIsAField: what a row gives changes the request, survives JSON, and is
// still there when defaults are filled in.
func TestEveryRowIsAField(t *testing.T) {
	for _, row := range contract.Hyperparameters() {
		if row.Name == "scheduler.type" {
			continue // changing it alone is what the rows of schedulers do
		}
		h := appliesTo(row)
		before, _ := json.Marshal(h)
		if err := h.Give(row.Name, valid(row)); err != nil {
			t.Errorf("%s: %v", row.Name, err)
			continue
		}
		after, _ := json.Marshal(h)
		if string(before) == string(after) || !h.Has(row.Name) {
			t.Errorf("%s: giving %v changes nothing: %s", row.Name, valid(row), after)
		}
		if err := h.Validate(); err != nil {
			t.Errorf("%s = %v: %v", row.Name, valid(row), err)
		}
		var back Hyperparameters
		if err := json.Unmarshal(after, &back); err != nil {
			t.Errorf("%s: %v", row.Name, err)
		}
		full := back.WithDefaults(OpTrain)
		s, _ := full.slot(row.Name, false)
		text, _ := json.Marshal(s.value.Interface())
		want, _ := json.Marshal(valid(row))
		if string(text) != string(want) {
			t.Errorf("%s: %s after defaults, was %s", row.Name, text, want)
		}
	}
	for _, name := range jsonNames(reflect.TypeFor[Hyperparameters]()) {
		if !slices.ContainsFunc(contract.Hyperparameters(), func(r contract.Hyperparameter) bool { return r.Name == name || strings.HasPrefix(r.Name, name+".") }) {
			t.Errorf("the field %s has no row", name)
		}
	}
}

// TestZeroIsAValue: an explicit 0 is used if the row allows it, else refused under its
// name. It never becomes a default.
func TestZeroIsAValue(t *testing.T) {
	for _, row := range contract.Hyperparameters() {
		if row.Type != contract.Number && row.Type != contract.Integer {
			continue
		}
		h := appliesTo(row)
		if row.Name == "delta" {
			h.LossFunction = "smooth_l1"
		}
		if row.DefaultBy["adamw"] != nil {
			h.Optimizer = "adamw"
		}
		if err := h.Give(row.Name, 0); err != nil {
			t.Fatal(err)
		}
		text, _ := json.Marshal(h)
		var back Hyperparameters
		if err := json.Unmarshal(text, &back); err != nil {
			t.Fatal(err)
		}
		err := back.Validate()
		if !row.Range.Contains(0) {
			if e, ok := err.(*Error); !ok || e.Field != row.Name {
				t.Errorf("%s of 0: %v, want it refused", row.Name, err)
			}
			continue
		}
		if err != nil {
			t.Errorf("%s of 0: %v", row.Name, err)
		}
		s, _ := back.WithDefaults(OpTrain).slot(row.Name, false)
		if fmt.Sprint(reflect.Indirect(s.value).Interface()) != "0" {
			t.Errorf("%s of 0 became %v", row.Name, reflect.Indirect(s.value).Interface())
		}
	}
}

func TestHuberNeedsDelta(t *testing.T) {
	var h Hyperparameters
	if err := json.Unmarshal([]byte(`{"loss_function": "huber", "delta": 0}`), &h); err != nil {
		t.Fatal(err)
	}
	if e, ok := h.Validate().(*Error); !ok || e.Field != "delta" {
		t.Errorf("%v, want delta refused", e)
	}
}

// TestUnused: what the optimizer, loss or scheduler does not use is refused by name,
// except a default, and for optimizers in a request without a protocol.
func TestUnused(t *testing.T) {
	for _, row := range contract.Hyperparameters() {
		h := &Hyperparameters{}
		switch {
		case row.Optimizers != nil:
			h.Optimizer = other(contract.OptimizerNames(), row.Optimizers)
		case row.Losses != nil:
			h.LossFunction = other(contract.LossNames(), row.Losses)
		case row.Schedulers != nil:
			h.Scheduler = &Scheduler{Type: other(contract.SchedulerNames(), row.Schedulers)}
		default:
			continue
		}
		unused := *h
		if err := unused.Give(row.Name, valid(row)); err != nil {
			t.Fatal(err)
		}
		e, ok := unused.Validate().(*Error)
		if !ok || e.Field != row.Name || !strings.Contains(e.Message, "does not use it") {
			t.Errorf("%s where it is not used: %v", row.Name, e)
		}
		if err := unused.validate(false); (err == nil) != (row.Optimizers != nil && row.Name != "nesterov") {
			t.Errorf("%s without a protocol: %v", row.Name, err)
		}
		if row.Default != nil {
			if err := h.Give(row.Name, row.Default); err != nil {
				t.Fatal(err)
			}
			if err := h.Validate(); err != nil {
				t.Errorf("the default of %s, as older clients send it: %v", row.Name, err)
			}
		}
	}
}

func other(all, except []string) string {
	return all[slices.IndexFunc(all, func(s string) bool { return !slices.Contains(except, s) })]
}

// TestInherit: what applies is taken over, with explicit zeros; an explicit 0 stands
// against what was there.
func TestInherit(t *testing.T) {
	var before, h Hyperparameters
	text := `{"optimizer": "adamw", "weight_decay": 0, "label_smoothing": 0.1, "clip_norm": 2, "batch_size": 8, "scheduler": {"type": "plateau", "patience": 0}}`
	if err := json.Unmarshal([]byte(text), &before); err != nil {
		t.Fatal(err)
	}
	if err := h.Set("clip_norm", "0"); err != nil {
		t.Fatal(err)
	}
	h.Inherit(&before)
	got, _ := json.Marshal(h)
	if want := `{"optimizer":"adamw","batch_size":8,"weight_decay":0,"scheduler":{"type":"plateau","patience":0},"clip_norm":0,"label_smoothing":0.1}`; string(got) != want {
		t.Errorf("%s\nwant %s", got, want)
	}
	mse := Hyperparameters{Optimizer: "sgd", LossFunction: "mse"}
	mse.Inherit(&before)
	got, _ = json.Marshal(mse)
	if want := `{"optimizer":"sgd","loss_function":"mse","batch_size":8,"scheduler":{"type":"plateau","patience":0},"clip_norm":2}`; string(got) != want {
		t.Errorf("%s\nwant %s", got, want)
	}
}
