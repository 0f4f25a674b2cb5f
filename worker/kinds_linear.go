package worker

func linearRules() map[string]rule {
	return map[string]rule{
		"linear":    {shape: linearShape, state: linearState},
		"bilinear":  {shape: bilinearShape, state: bilinearState},
		"embedding": {shape: embeddingShape, state: embeddingState},
	}
}

func linearShape(a *args, in []int) ([]int, error) {
	if err := a.infer("in_features", last(in)); err != nil {
		return nil, err
	}
	return a.rows(in, a.int("out_features")), nil
}

func linearState(a *args) []StateTensor {
	return withBias(a, a.int("out_features"), param("weight", a.int("out_features"), a.int("in_features")))
}

func bilinearShape(a *args, in []int) ([]int, error) {
	n := last(in)
	if n == 0 {
		n = max(a.int("in1_features"), a.int("in2_features"))
	}
	if err := a.infer("in1_features", n); err != nil {
		return nil, err
	}
	if err := a.infer("in2_features", n); err != nil {
		return nil, err
	}
	return a.rows(in, a.int("out_features")), nil
}

func bilinearState(a *args) []StateTensor {
	return withBias(a, a.int("out_features"),
		param("weight", a.int("out_features"), a.int("in1_features"), a.int("in2_features")))
}

func embeddingShape(a *args, in []int) ([]int, error) {
	if a.has("padding_idx") {
		if p, n := a.int("padding_idx"), a.int("num_embeddings"); p < -n || p >= n {
			return nil, a.misfit("padding_idx", "padding_idx %d is not within the %d embeddings", p, n)
		}
	}
	if in == nil {
		return nil, nil
	}
	return append(append([]int{}, in...), a.int("embedding_dim")), nil
}

func embeddingState(a *args) []StateTensor {
	return []StateTensor{param("weight", a.int("num_embeddings"), a.int("embedding_dim"))}
}

// withBias adds the bias of n numbers if the layer has one.
func withBias(a *args, n int, tensors ...StateTensor) []StateTensor {
	if a.bool("bias") {
		tensors = append(tensors, param("bias", n))
	}
	return tensors
}
