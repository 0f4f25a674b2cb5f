package contract

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math"
	"strings"
)

// VectorsFile is where the boundary vectors lie, from the package's folder.
const VectorsFile = "../testdata/vectors.json"

// A Vector is a request at the boundary of a range, and the verdict that every
// decoder has to give.
type Vector struct {
	Name  string         `json:"name"`
	Valid bool           `json:"valid"`
	Field string         `json:"field,omitempty"` // that the error names
	Input map[string]any `json:"input"`
}

// Vectors lists for every bound of every number one request just inside and one just
// outside, for every choice an unknown word, and for every row something that does
// not use it; and the bounds of the layers' parameters.
func Vectors(layers []Layer) []Vector {
	var all []Vector
	for _, row := range Hyperparameters() {
		add := func(name string, valid bool, value any) {
			all = append(all, row.vector(name, valid, row.fitting(), value))
		}
		switch row.Type {
		case Boolean:
			add("1 is no boolean", false, 1)
		case Choice:
			add("an empty word", false, "")
			add("an unknown word", false, "nonesuch")
		case Integer, GPUs:
			low, high := int64(row.Range.Low), int64(row.Range.High)
			add("lowest", true, low)
			add("below the lowest", false, low-1)
			add("highest", true, high)
			add("above the highest", false, high+1)
			add("not whole", false, float64(low)+0.5)
			add("whole, written as a float", true, json.RawMessage("32.0"))
		default:
			for _, b := range row.Range.bounds() {
				add(b.name, b.valid, row.listed(b.value))
			}
		}
		if h := row.unfitting(); h != nil {
			all = append(all, row.vector("not used", false, h, row.unusual()))
			if row.Default != nil {
				all = append(all, row.vector("not used, the default", true, row.unfitting(), row.Default))
			}
		}
	}
	return append(all, layerVectors(layers)...)
}

type boundary struct {
	name  string
	valid bool
	value float64
}

func (r Range) bounds() []boundary {
	below, above := math.Nextafter(r.Low, math.Inf(-1)), math.Nextafter(r.High, math.Inf(1))
	low, high := boundary{"lowest", true, r.Low}, boundary{"highest", true, r.High}
	if r.OpenLow {
		low.value, below = math.Nextafter(r.Low, math.Inf(1)), r.Low
	}
	if r.OpenHigh {
		high.value, above = math.Nextafter(r.High, math.Inf(-1)), r.High
	}
	return []boundary{low, {"below the lowest", false, below}, high, {"above the highest", false, above}}
}

// listed is v, in a list if the row has one.
func (h Hyperparameter) listed(v float64) any {
	if h.Type != Numbers {
		return v
	}
	return []float64{v, 0.5}
}

// fitting are hyperparameters that use the row.
func (h Hyperparameter) fitting() map[string]any {
	return h.words(func(list []string, _ []string) string { return list[0] })
}

// unfitting are hyperparameters that do not, or nil if all do.
func (h Hyperparameter) unfitting() map[string]any {
	if h.Optimizers == nil && h.Losses == nil && h.Schedulers == nil {
		return nil
	}
	return h.words(func(list, all []string) string {
		for _, name := range all {
			if !strings.Contains(" "+strings.Join(list, " ")+" ", " "+name+" ") {
				return name
			}
		}
		panic("contract: " + h.Name + " lists everything")
	})
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

// unusual is a value in the range that is not the default.
func (h Hyperparameter) unusual() any {
	switch h.Type {
	case Boolean:
		return h.Default != true
	case Numbers:
		return []float64{0.5, 0.25}
	case Number:
		return 0.75
	}
	return 7
}

// vector is a request with the row's value among others.
func (h Hyperparameter) vector(name string, valid bool, given map[string]any, value any) Vector {
	if outer, inner, deep := strings.Cut(h.Name, "."); !deep {
		given[outer] = value
	} else {
		object := map[string]any{inner: value}
		if others, ok := given[outer].(map[string]any); ok {
			for k, v := range others {
				if k != inner {
					object[k] = v
				}
			}
		}
		given[outer] = object
	}
	v := Vector{Name: fmt.Sprintf("%s: %s", h.Name, name), Valid: valid, Input: map[string]any{
		"operation": "train", "protocol": 1,
		"model_config":    map[string]any{"type": "sequential", "layers": []any{map[string]any{"type": "linear", "out_features": 2}}},
		"training_data":   map[string]any{"features": [][]float64{{1}}, "labels": []int{0}},
		"hyperparameters": given,
	}}
	if !valid {
		v.Field = "hyperparameters." + h.Name
		if _, list := value.([]float64); list && name != "not used" {
			v.Field += "[0]"
		}
	}
	return v
}

// VectorsJSON returns the vectors, one a line.
func VectorsJSON(layers []Layer) ([]byte, error) {
	b := bytes.NewBufferString("[\n")
	for i, v := range Vectors(layers) {
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
