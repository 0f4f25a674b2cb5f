package contract

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"math"
	"slices"
	"strings"
)

// VectorsFile is where the boundary vectors lie, from the package's folder.
const VectorsFile = "../testdata/vectors.json"

// A Vector is a request with one value at the boundary of what is allowed, and the verdict
// that every decoder has to give.
type Vector struct {
	Name  string         `json:"name"`
	Valid bool           `json:"valid"`
	Field string         `json:"field,omitempty"` // that the error names
	Wants string         `json:"wants,omitempty"` // what the error's message ends with
	Input map[string]any `json:"input"`
}

// Vectors lists requests with one value each, for every hyperparameter and for every
// parameter of a layer: the bounds, and just outside of them; unknown words; every wrong
// type, also inside a list; null; a missing value; and for every hyperparameter something
// that does not use it.
func Vectors() []Vector {
	var all []Vector
	for _, row := range Hyperparameters() {
		for _, t := range row.trials() {
			all = append(all, row.vector(t, row.Fitting()))
		}
		for _, u := range row.Unfitting() {
			all = append(all, row.vector(trial{name: "not used by " + u.By, value: row.Unusual(), wants: NotUsed(u.By, u.Users)}, u.Given))
			if row.Default != nil {
				all = append(all, row.vector(trial{name: "not used by " + u.By + ", the default", valid: true, value: row.Default}, u.again()))
			}
		}
		for _, op := range []string{"train_epoch", "evaluate", "predict"} {
			if slices.Contains(row.Operations, op) {
				continue
			}
			v := row.vector(trial{name: "not used by " + op, value: row.Unusual(), wants: NotUsed(op, row.Operations)}, map[string]any{})
			all = append(all, v.as(op))
			if row.Default != nil && !strings.Contains(row.Name, ".") { // an object around it is not used either
				v := row.vector(trial{name: "not used by " + op + ", the default", valid: true, value: row.Default}, map[string]any{})
				all = append(all, v.as(op))
			}
		}
		for loss, above := range row.Above {
			h := row.Fitting()
			h["loss_function"] = loss
			all = append(all, row.vector(trial{name: "not above what " + loss + " wants", value: above, wants: loss + " wants more than " + short(above)}, h))
		}
	}
	return append(all, layerVectors()...)
}

// A trial is one value for a row, and the verdict.
type trial struct {
	name  string
	valid bool
	value any
	at    string // of an error, after the row's name: "[1]"
	wants string
}

// trials are values for a hyperparameter that applies.
func (h Hyperparameter) trials() []trial {
	all := []trial{{name: "null", valid: !h.Required, value: nil}}
	bad := func(name string, value any, at, wants string) {
		all = append(all, trial{name, false, value, at, wants})
	}
	switch h.Type {
	case Boolean, Choice, Integer, Number:
		all = append(all, h.Type.trials(h.Range)...)
	case GPUs:
		for _, t := range append(h.Range.whole(), trial{name: "a text", value: "some"}, trial{name: "a list", value: []int{1}}) {
			if t.wants = ""; !t.valid {
				t.wants = "wants " + h.Range.String() + `, or "all"`
			}
			all = append(all, t)
		}
		all = append(all, trial{name: "all", valid: true, value: "all"})
	case Numbers:
		for _, t := range h.Range.bounds() {
			if t.value = []any{0.5, t.value}; !t.valid {
				t.at = "[1]"
			}
			all = append(all, t)
		}
		bad("a number", 0.5, "", "wants a list, not a number")
		bad("a text in the list", []any{0.5, "1"}, "[1]", "wants a number, not a text")
		bad("null in the list", []any{0.5, nil}, "[1]", "wants a number, not null")
		bad("a list in the list", []any{0.5, []int{}}, "[1]", "wants a number, not a list")
		if h.Length > 0 {
			bad("too short", []any{0.5}, "", fmt.Sprintf("has 1 numbers, wants %d", h.Length))
			bad("too long", []any{0.5, 0.5, 0.5}, "", fmt.Sprintf("has 3 numbers, wants %d", h.Length))
		}
	default:
		panic("contract: no trials for the type " + h.Type)
	}
	bad("an object", map[string]any{}, "", "")
	if h.Required {
		all = append(all, trial{name: "missing", value: missing})
	}
	return all
}

// trials are values for a type of one value: a boolean, a word or a number within r.
func (t Type) trials(r *Range) (all []trial) {
	bad := func(name string, value any, wants string) {
		all = append(all, trial{name: name, value: value, wants: wants})
	}
	switch t {
	case Boolean:
		bad("1 is no boolean", 1, "wants true or false, not a number")
		bad("a text", "true", "wants true or false, not a text")
	case Choice:
		bad("an empty word", "", "")
		bad("an unknown word", "nonesuch", "")
		bad("a number", 1, "wants a text, not a number")
	case Integer:
		all = append(all, r.whole()...)
		bad("a text", "1", "wants a whole number, not a text")
		bad("a list", []int{1}, "wants a whole number, not a list")
		bad("true", true, "wants a whole number, not true or false")
	case Number:
		all = append(all, r.bounds()...)
		bad("a text", "1", "wants a number, not a text")
		bad("a list", []int{1}, "wants a number, not a list")
		bad("true", true, "wants a number, not true or false")
	}
	return all
}

// missing is the value of a trial that gives none.
var missing = new(int)

// bounds are the trials of a number.
func (r Range) bounds() []trial {
	below, above := math.Nextafter(r.Low, math.Inf(-1)), math.Nextafter(r.High, math.Inf(1))
	low, high := r.Low, r.High
	if r.OpenLow {
		low, below = math.Nextafter(r.Low, math.Inf(1)), r.Low
	}
	if r.OpenHigh {
		high, above = math.Nextafter(r.High, math.Inf(-1)), r.High
	}
	wants := "wants " + r.String()
	return []trial{
		{"lowest", true, low, "", ""}, {"below the lowest", false, below, "", wants},
		{"highest", true, high, "", ""}, {"above the highest", false, above, "", wants},
	}
}

// whole are the trials of a whole number.
func (r Range) whole() []trial {
	low, high, wants := int64(r.Low), int64(r.High), "wants "+r.String()
	return []trial{
		{"lowest", true, low, "", ""}, {"below the lowest", false, low - 1, "", wants},
		{"highest", true, high, "", ""}, {"above the highest", false, high + 1, "", wants},
		{"not whole", false, 1.5, "", "is 1.5, wants a whole number"},
		{"whole, written as a float", true, json.RawMessage("1.0"), "", ""},
	}
}

// Fitting are hyperparameters that use the row.
func (h Hyperparameter) Fitting() map[string]any {
	return h.words(func(list []string, _ []string) string { return list[0] })
}

// An Unfit is hyperparameters with which a row does not apply, because of the optimizer,
// the loss or the scheduler that By names.
type Unfit struct {
	By    string
	Users []string // that use it
	Given map[string]any
}

// again is a copy of what is given.
func (u Unfit) again() map[string]any {
	given := maps.Clone(u.Given)
	if s, ok := given["scheduler"].(map[string]any); ok {
		given["scheduler"] = maps.Clone(s)
	}
	return given
}

// Unfitting lists every optimizer, loss and scheduler with which the row does not apply,
// beside others with which it does.
func (h Hyperparameter) Unfitting() []Unfit {
	var all []Unfit
	for _, kind := range []struct {
		key          string
		users, names []string
	}{{"optimizer", h.Optimizers, OptimizerNames()}, {"loss_function", h.Losses, LossNames()}, {"scheduler", h.Schedulers, SchedulerNames()}} {
		for _, name := range kind.names {
			if kind.users == nil || slices.Contains(kind.users, name) {
				continue
			}
			u := Unfit{name, kind.users, h.Fitting()}
			if u.Given[kind.key] = name; kind.key == "scheduler" {
				u.Given[kind.key] = map[string]any{"type": name}
			}
			all = append(all, u)
		}
	}
	return all
}

// as makes the vector of a training one of another operation.
func (v Vector) as(op string) Vector {
	v.Input["operation"] = op
	data := v.Input["training_data"].(map[string]any)
	switch op {
	case "evaluate":
		v.Input["evaluation_data"] = data
	case "predict":
		v.Input["input_data"] = map[string]any{"features": data["features"]}
	default:
		return v
	}
	delete(v.Input, "training_data")
	v.Input["model_state"] = "AAAA"
	return v
}

func (h Hyperparameter) words(pick func(list, all []string) string) map[string]any {
	given := map[string]any{}
	if h.Optimizers != nil {
		given["optimizer"] = pick(h.Optimizers, OptimizerNames())
	}
	if h.Losses != nil {
		given["loss_function"] = pick(h.Losses, LossNames())
	}
	switch outer, _, _ := strings.Cut(h.Name, "."); {
	case h.Schedulers != nil:
		given["scheduler"] = map[string]any{"type": pick(h.Schedulers, SchedulerNames())}
	case outer == "early_stopping":
		given["early_stopping"] = map[string]any{"patience": 1}
	}
	return given
}

// Unusual is a value in the range that is not the default.
func (h Hyperparameter) Unusual() any {
	switch h.Type {
	case Boolean:
		return h.Default != true
	case Choice:
		for _, v := range h.Values {
			if v != h.Default {
				return v
			}
		}
	case Numbers:
		return []float64{0.5, 0.25}
	case Number:
		return 0.75
	}
	return 7
}

// vector is a request with the trial's value among other hyperparameters.
func (h Hyperparameter) vector(t trial, given map[string]any) Vector {
	object, name := given, h.Name
	if outer, inner, deep := strings.Cut(h.Name, "."); deep {
		object, _ = given[outer].(map[string]any)
		if name = inner; object == nil {
			object = map[string]any{}
			given[outer] = object
		}
	}
	if delete(object, name); t.value != missing {
		object[name] = t.value
	}
	return t.vector(h.Name, "hyperparameters."+h.Name, map[string]any{"type": "linear", "out_features": 2}, given)
}

// vector is a request with a layer and hyperparameters; field is what the trial is about.
func (t trial) vector(name, field string, layer, hyperparameters map[string]any) Vector {
	v := Vector{Name: name + ": " + t.name, Valid: t.valid, Wants: t.wants, Input: map[string]any{
		"operation": "train", "protocol": 1,
		"model_config":  map[string]any{"type": "sequential", "layers": []any{layer}},
		"training_data": map[string]any{"features": [][]float64{{1}}, "labels": []int{0}},
	}}
	if hyperparameters != nil {
		v.Input["hyperparameters"] = hyperparameters
	}
	if !t.valid {
		v.Field = field + t.at
	}
	return v
}

// VectorsJSON returns the vectors, one a line.
func VectorsJSON() ([]byte, error) {
	b := bytes.NewBufferString("[\n")
	for i, v := range Vectors() {
		if i > 0 {
			b.WriteString(",\n")
		}
		text, err := json.Marshal(v)
		if err != nil {
			return nil, err
		}
		b.Write(text)
	}
	b.WriteString("\n]\n")
	return b.Bytes(), nil
}
