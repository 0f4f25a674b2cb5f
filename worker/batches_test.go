package worker_test

import (
	"strings"
	"testing"

	"github.com/gopherpod/gopherpod/worker"
)

// PyTorch refuses the variance of one value, wherever in the model the layer is.
func TestCheckBatches(t *testing.T) {
	for _, c := range []struct {
		model        string
		input        []int
		samples, per int
		want         string
	}{
		{"linear 4\nbatchnorm1d\nlinear 2", []int{3}, 33, 32, "hyperparameters.batch_size: batch_size 32 leaves a batch of 1 sample of 33, of which batch norm cannot take the variance; choose another, or leave that batch out with drop_last"},
		{"linear 4\nbatchnorm1d\nlinear 2", []int{3}, 33, 0, ""},
		{"linear 4\nbatchnorm1d\nlinear 2", []int{3}, 34, 32, ""},
		{"linear 4\nbatchnorm1d\nlinear 2", []int{3}, 10, 1, "leaves a batch of 1 sample"},
		{"linear 4\nbatchnorm1d\nlinear 2", []int{3}, 1, 32, "leaves a batch of 1 sample"},
		{"linear 4\nresidual {\nlinear 4\nbatchnorm1d\n}\nlinear 2", []int{3}, 33, 32, "leaves a batch of 1 sample"},
		{"branches merge=add {\nlinear 4\n} {\nlinear 4\nresidual {\nbatchnorm1d\n}\n}", []int{3}, 33, 32, "leaves a batch of 1 sample"},
		{"batchnorm2d\nflatten\nlinear 2", []int{1, 4, 4}, 33, 32, ""},
		{"batchnorm2d\nflatten\nlinear 2", []int{3, 1, 1}, 33, 32, "leaves a batch of 1 sample"},
		{"instancenorm2d\nflatten\nlinear 2", []int{3, 1, 1}, 32, 32, "model_config.layers[0]: instancenorm2d gets one place per channel"},
		{"instancenorm2d\nflatten\nlinear 2", []int{3, 1, 2}, 32, 1, ""},
		{"linear 4\ngroupnorm 4\nlinear 2", []int{3}, 33, 32, "of which groupnorm cannot take the variance"},
		{"linear 4\ngroupnorm 2\nlinear 2", []int{3}, 33, 32, ""},
		{"linear 4\nlayernorm\nlinear 2", []int{3}, 33, 1, ""},
	} {
		m, err := worker.ParseModel(c.model)
		if err != nil {
			t.Fatal(err)
		}
		steps, _, err := m.Steps(c.input)
		if err != nil {
			t.Fatal(err)
		}
		got := ""
		if err := (&worker.Hyperparameters{BatchSize: c.per}).CheckBatches(steps, c.samples); err != nil {
			got = err.Error()
		}
		if err := (&worker.Hyperparameters{BatchSize: c.per, DropLast: true}).CheckBatches(steps, c.samples); strings.Contains(got, "drop_last") && err != nil {
			t.Errorf("%q, %d samples, %d a batch, without the last: %v", c.model, c.samples, c.per, err)
		}
		if c.want == "" && got != "" || !strings.Contains(got, c.want) {
			t.Errorf("%q, %d samples, %d a batch: %q, want %q", c.model, c.samples, c.per, got, c.want)
		}
	}
}
