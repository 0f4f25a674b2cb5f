package engine

import (
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/gopherpod/gopherpod/worker"
)

// TestPredecessorsRequests replays the requests that the predecessor documented, and wants the
// fields of its answers, with their types. The Python worker reads the same file.
func TestPredecessorsRequests(t *testing.T) {
	text, err := os.ReadFile("../testdata/predecessor.json")
	if err != nil {
		t.Fatal(err)
	}
	var cases []struct {
		Name              string
		Input             json.RawMessage
		Answer            map[string]any
		Lacks             []string
		WithoutGPU        map[string]any `json:"without_gpu"`
		Source            string
		WithGPUsDifferent map[string]any `json:"with_gpu"`
	}
	if err := json.Unmarshal(text, &cases); err != nil || len(cases) < 10 {
		t.Fatal(len(cases), err)
	}
	h, state := Handler(Options{}), ""
	for _, c := range cases {
		_, output, err := runJob(t, h, json.RawMessage(strings.ReplaceAll(string(c.Input), "$state", state)))
		if err != nil {
			t.Errorf("%s (%s): %v", c.Name, c.Source, err)
			continue
		}
		var answer map[string]any
		if err := json.Unmarshal(output, &answer); err != nil {
			t.Fatal(err)
		}
		for _, want := range []map[string]any{c.Answer, c.WithoutGPU} {
			for _, wrong := range differ(answer, want) {
				t.Errorf("%s (%s): %s", c.Name, c.Source, wrong)
			}
		}
		for _, path := range c.Lacks {
			if v := lookup(answer, path); v != nil {
				t.Errorf("%s: has %s: %v", c.Name, path, v)
			}
		}
		if s, ok := answer["model_state"].(string); ok {
			state = s
		}
	}
}

// differ lists where an answer lacks a field of want, or has another type there: "text",
// "number", "integer", "boolean", "integers" for a list, or "=" and the value.
func differ(answer, want map[string]any) (wrong []string) {
	for name, kind := range want {
		got, ok := answer[name]
		if inner, deep := kind.(map[string]any); deep {
			object, _ := got.(map[string]any)
			for _, w := range differ(object, inner) {
				wrong = append(wrong, name+"."+w)
			}
			continue
		}
		if !ok || !fits(got, kind.(string)) {
			wrong = append(wrong, fmt.Sprintf("%s is %v, want %s", name, got, kind))
		}
	}
	return wrong
}

func fits(got any, kind string) bool {
	switch v := got.(type) {
	case string:
		return kind == "text" && v != "" || kind == "="+strings.ReplaceAll(v, device, "$device") || kind == "="+v
	case bool:
		return kind == "boolean"
	case float64:
		return kind == "number" || kind == "integer" && v == math.Trunc(v)
	case []any:
		return kind == "integers" && len(v) > 0 && !slices.ContainsFunc(v, func(e any) bool { return !fits(e, "integer") })
	}
	return false
}

// lookup returns the value at a path of names with dots between; nil if there is none.
func lookup(v any, path string) any {
	for name := range strings.SplitSeq(path, ".") {
		object, _ := v.(map[string]any)
		v = object[name]
	}
	return v
}

// TestPredecessorsPredictions: class numbers of a classifier, and outputs of another model.
func TestPredecessorsPredictions(t *testing.T) {
	nan := float32(math.NaN())
	for _, c := range []struct {
		y    []float32
		n    int
		out  []int
		hyp  *worker.Hyperparameters
		want string
	}{
		{[]float32{1, 3, 2, 9, 8, 7}, 2, []int{3}, nil, "[1,0]"},
		{[]float32{2, 2, 1, 1}, 2, []int{2}, nil, "[0,0]"},
		{[]float32{1, nan, 3, nan, nan, 2}, 2, []int{3}, nil, "[1,0]"},
		{[]float32{1, 2, 3, 0, 9, 1}, 1, []int{2, 3}, nil, "[[0,1,0]]"}, // two classes in three places
		{[]float32{0.5, 1.5}, 2, []int{1}, nil, "[[0.5],[1.5]]"},
		{[]float32{1, 3, 2, 9}, 2, []int{2}, &worker.Hyperparameters{LossFunction: "mse"}, "[[1,3],[2,9]]"},
		{[]float32{1, 3, 2, 9}, 2, []int{2}, &worker.Hyperparameters{LossFunction: "bce_with_logits"}, "[[1,3],[2,9]]"},
		{[]float32{1, 3, 2, 9}, 2, []int{2}, &worker.Hyperparameters{LossFunction: "nll"}, "[1,1]"},
	} {
		r := &worker.Request{Operation: worker.OpPredict, Hyperparameters: c.hyp}
		if got := string(oldPredictions(r, c.y, c.n, c.out)); got != c.want {
			t.Errorf("%v of shape %v: %s, want %s", c.y, c.out, got, c.want)
		}
	}
}

// TestPredecessorsState: a pickled state is refused with one sentence that says how to convert it.
func TestPredecessorsState(t *testing.T) {
	const request = `{"operation": "predict", "model_config": {"layers": [{"type": "linear", "in_features": 1, "out_features": 2}]}, "input_data": {"features": [[1]]}, "model_state": %q}`
	for state, load := range map[string]string{"gASVAAAAAAAAAIwFcG9zaXiUjAZzeXN0ZW2Uk5SMAmlklIWUUpQu": "pickle.loads(", "UEsDBAAAAAA=": "torch.load("} {
		_, _, err := runJob(t, Handler(Options{}), json.RawMessage(fmt.Sprintf(request, state)))
		var e *worker.Error
		if !errors.As(err, &e) || e.Field != "model_state" || !strings.Contains(e.Message, "pickle, which is not read because it can run code") || !strings.Contains(e.Message, load) {
			t.Errorf("%v", err)
		}
	}
}

// TestPredecessorsUntrainedModel: another seed each time, which the answer reports and which gives the same answer again.
func TestPredecessorsUntrainedModel(t *testing.T) {
	const request = `{"operation": "evaluate", "model_config": {"layers": [{"type": "linear", "in_features": 2, "out_features": 3}]}, "evaluation_data": {"features": [[1, 2], [3, 1]], "labels": [0, 2]}%s}`
	ask := func(more string) (a struct {
		Seed    *int64
		Warning string
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
	a, b := ask(``), ask(``)
	if a.Seed == nil || b.Seed == nil || a.Metrics.Loss == b.Metrics.Loss || !strings.Contains(a.Warning, "random") {
		t.Fatalf("%+v, %+v", a, b)
	}
	if c := ask(fmt.Sprintf(`, "hyperparameters": {"seed": %d}`, *a.Seed)); c.Seed != nil || c.Metrics.Loss != a.Metrics.Loss {
		t.Errorf("the seed %d gives %+v, not %+v", *a.Seed, c, a)
	}
}

// TestPredecessorsBenchmark: the verdict is that on a product of 2000 x 2000, whatever size was measured.
func TestPredecessorsBenchmark(t *testing.T) {
	for _, c := range []struct {
		seconds float64 // of a product of 1000 x 1000
		want    string
	}{{0.01, "UNCLEAR"}, {0.24, "UNCLEAR"}, {0.26, "CPU_LIKELY"}} {
		got := oldBenchmark(map[string]any{"matrix_size": 1000, "products": 10, "seconds": c.seconds * 10, "creation_seconds": 0.002})
		if got["performance_assessment"] != c.want || got["creation_time_ms"] != 2.0 || math.Abs(got["computation_time_ms"].(float64)-c.seconds*1000) > 1e-6 {
			t.Errorf("%v s: %v, want %s", c.seconds, got, c.want)
		}
	}
}

// TestOthersKeepTheirAnswers: a request with a protocol gets outputs, and nothing of the predecessor's.
func TestOthersKeepTheirAnswers(t *testing.T) {
	for _, input := range []string{`{"operation": "gpu_info", "protocol": 1}`, `{"operation": "benchmark", "protocol": 1}`,
		`{"operation": "train_epoch", "protocol": 1, "model_config": {"layers": [{"type": "linear", "out_features": 2}]}, "training_data": {"features": [[1]], "labels": [0]}}`} {
		_, output, err := runJob(t, Handler(Options{}), json.RawMessage(input))
		if err != nil {
			t.Fatal(err)
		}
		var answer map[string]any
		if err := json.Unmarshal(output, &answer); err != nil {
			t.Fatal(err)
		}
		for _, path := range []string{"gpu_info.pytorch_version", "benchmark_results.benchmark_status", "metrics.cuda_available", "warning", "seed"} {
			if v := lookup(answer, path); v != nil {
				t.Errorf("%s has %s: %v", input, path, v)
			}
		}
	}
}
