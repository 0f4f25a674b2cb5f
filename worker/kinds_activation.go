package worker

func activationRules() map[string]rule {
	rules := map[string]rule{
		"softmax": {shape: dimShape}, "softmin": {shape: dimShape}, "log_softmax": {shape: dimShape},
		"prelu": {shape: preluShape, state: preluState},
		"glu":   {shape: gluShape},
	}
	for _, name := range []string{
		"relu", "relu6", "leaky_relu", "elu", "selu", "celu", "gelu", "silu", "mish", "sigmoid", "logsigmoid", "hardsigmoid", "tanh", "hardtanh",
		"hardswish", "softplus", "softsign", "softshrink", "hardshrink", "tanhshrink", "threshold", "identity",
	} {
		rules[name] = rule{shape: same}
	}
	return rules
}

func preluShape(a *args, in []int) ([]int, error) {
	if n := a.int("num_parameters"); n != 1 && in != nil && n != first(in) {
		return nil, a.misfit("num_parameters", "num_parameters %d is neither 1 nor the channels of %s", n, Sizes(in))
	}
	return in, nil
}

func preluState(a *args) []StateTensor {
	return []StateTensor{param("weight", a.int("num_parameters"))}
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
		return 0, a.misfit(name, "%s %d is not a dimension of %s after the batch", name, dim, Sizes(in))
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
