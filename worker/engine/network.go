package engine

import (
	"fmt"

	"gonum.org/v1/gonum/blas"

	"github.com/gopherpod/gopherpod/worker"
	"github.com/gopherpod/gopherpod/worker/engine/sgemm"
)

// A tensor is a parameter or a buffer of a model.
type tensor struct {
	worker.StateTensor
	data []float32
	grad []float32 // nil for buffers
}

// A layer computes on n samples, stored one after the other; it learned the sample's
// shape when it was built.
type layer interface {
	// forward returns the outputs, in memory that the layer owns until the next
	// forward. It leaves x as it is.
	forward(p *pass, x []float32, n int) []float32
	// backward takes the x of the last forward and the gradient dy of its output,
	// sets the gradients of the layer's parameters, and returns the gradient of x,
	// or nil if wantDX is false. It may overwrite dy and return it.
	backward(p *pass, x, dy []float32, n int, wantDX bool) []float32
}

// A pass holds what the layers share during one forward or backward pass.
type pass struct {
	train bool       // dropout, batch statistics
	masks *generator // of dropout
	blas  multiplier
	// refused is the first reason why a layer could not take the output of another
	// layer; the outputs are meaningless then.
	refused error
}

// refuse records the first reason.
func (p *pass) refuse(path, format string, values ...any) {
	if p.refused == nil {
		p.refused = worker.Invalid(path, fmt.Sprintf(format, values...))
	}
}

// A multiplier is the part of gonum's blas.Float32Level3 that layers use.
type multiplier interface {
	Sgemm(tA, tB blas.Transpose, m, n, k int, alpha float32, a []float32, lda int, b []float32, ldb int, beta float32, c []float32, ldc int)
}

// A network is a model that can compute.
type network struct {
	config  *worker.ModelConfig // resolved
	steps   []worker.Step
	in, out []int // shapes of a sample
	root    *sequence
	tensors []*tensor // in state_dict order
	// weights and grads are the memory of all trained tensors, in order, so that an
	// optimizer updates them in one loop.
	weights, grads []float32
	width          int // numbers of a sample between the layers, roughly
	pass           pass
}

// newNetwork builds the network of config for samples of shape in. All weights
// are zero.
func newNetwork(config *worker.ModelConfig, in []int) (*network, error) {
	steps, out, err := config.Steps(in)
	if err != nil {
		return nil, err
	}
	resolved, _, err := config.Resolve(in)
	if err != nil {
		return nil, err
	}
	net := &network{config: resolved, steps: steps, in: in, out: out, pass: pass{blas: sgemm.BLAS{}}}
	trained, buffers := 0, 0
	state := worker.StateOf(steps)
	for _, s := range state {
		if n := elements(s.Shape); s.Buffer {
			buffers += n
		} else {
			trained += n
		}
	}
	if err := fitsMemory(trained); err != nil {
		return nil, err
	}
	net.allocate(state, trained, buffers)
	net.width = int(min(numbersOf(steps), 1<<50))
	if net.width > maxSample {
		return nil, &worker.Error{Kind: worker.ErrMemory, Field: "model_config",
			Message: fmt.Sprintf("a single sample needs %.3g GB between the layers; the engine on the CPU takes up to %d", float64(net.width)*8/1e9, maxSample*8/1_000_000_000)}
	}
	b := &builder{tensors: net.tensors}
	if net.root, err = b.list(steps, "model_config.layers"); err != nil {
		return nil, err
	}
	return net, nil
}

// maxSample is how many numbers a sample may need between the layers.
const maxSample = 1 << 28

// numbersOf estimates how many numbers a sample needs between the layers, including the
// layers' own buffers. It computes in float64, which does not overflow, because the sizes
// come from an untrusted request.
func numbersOf(steps []worker.Step) float64 {
	var sum float64
	for _, step := range steps {
		v, in, out := values{step}, product(step.In), product(step.Out)
		sum += out
		switch step.Kind.Name {
		case "conv1d", "conv2d", "conv_transpose1d", "conv_transpose2d":
			k := v.pair("kernel_size", 1)
			places, channels := out/product(step.Out[:1]), product(step.In[:1])
			if step.Kind.Name[4] == '_' {
				places, channels = in/product(step.In[:1]), product(step.Out[:1])
			}
			sum += places * channels * float64(k[0]) * float64(k[1]) // the unfolded input
		case "batchnorm1d", "batchnorm2d", "batchnorm3d", "layernorm", "groupnorm", "instancenorm1d", "instancenorm2d", "instancenorm3d", "dropout":
			sum += out
		case "bilinear":
			sum += in * float64(v.Int("in1_features"))
		case "rnn", "lstm", "gru":
			sum += float64(v.Int("num_layers")) * 24 * float64(step.In[0]) * float64(v.Int("hidden_size"))
		case "transformer_encoder_layer":
			t := float64(step.In[0])
			sum += 12*in + 4*t*float64(v.Int("dim_feedforward")) + 3*float64(v.Int("nhead"))*t*t
		}
		for _, inner := range step.Inner {
			sum += numbersOf(inner)
		}
	}
	return sum
}

func product(shape []int) float64 {
	n := 1.0
	for _, s := range shape {
		n *= float64(s)
	}
	return n
}

// maxWeights limits a model to a quarter of what an ordinary machine can hold, because
// training needs weights, gradients and two optimizer slots.
const maxWeights = 1 << 30

func fitsMemory(trained int) error {
	if trained > maxWeights {
		return &worker.Error{Kind: worker.ErrMemory, Field: "model_config",
			Message: fmt.Sprintf("the model has %d parameters and needs %.0f GB to train; the engine on the CPU takes up to %d", trained, float64(trained)*16/1e9, maxWeights)}
	}
	return nil
}

func (net *network) allocate(state []worker.StateTensor, trained, buffers int) {
	net.weights, net.grads = make([]float32, trained), make([]float32, trained)
	rest := make([]float32, buffers)
	at := 0
	for _, s := range state {
		n := elements(s.Shape)
		t := &tensor{StateTensor: s}
		if s.Buffer {
			t.data, rest = rest[:n:n], rest[n:]
		} else {
			t.data, t.grad = net.weights[at:at+n:at+n], net.grads[at:at+n:at+n]
			at += n
		}
		net.tensors = append(net.tensors, t)
	}
}

func (net *network) forward(x []float32, n int) []float32 {
	return net.root.forward(&net.pass, x, n)
}

// backward sets all gradients from dy, the gradient of the output, which it may
// overwrite.
func (net *network) backward(x, dy []float32, n int) {
	net.root.backward(&net.pass, x, dy, n, false)
}

func elements(shape []int) int {
	n := 1
	for _, s := range shape {
		n *= s
	}
	return n
}

// A sequence is a chain of layers.
type sequence struct {
	layers []layer
	inputs [][]float32 // of each layer, in the last forward
	// first is the first layer with parameters: backward stops there unless the caller
	// wants the gradient of the input.
	first int
}

func (s *sequence) forward(p *pass, x []float32, n int) []float32 {
	for i, l := range s.layers {
		s.inputs[i] = x
		x = l.forward(p, x, n)
	}
	return x
}

func (s *sequence) backward(p *pass, _, dy []float32, n int, wantDX bool) []float32 {
	for i := len(s.layers) - 1; i >= 0; i-- {
		if !wantDX && i < s.first {
			return nil
		}
		dy = s.layers[i].backward(p, s.inputs[i], dy, n, wantDX || i > s.first)
	}
	return dy
}

// A builder makes layers from resolved steps and hands out the tensors.
type builder struct{ tensors []*tensor }

func (b *builder) take(n int) []*tensor {
	t := b.tensors[:n]
	b.tensors = b.tensors[n:]
	return t
}

func (b *builder) list(steps []worker.Step, path string) (*sequence, error) {
	s := &sequence{first: len(steps), inputs: make([][]float32, len(steps))}
	for i, step := range steps {
		before := len(b.tensors)
		at := fmt.Sprintf("%s[%d]", path, i)
		l, err := b.layer(step, b.take(len(step.State)), at)
		if err != nil {
			return nil, err
		}
		if len(b.tensors) < before && s.first > i {
			s.first = i
		}
		s.layers = append(s.layers, l)
	}
	return s, nil
}

// unsupported returns the error for a layer that only the PyTorch worker has.
func unsupported(step worker.Step, path string) error {
	return &worker.Error{Kind: worker.ErrUnsupported, Field: path,
		Message: fmt.Sprintf("the engine on the CPU has no %s; the PyTorch worker has it", step.Kind.Name)}
}
