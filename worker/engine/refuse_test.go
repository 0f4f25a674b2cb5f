package engine

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"math"
	"strings"
	"testing"

	"github.com/gopherpod/gopherpod/tensors"
	"github.com/gopherpod/gopherpod/worker"
)

// A weighted loss is one mean over all samples, not a mean of the batches' means: the
// second batch of this evaluation has samples of weight 0 only.
func TestWeightedLossOverAllSamples(t *testing.T) {
	net, err := newNetwork(&worker.ModelConfig{Type: "sequential", Layers: []worker.Layer{{Type: "identity"}, {Type: "linear", Params: map[string]any{"out_features": 2}}}}, []int{2})
	if err != nil {
		t.Fatal(err)
	}
	copy(net.weights, []float32{1, 0, 0, 1, 0, 0}) // outputs are inputs
	const n = evaluationBatch + 10
	d := &dataset{shape: []int{2}, size: 2, n: n, x: make([]float32, 2*n)}
	d.t.classes = make([]int32, n)
	weights := []float64{0, 3}
	var sum, total float64
	for i := range n {
		x := float64(i%7) - 3
		d.x[2*i+1] = float32(x)
		if i < evaluationBatch && i%3 == 0 {
			d.t.classes[i] = 1
			sum += weights[1] * math.Log1p(math.Exp(-x))
			total += weights[1]
		}
	}
	for name, w := range map[string][]float64{"0 and 3": weights, "no": nil} {
		l, err := newLoss((&worker.Hyperparameters{ClassWeights: w}).WithDefaults(worker.OpTrain), net.out)
		if err != nil {
			t.Fatal(err)
		}
		value, _, err := net.evaluate(t.Context(), l, d, nil)
		if want := sum / total; err != nil || w != nil && math.Abs(value-want) > 1e-6 || w == nil && (math.IsNaN(value) || math.Abs(value-want) < 1e-3) {
			t.Errorf("weights %s: %v, want %v; %v", name, value, want, err)
		}
	}
}

// A layer may pass any value to an embedding; the embedding never clamps it silently.
func TestEmbeddingBelowTheFirstLayer(t *testing.T) {
	request := xor(`[{"type": "linear", "out_features": 8}, {"type": "tanh"}, {"type": "linear", "out_features": 2}]`,
		`[{"type": "linear", "out_features": 8}, {"type": "embedding", "num_embeddings": 4, "embedding_dim": 2}, {"type": "flatten"}, {"type": "linear", "out_features": 2}]`)
	request = json.RawMessage(strings.Replace(string(request), "[0, 1], [1, 0]", "[900, 700], [-800, 900]", 1))
	_, _, err := runJob(t, Handler(Options{}), request)
	if err == nil || !strings.Contains(err.Error(), "model_config.layers[1]: sample ") || !strings.Contains(err.Error(), "which takes whole numbers 0 to 3") {
		t.Error(err)
	}
	e := &embedding{count: 4}
	for v, want := range map[float32]int{0: 0, -0.5: 0, 3.99: 3, 4: -1, -1: -1, float32(math.Inf(1)): -1, float32(math.NaN()): -1} {
		row, ok := e.index(v)
		if !ok {
			row = -1
		}
		if row != want {
			t.Errorf("%v: row %d, want %d", v, row, want)
		}
	}
}

// Raw scores and probabilities do not have the same ranks: scikit-learn's
// roc_auc_score of softmax(scores) with multi_class="ovr" gives 1.
func TestAUCOfProbabilities(t *testing.T) {
	scores := []float32{5, 0, 0, 9, 10, 0, 1, 3, 0, 0, 0, 1}
	truth := []int32{0, 1, 1, 2}
	if got := meanAUC(scores, truth, 3); got == nil || math.Abs(float64(*got)-1) > 1e-12 {
		t.Error(*got)
	}
}

// A request of a few KB unpacks to a gigabyte: it is refused before it is unpacked if a quarter of the
// free memory is less.
func TestDecodingIsBoundedByTheFreeMemory(t *testing.T) {
	bomb, err := tensors.Compress(make([]byte, 1<<30))
	if err != nil {
		t.Fatal(err)
	}
	text := base64.StdEncoding.EncodeToString(bomb)
	h := Handler(Options{free: func() uint64 { return 2_000_000_000 }})
	small := string(xor(`"epochs": 6`, `"epochs": 1`))
	for field, request := range map[string]string{
		"tensors":     `{"operation": "store", "protocol": 1, "tensors": {"codec": "msgpack+zstd", "data": "` + text + `"}}`,
		"model_state": strings.Replace(small, `{`, `{"model_state": "`+text+`", `, 1),
	} {
		_, _, err := runJob(t, h, json.RawMessage(request))
		var e *worker.Error
		if !errors.As(err, &e) || e.Kind != worker.ErrMemory || e.Field != field || !strings.Contains(e.Message, "this worker has memory to decode 500 MB") {
			t.Errorf("%s: %v, want it refused for lack of memory", field, err)
		}
	}
	if _, _, err := runJob(t, Handler(Options{free: func() uint64 { return 0 }}), json.RawMessage(small)); err != nil {
		t.Errorf("a small request on a system that reports no free memory: %v", err)
	}
}
