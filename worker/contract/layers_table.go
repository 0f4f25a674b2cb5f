package contract

import "fmt"

// Ranges of the parameters. Sizes and counts have a limit so that products of a few do
// not overflow.
var (
	largest  = float64(Bounds().Size)
	sizes    = &Range{Low: 1, High: largest}
	counts   = &Range{Low: 0, High: largest} // also of widths that may be 0
	anything = &Range{Low: -largest, High: largest}
	positive = &Range{High: largest, OpenLow: true}
	sizeRest = &Range{Low: -1, High: largest} // -1: what is left
)

// Forms of parameters.

func size(name, doc string) Parameter {
	return Parameter{Name: name, Type: Integer, Required: true, Range: sizes, Doc: doc}
}

// inferred is the size of a dimension of the input, the batch being 0.
func inferred(name string, from int, doc string) Parameter {
	return Parameter{Name: name, Type: Integer, From: from, Range: sizes, Doc: doc}
}

// axis is a dimension of the input.
func axis(name string, def int, doc string) Parameter {
	return Parameter{Name: name, Type: Integer, Default: def, Axis: true, Range: anything, Doc: doc}
}

func integer(name string, def int, r *Range, doc string) Parameter {
	return Parameter{Name: name, Type: Integer, Default: def, Range: r, Doc: doc}
}

func number(name string, def float64, r *Range, doc string) Parameter {
	return Parameter{Name: name, Type: Number, Default: def, Range: r, Doc: doc}
}

func boolean(name string, def bool, doc string) Parameter {
	return Parameter{Name: name, Type: Boolean, Default: def, Doc: doc}
}

// choice has the first word as its default.
func choice(name, doc string, words ...string) Parameter {
	return Parameter{Name: name, Type: Choice, Default: words[0], Values: words, Doc: doc}
}

// window has one number for each dimension, or one for all.
func window(name string, def int, r *Range, doc string) Parameter {
	return Parameter{Name: name, Type: Integers, Default: def, Range: r, Doc: doc}
}

// sized is a window that has to be given.
func sized(name, doc string) Parameter {
	return Parameter{Name: name, Type: Integers, Required: true, Range: sizes, Doc: doc}
}

func linearLayers() []Layer {
	return []Layer{
		{Name: "linear", Module: "Linear", Workers: both, Doc: "a fully connected layer: y = x Wᵀ + b, over the last dimension", Positional: []string{"out_features"}, Params: []Parameter{
			inferred("in_features", -1, "inputs"),
			size("out_features", "outputs"),
			boolean("bias", true, "add b"),
		}},
		{Name: "bilinear", Module: "Bilinear", Workers: both, Doc: "y = xᵀ A x + b; both inputs are the layer's input", Positional: []string{"out_features"}, Params: []Parameter{
			inferred("in1_features", -1, "inputs"),
			inferred("in2_features", -1, "inputs, the same"),
			size("out_features", "outputs"),
			boolean("bias", true, "add b"),
		}},
		{Name: "embedding", Module: "Embedding", Workers: both, Doc: "a vector for each whole number of the input, [...] to [..., embedding_dim]", Positional: []string{"num_embeddings", "embedding_dim"}, Params: []Parameter{
			size("num_embeddings", "how many numbers there are; the input is 0 to num_embeddings-1"),
			size("embedding_dim", "length of a vector"),
			{Name: "padding_idx", Type: Integer, Range: anything, Doc: "the number whose vector is zero and stays so; absent: none"},
		}},
	}
}

func convLayers() []Layer {
	padding := window("padding", 0, counts, `zeros around the input, or "same" (stride 1), or "valid"`)
	padding.Values = []string{"same", "valid"}
	var convs, transposed []Layer
	for d := 1; d <= 3; d++ {
		workers := onlyPyTorchIn3D(d)
		convs = append(convs, Layer{
			Name: fmt.Sprintf("conv%dd", d), Module: fmt.Sprintf("Conv%dd", d), Dims: d, Ranks: []int{d + 1}, Workers: workers,
			Doc:        fmt.Sprintf("a convolution over %d dimension(s), channels first", d),
			Positional: []string{"out_channels", "kernel_size", "stride", "padding"},
			Params: []Parameter{
				inferred("in_channels", 1, "channels of the input"),
				size("out_channels", "channels of the output"),
				sized("kernel_size", "size of the window"),
				window("stride", 1, sizes, "step of the window"),
				padding,
				window("dilation", 1, sizes, "distance of the window's points"),
				integer("groups", 1, sizes, "groups of channels that do not mix"),
				boolean("bias", true, "add a number to each channel"),
			},
		})
		transposed = append(transposed, Layer{
			Name: fmt.Sprintf("conv_transpose%dd", d), Module: fmt.Sprintf("ConvTranspose%dd", d), Dims: d, Ranks: []int{d + 1}, Workers: workers,
			Doc:        fmt.Sprintf("the transpose of a convolution over %d dimension(s): makes the input larger", d),
			Positional: []string{"out_channels", "kernel_size", "stride", "padding"},
			Params: []Parameter{
				inferred("in_channels", 1, "channels of the input"),
				size("out_channels", "channels of the output"),
				sized("kernel_size", "size of the window"),
				window("stride", 1, sizes, "step of the window"),
				window("padding", 0, counts, "what is cut off around the output"),
				window("output_padding", 0, counts, "what is added at one side of the output"),
				integer("groups", 1, sizes, "groups of channels that do not mix"),
				boolean("bias", true, "add a number to each channel"),
				window("dilation", 1, sizes, "distance of the window's points"),
			},
		})
	}
	return append(convs, transposed...)
}

func poolLayers() []Layer {
	stride := Parameter{Name: "stride", Type: Integers, Range: sizes, Doc: "step of the window; absent: kernel_size"}
	positional := []string{"kernel_size", "stride", "padding"}
	var largest, mean, adaptive []Layer
	for d := 1; d <= 3; d++ {
		workers := onlyPyTorchIn3D(d)
		largest = append(largest, Layer{
			Name: fmt.Sprintf("maxpool%dd", d), Module: fmt.Sprintf("MaxPool%dd", d), Dims: d, Ranks: []int{d + 1}, Workers: workers, Doc: "the largest value of each window", Positional: positional,
			Params: []Parameter{
				sized("kernel_size", "size of the window"),
				stride,
				window("padding", 0, counts, "border around the input, at most half of the window"),
				window("dilation", 1, sizes, "distance of the window's points"),
				boolean("ceil_mode", false, "windows may hang over the end"),
			},
		})
		mean = append(mean, Layer{
			Name: fmt.Sprintf("avgpool%dd", d), Module: fmt.Sprintf("AvgPool%dd", d), Dims: d, Ranks: []int{d + 1}, Workers: workers, Doc: "the mean of each window", Positional: positional,
			Params: []Parameter{
				sized("kernel_size", "size of the window"),
				stride,
				window("padding", 0, counts, "zeros around the input, at most half of the window"),
				boolean("ceil_mode", false, "windows may hang over the end"),
				boolean("count_include_pad", true, "the zeros count"),
			},
		})
		for _, how := range []string{"avg", "max"} {
			module := map[string]string{"avg": "Avg", "max": "Max"}[how]
			adaptive = append(adaptive, Layer{
				Name: fmt.Sprintf("adaptive_%spool%dd", how, d), Module: fmt.Sprintf("Adaptive%sPool%dd", module, d), Dims: d, Ranks: []int{d + 1}, Workers: workers,
				Doc: "pooling to a given size, whatever the input's", Positional: []string{"output_size"},
				Params: []Parameter{sized("output_size", "size of the output")},
			})
		}
	}
	return append(append(largest, mean...), adaptive...)
}

// onlyPyTorchIn3D lists the workers of convolutions and pools: the engine has no windows
// over three dimensions.
func onlyPyTorchIn3D(d int) []string {
	if d == 3 {
		return gpu
	}
	return both
}

func normLayers() []Layer {
	eps := number("eps", 1e-5, counts, "added to the variance")
	newest := number("momentum", 0.1, share, "weight of the newest batch in the running figures")
	learned := boolean("affine", true, "a learned factor and summand")
	var batch, instance []Layer
	for d := 1; d <= 3; d++ {
		ranks := []int{d + 1}
		if d == 1 {
			ranks = []int{1, 2} // [features] too
		}
		batch = append(batch, Layer{
			Name: fmt.Sprintf("batchnorm%dd", d), Module: fmt.Sprintf("BatchNorm%dd", d), Dims: d, Ranks: ranks, Workers: both,
			Doc:    "mean 0 and variance 1 for each channel over the batch; running figures in evaluation",
			Params: []Parameter{inferred("num_features", 1, "channels"), eps, newest, learned, boolean("track_running_stats", true, "keep running figures for evaluation")},
		})
		instance = append(instance, Layer{
			Name: fmt.Sprintf("instancenorm%dd", d), Module: fmt.Sprintf("InstanceNorm%dd", d), Dims: d, Ranks: []int{d + 1}, Workers: both,
			Doc:    "mean 0 and variance 1 for each channel of each sample",
			Params: []Parameter{inferred("num_features", 1, "channels"), eps, newest, boolean("affine", false, learned.Doc), boolean("track_running_stats", false, "keep running figures for evaluation")},
		})
	}
	others := []Layer{
		{Name: "layernorm", Module: "LayerNorm", Workers: both, Doc: "mean 0 and variance 1 over the last dimensions of each sample", Params: []Parameter{
			{Name: "normalized_shape", Type: Integers, From: -1, Range: sizes, Doc: "the last sizes; absent: the last one"},
			eps,
			boolean("elementwise_affine", true, learned.Doc),
		}},
		{Name: "groupnorm", Module: "GroupNorm", Workers: both, Doc: "mean 0 and variance 1 over groups of channels of each sample", Positional: []string{"num_groups"},
			Params: []Parameter{size("num_groups", "groups"), inferred("num_channels", 1, "channels"), eps, learned}},
	}
	return append(append(batch, others...), instance...)
}

func dropoutLayers() []Layer {
	p := number("p", 0.5, share, "probability of a zero")
	p.Alias = "rate"
	row := func(name, module string, dims int, workers []string, doc string) Layer {
		l := Layer{Name: name, Module: module, Dims: dims, Workers: workers, Doc: doc, Positional: []string{"p"}, Params: []Parameter{p}}
		if dims > 0 {
			l.Ranks = []int{dims + 1}
		}
		return l
	}
	return []Layer{
		row("dropout", "Dropout", 0, both, "while training, each number is zero with probability p, the others grow by 1/(1-p)"),
		row("dropout1d", "Dropout1d", 1, both, "as dropout, whole channels of [channels, length]"),
		row("dropout2d", "Dropout2d", 2, both, "as dropout, whole channels of [channels, height, width]"),
		row("dropout3d", "Dropout3d", 3, both, "as dropout, whole channels of [channels, depth, height, width]"),
		row("alpha_dropout", "AlphaDropout", 0, gpu, "dropout that keeps mean and variance, for selu"),
		row("feature_alpha_dropout", "FeatureAlphaDropout", 0, gpu, "alpha_dropout of whole channels"),
	}
}

func activationLayers() []Layer {
	row := func(name, module, doc string, params ...Parameter) Layer {
		l := Layer{Name: name, Module: module, Workers: both, Doc: doc, Params: append([]Parameter{}, params...)}
		l.Positional = l.ParamNames()
		return l
	}
	dim := axis("dim", -1, "the dimension, the batch being 0; PyTorch itself has no default")
	return []Layer{
		row("relu", "ReLU", "max(x, 0)"),
		row("relu6", "ReLU6", "min(max(x, 0), 6)"),
		row("leaky_relu", "LeakyReLU", "x, below 0 negative_slope x", number("negative_slope", 0.01, anything, "slope below 0")),
		row("elu", "ELU", "x, below 0 alpha (exp x - 1)", number("alpha", 1, anything, "scale below 0")),
		row("selu", "SELU", "the self-normalising elu"),
		row("celu", "CELU", "x, below 0 alpha (exp(x/alpha) - 1)", number("alpha", 1, positive, "scale below 0")),
		row("gelu", "GELU", "x Φ(x)", choice("approximate", "none: by erf; tanh: the approximation", "none", "tanh")),
		row("silu", "SiLU", "x sigmoid(x), also called swish"),
		row("mish", "Mish", "x tanh(softplus x)"),
		row("sigmoid", "Sigmoid", "1/(1+exp -x)"),
		row("logsigmoid", "LogSigmoid", "log sigmoid(x)"),
		row("hardsigmoid", "Hardsigmoid", "min(max(x/6+1/2, 0), 1)"),
		row("tanh", "Tanh", "the hyperbolic tangent"),
		row("hardtanh", "Hardtanh", "x within min_val to max_val", number("min_val", -1, anything, "least value"), number("max_val", 1, anything, "largest value")),
		row("hardswish", "Hardswish", "x hardsigmoid(x)"),
		row("softplus", "Softplus", "log(1+exp(beta x))/beta", number("beta", 1, positive, "sharpness"), number("threshold", 20, anything, "the output is x itself if beta x is above it")),
		row("softsign", "Softsign", "x/(1+|x|)"),
		row("softshrink", "Softshrink", "x nearer to 0 by lambd", number("lambd", 0.5, counts, "width of the zero")),
		row("hardshrink", "Hardshrink", "x, 0 within lambd of 0", number("lambd", 0.5, counts, "width of the zero")),
		row("tanhshrink", "Tanhshrink", "x - tanh x"),
		row("threshold", "Threshold", "x above threshold, else value", number("threshold", 0, anything, "the bound"), number("value", 0, anything, "the value below the bound")),
		row("softmax", "Softmax", "exp x / sum of exp x; cross_entropy has it built in", dim),
		row("softmin", "Softmin", "softmax of -x", dim),
		row("log_softmax", "LogSoftmax", "log of softmax; goes with the loss nll", dim),
		row("identity", "Identity", "x"),
		row("prelu", "PReLU", "x, below 0 a learned slope times x", integer("num_parameters", 1, sizes, "1, or the number of channels"), number("init", 0.25, anything, "the slope at the start")),
		row("glu", "GLU", "first half times sigmoid of the second half", dim),
	}
}

func sequenceLayers() []Layer {
	recurrent := func(name, module, doc string, more ...Parameter) Layer {
		return Layer{
			Name: name, Module: module, Ranks: []int{2}, Workers: both, Positional: []string{"hidden_size", "num_layers"},
			Doc: doc + ", [steps, features] to [hidden] (the last step's output) or [steps, hidden]",
			Params: append([]Parameter{
				inferred("input_size", -1, "features of a step"),
				size("hidden_size", "units"),
				integer("num_layers", 1, &Range{Low: 1, High: 256}, "layers, one on the other"), // PyTorch makes them one by one
				boolean("bias", true, "add b"),
				number("dropout", 0, share, "between the layers"),
				boolean("bidirectional", false, "also from the end; doubles the outputs"),
				choice("output", "last: the output at the last step, output[:, -1]; sequence: at all steps", "last", "sequence"),
			}, more...),
		}
	}
	return []Layer{
		recurrent("rnn", "RNN", "a recurrent layer", choice("nonlinearity", "of the state", "tanh", "relu")),
		recurrent("lstm", "LSTM", "a long short-term memory"),
		recurrent("gru", "GRU", "a gated recurrent unit"),
		{Name: "transformer_encoder_layer", Module: "TransformerEncoderLayer", Ranks: []int{2}, Workers: both, Positional: []string{"nhead", "dim_feedforward"},
			Doc: "self-attention and a feed-forward network, each with a residual and a layer norm, [steps, d_model] to the same; batch_first is always true",
			Params: []Parameter{
				inferred("d_model", -1, "features of a step"),
				size("nhead", "attention heads; divides d_model"),
				integer("dim_feedforward", 2048, sizes, "units of the feed-forward network"),
				number("dropout", 0.1, share, "in four places"),
				choice("activation", "of the feed-forward network", "relu", "gelu"),
				number("layer_norm_eps", 1e-5, counts, "of the layer norms"),
				boolean("norm_first", false, "norm before attention and feed-forward, not after"),
			}},
	}
}

func shapeLayers() []Layer {
	return []Layer{
		{Name: "flatten", Module: "Flatten", Workers: both, Doc: "joins dimensions into one", Params: []Parameter{
			axis("start_dim", 1, "first dimension to join, the batch being 0"),
			axis("end_dim", -1, "last dimension to join"),
		}},
		{Name: "reshape", Workers: both, Doc: "x.reshape(batch, *shape)", Positional: []string{"shape"}, Params: []Parameter{
			{Name: "shape", Type: Integers, Required: true, Range: sizeRest, Doc: "sizes without the batch; one may be -1: what is left"},
		}},
		{Name: "permute", Workers: both, Doc: "x.permute(0, *dims)", Positional: []string{"dims"}, Params: []Parameter{
			{Name: "dims", Type: Integers, Required: true, Range: sizes, Doc: "the dimensions in their new order, the batch being 0 and left out"},
		}},
		{Name: "pixel_shuffle", Module: "PixelShuffle", Ranks: []int{3}, Workers: both, Positional: []string{"upscale_factor"},
			Doc: "channels to pixels: [channels r², height, width] to [channels, height r, width r], where r is upscale_factor",
			Params: []Parameter{
				size("upscale_factor", "how many times as high and as wide the output is"),
			}},
		{Name: "mean", Workers: both, Doc: "x.mean(dim): the mean over one dimension, for instance the steps of a sequence", Positional: []string{"dim"}, Params: []Parameter{
			axis("dim", 1, "the dimension that vanishes, the batch being 0"),
		}},
		{Name: "residual", Workers: both, Doc: `layers(x) + x, or layers(x) + shortcut(x); state under "layers." and "shortcut."`, Params: []Parameter{
			{Name: "layers", Type: LayerList, Required: true, Doc: "the layers whose output is added"},
			{Name: "shortcut", Type: LayerList, Doc: "layers that x goes through before it is added; absent: x itself"},
		}},
		{Name: "branches", Workers: both, Doc: `the same input through several lists of layers, joined; state under "branches.0." and so on`, Positional: []string{"merge"}, Params: []Parameter{
			{Name: "branches", Type: LayerLists, Required: true, Doc: "the lists of layers; an empty list passes the input"},
			choice("merge", "concat: side by side along dim; add: the sum", "concat", "add"),
			axis("dim", 1, "for concat, the batch being 0"),
		}},
	}
}
