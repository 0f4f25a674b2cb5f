package train

import "github.com/gopherpod/gopherpod/worker"

// An Estimate is how much work and memory a training needs, computed from sizes alone.
// Only Bytes is known before a model in Python runs; the rest is 0 then.
type Estimate struct {
	Parameters int
	// FLOPs are the multiplications and additions of all epochs: six for each weight
	// and training sample, two in validation. It counts matrix products and
	// convolutions only.
	FLOPs float64
	// Memory is bytes on the worker: weights, gradients and the optimizer's state,
	// and the outputs of all layers with their gradients for one batch.
	Memory int64
	// Bytes is how much is sent to the endpoint.
	Bytes int
}

// Estimate returns how much work and memory the plan needs.
func (p *Plan) Estimate() (Estimate, error) {
	if p.Model.Other != nil {
		return Estimate{Bytes: p.Bytes()}, nil
	}
	steps, _, err := p.Model.Steps(p.Input)
	if err != nil {
		return Estimate{}, err
	}
	perSample, outputs := count(steps)
	h := p.Hyperparameters
	held := p.Validation + h.Held(p.Samples)
	_, batch, training := h.Batches(p.Samples - h.Held(p.Samples))
	const float = 4
	return Estimate{
		Parameters: p.Parameters,
		FLOPs:      perSample * (3*float64(training) + float64(held)) * float64(h.Epochs),
		Memory:     float * (int64(p.Parameters)*int64(2+slots(h)) + 2*outputs*int64(batch)),
		Bytes:      p.Bytes(),
	}, nil
}

// slots returns how many numbers the optimizer keeps for each weight.
func slots(h worker.Hyperparameters) int {
	switch h.Optimizer {
	case "adam", "adamw", "nadam":
		return 2
	case "adagrad":
		return 1
	case "rmsprop":
		if h.Momentum > 0 {
			return 2
		}
		return 1
	}
	if h.Momentum > 0 {
		return 1
	}
	return 0
}

// count adds up the operations of a forward pass of one sample, and the sizes of the
// layers' outputs.
func count(steps []worker.Step) (flops float64, outputs int64) {
	for _, s := range steps {
		out, _ := worker.Elements(s.Out)
		outputs += int64(out)
		for _, t := range s.State {
			if !t.Buffer && len(t.Shape) > 1 {
				flops += 2 * product(t.Shape) * positions(s, t, out)
			}
		}
		for _, inner := range s.Inner {
			f, o := count(inner)
			flops, outputs = flops+f, outputs+o
		}
	}
	return flops, outputs
}

// positions returns how many times a weight is used for one sample: once in a linear
// layer, once for each position of the output in a convolution, once for each step of the
// sequence in a recurrent layer, and never in an embedding, which only looks rows up.
func positions(s worker.Step, t worker.StateTensor, out int) float64 {
	switch s.Layer.Type {
	case "embedding":
		return 0
	case "lstm", "gru", "rnn", "transformer_encoder_layer", "multihead_attention":
		if len(s.In) > 1 {
			return float64(s.In[0])
		}
		return 1
	}
	return max(1, float64(out)/float64(t.Shape[0]))
}

func product(shape []int) float64 {
	p := 1.0
	for _, n := range shape {
		p *= float64(n)
	}
	return p
}
