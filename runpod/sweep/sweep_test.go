package sweep

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"reflect"
	"slices"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/gopherpod/gopherpod/runpod"
	"github.com/gopherpod/gopherpod/runpod/train"
	"github.com/gopherpod/gopherpod/runpod/train/traintest"
	"github.com/gopherpod/gopherpod/worker"
	"github.com/gopherpod/gopherpod/worker/contract"
	"github.com/gopherpod/gopherpod/worker/engine"
	"github.com/gopherpod/gopherpod/worker/local"
)

const twoLayers = train.Layers("linear 8\nrelu\nlinear 3")

func TestParseDimension(t *testing.T) {
	for _, c := range []struct {
		text string
		want Dimension
		err  string
	}{
		{"hidden=[64, 128]", Dimension{Name: "hidden", Choices: []any{64, 128}}, ""},
		{"optimizer=[adam,sgd]", Dimension{Name: "optimizer", Choices: []any{"adam", "sgd"}}, ""},
		{"p=[0.1,0]", Dimension{Name: "p", Choices: []any{0.1, 0}}, ""},
		{"batch-size=16", Dimension{Name: "batch_size", Choices: []any{16}}, ""},
		{"dropout=0..0.5", Dimension{Name: "dropout", High: 0.5}, ""},
		{"n=1..4", Dimension{Name: "n", Low: 1, High: 4, Int: true}, ""},
		{"learning_rate=log(1e-5,1e-1)", Dimension{Name: "lr", Low: 1e-5, High: 0.1, Log: true}, ""},
		{"lr", Dimension{}, "wants a name and its values"},
		{"=3", Dimension{}, "wants a name and its values"},
		{"a=[1,,2]", Dimension{}, "has an empty choice"},
		{"a=2..1", Dimension{}, "wants a smaller number, then a larger one"},
		{"a=x..1", Dimension{}, "wants two numbers"},
		{"a=log(0,1)", Dimension{}, "wants numbers above 0 for log"},
		{"a=log(1)", Dimension{}, "wants two numbers"},
		{"a=NaN..1", Dimension{}, "wants a smaller number"},
	} {
		got, err := ParseDimension(c.text)
		if c.err != "" {
			if err == nil || !strings.Contains(err.Error(), c.err) {
				t.Errorf("%s: %v, want %s", c.text, err, c.err)
			}
		} else if err != nil || !reflect.DeepEqual(got, c.want) {
			t.Errorf("%s: %+v, %v", c.text, got, err)
		}
	}
}

func FuzzParseDimension(f *testing.F) {
	for _, s := range []string{"a=[1]", "a=1..2", "a=log(1,2)", "a=1e308..1.7e308"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		d, err := ParseDimension(text)
		if err != nil {
			return
		}
		for _, u := range []float64{0, 0.3, 1} {
			v := d.At(u)
			if x := asFloat(v); d.Choices == nil && (math.IsNaN(x) || x < d.Low-1e-3*math.Abs(d.Low) || x > d.High+1e-3*math.Abs(d.High)) {
				t.Fatalf("%q at %v is %v", text, u, v)
			}
		}
		d.levels()
	})
}

func dimensions(t *testing.T, texts ...string) []Dimension {
	t.Helper()
	var all []Dimension
	for _, s := range texts {
		d, err := ParseDimension(s)
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, d)
	}
	return all
}

func TestPoints(t *testing.T) {
	space := dimensions(t, "lr=log(1e-4,1e-1)", "n=1..4", "o=[adam,sgd]")
	grid, err := points(space, MethodGrid, 0, 1)
	if err != nil || len(grid) != 4*4*2 {
		t.Errorf("grid of %d points, %v", len(grid), err)
	}
	if grid, _ = points(space, MethodGrid, 5, 1); len(grid) != 5 {
		t.Errorf("part of a grid: %d points", len(grid))
	}
	for _, method := range []string{MethodRandom, MethodQuasi} {
		a, _ := points(space, method, 300, 7)
		b, _ := points(space, method, 300, 7)
		c, _ := points(space, method, 300, 8)
		if !reflect.DeepEqual(a, b) || reflect.DeepEqual(a, c) {
			t.Errorf("%s: the seed does not decide", method)
		}
		small, counts := 0, map[any]int{}
		for _, p := range a {
			lr := p["lr"].(float64)
			if lr < 1e-4 || lr > 0.1 {
				t.Errorf("%s: lr %v", method, lr)
			}
			if lr < math.Sqrt(1e-4*1e-1) {
				small++
			}
			counts[p["n"]]++
			counts[p["o"]]++
		}
		if small < 110 || small > 190 {
			t.Errorf("%s: %d of 300 rates below the middle", method, small)
		}
		for v, n := range counts {
			if n < 45 || len(counts) != 6 {
				t.Errorf("%s: %v comes %d times, %d values", method, v, n, len(counts))
			}
		}
	}
	if _, err := points(space, "magic", 3, 1); err == nil {
		t.Error("a method called magic")
	}
	if _, err := points(dimensions(t, "a=0..1.", "b=0..1.", "c=0..1.", "d=0..1.", "e=0..1.", "f=0..1.", "g=0..1."), MethodGrid, 0, 1); err == nil {
		t.Error("a grid of 16,384 points")
	}
}

func TestApply(t *testing.T) {
	spec, o, err := apply("linear $hidden\nlinear $hidden2\ndropout ${p}", train.Options{BatchSize: 8}, Point{"hidden": 64, "hidden2": 5, "p": 0.25, "lr": 0.1, "batch_size": 16, "optimizer": "sgd"})
	if err != nil || spec != train.Layers("linear 64\nlinear 5\ndropout 0.25") || o.LearningRate != 0.1 || o.BatchSize != 16 || o.Optimizer != "sgd" {
		t.Errorf("%v, %+v, %v", spec, o, err)
	}
	for _, c := range []struct {
		p    Point
		want string
	}{
		{Point{"hiden": 3}, "hiden is no option that can vary, and the model has no $hiden"},
		{Point{"epoch": 3}, "did you mean epochs?"},
		{Point{"lr": "fast"}, "lr is fast, wants a number"},
		{Point{"epochs": 0.5}, "epochs is 0.5, wants a whole number, 1 to 1e+09"},
	} {
		if _, _, err := apply("linear $hidden", train.Options{}, c.p); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%v: %v", c.p, err)
		}
	}
}

// TestApplyToTheContract: every row that varies can be a dimension, under its name and
// that of its option. A row without a field in Options is set in
// Options.Hyperparameters.
func TestApplyToTheContract(t *testing.T) {
	shared := &worker.Hyperparameters{TopK: 3}
	for _, row := range contract.Hyperparameters() {
		if !row.Varies || row.Type == contract.Choice {
			continue
		}
		var v any = 0.25
		if row.Type == contract.Integer {
			v = 7
		}
		for _, name := range []string{row.Name, dimensionName(row)} {
			_, o, err := apply("linear 3", train.Options{Hyperparameters: shared}, Point{name: v})
			if f := o.Number(row.Name); err != nil || f != nil && *f != v || f == nil && !o.Hyperparameters.Has(row.Name) || o.Hyperparameters.TopK != 3 {
				t.Errorf("%s: %+v, %v", name, o, err)
			}
		}
	}
	if shared.Has("alpha") {
		t.Error("a trial changed the options of all")
	}
	if spec, o, err := apply("leaky_relu $alpha", train.Options{}, Point{"alpha": 0.1}); err != nil || spec != train.Layers("leaky_relu 0.1") || o.Hyperparameters != nil {
		t.Errorf("$alpha in the model: %v, %+v, %v", spec, o, err)
	}
	if _, _, err := apply("linear 3", train.Options{}, Point{"seed": 1}); err == nil || !strings.Contains(err.Error(), "no option that can vary") {
		t.Errorf("seed: %v", err)
	}
}

// TestUnusedDimensions: a trial says which dimension its optimizer does not use.
func TestUnusedDimensions(t *testing.T) {
	p := Point{"optimizer": "adam", "momentum": 0.9, "alpha": 0.5, "lr": 0.1, "hidden": 4}
	if got := unused(train.Options{}, p); !slices.Equal(got, []string{"alpha", "momentum"}) {
		t.Errorf("adam does not use %v", got)
	}
	_, o, err := apply("linear $hidden", train.Options{}, p)
	if err != nil || o.Momentum != nil || o.Hyperparameters != nil || o.LearningRate != 0.1 {
		t.Errorf("%+v, %v", o, err)
	}
	delete(p, "optimizer")
	if got := unused(train.Options{}, p); got != nil {
		t.Errorf("the optimizer is fixed, and %v are left out", got)
	}
}

// TestFixedUnused: a fixed option is set in the trials whose optimizer uses it. An option
// that none of them uses is refused, and so is one that the only optimizer does not use.
func TestFixedUnused(t *testing.T) {
	space := dimensions(t, "optimizer=[adam,sgd,rmsprop]", "lr=log(1e-3,1e-1)")
	set := &worker.Hyperparameters{TopK: 2}
	for name, v := range map[string]any{"dampening": 0.0, "alpha": 0.5, "checkpoint.epochs": 0} {
		if err := set.Give(name, v); err != nil {
			t.Fatal(err)
		}
	}
	o := train.Options{Momentum: 0.9, Nesterov: true, Hyperparameters: set}
	left, err := LeaveOut(o, space)
	want := []LeftOut{{"momentum", []string{"adam"}}, {"nesterov", []string{"adam", "rmsprop"}}, {"alpha", []string{"adam", "sgd"}}}
	if err != nil || !reflect.DeepEqual(left, want) {
		t.Errorf("left out %v, %v", left, err)
	}
	for optimizer, has := range map[string][]string{"adam": nil, "sgd": {"momentum", "nesterov"}, "rmsprop": {"momentum", "alpha"}} {
		_, trial, err := apply("linear 3", o, Point{"optimizer": optimizer, "lr": 0.01})
		if err != nil {
			t.Fatal(err)
		}
		h, err := trial.Given()
		if err != nil || h.Validate() != nil || h.TopK != 2 || !h.Has("checkpoint.epochs") {
			t.Errorf("%s: %+v, %v, %v", optimizer, h, err, h.Validate())
		}
		for _, name := range []string{"momentum", "nesterov", "alpha"} {
			if h.Has(name) != slices.Contains(has, name) {
				t.Errorf("%s: %s is given: %v", optimizer, name, h.Has(name))
			}
		}
	}
	if !set.Has("alpha") || o.Momentum != 0.9 {
		t.Error("a trial changed the options of all")
	}
	ep := traintest.Workers(t, 1, func(context.Context, worker.Job, func(json.RawMessage) error) (json.RawMessage, error) {
		return nil, errors.New("a job was submitted")
	})
	_, err = Run(t.Context(), "linear 3", train.Data{X: [][]float64{{1}}, Y: []int{0}}, train.Options{Momentum: 0.9, Endpoint: ep}, dimensions(t, "optimizer=[adam,adagrad]"), Options{})
	if e := new(worker.Error); !errors.As(err, &e) || e.Field != "momentum" || !strings.Contains(e.Message, "none of the optimizers adam, adagrad uses it; want one of sgd, rmsprop among them") {
		t.Errorf("nobody uses it: %v", err)
	}
	if left, err := LeaveOut(train.Options{Momentum: 0.9}, space[1:]); left != nil || err != nil {
		t.Errorf("the optimizer is fixed: %v, %v", left, err)
	}
}

// TestSweepWithoutNames: an empty or unknown optimizer is refused as such, not as one that uses nothing.
func TestSweepWithoutNames(t *testing.T) {
	for choice, want := range map[string]string{
		"":     "optimizer has an empty choice; want names among sgd, adam",
		" ":    `unknown optimizer " "`,
		"adma": `unknown optimizer "adma"; did you mean "adam"?`,
	} {
		space := []Dimension{{Name: "optimizer", Choices: []any{choice, "adagrad"}}}
		if left, err := LeaveOut(train.Options{Momentum: 0.9}, space); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v, %v", choice, left, err)
		}
	}
	for _, text := range []string{"optimizer=", "optimizer= ", "optimizer=[]", "optimizer=[adam, ]"} {
		if d, err := ParseDimension(text); err == nil {
			t.Errorf("%q is %+v", text, d)
		}
	}
}

// The fake's loss is 1/epochs, so that the most epochs win.
func TestSweep(t *testing.T) {
	X, y := traintest.Blobs(30)
	ep := traintest.Workers(t, 3, func(ctx context.Context, job worker.Job, yield func(json.RawMessage) error) (json.RawMessage, error) {
		return new(traintest.Worker).Handle(ctx, job, yield)
	})
	told := 0
	r, err := Run(t.Context(), "linear $hidden\nrelu\nlinear 3", train.Data{X: X, Y: y}, train.Options{Endpoint: ep, Seed: train.Seed(1)},
		dimensions(t, "hidden=[4,8]", "epochs=[1,3,2]"), Options{Method: MethodGrid, Workers: 3, OnTrial: func(TrialResult) { told++ }})
	if err != nil || len(r.Trials) != 6 || told != 6 {
		t.Fatalf("%+v, %v, told %d", r, err, told)
	}
	best := r.Trials[r.Best]
	if best.Point["epochs"] != 3 || best.Point["hidden"] != 4 || !r.BestModel().HasWeights() {
		t.Errorf("best %+v", best)
	}
	for i, trial := range r.Trials {
		if trial.Number != i || trial.Model == nil || i != r.Best && trial.Model.HasWeights() {
			t.Errorf("trial %d: %+v", i, trial)
		}
	}
	if im := r.Importance(); im[0] > 0.01 || im[1] < 0.99 {
		t.Errorf("importance %v", im)
	}
}

func TestSweepGoesOnAfterAFailure(t *testing.T) {
	X, y := traintest.Blobs(30)
	var n atomic.Int64
	ep := traintest.Workers(t, 1, func(ctx context.Context, job worker.Job, yield func(json.RawMessage) error) (json.RawMessage, error) {
		if n.Add(1) == 2 {
			return nil, &worker.Error{Kind: worker.ErrDiverged, Message: "NaN"}
		}
		return new(traintest.Worker).Handle(ctx, job, yield)
	})
	r, err := Run(t.Context(), twoLayers, train.Data{X: X, Y: y}, train.Options{Endpoint: ep, Epochs: 1}, dimensions(t, "lr=log(1e-3,1)"), Options{Trials: 4, Workers: 1})
	if err != nil || len(r.Trials) != 4 || r.Trials[1].Err == nil || !math.IsInf(r.Trials[1].Value, 1) || r.Best != 0 {
		t.Errorf("%+v, %v", r, err)
	}
}

func TestSweepInterrupted(t *testing.T) {
	X, y := traintest.Blobs(30)
	why := errors.New("stop")
	ctx, cancel := context.WithCancelCause(t.Context())
	ep := traintest.Serve(t, &traintest.Worker{})
	r, err := Run(ctx, twoLayers, train.Data{X: X, Y: y}, train.Options{Endpoint: ep, Epochs: 1}, dimensions(t, "lr=log(1e-3,1)"),
		Options{Trials: 50, Workers: 2, OnTrial: func(tr TrialResult) {
			if tr.Number >= 3 {
				cancel(why)
			}
		}})
	if !errors.Is(err, why) || r == nil || len(r.Trials) < 3 || len(r.Trials) == 50 {
		t.Errorf("%v, %v", r, err)
	}
}

func TestSweepRefuses(t *testing.T) {
	X, y := traintest.Blobs(30)
	ep := traintest.Serve(t, &traintest.Worker{})
	for name, space := range map[string][]Dimension{
		"is empty":          nil,
		"names lr twice":    dimensions(t, "lr=[1]", "learning_rate=[2]"),
		"the model has no":  dimensions(t, "hidden=[1]"),
		"unknown optimizer": dimensions(t, "optimizer=[magic]"),
	} {
		if _, err := Run(t.Context(), twoLayers, train.Data{X: X, Y: y}, train.Options{Endpoint: ep}, space, Options{}); err == nil || !strings.Contains(err.Error(), name) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := Run(t.Context(), twoLayers, train.Data{X: X, Y: y[:3]}, train.Options{Endpoint: ep}, dimensions(t, "lr=[1]"), Options{}); err == nil {
		t.Error("labels are missing")
	}
}

// The trials of a sweep send their data once.
func TestSweepSendsDataOnce(t *testing.T) {
	X, y := make([][]float64, 4000), make([]int, 4000)
	random := rand.New(rand.NewPCG(1, 2))
	for i := range X {
		X[i] = make([]float64, 100)
		for j := range X[i] {
			X[i][j] = random.NormFloat64()
		}
		y[i] = random.IntN(2)
	}
	var sent atomic.Int64
	h := engine.Handler(engine.Options{})
	ep := traintest.Workers(t, 4, func(ctx context.Context, job worker.Job, yield func(json.RawMessage) error) (json.RawMessage, error) {
		sent.Add(int64(len(job.Input)))
		return h(ctx, job, yield)
	})
	_, err := Run(t.Context(), train.Layers("linear 2"), train.Data{X: X, Y: y}, train.Options{Endpoint: ep, Epochs: 1, BatchSize: 1000, Seed: train.Seed(1)},
		[]Dimension{{Name: "lr", Low: 0.001, High: 0.1}}, Options{Trials: 4})
	if err != nil {
		t.Fatal(err)
	}
	if n := sent.Load(); n > 2_300_000 { // the array takes 1.6 MB, in base64 2.1
		t.Errorf("%d bytes", n)
	}
}

// Ranked puts trials that did not run to their end after all others.
func TestRanked(t *testing.T) {
	m := &train.Model{}
	r := Result{Trials: []TrialResult{
		{Number: 0, Value: 0.1, Stopped: 3, Model: m}, {Number: 1, Value: 0.5, Model: m}, {Number: 2, Value: math.Inf(1), Err: errors.New("no")},
		{Number: 3, Value: 0.2, Model: m}, {Number: 4, Value: 0.2, Model: m},
	}}
	var got []int
	for _, trial := range r.Ranked() {
		got = append(got, trial.Number)
	}
	if want := []int{3, 4, 1, 0, 2}; !slices.Equal(got, want) {
		t.Errorf("%v, want %v", got, want)
	}
}

func ExampleDimension_At() {
	d, _ := ParseDimension("lr=log(1e-4,1e-1)")
	fmt.Println(d.At(0), d.At(0.5), d.At(1))
	// Output: 0.0001 0.003162 0.1
}

// A name in Python is replaced even if it is an option's: the source may make its own optimizer.
func TestApplyToPython(t *testing.T) {
	const body = "def configure_optimizer(model):\n    return torch.optim.SGD(model.parameters(), lr=$lr)\n"
	spec, o, err := apply(train.Python(body), train.Options{}, Point{"lr": 0.5, "batch_size": 8})
	if err != nil || spec != train.Python(strings.ReplaceAll(body, "$lr", "0.5")) || o.LearningRate != nil || o.BatchSize != 8 {
		t.Errorf("%v, %+v, %v", spec, o, err)
	}
}

// RunPod loses the results of trials; each trial has its model nevertheless.
func TestLostResults(t *testing.T) {
	s, err := local.Start(t.Context(), local.Options{Handler: engine.Handler(engine.Options{}), Faults: []local.Fault{{Kind: local.FaultLostResult, Count: 3}}})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	client, err := runpod.New(runpod.Config{BaseURL: s.BaseURL(), APIKey: runpod.Secret(s.Key())})
	if err != nil {
		t.Fatal(err)
	}
	x, y := traintest.Blobs(30)
	space := []Dimension{{Name: "lr", Choices: []any{0.1, 0.01, 0.001}}}
	r, err := Run(t.Context(), twoLayers, train.Data{X: x, Y: y}, train.Options{Endpoint: client.Endpoint("local"), Epochs: 1, Seed: train.Seed(1)}, space, Options{Method: MethodGrid, Workers: 1})
	if err != nil || len(r.Trials) != 3 || !r.BestModel().HasWeights() {
		t.Fatalf("%+v, %v", r, err)
	}
	for _, trial := range r.Trials {
		if !trial.Succeeded() {
			t.Errorf("trial %d: %v", trial.Number, trial.Err)
		}
	}
}
