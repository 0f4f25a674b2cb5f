package engine

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/gopherpod/gopherpod/worker"
)

// kept trains with input and passes each epoch event to seen. It returns the result of
// the training or, if it fails with err, what collect returns for the run.
func kept(t *testing.T, input string, seen func(e worker.Event, stop func())) (result *worker.TrainResult, err error) {
	t.Helper()
	h := Handler(Options{})
	run := func(input string) (*worker.TrainResult, error) {
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		var c worker.Collector
		_, err := h(ctx, worker.Job{ID: "j", Input: json.RawMessage(input)}, func(chunk json.RawMessage) error {
			var e worker.Event
			if err := json.Unmarshal(chunk, &e); err != nil {
				return err
			}
			if seen != nil {
				seen(e, cancel)
			}
			_, err := c.Add(e)
			return err
		})
		if err != nil {
			return nil, err
		}
		return c.Result()
	}
	result, err = run(input)
	if err == nil {
		return result, nil
	}
	seen = nil
	result, missing := run(`{"operation": "collect", "protocol": 1, "run_id": "r"}`)
	if missing != nil {
		t.Logf("collect: %v", missing)
	}
	return result, err
}

// trainInput returns a request that fits the line y = x + x to 8 points.
func trainInput(hyper string, more string) string {
	x, y := "[]", "[]"
	for i := range 8 {
		x = strings.TrimSuffix(x, "]") + fmt.Sprintf(",[%v]]", float64(i)/4-1)
		y = strings.TrimSuffix(y, "]") + fmt.Sprintf(",[%v]]", float64(i)/2-2)
	}
	x, y = strings.Replace(x, "[,", "[", 1), strings.Replace(y, "[,", "[", 1)
	return fmt.Sprintf(`{"operation": "train", "protocol": 1, "run_id": "r", "model_config": {"type": "sequential", "layers": [{"type": "linear", "out_features": 1}]},
		"training_data": {"features": %s, "labels": %s}, "hyperparameters": {"loss_function": "mse", "seed": 1, %s}%s}`, x, y, hyper, more)
}

// The loss after the last step is never computed, so only the weights show that the training diverged.
func TestInfiniteWeightsAfterTheLastStepAreDiverged(t *testing.T) {
	_, err := kept(t, trainInput(`"optimizer": "sgd", "learning_rate": 1e6, "weight_decay": 1e33, "epochs": 1, "batch_size": 8`, ""), nil)
	if e := (*worker.Error)(nil); !errors.As(err, &e) || e.Kind != worker.ErrDiverged || !strings.Contains(e.Message, "weights are not finite after epoch 1") {
		t.Errorf("the training ended with %v, want that it diverged", err)
	}
}

func TestADivergedRunLeavesItsLastGoodWeights(t *testing.T) {
	for keep, best := range map[string]string{`"keep": "last"`: "", `"keep": "best"`: "loss"} {
		r, err := kept(t, trainInput(keep+`, "optimizer": "sgd", "learning_rate": 3, "epochs": 400`, ""), nil)
		if e := (*worker.Error)(nil); !errors.As(err, &e) || e.Kind != worker.ErrDiverged {
			t.Fatalf("%s: the training ended with %v, want that it diverged", keep, err)
		}
		if r == nil || r.ModelState == "" || r.Weights == nil || r.Weights.Best != best || r.Weights.Epoch < 1 || r.Weights.Epoch > len(r.History) || r.Stopped != worker.StoppedFailed {
			t.Fatalf("%s: collect gives %+v of a run that diverged after %v", keep, r, err)
		}
		if keep == `"keep": "last"` && r.Weights.Epoch < len(r.History)-1 {
			t.Errorf("the weights are of epoch %d, want the last one with finite weights, of %d", r.Weights.Epoch, len(r.History))
		}
	}
}

func TestTheTimeLimitLeavesTheWeightsSoFar(t *testing.T) {
	for keep, best := range map[string]string{`"keep": "last"`: "", `"keep": "best"`: "loss", `"early_stopping": {"patience": 1000000}`: "loss"} {
		begun := time.Now()
		r, err := kept(t, trainInput(keep+`, "optimizer": "sgd", "learning_rate": 0.001, "epochs": 100000000`, `, "time_limit": 0.2`), nil)
		if err != nil {
			t.Fatalf("%s: %v", keep, err)
		}
		if took := time.Since(begun); took > 5*time.Second {
			t.Errorf("%s: ended after %v", keep, took)
		}
		if r.Status != "stopped" || r.Stopped != worker.StoppedAtLimit || r.Weights.Best != best || r.ModelState == "" {
			t.Errorf("%s: stopped %q with weights %+v", keep, r.Stopped, r.Weights)
		}
	}
}

func TestKeepChoosesTheWeights(t *testing.T) {
	// The loss at a rate of 2 grows after the second epoch.
	const grows = `"optimizer": "sgd", "learning_rate": 2, "epochs": 3`
	states := map[string]string{}
	for name, hyper := range map[string]string{
		"": grows, "last": `"keep": "last", ` + grows, "best": `"keep": "best", ` + grows, "second": strings.Replace(grows, "3", "2", 1),
		"early": `"early_stopping": {"patience": 2}, ` + grows, "early last": `"keep": "last", "early_stopping": {"patience": 2}, ` + grows,
	} {
		r, err := kept(t, trainInput(hyper, ""), nil)
		if err != nil {
			t.Fatal(err)
		}
		want := worker.Weights{Epoch: len(r.History)}
		if name == "best" || name == "early" {
			want = worker.Weights{Epoch: 2, Best: "loss"}
		}
		if *r.Weights != want {
			t.Errorf("keep %q gives the weights %+v, want %+v", name, *r.Weights, want)
		}
		states[name] = r.ModelState
	}
	if states[""] != states["last"] || states["last"] != states["early last"] || states["best"] != states["second"] || states["early"] != states["second"] || states["best"] == states["last"] {
		t.Error("the states are not those of the epochs that the results name")
	}
}

func TestAnInterruptLeavesTheWeightsThatWereAskedFor(t *testing.T) {
	for keep, want := range map[string]worker.Weights{"best": {Epoch: 2, Best: "loss"}, "last": {Epoch: 3}} {
		r, err := kept(t, trainInput(`"keep": "`+keep+`", "optimizer": "sgd", "learning_rate": 2, "epochs": 30`, ""), func(e worker.Event, stop func()) {
			if e.Epoch != nil && e.Epoch.Epoch == 3 {
				stop()
			}
		})
		if !errors.Is(err, context.Canceled) || r == nil || r.Stopped != worker.StoppedInterrupted || *r.Weights != want {
			t.Errorf("keep %s: %v, and collect gives %+v; want the weights %+v", keep, err, r, want)
		}
	}
}

func TestAnOutputAboveTheLimitLeavesItsPartsInTheStream(t *testing.T) {
	o := &output{yield: func(json.RawMessage) error { return nil }}
	big := strings.Repeat("x", 1<<20)
	for i := range 20 {
		e, _ := json.Marshal(worker.Event{Type: worker.EventPart, Seq: i, Part: &worker.Part{Name: "model_state", Data: big}})
		if i == 0 {
			e, _ = json.Marshal(worker.Event{Type: worker.EventLog, Message: "hello"})
		}
		if err := o.take(e); err != nil {
			t.Fatal(err)
		}
		if out := o.list(); i < 16 && out != nil || i > 18 && !(json.Valid(out) && len(out) < 1000 && strings.Contains(string(out), "hello")) {
			t.Errorf("after %d parts the output has %d bytes", i, len(out))
		}
	}
}

func TestTimeToAnswer(t *testing.T) {
	for _, c := range []struct {
		limit  time.Duration
		states int
		want   time.Duration
	}{{5 * time.Second, 0, 1100 * time.Millisecond}, {time.Second, 0, 500 * time.Millisecond}, {10 * time.Minute, 50_000_000, 23 * time.Second}, {time.Minute, 1 << 40, 30 * time.Second}} {
		if got := worker.TimeToAnswer(c.limit, c.states); got != c.want {
			t.Errorf("TimeToAnswer(%v, %d) = %v, want %v", c.limit, c.states, got, c.want)
		}
	}
}

// A training in a batch ends before the batch's time is over and has its weights; one that
// would begin after that says so, and the other parts are answered.
func TestTheTimeLimitOfABatch(t *testing.T) {
	part := `{"operation": "train", "protocol": 1, "model_config": {"type": "sequential", "layers": [{"type": "linear", "out_features": 2}]},
		"training_data": {"features": [[1, 2], [3, 4]], "labels": [0, 1]}, "hyperparameters": {"epochs": 1000000000, "learning_rate": 0.001}}`
	input := `{"operation": "batch", "protocol": 1, "time_limit": 1.5, "requests": [` + part + `, ` + part + `, {"operation": "capabilities"}]}`
	out, err := Handler(Options{})(t.Context(), worker.Job{Input: []byte(input)}, nil)
	if err != nil {
		t.Fatal(err)
	}
	var answer worker.Response
	if err := json.Unmarshal(out, &answer); err != nil || len(answer.Results) != 3 {
		t.Fatalf("%v, %s", err, out)
	}
	var first worker.TrainResult
	if err := json.Unmarshal(answer.Results[0], &first); err != nil || first.Stopped != worker.StoppedAtLimit || first.ModelState == "" {
		t.Errorf("%+v, %v", first, err)
	}
	if second := string(answer.Results[1]); !strings.Contains(second, "the time of the batch was over") {
		t.Error(second)
	}
	if third := string(answer.Results[2]); !strings.Contains(third, `"status":"success"`) {
		t.Error(third)
	}
}
