package export

import (
	"math"
	"slices"
)

type putter func(g *graph, l layer, x string) string

// op returns a putter for a layer that is a single operator.
func op(name string, attrs ...attr) putter {
	return func(g *graph, _ layer, x string) string { return g.node(name, []string{x}, attrs...) }
}

func pass(_ *graph, _ layer, x string) string { return x }

func clip(g *graph, x string, low, high float64) string {
	return g.node("Clip", []string{x, g.scalar(low), g.scalar(high)})
}

// elementwiseONNX are the activations, and the layers that do nothing after training.
var elementwiseONNX = map[string]putter{
	"identity": pass, "dropout": pass, "dropout1d": pass, "dropout2d": pass, "dropout3d": pass, "alpha_dropout": pass, "feature_alpha_dropout": pass,
	"relu": op("Relu"), "selu": op("Selu"), "sigmoid": op("Sigmoid"), "tanh": op("Tanh"), "softsign": op("Softsign"),
	"hardsigmoid": op("HardSigmoid", attr{"alpha", 1.0 / 6}, attr{"beta", 0.5}), "hardswish": op("HardSwish"),
	"relu6":    func(g *graph, _ layer, x string) string { return clip(g, x, 0, 6) },
	"hardtanh": func(g *graph, l layer, x string) string { return clip(g, x, l.Float("min_val"), l.Float("max_val")) },
	"leaky_relu": func(g *graph, l layer, x string) string {
		return g.node("LeakyRelu", []string{x}, attr{"alpha", l.Float("negative_slope")})
	},
	"elu": func(g *graph, l layer, x string) string {
		return g.node("Elu", []string{x}, attr{"alpha", l.Float("alpha")})
	},
	"celu": func(g *graph, l layer, x string) string {
		return g.node("Celu", []string{x}, attr{"alpha", l.Float("alpha")})
	},
	"gelu": func(g *graph, l layer, x string) string { return gelu(g, x, l.Text("approximate") == "tanh") },
	"silu": func(g *graph, _ layer, x string) string {
		return g.node("Mul", []string{x, g.node("Sigmoid", []string{x})})
	},
	"mish": func(g *graph, _ layer, x string) string {
		return g.node("Mul", []string{x, g.node("Tanh", []string{g.node("Softplus", []string{x})})})
	},
	"logsigmoid": func(g *graph, _ layer, x string) string {
		return g.node("Neg", []string{g.node("Softplus", []string{g.node("Neg", []string{x})})})
	},
	"softplus": softplus,
	"tanhshrink": func(g *graph, _ layer, x string) string {
		return g.node("Sub", []string{x, g.node("Tanh", []string{x})})
	},
	"softshrink": func(g *graph, l layer, x string) string {
		return g.node("Shrink", []string{x}, attr{"lambd", l.Float("lambd")}, attr{"bias", l.Float("lambd")})
	},
	"hardshrink": func(g *graph, l layer, x string) string {
		return g.node("Shrink", []string{x}, attr{"lambd", l.Float("lambd")}, attr{"bias", 0.0})
	},
	"threshold": func(g *graph, l layer, x string) string {
		above := g.node("Greater", []string{x, g.scalar(l.Float("threshold"))})
		return g.node("Where", []string{above, x, g.scalar(l.Float("value"))})
	},
	"softmax": func(g *graph, l layer, x string) string {
		return g.node("Softmax", []string{x}, attr{"axis", l.Axis(l.In) + 1})
	},
	"log_softmax": func(g *graph, l layer, x string) string {
		return g.node("LogSoftmax", []string{x}, attr{"axis", l.Axis(l.In) + 1})
	},
	"softmin": func(g *graph, l layer, x string) string {
		return g.node("Softmax", []string{g.node("Neg", []string{x})}, attr{"axis", l.Axis(l.In) + 1})
	},
}

func gelu(g *graph, x string, approximate bool) string {
	half := g.node("Mul", []string{x, g.scalar(0.5)})
	var inner string
	if approximate { // sqrt(2/pi) (x + 0.044715 x³)
		cube := g.node("Mul", []string{g.node("Mul", []string{x, x}), x})
		sum := g.node("Add", []string{x, g.node("Mul", []string{cube, g.scalar(0.044715)})})
		inner = g.node("Tanh", []string{g.node("Mul", []string{sum, g.scalar(math.Sqrt(2 / math.Pi))})})
	} else {
		inner = g.node("Erf", []string{g.node("Mul", []string{x, g.scalar(math.Sqrt2 / 2)})})
	}
	return g.node("Mul", []string{half, g.node("Add", []string{inner, g.scalar(1)})})
}

func softplus(g *graph, l layer, x string) string {
	beta := l.Float("beta")
	scaled := g.node("Mul", []string{x, g.scalar(beta)})
	soft := g.node("Div", []string{g.node("Softplus", []string{scaled}), g.scalar(beta)})
	return g.node("Where", []string{g.node("Greater", []string{scaled, g.scalar(l.Float("threshold"))}), x, soft})
}

// layersONNX are the layers with weights, windows or shapes.
var layersONNX = map[string]putter{
	"linear":    func(g *graph, l layer, x string) string { return g.linear(x, len(l.In), "weight", "bias") },
	"bilinear":  bilinear,
	"embedding": embedding,
	"conv1d":    conv, "conv2d": conv, "conv3d": conv,
	"conv_transpose1d": transposed, "conv_transpose2d": transposed, "conv_transpose3d": transposed,
	"maxpool1d": maxPool, "maxpool2d": maxPool, "maxpool3d": maxPool,
	"avgpool1d": avgPool, "avgpool2d": avgPool, "avgpool3d": avgPool,
	"adaptive_avgpool1d": adaptiveAvg, "adaptive_avgpool2d": adaptiveAvg, "adaptive_avgpool3d": adaptiveAvg,
	"adaptive_maxpool1d": adaptiveMax, "adaptive_maxpool2d": adaptiveMax, "adaptive_maxpool3d": adaptiveMax,
	"batchnorm1d": batchNorm, "batchnorm2d": batchNorm, "batchnorm3d": batchNorm,
	"instancenorm1d": instanceNorm, "instancenorm2d": instanceNorm, "instancenorm3d": instanceNorm,
	"layernorm": layerNorm, "groupnorm": groupNorm, "prelu": prelu, "glu": glu,
	"rnn": recurrent, "lstm": recurrent, "gru": recurrent, "transformer_encoder_layer": transformer,
	"flatten": reshape, "reshape": reshape,
	"permute": func(g *graph, l layer, x string) string {
		return g.node("Transpose", []string{x}, attr{"perm", append([]int{0}, l.Ints("dims", len(l.In))...)})
	},
	"pixel_shuffle": func(g *graph, l layer, x string) string {
		return g.node("DepthToSpace", []string{x}, attr{"blocksize", l.Int("upscale_factor")}, attr{"mode", "CRD"})
	},
	"mean": func(g *graph, l layer, x string) string {
		return g.node("ReduceMean", []string{x, g.ints(l.Axis(l.In) + 1)}, attr{"keepdims", 0})
	},
}

func reshape(g *graph, l layer, x string) string { return g.reshape(x, l.Out...) }

// linear returns x Wᵀ + b over the last dimension of a sample.
func (g *graph) linear(x string, dims int, weight, bias string) string {
	w, b := g.weight(weight), g.weight(bias)
	if dims == 1 {
		inputs := []string{x, w}
		if b != "" {
			inputs = append(inputs, b)
		}
		return g.node("Gemm", inputs, attr{"transB", 1})
	}
	y := g.node("MatMul", []string{x, g.node("Transpose", []string{w}, attr{"perm", []int{1, 0}})})
	if b != "" {
		y = g.node("Add", []string{y, b})
	}
	return y
}

func bilinear(g *graph, _ layer, x string) string {
	y := g.node("Einsum", []string{x, g.weight("weight"), x}, attr{"equation", "...i,oij,...j->...o"})
	if b := g.weight("bias"); b != "" {
		y = g.node("Add", []string{y, b})
	}
	return y
}

func embedding(g *graph, _ layer, x string) string {
	return g.node("Gather", []string{g.weight("weight"), g.node("Cast", []string{x}, attr{"to", onnxInt64})})
}

func (w window) pads() []int { return append(append([]int{}, w.before...), w.after...) }

func (g *graph) weights(x string) []string {
	inputs := []string{x, g.weight("weight")}
	if b := g.weight("bias"); b != "" {
		inputs = append(inputs, b)
	}
	return inputs
}

func conv(g *graph, l layer, x string) string {
	w := l.window()
	return g.node("Conv", g.weights(x), attr{"kernel_shape", w.kernel}, attr{"strides", w.stride}, attr{"dilations", w.dilation},
		attr{"pads", w.pads()}, attr{"group", l.Int("groups")})
}

func transposed(g *graph, l layer, x string) string {
	w := l.window()
	return g.node("ConvTranspose", g.weights(x), attr{"kernel_shape", w.kernel}, attr{"strides", w.stride}, attr{"dilations", w.dilation},
		attr{"pads", append(append([]int{}, w.before...), w.before...)}, attr{"output_padding", w.outputExtra}, attr{"group", l.Int("groups")})
}

// padded returns x with the window's padding around it. Pooling operators then need no padding
// of their own, which differs from PyTorch's in ceil_mode and at the border.
func (g *graph) padded(w window, x string, value float64) string {
	if pads := w.pads(); !slices.ContainsFunc(pads, func(n int) bool { return n > 0 }) {
		return x
	}
	pads := append(append(append([]int{0, 0}, w.before...), 0, 0), w.after...)
	return g.node("Pad", []string{x, g.ints(pads...), g.scalar(value)})
}

func maxPool(g *graph, l layer, x string) string {
	w := l.window()
	return g.node("MaxPool", []string{g.padded(w, x, math.Inf(-1))}, attr{"kernel_shape", w.kernel}, attr{"strides", w.stride}, attr{"dilations", w.dilation})
}

// avgPool returns the mean of full windows, corrected for windows where PyTorch divides by
// fewer numbers.
func avgPool(g *graph, l layer, x string) string {
	w := l.window()
	y := g.node("AveragePool", []string{g.padded(w, x, 0)}, attr{"kernel_shape", w.kernel}, attr{"strides", w.stride})
	factors, whole := []float32{1}, true
	for i := range w.out {
		var next []float32
		for _, f := range factors {
			for o := range w.out[i] {
				n := w.points(i, o, l.Bool("count_include_pad"))
				whole = whole && n == w.kernel[i]
				next = append(next, f*float32(w.kernel[i])/float32(n))
			}
		}
		factors = next
	}
	if whole {
		return y
	}
	return g.node("Mul", []string{y, g.constant(append([]int{1, 1}, w.out...), factors...)})
}

// points returns how many numbers the mean at output position o of dimension i is over: those
// of the input, or with padding, those of the input and of the padding that was asked for.
func (w window) points(i, o int, padding bool) int {
	from := o*w.stride[i] - w.before[i]
	to := from + w.kernel[i]
	if padding {
		return min(to, w.in[i]+w.before[i]) - from
	}
	return min(to, w.in[i]) - max(from, 0)
}

// region returns the range of inputs for output o of out in adaptive pooling.
func region(o, in, out int) (from, to int) { return o * in / out, ((o+1)*in + out - 1) / out }

// adaptiveAvg multiplies each dimension by a matrix that averages the regions.
func adaptiveAvg(g *graph, l layer, x string) string {
	letters := [3][2]string{{"h", "a"}, {"w", "b"}, {"d", "e"}}
	inputs, left, mid, right := []string{x}, "nc", "", "nc"
	for i, in := range l.In[1:] {
		out := l.Out[1+i]
		m := make([]float32, out*in)
		for o := range out {
			from, to := region(o, in, out)
			for k := from; k < to; k++ {
				m[o*in+k] = 1 / float32(to-from)
			}
		}
		inputs = append(inputs, g.constant([]int{out, in}, m...))
		left += letters[i][0]
		mid += "," + letters[i][1] + letters[i][0]
		right += letters[i][1]
	}
	return g.node("Einsum", inputs, attr{"equation", left + mid + "->" + right})
}

// adaptiveMax takes the maximum of each region, one dimension after the other.
func adaptiveMax(g *graph, l layer, x string) string {
	for i, in := range l.In[1:] {
		var parts []string
		for o := range l.Out[1+i] {
			from, to := region(o, in, l.Out[1+i])
			part := g.node("Slice", []string{x, g.ints(from), g.ints(to), g.ints(2 + i)})
			parts = append(parts, g.node("ReduceMax", []string{part, g.ints(2 + i)}, attr{"keepdims", 1}))
		}
		x = g.node("Concat", parts, attr{"axis", 2 + i})
	}
	return x
}

// orConstant returns the layer's tensor, or n times the number v if the layer does not have it.
func (g *graph) orConstant(name string, n int, v float32) string {
	if w := g.weight(name); w != "" {
		return w
	}
	return g.constant([]int{n}, fill(n, v)...)
}

func batchNorm(g *graph, l layer, x string) string {
	c, eps := l.In[0], l.Float("eps")
	if l.tensor("running_mean") != "" {
		return g.node("BatchNormalization", []string{x, g.orConstant("weight", c, 1), g.orConstant("bias", c, 0), g.weight("running_mean"), g.weight("running_var")},
			attr{"epsilon", eps})
	}
	axes := []int{0} // statistics are over all dimensions except the channels
	for i := 2; i <= len(l.In); i++ {
		axes = append(axes, i)
	}
	far := g.node("Sub", []string{x, g.node("ReduceMean", []string{x, g.ints(axes...)})})
	variance := g.node("ReduceMean", []string{g.node("Mul", []string{far, far}), g.ints(axes...)})
	y := g.node("Div", []string{far, g.node("Sqrt", []string{g.node("Add", []string{variance, g.scalar(eps)})})})
	return g.affine(y, l)
}

// affine multiplies each channel by the layer's weight and adds its bias.
func (g *graph) affine(x string, l layer) string {
	w, b := g.numbers("weight"), g.numbers("bias")
	if w == nil {
		return x
	}
	shape := []int{1, l.In[0]}
	for range l.In[1:] {
		shape = append(shape, 1)
	}
	return g.node("Add", []string{g.node("Mul", []string{x, g.constant(shape, w...)}), g.constant(shape, b...)})
}

func instanceNorm(g *graph, l layer, x string) string {
	if l.tensor("running_mean") != "" {
		return batchNorm(g, l, x)
	}
	c := l.In[0]
	return g.node("InstanceNormalization", []string{x, g.orConstant("weight", c, 1), g.orConstant("bias", c, 0)}, attr{"epsilon", l.Float("eps")})
}

func layerNorm(g *graph, l layer, x string) string {
	shape := l.Ints("normalized_shape", 1)
	scale, bias := g.weight("weight"), g.weight("bias")
	if scale == "" {
		scale = g.constant(shape, fill(product(shape), 1)...)
	}
	return g.node("LayerNormalization", append([]string{x, scale}, optional(bias)...), attr{"axis", -len(shape)}, attr{"epsilon", l.Float("eps")})
}

func optional(name string) []string {
	if name == "" {
		return nil
	}
	return []string{name}
}

func groupNorm(g *graph, l layer, x string) string {
	n := l.Int("num_groups")
	y := g.node("InstanceNormalization", []string{g.reshape(x, n, -1), g.constant([]int{n}, fill(n, 1)...), g.constant([]int{n}, fill(n, 0)...)},
		attr{"epsilon", l.Float("eps")})
	return g.affine(g.reshape(y, l.In...), l)
}

func prelu(g *graph, l layer, x string) string {
	w := g.numbers("weight")
	shape := []int{len(w)}
	for range l.In[1:] {
		shape = append(shape, 1)
	}
	return g.node("PRelu", []string{x, g.constant(shape, w...)})
}

func glu(g *graph, l layer, x string) string {
	parts := g.nodes("Split", 2, []string{x}, attr{"axis", l.Axis(l.In) + 1}, attr{"num_outputs", 2})
	return g.node("Mul", []string{parts[0], g.node("Sigmoid", []string{parts[1]})})
}
