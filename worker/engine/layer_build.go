package engine

import (
	"slices"

	"github.com/gopherpod/gopherpod/worker"
	"github.com/gopherpod/gopherpod/worker/contract"
)

// layer makes one layer. The step is resolved: every parameter is set or has its default.
func (b *builder) layer(step worker.Step, t []*tensor, path string) (layer, error) {
	v := values{step}
	switch step.Kind.Name {
	case "linear":
		return newLinear(v, t), nil
	case "embedding":
		return newEmbedding(v, t, path), nil
	case "conv1d", "conv2d":
		return newConv(v, t), nil
	case "conv_transpose1d", "conv_transpose2d":
		return newTransposed(v, t), nil
	case "adaptive_maxpool1d", "adaptive_maxpool2d":
		return newAdaptiveMax(v), nil
	case "instancenorm1d", "instancenorm2d", "instancenorm3d":
		return newInstanceNorm(v, t), nil
	case "maxpool1d", "maxpool2d":
		return &maxPool{window: newWindow(v)}, nil
	case "avgpool1d", "avgpool2d":
		return newAvgPool(v), nil
	case "adaptive_avgpool1d", "adaptive_avgpool2d":
		return newAdaptiveAvg(v), nil
	case "batchnorm1d", "batchnorm2d", "batchnorm3d":
		return newBatchNorm(v, t), nil
	case "layernorm":
		return newLayerNorm(v, t), nil
	case "groupnorm":
		return newGroupNorm(v, t), nil
	case "dropout":
		return &dropout{p: v.Float("p"), size: elements(step.In), run: 1}, nil
	case "dropout1d", "dropout2d", "dropout3d":
		return &dropout{p: v.Float("p"), size: elements(step.In), run: elements(step.In[1:])}, nil
	case "softmax", "log_softmax", "softmin":
		return newSoftmax(v), nil
	case "flatten", "reshape", "identity":
		return identity{}, nil
	case "prelu":
		return newPrelu(v, t), nil
	case "glu":
		return newGLU(v), nil
	case "bilinear":
		return newBilinear(v, t), nil
	case "rnn", "lstm", "gru":
		return newRecurrent(v, t), nil
	case "transformer_encoder_layer":
		return newTransformer(v, t), nil
	case "permute":
		return newPermute(v), nil
	case "pixel_shuffle":
		return newPixelShuffle(v), nil
	case "mean":
		return newMean(v), nil
	case "residual":
		return b.residual(step, path)
	case "branches":
		return b.branches(step, path)
	}
	if f := elementwise(v); f != nil {
		return &activation{size: elements(step.In), function: f}, nil
	}
	return nil, unsupported(step, path)
}

// values wraps a step to read parameters in the form that the engine needs.
type values struct{ worker.Step }

// pair reads a window parameter as height and width; one-dimensional layers are
// two-dimensional ones of height 1, whose value for the height is high.
func (v values) pair(name string, high int) [2]int {
	flat := len(v.In) == 2
	switch x := v.Value(name).(type) {
	case int:
		if flat {
			return [2]int{high, x}
		}
		return [2]int{x, x}
	case []int:
		switch {
		case flat:
			return [2]int{high, x[0]}
		case len(x) == 1:
			return [2]int{x[0], x[0]}
		}
		return [2]int{x[0], x[1]}
	}
	return [2]int{high, high}
}

// named returns the tensor whose name ends in "." + name, or nil.
func named(t []*tensor, name string) *tensor {
	for _, x := range t {
		if len(x.Name) > len(name) && x.Name[len(x.Name)-len(name)-1:] == "."+name {
			return x
		}
	}
	return nil
}

// onlyPyTorch lists the layer types that this engine lacks, from the contract's rows.
// A test checks that layer makes all others.
func onlyPyTorch() []string {
	var names []string
	for _, k := range contract.Layers() {
		if !slices.Contains(k.Workers, contract.WorkerEngine) {
			names = append(names, k.Name)
		}
	}
	return names
}
