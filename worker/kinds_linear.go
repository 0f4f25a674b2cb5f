package worker

func linearKinds() []Kind {
	return []Kind{
		{
			Name: "linear", Module: "Linear", Doc: "a fully connected layer: y = x Wᵀ + b, over the last dimension",
			Params: []Param{
				inferred("in_features", "inputs"),
				size("out_features", "outputs"),
				optBool("bias", true, "add b"),
			},
			Positional: []string{"out_features"},
			shape: func(a *args, in []int) ([]int, error) {
				if err := a.infer("in_features", last(in)); err != nil {
					return nil, err
				}
				return a.rows(in, a.int("out_features")), nil
			},
			state: func(a *args) []StateTensor {
				return withBias(a, a.int("out_features"), param("weight", a.int("out_features"), a.int("in_features")))
			},
		},
		{
			Name: "bilinear", Module: "Bilinear", Doc: "y = xᵀ A x + b; both inputs are the layer's input",
			Params: []Param{
				inferred("in1_features", "inputs"),
				inferred("in2_features", "inputs, the same"),
				size("out_features", "outputs"),
				optBool("bias", true, "add b"),
			},
			Positional: []string{"out_features"},
			shape: func(a *args, in []int) ([]int, error) {
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
			},
			state: func(a *args) []StateTensor {
				return withBias(a, a.int("out_features"),
					param("weight", a.int("out_features"), a.int("in1_features"), a.int("in2_features")))
			},
		},
		{
			Name: "embedding", Module: "Embedding", Doc: "a vector for each whole number of the input, [...] to [..., embedding_dim]",
			Params: []Param{
				size("num_embeddings", "how many numbers there are; the input is 0 to num_embeddings-1"),
				size("embedding_dim", "length of a vector"),
				{Name: "padding_idx", Type: Int, Doc: "the number whose vector is zero and stays so; absent: none"},
			},
			Positional: []string{"num_embeddings", "embedding_dim"},
			shape: func(a *args, in []int) ([]int, error) {
				if a.has("padding_idx") {
					if p, n := a.int("padding_idx"), a.int("num_embeddings"); p < -n || p >= n {
						return nil, a.misfit("padding_idx", "padding_idx %d is not within the %d embeddings", p, n)
					}
				}
				if in == nil {
					return nil, nil
				}
				return append(append([]int{}, in...), a.int("embedding_dim")), nil
			},
			state: func(a *args) []StateTensor {
				return []StateTensor{param("weight", a.int("num_embeddings"), a.int("embedding_dim"))}
			},
		},
	}
}

// withBias adds the bias of n numbers where the layer has one.
func withBias(a *args, n int, tensors ...StateTensor) []StateTensor {
	if a.bool("bias") {
		tensors = append(tensors, param("bias", n))
	}
	return tensors
}
