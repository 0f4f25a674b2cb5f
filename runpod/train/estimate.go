package train

import "github.com/gopherpod/gopherpod/worker"

// An Estimate is what a training will take, from sizes alone.
type Estimate struct {
	Parameters int
	// FLOPs are the multiplications and additions of all epochs: six for each weight
	// that a training sample meets, two in validation. What is not a matrix product
	// or a convolution is left out.
	FLOPs float64
	// Memory is bytes on the worker: weights, gradients and the optimizer's state,
	// and the outputs of all layers with their gradients for one batch.
	Memory int64
	// Bytes go to the endpoint.
	Bytes int
}

// Estimate tells what the plan will take.
func (p *Plan) Estimate() (Estimate, error) {
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

// slots is how many numbers the optimizer keeps for each weight.
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

// count adds up the operations of a forward pass of one sample, and the numbers
// that the layers put out.
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

// positions is how many times a weight is used for one sample: once in a linear
// layer, for each place of the output in a convolution, for each step of a
// sequence in a recurrent layer, never in an embedding, which looks up.
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
