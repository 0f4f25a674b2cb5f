package train

import (
	"encoding/json"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"github.com/gopherpod/gopherpod/worker/engine"
)

// Text labels become classes. The model keeps their names in predictions, evaluations,
// files and further training.
func TestTextLabels(t *testing.T) {
	X, y := blobs(60)
	names := []string{"ant", "bee", "cow"}
	texts := make([]string, len(y))
	for i, k := range y {
		texts[i] = names[k]
	}
	ep := manyWorkers(t, 1, engine.Handler(engine.Options{}))
	m, err := Fit(t.Context(), Layers("linear 16\nrelu\nlinear 3"), Data{X: X, Y: texts, Columns: []string{"a", "b"}},
		Options{Endpoint: ep, Epochs: 30, LearningRate: 0.05, Seed: Seed(1), Validation: &Data{X: X, Y: texts}})
	if err != nil || !reflect.DeepEqual(m.ClassNames, names) || !reflect.DeepEqual(m.Columns, []string{"a", "b"}) {
		t.Fatal(m, err)
	}
	e, err := m.Evaluate(X, texts)
	if err != nil || e.Accuracy < 0.9 || !reflect.DeepEqual(e.ClassNames, names) {
		t.Fatal(e, err)
	}
	path := filepath.Join(t.TempDir(), "m.safetensors")
	if err := m.Save(path); err != nil {
		t.Fatal(err)
	}
	if m, err = Load(path); err != nil {
		t.Fatal(err)
	}
	got, err := m.On(ep).Labels(X)
	right := 0
	for i := range got {
		if got[i] == texts[i] {
			right++
		}
	}
	if err != nil || right < 54 {
		t.Error(right, err)
	}
	m, err = Fit(t.Context(), nil, Data{X: X, Y: texts}, Options{Endpoint: ep, From: m, Epochs: 1})
	if err != nil || !reflect.DeepEqual(m.ClassNames, names) || !reflect.DeepEqual(m.Columns, []string{"a", "b"}) {
		t.Error(m, err)
	}
	texts[4] = "dog"
	if _, err := m.Evaluate(X, texts); err == nil || !strings.Contains(err.Error(), `holds "dog" at 4, a class that the model does not know; it knows ["ant" "bee" "cow"]`) {
		t.Error(err)
	}
	if _, err := Prepare(Layers("linear 1"), Data{X: X, Y: texts}, Options{Loss: "mse"}); err == nil || !strings.Contains(err.Error(), "holds texts, and mse wants numbers") {
		t.Error(err)
	}
	if _, err := Prepare(Layers("linear 3"), Data{X: X, Y: texts}, Options{}); err == nil || !strings.Contains(err.Error(), "the last layer wants 4 or more outputs") {
		t.Error(err)
	}
	texts[4] = ""
	if _, err := Prepare(Layers("linear 4"), Data{X: X, Y: texts}, Options{}); err == nil || !strings.Contains(err.Error(), "holds an empty text at 4") {
		t.Error(err)
	}
	if _, err := Prepare(json.RawMessage(`[{"type":"linear","out_features":1}]`), Data{X: [][]float64{{1}, {2}, {3}, {4}}, Y: []string{"no", "yes", "no", "yes"}}, Options{Loss: "bce_with_logits"}); err != nil {
		t.Error(err)
	}
}
