package worker

func activationKinds() []Kind {
	act := func(name, module, doc string, params ...Param) Kind {
		k := Kind{Name: name, Module: module, Doc: doc, Params: params, shape: same}
		for _, p := range params {
			k.Positional = append(k.Positional, p.Name)
		}
		return k
	}
	dim := optInt("dim", -1, AnyNumber, "the dimension, the batch being 0; PyTorch's own default there is none")
	kinds := []Kind{
		act("relu", "ReLU", "max(x, 0)"),
		act("relu6", "ReLU6", "min(max(x, 0), 6)"),
		act("leaky_relu", "LeakyReLU", "x, below 0 negative_slope x", optFloat("negative_slope", 0.01, AnyNumber, "slope below 0")),
		act("elu", "ELU", "x, below 0 alpha (exp x - 1)", optFloat("alpha", 1, AnyNumber, "scale below 0")),
		act("selu", "SELU", "the self-normalising elu"),
		act("celu", "CELU", "x, below 0 alpha (exp(x/alpha) - 1)", optFloat("alpha", 1, Positive, "scale below 0")),
		act("gelu", "GELU", "x Φ(x)", optText("approximate", "none: by erf; tanh: the approximation", "none", "tanh")),
		act("silu", "SiLU", "x sigmoid(x), also called swish"),
		act("mish", "Mish", "x tanh(softplus x)"),
		act("sigmoid", "Sigmoid", "1/(1+exp -x)"),
		act("logsigmoid", "LogSigmoid", "log sigmoid(x)"),
		act("hardsigmoid", "Hardsigmoid", "min(max(x/6+1/2, 0), 1)"),
		act("tanh", "Tanh", "the hyperbolic tangent"),
		act("hardtanh", "Hardtanh", "x within min_val to max_val",
			optFloat("min_val", -1, AnyNumber, "least value"), optFloat("max_val", 1, AnyNumber, "largest value")),
		act("hardswish", "Hardswish", "x hardsigmoid(x)"),
		act("softplus", "Softplus", "log(1+exp(beta x))/beta",
			optFloat("beta", 1, Positive, "sharpness"), optFloat("threshold", 20, AnyNumber, "x itself where beta x is above")),
		act("softsign", "Softsign", "x/(1+|x|)"),
		act("softshrink", "Softshrink", "x nearer to 0 by lambd", optFloat("lambd", 0.5, NotNegative, "width of the zero")),
		act("hardshrink", "Hardshrink", "x, 0 within lambd of 0", optFloat("lambd", 0.5, NotNegative, "width of the zero")),
		act("tanhshrink", "Tanhshrink", "x - tanh x"),
		act("threshold", "Threshold", "x above threshold, else value",
			optFloat("threshold", 0, AnyNumber, "the bound"), optFloat("value", 0, AnyNumber, "what stands below")),
		act("softmax", "Softmax", "exp x / sum of exp x; cross_entropy has it built in", dim),
		act("softmin", "Softmin", "softmax of -x", dim),
		act("log_softmax", "LogSoftmax", "log of softmax; goes with the loss nll", dim),
		act("identity", "Identity", "x"),
	}
	prelu := act("prelu", "PReLU", "x, below 0 a learned slope times x",
		optInt("num_parameters", 1, Positive, "1, or the number of channels"), optFloat("init", 0.25, AnyNumber, "the slope at the start"))
	prelu.shape = func(a *args, in []int) ([]int, error) {
		if n := a.int("num_parameters"); n != 1 && in != nil && n != first(in) {
			return nil, a.misfit("num_parameters", "num_parameters %d is neither 1 nor the channels of %s", n, Sizes(in))
		}
		return in, nil
	}
	prelu.state = func(a *args) []StateTensor { return []StateTensor{param("weight", a.int("num_parameters"))} }
	glu := act("glu", "GLU", "first half times sigmoid of the second half", dim)
	glu.shape = gluShape
	for i := range kinds {
		if kinds[i].Params != nil && kinds[i].Params[0].Name == "dim" {
			kinds[i].shape = dimShape
		}
	}
	return append(kinds, prelu, glu)
}

// axis turns dim, where 0 is the batch and negative counts from the end, into
// an index of in.
func axis(a *args, in []int, name string) (int, error) {
	dim := a.int(name)
	i := dim - 1
	if dim < 0 {
		i = len(in) + dim
	}
	if dim == 0 || i < 0 || i >= len(in) {
		return 0, a.misfit(name, "%s %d is not a dimension of %s behind the batch", name, dim, Sizes(in))
	}
	return i, nil
}

func dimShape(a *args, in []int) ([]int, error) {
	if in == nil {
		return nil, nil
	}
	_, err := axis(a, in, "dim")
	return in, err
}

func gluShape(a *args, in []int) ([]int, error) {
	if in == nil {
		return nil, nil
	}
	i, err := axis(a, in, "dim")
	if err != nil {
		return nil, err
	}
	if in[i]%2 != 0 {
		return nil, a.misfit("dim", "wants an even size to halve, but %s %s", a.from, Sizes(in))
	}
	out := append([]int{}, in...)
	out[i] /= 2
	return out, nil
}
