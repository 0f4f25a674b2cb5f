package engine

import (
	"context"
	"encoding/json"
	"math"
	"os"
	"testing"

	"github.com/gopherpod/gopherpod/tensors"
	"github.com/gopherpod/gopherpod/worker"
)

// A fixture is a case that testdata/make_fixtures.py wrote.
type fixture struct {
	Name    string
	Request json.RawMessage
	Losses  []float64
	Rates   []float64
	Outputs json.RawMessage
	// Held are the losses on the samples that a validation split held out.
	Held []float64 `json:"held_losses"`
}

func fixtures(t *testing.T) []fixture {
	t.Helper()
	text, err := os.ReadFile("testdata/fixtures.json")
	if err != nil {
		t.Fatal(err)
	}
	var f []fixture
	if err := json.Unmarshal(text, &f); err != nil {
		t.Fatal(err)
	}
	if len(f) < 60 {
		t.Fatalf("%d fixtures, want at least 60", len(f))
	}
	return f
}

// runJob runs a handler and collects its result.
func runJob(t testing.TB, h worker.Handler, input any) (*worker.TrainResult, json.RawMessage, error) {
	t.Helper()
	raw, ok := input.(json.RawMessage)
	if !ok {
		var err error
		if raw, err = json.Marshal(input); err != nil {
			t.Fatal(err)
		}
	}
	var events worker.Collector
	output, err := h(context.Background(), worker.Job{ID: "1", Input: raw}, func(chunk json.RawMessage) error {
		if len(chunk) > worker.MaxChunk {
			t.Errorf("a chunk of %d bytes", len(chunk))
		}
		var e worker.Event
		if err := json.Unmarshal(chunk, &e); err != nil {
			return err
		}
		_, err := events.Add(e)
		return err
	})
	if err != nil || output != nil {
		return nil, output, err
	}
	result, err := events.Result()
	return result, nil, err
}

// TestEqualsPyTorch: with the same seed, the losses of each epoch are within 1e-6
// of PyTorch's, and the outputs of the trained model agree.
func TestEqualsPyTorch(t *testing.T) {
	h := Handler(Options{})
	for _, f := range fixtures(t) {
		t.Run(f.Name, func(t *testing.T) {
			result, _, err := runJob(t, h, f.Request)
			if err != nil {
				t.Fatal(err)
			}
			worst := 0.0
			for i, want := range f.Losses {
				worst = math.Max(worst, math.Abs(float64(result.History[i].Loss)-want))
				if rate := float64(result.History[i].LearningRate); math.Abs(rate-f.Rates[i]) > 1e-9 {
					t.Errorf("epoch %d: learning rate %v, PyTorch has %v", i+1, rate, f.Rates[i])
				}
			}
			for i, want := range f.Held {
				worst = math.Max(worst, math.Abs(float64(*result.History[i].ValLoss)-want))
			}
			if worst > 1e-6 {
				t.Errorf("losses differ by up to %.2g: first %v and %v", worst, result.History[0].Loss, f.Losses[0])
			}
			if d := outputDifference(t, h, f, result); d > 2e-4 {
				t.Errorf("outputs differ by up to %.2g", d)
			}
		})
	}
}

// outputDifference predicts with the trained state and returns the largest
// difference from PyTorch's outputs.
func outputDifference(t *testing.T, h worker.Handler, f fixture, result *worker.TrainResult) float64 {
	var request worker.Request
	if err := json.Unmarshal(f.Request, &request); err != nil {
		t.Fatal(err)
	}
	_, output, err := runJob(t, h, worker.Request{
		Operation: worker.OpPredict, Protocol: worker.Protocol, Model: result.Model, ModelState: result.ModelState,
		InputData: &worker.Dataset{Features: request.TrainingData.Features},
	})
	if err != nil {
		t.Fatal(err)
	}
	var answer worker.Response
	if err := json.Unmarshal(output, &answer); err != nil {
		t.Fatal(err)
	}
	set, err := tensors.DecodeSet(answer.Tensors.Codec, answer.Tensors.Data, 0)
	if err != nil {
		t.Fatal(err)
	}
	got := set["predictions"]
	want, err := worker.ParseList(f.Outputs)
	if err != nil {
		t.Fatal(err)
	}
	a, _ := got.Float64s()
	b, _ := want.Float64s()
	worst := 0.0
	for i := range b {
		worst = math.Max(worst, math.Abs(a[i]-b[i]))
	}
	return worst
}

// TestGoesOnFromPyTorchsStates: the engine continues from PyTorch's model and
// optimizer states in the contract's format.
func TestGoesOnFromPyTorchsStates(t *testing.T) {
	text, err := os.ReadFile("../testdata/states.json")
	if err != nil {
		t.Fatal(err)
	}
	var cases []fixture
	if err := json.Unmarshal(text, &cases); err != nil || len(cases) == 0 {
		t.Fatalf("%d cases, %v", len(cases), err)
	}
	for _, c := range cases {
		result, _, err := runJob(t, Handler(Options{}), c.Request)
		if err != nil {
			t.Errorf("%s: %v", c.Name, err)
			continue
		}
		for i, want := range c.Losses {
			if got := result.History[i]; got.Epoch != 5+i || math.Abs(float64(got.Loss)-want) > 1e-6 {
				t.Errorf("%s: epoch %d has loss %v, PyTorch %v", c.Name, got.Epoch, got.Loss, want)
			}
		}
	}
}
