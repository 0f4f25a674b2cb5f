package terminal

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"strings"

	"github.com/gopherpod/gopherpod/runpod/train"
)

// answer returns what to print on stdout, and writes the magic's result to file.
func (m magicCommand) answer(v *variables, file string) (any, error) {
	switch x := v.values[m.result].(type) {
	case *train.Model:
		if m.first == modelFile || x.Receipt.RunID == "" { // a model that was read, or a run that did not begin or has no epoch
			break
		}
		a := trained{Receipt: x.Receipt, Parameters: x.Parameters, Stopped: x.Stopped}
		if file == "" || !x.HasWeights() {
			return a, nil
		}
		a.File = file
		err := x.Export(file, "")
		if err != nil && train.FormatOf(file) != train.Safetensors { // the model is paid for: keep it in the format that can hold any model
			kept := strings.TrimSuffix(file, filepath.Ext(file)) + ".safetensors"
			if _, there := os.Stat(kept); there != nil && x.Export(kept, "") == nil {
				a.File, err = kept, fmt.Errorf("%w; the model is kept in %s", err, kept)
			}
		}
		return a, err
	case *train.Evaluation:
		return map[string]any{"samples": x.Samples, "metrics": x.Metrics, "classes": x.ClassNames}, nil
	case nil:
	default:
		p, err := predictions(x)
		if err != nil || file == "" {
			return p, err
		}
		b, err := json.Marshal(p)
		if err != nil {
			return nil, err
		}
		return map[string]any{"rows": reflect.ValueOf(p).Len(), "file": file}, os.WriteFile(file, append(b, '\n'), 0o644)
	}
	return nil, nil
}

type trained struct {
	train.Receipt
	Parameters int    `json:"parameters"`
	Stopped    string `json:"stopped,omitempty"`
	File       string `json:"file,omitempty"`
}

// predictions returns rows of numbers, class numbers or class names.
func predictions(x any) (any, error) {
	m, ok := x.(interface {
		Dims() (r, c int)
		At(i, j int) float64
	})
	if !ok {
		return x, nil
	}
	r, c := m.Dims()
	rows := make([][]float64, r)
	for i := range rows {
		rows[i] = make([]float64, c)
		for j := range c {
			if rows[i][j] = m.At(i, j); rows[i][j]-rows[i][j] != 0 {
				return nil, fmt.Errorf("output %d of row %d is %v, which JSON cannot represent", j, i, rows[i][j])
			}
		}
	}
	return rows, nil
}
