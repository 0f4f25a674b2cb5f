package engine

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"os"
	"runtime"
	"slices"
	"strings"
	"testing"

	"github.com/gopherpod/gopherpod/tensors"
	"github.com/gopherpod/gopherpod/worker"
	"github.com/gopherpod/gopherpod/worker/contract"
)

// xor returns a small train request with old replaced by new in its JSON.
func xor(old, new string) json.RawMessage {
	const text = `{"operation": "train", "run_id": "", "model_config": {"layers": [{"type": "linear", "out_features": 8}, {"type": "tanh"}, {"type": "linear", "out_features": 2}]},` +
		` "training_data": {"features": [[0, 0], [0, 1], [1, 0], [1, 1]], "labels": [0, 1, 1, 0]},` +
		` "hyperparameters": {"learning_rate": 0.05, "epochs": 6, "batch_size": 3, "seed": 1}}`
	return json.RawMessage(strings.Replace(text, old, new, 1))
}

func TestBadInput(t *testing.T) {
	data := func(features, labels string) json.RawMessage {
		return xor(`"features": [[0, 0], [0, 1], [1, 0], [1, 1]], "labels": [0, 1, 1, 0]`, `"features": `+features+`, "labels": `+labels)
	}
	layers := func(l string) json.RawMessage {
		return xor(`[{"type": "linear", "out_features": 8}, {"type": "tanh"}, {"type": "linear", "out_features": 2}]`, l)
	}
	hyper := func(h string) json.RawMessage { return xor(`"epochs": 6`, h) }
	rows := []struct {
		input json.RawMessage
		kind  worker.ErrorKind
		want  string
	}{
		{data(`[[1, 2], [3, "NaN"]]`, `[0, 1]`), worker.ErrInvalid, `training_data.features: row 1, column 1 is NaN (counted from 0)`},
		{data(`[["Infinity", 2], [3, "NaN"]]`, `[0, 1]`), worker.ErrInvalid, `row 0, column 0 is infinite (counted from 0; 2 numbers are not finite)`},
		{data(`[[1e300, 2]]`, `[0]`), worker.ErrInvalid, `training_data.features: out of range: 1e+300 at row 0, column 0`},
		{data(`[]`, `[]`), worker.ErrInvalid, `training_data.features: is empty: its shape is [0]`},
		{data(`[[], []]`, `[0, 1]`), worker.ErrInvalid, `training_data.features: is empty: its shape is [2, 0]`},
		{data(`[[1, 2], [3]]`, `[0, 1]`), worker.ErrInvalid, `training_data.features[1]: has 1 elements, those before have 2`},
		{data(`[[1, 2], [3, 4]]`, `[0, 1, 1]`), worker.ErrInvalid, `training_data.labels: 3 labels, but the features have 2 rows`},
		{data(`[[1, 2], [3, 4]]`, `[0, 2]`), worker.ErrInvalid, `training_data.labels: row 1 is class 2, but the model gives 2 outputs: classes 0 to 1`},
		{data(`[[1, 2], [3, 4]]`, `[-1, 1]`), worker.ErrInvalid, `row 0 is class -1`},
		{data(`[[1, 2], [3, 4]]`, `[0, 0.5]`), worker.ErrInvalid, `row 1 is 0.5, but cross_entropy wants whole class numbers 0, 1, 2, ...; for numbers there is mse`},
		{data(`[[1, 2], [3, 4]]`, `["NaN", 1]`), worker.ErrInvalid, `row 0 is NaN, but cross_entropy wants whole class numbers`},
		{data(`[[1, 2], [3, 4]]`, `[[0, 1], [1, 0]]`), worker.ErrInvalid, `cross_entropy wants one class number a sample, but the labels have shape [2, 2]`},
		{data(`{"tensor": "X"}`, `[0]`), worker.ErrInvalid, `training_data.features: the request's tensors hold no "X"`},
		{data(`{"sha256": "00"}`, `[0]`), worker.ErrMissing, `the store does not hold 00`},
		{data(`{"url": "http://x"}`, `[0]`), worker.ErrUnsupported, `reads no addresses`},
		{layers(`[{"type": "linear", "out_features": 8}, {"type": "linear", "in_features": 9, "out_features": 2}]`), worker.ErrInvalid, `layer 2 (linear): in_features 9, but layer 1 (linear) gives 8`},
		{layers(`[{"type": "relu"}]`), worker.ErrInvalid, `the model has nothing to train`},
		{layers(`[{"type": "reshape", "shape": [1, 1, 2]}, {"type": "conv2d", "out_channels": 1, "kernel_size": 1}]`), worker.ErrInvalid, `cross_entropy wants one number for each class, but the model gives [1, 1, 2] a sample`},
		{layers(`[{"type": "reshape", "shape": [1, 1, 1, 2]}, {"type": "conv3d", "out_channels": 1, "kernel_size": 1}]`), worker.ErrUnsupported, `model_config.layers[1]: the engine on the CPU has no conv3d; the PyTorch worker has it`},
		{layers(`[{"type": "linear", "out_features": 100000}, {"type": "linear", "out_features": 20000}]`), worker.ErrMemory, `GB to train`},
		{layers(`[{"type": "reshape", "shape": [2, 1, 1]}, {"type": "adaptive_maxpool2d", "output_size": 1000000}, {"type": "flatten"}]`), worker.ErrInvalid, `is too large`},
		{layers(`[{"type": "reshape", "shape": [2, 1, 1]}, {"type": "adaptive_maxpool2d", "output_size": 100000}, {"type": "flatten"}]`), worker.ErrMemory, `a single sample needs 320 GB`},
		{layers(`[{"type": "reshape", "shape": [2, 1, 1]}, {"type": "conv_transpose2d", "out_channels": 1, "kernel_size": 3000}, {"type": "conv2d", "out_channels": 1, "kernel_size": 1500}, {"type": "flatten"}]`), worker.ErrMemory, `a single sample needs`},
		{layers(`[{"type": "embedding", "num_embeddings": 2, "embedding_dim": 2}, {"type": "flatten"}]`), worker.ErrInvalid, ``},
		{hyper(`"class_weights": [1, 2, 3]`), worker.ErrInvalid, `hyperparameters.class_weights: has 3 weights, but the model gives 2 outputs`},
		{hyper(`"loss_function": "mse"`), worker.ErrInvalid, `training_data.labels: a label has shape [], but the model gives [2] a sample`},
		{hyper(`"loss_function": "kl_div"`), worker.ErrUnsupported, `has no kl_div`},
		{hyper(`"optimizer": "lbfgs"`), worker.ErrUnsupported, `has no lbfgs`},
		{hyper(`"validation_split": 0.9`), worker.ErrInvalid, ``},
		{hyper(`"early_stopping": {"patience": 1, "monitor": "val_loss"}`), worker.ErrInvalid, `there is no validation`},
		{xor(`"hyperparameters"`, `"model_state": "AAAA", "hyperparameters"`), worker.ErrInvalid, `model_state: `},
		{xor(`"hyperparameters"`, `"optimizer_state": "AAAA", "hyperparameters"`), worker.ErrInvalid, `optimizer_state: `},
		{xor(`"hyperparameters"`, `"tensors": {"codec": "gzip", "data": ""}, "hyperparameters"`), worker.ErrInvalid, `tensors: `},
		{xor(`"hyperparameters"`, `"validation_data": {"features": [[1, 2, 3]], "labels": [0]}, "hyperparameters"`), worker.ErrInvalid, `validation_data.features: a sample has shape [3], but the model was made for [2]`},
		{json.RawMessage(`{"operation": "store"}`), worker.ErrInvalid, `there is nothing to store`},
	}
	h := Handler(Options{})
	for _, r := range rows {
		_, _, err := runJob(t, h, r.input)
		var e *worker.Error
		if r.want == "" && err == nil {
			continue
		}
		if !errors.As(err, &e) || e.Kind != r.kind || !strings.Contains(err.Error(), r.want) {
			t.Errorf("%s:\n got %v\nwant %s %s", r.input, err, r.kind, r.want)
		}
	}
}

func TestEmbeddingRange(t *testing.T) {
	input := strings.Replace(string(xor(`{"type": "linear", "out_features": 8}, {"type": "tanh"}`, `{"type": "embedding", "num_embeddings": 3, "embedding_dim": 2}, {"type": "flatten"}`)), "[1, 1]]", "[1, 3]]", 1)
	_, _, err := runJob(t, Handler(Options{}), json.RawMessage(input))
	if err == nil || !strings.Contains(err.Error(), "row 3 has 3, but the embedding takes whole numbers 0 to 2") {
		t.Error(err)
	}
}

func TestDivergence(t *testing.T) {
	var seen []string
	input := xor(`"learning_rate": 0.05, "epochs": 6`, `"learning_rate": 1e30, "optimizer": "sgd", "loss_function": "mse", "epochs": 60`)
	input = json.RawMessage(strings.Replace(string(input), `"out_features": 2}`, `"out_features": 1}`, 1))
	input = json.RawMessage(strings.Replace(string(input), `"tanh"`, `"relu"`, 1))
	_, err := Handler(Options{})(context.Background(), worker.Job{Input: input}, func(chunk json.RawMessage) error {
		seen = append(seen, string(chunk))
		return nil
	})
	var e *worker.Error
	if !errors.As(err, &e) || e.Kind != worker.ErrDiverged || !strings.Contains(e.Message, "epoch 1, batch 2") && !strings.Contains(e.Message, "epoch 2") || !strings.Contains(e.Message, "a lower one may help") {
		t.Errorf("%v after %d events", err, len(seen))
	}
}

// TestContinues: 3+3 epochs give the same result as 6, bit for bit, with shuffles,
// dropout and a schedule.
func TestContinues(t *testing.T) {
	h := Handler(Options{})
	for _, extra := range []string{``, `, "optimizer": "sgd", "momentum": 0.9`, `, "optimizer": "nadam"`, `, "optimizer": "rmsprop", "momentum": 0.5`, `, "optimizer": "adagrad"`,
		`, "scheduler": {"type": "step", "step_size": 2}`, `, "scheduler": {"type": "plateau", "patience": 1, "factor": 0.5}, "learning_rate": 0.9`, `, "scheduler": {"type": "warmup", "steps": 8}`} {
		change := func(epochs string) json.RawMessage {
			s := string(xor(`{"type": "tanh"}`, `{"type": "batchnorm1d"}, {"type": "tanh"}, {"type": "dropout", "p": 0.2}`))
			s = strings.Replace(s, `"batch_size": 3`, `"batch_size": 2`+extra, 1)
			if strings.Contains(extra, "learning_rate") {
				s = strings.Replace(s, `"learning_rate": 0.05, `, ``, 1)
			}
			return json.RawMessage(strings.Replace(s, `"epochs": 6`, epochs, 1))
		}
		whole, _, err := runJob(t, h, change(`"epochs": 6`))
		if err != nil {
			t.Fatal(extra, err)
		}
		half, _, err := runJob(t, h, change(`"epochs": 3`))
		if err != nil {
			t.Fatal(extra, err)
		}
		rest := strings.Replace(string(change(`"epochs": 3`)), `"hyperparameters"`, `"start_epoch": 3, "model_state": "`+half.ModelState+`", "optimizer_state": "`+half.OptimizerState+`", "hyperparameters"`, 1)
		other, _, err := runJob(t, h, json.RawMessage(rest))
		if err != nil {
			t.Fatal(extra, err)
		}
		if other.ModelState != whole.ModelState || other.OptimizerState != whole.OptimizerState {
			t.Errorf("%s: 3+3 epochs are not 6", extra)
		}
		if n := other.History[2]; n.Epoch != 6 || n.Epochs != 6 || n.Loss != whole.History[5].Loss {
			t.Errorf("%s: last epoch %+v, want %+v", extra, n, whole.History[5])
		}
	}
}

// TestSameForAnyGOMAXPROCS: the result does not depend on GOMAXPROCS, bit for
// bit, for every kind of layer that sums.
func TestSameForAnyGOMAXPROCS(t *testing.T) {
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(0))
	raw := problem(t, "conv2d 8 3 padding=1\nbatchnorm2d\nrelu\nmaxpool2d 2\ngroupnorm 2\nflatten\nlinear 300\nlayernorm\ngelu\ndropout 0.1\nlinear 4", []int{2, 12, 12}, 100, 4, worker.Hyperparameters{BatchSize: 33, Epochs: 2, ClipNorm: 1})
	want := ""
	for _, n := range []int{1, 2, 5} {
		runtime.GOMAXPROCS(n)
		result, _, err := runJob(t, Handler(Options{}), raw)
		if err != nil {
			t.Fatal(err)
		}
		if want == "" {
			want = result.ModelState
		}
		if result.ModelState != want {
			t.Errorf("GOMAXPROCS %d gives other bits than 1", n)
		}
	}
}

func TestCancellation(t *testing.T) {
	ctx, cancel := context.WithCancelCause(context.Background())
	why := errors.New("interrupted")
	raw := xor(`"epochs": 6`, `"epochs": 1000000`)
	events := 0
	_, err := Handler(Options{})(ctx, worker.Job{Input: raw}, func(json.RawMessage) error {
		if events++; events == 3 {
			cancel(why)
		}
		return nil
	})
	if !errors.Is(err, why) || events != 3 {
		t.Errorf("%v after %d events", err, events)
	}
}

func TestRepeatIsAnsweredFromMemory(t *testing.T) {
	h := Handler(Options{})
	run := func(input json.RawMessage) (chunks []string, err error) {
		_, err = h(context.Background(), worker.Job{Input: input}, func(c json.RawMessage) error {
			chunks = append(chunks, string(c))
			return nil
		})
		return chunks, err
	}
	input := xor(`"run_id": ""`, `"run_id": "r1"`)
	first, err := run(input)
	if err != nil {
		t.Fatal(err)
	}
	again, err := run(input)
	if err != nil || !slices.Equal(first, again) { // seconds would differ
		t.Errorf("the repeat was trained again (%v)", err)
	}
	other, err := run(json.RawMessage(strings.Replace(string(input), `"epochs": 6`, `"epochs": 2`, 1)))
	if err != nil || len(other) != 3 {
		t.Errorf("another request under the same run_id: %d events (%v)", len(other), err)
	}
}

func TestEarlyStopping(t *testing.T) {
	raw := problem(t, "linear 32\nrelu\nlinear 3", []int{6}, 60, 3, worker.Hyperparameters{Epochs: 200, LearningRate: 0.02, ValidationSplit: 0.25,
		EarlyStopping: &worker.EarlyStopping{Patience: 4}})
	result, _, err := runJob(t, Handler(Options{}), raw)
	if err != nil {
		t.Fatal(err)
	}
	n := len(result.History)
	if n == 200 || result.Status != "stopped" || !strings.Contains(result.Stopped, "early stopping: val_loss has not fallen for 4 epochs") {
		t.Fatalf("%d epochs, %s: %s", n, result.Status, result.Stopped)
	}
	best := slices.MinFunc(result.History, func(a, b worker.Epoch) int {
		if *a.ValLoss < *b.ValLoss {
			return -1
		}
		return 1
	})
	if best.Epoch != n-4 {
		t.Errorf("best epoch %d of %d", best.Epoch, n)
	}
	var r worker.Request
	if err := json.Unmarshal(raw, &r); err != nil {
		t.Fatal(err)
	}
	r.Hyperparameters = &worker.Hyperparameters{Epochs: best.Epoch, LearningRate: 0.02, ValidationSplit: 0.25}
	same, _, err := runJob(t, Handler(Options{}), r)
	if err != nil || same.ModelState != result.ModelState {
		t.Errorf("the state is not that of the best epoch (%v)", err)
	}
}

// TestPredecessor sends the documented requests and looks at the documented fields.
func TestPredecessor(t *testing.T) {
	h := Handler(Options{})
	ask := func(input string) map[string]any {
		t.Helper()
		_, output, err := runJob(t, h, json.RawMessage(input))
		if err != nil {
			t.Fatal(err)
		}
		var answer map[string]any
		if err := json.Unmarshal(output, &answer); err != nil {
			t.Fatal(err)
		}
		return answer
	}
	const model = `"model_config": {"type": "sequential", "layers": [{"type": "linear", "in_features": 2, "out_features": 8}, {"type": "relu"}, {"type": "dropout", "rate": 0.0}, {"type": "linear", "in_features": 8, "out_features": 2}]}`
	const rows = `"features": [[0, 0], [0, 1], [1, 0], [1, 1]], "labels": [0, 1, 1, 0]`
	const hyper = `"hyperparameters": {"optimizer": "adam", "learning_rate": 0.01, "loss_function": "cross_entropy", "seed": 0}`
	state, optimizer := "null", "null"
	var losses []float64
	for range 300 {
		answer := ask(`{"operation": "train_epoch", ` + model + `, "training_data": {` + rows + `}, ` + hyper + `, "model_state": ` + state + `, "optimizer_state": ` + optimizer + `}`)
		metrics := answer["metrics"].(map[string]any)
		if answer["operation"] != "train_epoch" || answer["status"] != "success" || metrics["samples_processed"] != 4.0 || metrics["device_used"] != "cpu" || metrics["accuracy"] == nil {
			t.Fatalf("%v", answer)
		}
		losses = append(losses, metrics["loss"].(float64))
		state, optimizer = `"`+answer["model_state"].(string)+`"`, `"`+answer["optimizer_state"].(string)+`"`
	}
	if last := losses[len(losses)-1]; last > 0.1 {
		t.Errorf("loss went from %v to %v", losses[0], last)
	}
	answer := ask(`{"operation": "evaluate", ` + model + `, "evaluation_data": {` + rows + `}, "model_state": ` + state + `}`)
	if m := answer["metrics"].(map[string]any); m["accuracy"] != 1.0 || m["samples_processed"] != 4.0 || len(m["confusion"].([]any)) != 2 || len(m["per_class"].([]any)) != 2 {
		t.Errorf("%v", answer)
	}
	answer = ask(`{"operation": "predict", ` + model + `, "input_data": [[0, 0], [0, 1]], "model_state": ` + state + `}`)
	if p := answer["predictions"].([]any); len(p) != 2 || p[0] != 0.0 || p[1] != 1.0 || answer["status"] != "success" {
		t.Errorf("%v", answer)
	}
	answer = ask(`{"operation": "gpu_info"}`)
	if answer["gpu_info"].(map[string]any)["cuda_available"] != false || answer["benchmark_results"].(map[string]any)["gflops"].(float64) <= 0 {
		t.Errorf("%v", answer)
	}
}

func TestPredictInTensors(t *testing.T) {
	h := Handler(Options{})
	result, _, err := runJob(t, h, xor("", ""))
	if err != nil {
		t.Fatal(err)
	}
	_, output, err := runJob(t, h, worker.Request{Operation: worker.OpPredict, Protocol: 1, Model: result.Model, ModelState: result.ModelState,
		InputData: &worker.Dataset{Features: worker.Value{List: json.RawMessage(`[[0, 1], [1, 1], [0, 0]]`)}}})
	if err != nil {
		t.Fatal(err)
	}
	var answer worker.Response
	if err := json.Unmarshal(output, &answer); err != nil {
		t.Fatal(err)
	}
	set, err := tensors.DecodeSet(answer.Tensors.Codec, answer.Tensors.Data, 0)
	if err != nil || !slices.Equal(set["predictions"].Shape, []int{3, 2}) || string(answer.Predictions) != `{"tensor":"predictions"}` {
		t.Errorf("%s: %v (%v)", answer.Predictions, set, err)
	}
}

func TestRegressionMetrics(t *testing.T) {
	var m worker.Metrics
	regressionMetrics(&m, []float32{1, 2, 3, 5}, []float32{1, 2, 3, 4}, 1)
	if *m.MAE != 0.25 || *m.RMSE != 0.5 || math.Abs(float64(*m.R2)-0.8) > 1e-12 {
		t.Errorf("%v %v %v", *m.MAE, *m.RMSE, *m.R2)
	}
}

func TestClassMetrics(t *testing.T) {
	var m worker.Metrics
	scores := []float32{3, 1, 0, 0, 2, 1, 0, 2, 1, 1, 0, 2}
	classMetrics(&m, &worker.Hyperparameters{TopK: 2}, scores, []int32{0, 1, 2, 2}, 3)
	if m.Confusion[2][1] != 1 || m.Confusion[2][2] != 1 || m.PerClass[1].Precision != 0.5 || m.PerClass[1].Recall != 1 || m.PerClass[2].Support != 2 {
		t.Errorf("%+v", m)
	}
	if *m.TopK != 1 || *m.AUC <= 0.8 {
		t.Errorf("top-2 %v, AUC %v", *m.TopK, *m.AUC)
	}
}

func TestBatchAndStore(t *testing.T) {
	h := Handler(Options{})
	x, _ := tensors.From([][]float32{{1, 2}, {3, 4}})
	text, err := tensors.EncodeSet(tensors.Set{"X": x}, "msgpack")
	if err != nil {
		t.Fatal(err)
	}
	_, output, err := runJob(t, h, worker.Request{Operation: worker.OpStore, Protocol: 1, Tensors: &worker.Tensors{Codec: "msgpack", Data: text}, Have: []string{x.Digest(), strings.Repeat("0", 64)}})
	if err != nil {
		t.Fatal(err)
	}
	var answer worker.Response
	if err := json.Unmarshal(output, &answer); err != nil {
		t.Fatal(err)
	}
	if answer.Stored["X"] != x.Digest() || len(answer.Have) != 1 || len(answer.Missing) != 1 {
		t.Errorf("%s", output)
	}
	train := string(xor(`[[0, 0], [0, 1], [1, 0], [1, 1]], "labels": [0, 1, 1, 0]`, `{"sha256": "`+x.Digest()+`"}, "labels": [0, 1]`))
	_, output, err = runJob(t, h, json.RawMessage(`{"operation": "batch", "requests": [`+train+`, {"operation": "evaluate"}, {"operation": "batch", "requests": []}, {"operation": "capabilities"}]}`))
	if err != nil {
		t.Fatal(err)
	}
	answer = worker.Response{}
	if err := json.Unmarshal(output, &answer); err != nil {
		t.Fatal(err)
	}
	for i, want := range []string{`"history":`, `"field":"requests[1].model_config"`, `"field":"requests[2].operation"`, `"losses":`} {
		if !strings.Contains(string(answer.Results[i]), want) {
			t.Errorf("result %d: %s, want %s", i, answer.Results[i], want)
		}
	}
}

// TestCapabilitiesAreTrue: the engine builds every layer that its capabilities
// list, and refuses every other layer of the contract with an error that names
// the PyTorch worker.
func TestCapabilitiesAreTrue(t *testing.T) {
	text, err := os.ReadFile("../testdata/layers.json")
	if err != nil {
		t.Fatal(err)
	}
	var cases []struct {
		Layers []worker.Layer
		Input  []int
	}
	if err := json.Unmarshal(text, &cases); err != nil {
		t.Fatal(err)
	}
	for _, c := range cases {
		if _, err := newNetwork(&worker.ModelConfig{Type: "sequential", Layers: c.Layers}, c.Input); err != nil {
			var e *worker.Error
			if !errors.As(err, &e) || e.Kind != worker.ErrUnsupported || !slices.ContainsFunc(onlyPyTorch(), func(n string) bool { return strings.Contains(e.Message, "no "+n+";") }) {
				t.Errorf("%v", err)
			}
		}
		for _, l := range c.Layers {
			m := &worker.ModelConfig{Type: "sequential", Layers: []worker.Layer{l}}
			if len(c.Layers) > 1 {
				continue
			}
			_, err := newNetwork(m, c.Input)
			if has := slices.Contains(contract.SupportOf(contract.WorkerEngine).Layers, l.Type); has != (err == nil) {
				t.Errorf("%s: capabilities say %v, building says %v", l.Type, has, err)
			}
		}
	}
}

// TestLargeResults: states are sent in parts, a long history stays in its
// events, and no chunk is above the limit (runJob checks that).
func TestLargeResults(t *testing.T) {
	h := Handler(Options{})
	wide := problem(t, "linear 700\nrelu\nlinear 3", []int{600}, 20, 3, worker.Hyperparameters{BatchSize: 20})
	result, _, err := runJob(t, h, wide)
	if err != nil || len(result.ModelState) < 1_500_000 || len(result.OptimizerState) < 3_000_000 {
		t.Fatalf("states are lost: %v", err)
	}
	if _, err := tensors.DecodeState(result.ModelState, 0); err != nil {
		t.Error(err)
	}
	result, _, err = runJob(t, h, xor(`"epochs": 6`, `"epochs": 4000`))
	if err != nil || len(result.History) != 4000 || result.History[3999].Epoch != 4000 {
		t.Errorf("the history is lost: %v", err)
	}
}

// A client that loops over train_epoch without a seed gets another order and other dropout masks each time,
// as with the predecessor, and the answer has the seed. A request with a seed uses it; a request with a
// protocol uses the default.
func TestTrainEpochDrawsASeed(t *testing.T) {
	const request = `{"operation": "train_epoch", "model_config": {"type": "sequential", "layers": [{"type": "linear", "in_features": 2, "out_features": 32}, {"type": "dropout", "rate": 0.5}, {"type": "linear", "in_features": 32, "out_features": 2}]},
		"training_data": {"features": [[0, 0], [0, 1], [1, 0], [1, 1]], "labels": [0, 1, 1, 0]}%s}`
	ask := func(more string) (a struct {
		Seed    *int64
		Metrics struct{ Loss float64 }
	}) {
		t.Helper()
		_, output, err := runJob(t, Handler(Options{}), json.RawMessage(fmt.Sprintf(request, more)))
		if err != nil {
			t.Fatal(err)
		}
		if err := json.Unmarshal(output, &a); err != nil {
			t.Fatal(err)
		}
		return a
	}
	a, b := ask(``), ask(`, "hyperparameters": {"learning_rate": 0.01}`)
	if a.Seed == nil || b.Seed == nil || *a.Seed == *b.Seed || a.Metrics.Loss == b.Metrics.Loss {
		t.Errorf("%+v, %+v", a, b)
	}
	again := ask(fmt.Sprintf(`, "hyperparameters": {"seed": %d}`, *a.Seed))
	if again.Seed != nil || again.Metrics.Loss != a.Metrics.Loss {
		t.Errorf("the seed that was told gives %+v instead of %+v", again, a)
	}
	if c, d := ask(`, "protocol": 1, "run_id": "r"`), ask(`, "hyperparameters": {"seed": 0}`); c.Seed != nil || c.Metrics.Loss != d.Metrics.Loss {
		t.Errorf("with a protocol the default is 0: %+v, %+v", c, d)
	}
}

// A train without protocol and seed draws one for each run, which its result reports. A job that
// is delivered twice has the same.
func TestTrainDrawsASeed(t *testing.T) {
	ask := func(run, more string) *worker.TrainResult {
		t.Helper()
		input := fmt.Sprintf(`{"operation": "train", "run_id": %q%s, "model_config": {"type": "sequential", "layers": [{"type": "linear", "out_features": 2}]},
			"training_data": {"features": [[1, 2], [3, 4], [5, 6]], "labels": [0, 1, 0]}, "hyperparameters": {"epochs": 1}}`, run, more)
		var c worker.Collector
		_, err := Handler(Options{})(t.Context(), worker.Job{Input: []byte(input)}, func(chunk json.RawMessage) error {
			var e worker.Event
			if err := json.Unmarshal(chunk, &e); err != nil {
				return err
			}
			_, err := c.Add(e)
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
		result, err := c.Result()
		if err != nil {
			t.Fatal(err)
		}
		return result
	}
	a, again, b := ask("a", ""), ask("a", ""), ask("b", "")
	if a.Seed == nil || b.Seed == nil || *a.Seed != *again.Seed || *a.Seed == *b.Seed || a.ModelState != again.ModelState || a.ModelState == b.ModelState {
		t.Errorf("seeds %v, %v, %v", a.Seed, again.Seed, b.Seed)
	}
	if c := ask("a", `, "protocol": 1`); c.Seed != nil {
		t.Errorf("with a protocol: %v", *c.Seed)
	}
	if first, second := ask("", ""), ask("", ""); *first.Seed == *second.Seed {
		t.Error("the same seed for two requests without run_id")
	}
}
