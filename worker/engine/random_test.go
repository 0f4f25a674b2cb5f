package engine

import (
	"encoding/json"
	"errors"
	"math/rand/v2"
	"testing"

	"github.com/gopherpod/gopherpod/worker"
	"github.com/gopherpod/gopherpod/worker/contract"
)

// randomLayer returns a layer of a random type with random parameters. Most do
// not fit their input.
func randomLayer(r *rand.Rand, depth int) worker.Layer {
	kinds := worker.Kinds()
	k := kinds[r.IntN(len(kinds))]
	l := worker.Layer{Type: k.Name, Params: map[string]any{}}
	for _, p := range k.Params {
		if !p.Required && r.IntN(3) > 0 {
			continue
		}
		switch p.Type {
		case contract.Integer:
			l.Params[p.Name] = r.IntN(5)
		case contract.Number:
			l.Params[p.Name] = float64(r.IntN(11)) / 10
		case contract.Boolean:
			l.Params[p.Name] = r.IntN(2) == 0
		case contract.Choice:
			l.Params[p.Name] = p.Values[r.IntN(len(p.Values))]
		case contract.Integers:
			l.Params[p.Name] = []any{r.IntN(5), []int{r.IntN(4), r.IntN(4)}, []int{r.IntN(4), 1, r.IntN(3)}}[r.IntN(3)]
		case contract.LayerList:
			l.Params[p.Name] = randomLayers(r, depth+1)
		case contract.LayerLists:
			l.Params[p.Name] = [][]worker.Layer{randomLayers(r, depth+1), randomLayers(r, depth+1)}
		}
	}
	return l
}

func randomLayers(r *rand.Rand, depth int) []worker.Layer {
	if depth > 2 {
		return []worker.Layer{{Type: "tanh", Params: map[string]any{}}}
	}
	layers := make([]worker.Layer, r.IntN(3))
	for i := range layers {
		layers[i] = randomLayer(r, depth)
	}
	return layers
}

// TestRandomModels: the handler trains or refuses any model, and never panics.
func TestRandomModels(t *testing.T) {
	h := Handler(Options{})
	shapes := []string{`[1, 2, 3, 0]`, `[[1, 0], [0, 1], [2, 1]]`, `[[[1, 0, 2, 1], [0, 1, 1, 1]], [[1, 1, 0, 2], [3, 1, 0, 0]]]`}
	trained := 0
	for seed := range uint64(1500) {
		r := rand.New(rand.NewPCG(seed, 1))
		layers := randomLayers(r, 0)
		layers = append(layers, worker.Layer{Type: "flatten"}, worker.Layer{Type: "linear", Params: map[string]any{"out_features": 3}})
		model := &worker.ModelConfig{Type: "sequential", Layers: layers}
		features := json.RawMessage(`[[1, 0, 2, 1, 0, 1, 1, 1, 1, 2, 0, 2], [0, 1, 1, 1, 1, 1, 0, 2, 3, 1, 0, 0], [1, 0, 2, 1, 0, 1, 1, 1, 1, 2, 1, 2]]`)
		labels := json.RawMessage(`[0, 2, 1]`)
		switch k := r.IntN(4); k {
		case 0, 1, 2:
			features = json.RawMessage(shapes[k])
			labels = json.RawMessage([]string{`[0, 1, 2, 1]`, `[0, 1, 2]`, `[2, 0]`}[k])
		default:
			model.Layers = append([]worker.Layer{{Type: "reshape", Params: map[string]any{"shape": []int{r.IntN(3) + 1, -1, r.IntN(2) + 1}}}}, model.Layers...)
		}
		result, _, err := runJob(t, h, worker.Request{Operation: worker.OpTrain, Model: model, TrainingData: &worker.Dataset{Features: worker.Value{List: features}, Labels: worker.Value{List: labels}},
			Hyperparameters: &worker.Hyperparameters{BatchSize: 2, Epochs: 2}})
		var e *worker.Error
		switch {
		case err == nil:
			trained++
			if n, err := result.Model.Parameters(); n != result.Parameters {
				t.Errorf("seed %d: %d parameters, and %d: %v", seed, n, result.Parameters, err)
			}
		case !errors.As(err, &e) && err.Error() != "":
			text, _ := json.Marshal(model)
			t.Errorf("seed %d: %s: %v", seed, text, err)
		}
	}
	if trained < 120 {
		t.Errorf("only %d of 1500 models could be trained", trained)
	}
}
