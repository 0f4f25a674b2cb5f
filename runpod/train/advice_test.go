package train

import (
	"strings"
	"testing"

	"gonum.org/v1/gonum/mat"

	"github.com/gopherpod/gopherpod/worker"
)

// adviceOf returns the advice for a model on 30 samples of three columns and three classes.
func adviceOf(t *testing.T, layers string, change func(d *Data, o *Options)) string {
	t.Helper()
	X := mat.NewDense(30, 3, nil)
	y := make([]int, 30)
	for i := range 30 {
		X.SetRow(i, []float64{float64(i%7) / 7, float64(i%5) - 2, float64(i % 3)})
		y[i] = i % 3
	}
	d, o := Data{X: X, Y: y}, Options{Epochs: 1, Seed: Seed(1)}
	if change != nil {
		change(&d, &o)
	}
	p, err := Prepare(Layers(layers), d, o)
	if err != nil {
		t.Fatalf("%q: %v", layers, err)
	}
	return strings.Join(p.Advice(), "\n")
}

func TestAdvice(t *testing.T) {
	loss := func(name string) func(d *Data, o *Options) { return func(_ *Data, o *Options) { o.Loss = name } }
	regression := func(low, high float64) func(d *Data, o *Options) {
		return func(d *Data, o *Options) {
			y := make([]float64, 30)
			for i := range y {
				y[i] = low + (high-low)*float64(i)/29
			}
			d.Y, o.Loss = y, "mse"
		}
	}
	rate := func(optimizer string, lr float64) func(d *Data, o *Options) {
		return func(_ *Data, o *Options) { o.Optimizer, o.LearningRate = optimizer, lr }
	}
	large := func(names ...string) func(d *Data, o *Options) {
		return func(d *Data, _ *Options) {
			X := mat.DenseCopyOf(d.X.(*mat.Dense))
			X.Set(3, 1, -2500)
			X.Set(4, 1, 900)
			d.X, d.Columns = X, names
		}
	}
	const net = "linear 8\nrelu\nlinear 3"
	for _, c := range []struct {
		name, layers string
		change       func(d *Data, o *Options)
		want         string // "": no advice
	}{
		{"good", net, nil, ""},
		{"log_softmax does no harm", net + "\nlog_softmax", nil, ""},
		{"softmax", net + "\nsoftmax", nil, "cross_entropy applies softmax itself, and the model ends with softmax"},
		{"softmax and dropout", net + "\nsoftmax\ndropout 0.1", nil, "ends with softmax"},
		{"nll", net, loss("nll"), "nll takes logarithms of probabilities, and the model ends with linear; end it with log_softmax"},
		{"nll after softmax", net + "\nsoftmax", loss("nll"), "ends with softmax"},
		{"nll as it should be", net + "\nlog_softmax", loss("nll"), ""},
		{"sigmoid", "linear 1\nsigmoid", func(d *Data, o *Options) { regression(0, 1)(d, o); o.Loss = "bce_with_logits" }, "bce_with_logits applies sigmoid itself"},
		{"bce", "linear 1", func(d *Data, o *Options) { regression(0, 1)(d, o); o.Loss = "bce_with_logits" }, ""},
		{"outputs", "linear 8\nrelu\nlinear 10", nil, "the model has 10 outputs, and the largest class in y is 2; 3 outputs are enough"},
		{"outputs for the validation", "linear 8\nrelu\nlinear 4", func(d *Data, o *Options) {
			o.Validation = &Data{X: d.X, Y: append(make([]int, 29), 3)}
		}, ""},
		{"large", net, large(), "column 1 of X goes from -2500 to 900; networks learn from columns around 0 to 1: scale them, or begin with batchnorm1d"},
		{"large, named", net, large("a", "area", "c"), "column area of X goes from -2500 to 900"},
		{"large, with a norm", "batchnorm1d\n" + net, large(), ""},
		{"picture", "reshape 1 2 2\nconv2d 4 2\nflatten\nlinear 3", func(d *Data, _ *Options) {
			x := make([]float64, 30*4)
			x[7] = 255
			d.X = mat.NewDense(30, 4, x)
		}, "column 3 of X goes from 0 to 255"},
		{"relu, negative labels", "linear 8\nlinear 1\nrelu", regression(-3, 2), "the model ends with relu, which gives nothing below 0, and y goes down to -3; leave the last layer out"},
		{"relu, positive labels", "linear 8\nlinear 1\nrelu", regression(0, 2), ""},
		{"tanh", "linear 8\nlinear 1\ntanh", regression(-1, 5), "gives nothing above 1, and y goes up to 5"},
		{"sigmoid for shares", "linear 8\nlinear 1\nsigmoid", regression(0, 1), ""},
		{"lr 5", net, rate("adam", 5), "a learning rate of 5 is far above what adam takes; its default is 0.001"},
		{"lr 1e-9", net, rate("sgd", 1e-9), "far below what sgd takes; its default is 0.01"},
		{"lr 0", net, rate("adam", 0), "the learning rate is 0: nothing is learned"},
		{"lr 0.1", net, rate("adam", 0.1), ""},
		{"sgd 1", net, rate("sgd", 1), ""},
	} {
		if got := adviceOf(t, c.layers, c.change); c.want == "" && got != "" || !strings.Contains(got, c.want) || strings.Contains(got, "\n") {
			t.Errorf("%s: %q, want %q", c.name, got, c.want)
		}
	}
	for _, optimizer := range worker.Optimizers() { // each has a usual rate, and its default is one
		if u, ok := usualRates[optimizer]; !ok || defaultRate(optimizer) < u[0] || defaultRate(optimizer) > u[1] {
			t.Errorf("%s: usual %v, default %v", optimizer, u, defaultRate(optimizer))
		}
	}
}

// Fit reports its advice before it submits the job.
func TestFitAdvises(t *testing.T) {
	X, y := blobs(30)
	var said []string
	submitted := -1
	_, err := Fit(t.Context(), Layers("linear 3\nsoftmax"), Data{X: X, Y: y}, Options{Epochs: 1, Endpoint: serve(t, &fakeWorker{}), OnEvent: func(e Event) {
		if e.Notice != "" {
			said = append(said, string(e.Notice))
		}
		if submitted < 0 && e.JobID != "" {
			submitted = len(said)
		}
	}})
	if err != nil || len(said) != 1 || submitted != 1 || !strings.Contains(said[0], "applies softmax itself") {
		t.Errorf("%q before %d, %v", said, submitted, err)
	}
}

// top_k is refused if it would change nothing.
func TestTopK(t *testing.T) {
	X, y := blobs(30)
	for _, c := range []struct {
		k    int
		loss string
		want string
	}{{2, "", ""}, {3, "", "the best 3 always hold the right one"}, {2, "mse", "mse does not use it"}} {
		o := Options{Seed: Seed(1), Loss: c.loss, Hyperparameters: &worker.Hyperparameters{TopK: c.k}}
		_, err := Prepare(Layers("linear 3"), Data{X: X, Y: y}, o)
		if c.want == "" && err != nil || c.want != "" && (err == nil || !strings.Contains(err.Error(), c.want)) {
			t.Errorf("top_k %d, %s: %v, want %q", c.k, c.loss, err, c.want)
		}
	}
	// A stored model of an earlier version may have one that its loss does not use.
	m := &Model{Spec: &worker.ModelConfig{Type: "sequential", Layers: []worker.Layer{{Type: "linear", Params: map[string]any{"in_features": 2, "out_features": 1}}}},
		Hyperparameters: worker.Hyperparameters{LossFunction: "mse", TopK: 3}, state: "x"}
	p, err := m.evaluation(Data{X: X, Y: mat.Col(nil, 0, X)})
	if err != nil || p.Request.Hyperparameters.TopK != 0 {
		t.Errorf("%+v, %v", p, err)
	}
}

// A name of a column that no file can keep is refused.
func TestColumnsAreText(t *testing.T) {
	X, y := blobs(6)
	_, err := Prepare(Layers("linear 3"), Data{X: X, Y: y, Columns: []string{"a", "\xfc"}}, Options{})
	if err == nil || !strings.Contains(err.Error(), `X has the column name "\xfc", which is not UTF-8`) {
		t.Error(err)
	}
}
