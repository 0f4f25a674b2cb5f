package worker

import "fmt"

func sequenceKinds() []Kind {
	return []Kind{
		recurrentKind("rnn", "RNN", "a recurrent layer", 1, optText("nonlinearity", "of the state", "tanh", "relu")),
		recurrentKind("lstm", "LSTM", "a long short-term memory", 4),
		recurrentKind("gru", "GRU", "a gated recurrent unit", 3),
		transformerKind(),
	}
}

// recurrentKind has gates rows of weights for each unit. Input and output have
// the batch first, [steps, features]; batch_first is no parameter.
func recurrentKind(name, module, doc string, gates int, more ...Param) Kind {
	return Kind{
		Name: name, Module: module, Doc: doc + ", [steps, features] to [hidden] (the last step's output) or [steps, hidden]",
		Params: append([]Param{
			inferred("input_size", "features of a step"),
			size("hidden_size", "units"),
			{Name: "num_layers", Type: Int, Default: 1, Range: Positive, Most: 256, Doc: "layers, one on the other"}, // PyTorch makes them one by one
			optBool("bias", true, "add b"),
			optFloat("dropout", 0, Fraction, "between the layers"),
			optBool("bidirectional", false, "also from the end; doubles the outputs"),
			optText("output", "last: the output at the last step, output[:, -1]; sequence: at all steps", "last", "sequence"),
		}, more...),
		Positional: []string{"hidden_size", "num_layers"},
		shape: func(a *args, in []int) ([]int, error) {
			if err := a.want(in, "steps", "features"); err != nil {
				return nil, err
			}
			if err := a.infer("input_size", last(in)); err != nil {
				return nil, err
			}
			n := a.int("hidden_size") * directions(a)
			if a.text("output") == "last" {
				return []int{n}, nil
			}
			if in == nil {
				return nil, nil
			}
			return []int{in[0], n}, nil
		},
		state: func(a *args) []StateTensor { return recurrentState(a, gates) },
	}
}

func directions(a *args) int {
	if a.bool("bidirectional") {
		return 2
	}
	return 1
}

func recurrentState(a *args, gates int) []StateTensor {
	h, dirs := a.int("hidden_size"), directions(a)
	var s []StateTensor
	for l := range a.int("num_layers") {
		in := a.int("input_size")
		if l > 0 {
			in = h * dirs
		}
		for d := range dirs {
			suffix := fmt.Sprintf("_l%d", l) + [2]string{"", "_reverse"}[d]
			s = append(s, param("weight_ih"+suffix, gates*h, in), param("weight_hh"+suffix, gates*h, h))
			if a.bool("bias") {
				s = append(s, param("bias_ih"+suffix, gates*h), param("bias_hh"+suffix, gates*h))
			}
		}
	}
	return s
}

func transformerKind() Kind {
	return Kind{
		Name: "transformer_encoder_layer", Module: "TransformerEncoderLayer",
		Doc: "self-attention and a feed-forward network, each with a residual and a layer norm, [steps, d_model] to the same; batch_first is always true",
		Params: []Param{
			inferred("d_model", "features of a step"),
			size("nhead", "attention heads; divides d_model"),
			optInt("dim_feedforward", 2048, Positive, "units of the feed-forward network"),
			optFloat("dropout", 0.1, Fraction, "in four places"),
			optText("activation", "of the feed-forward network", "relu", "gelu"),
			optFloat("layer_norm_eps", 1e-5, NotNegative, "of the layer norms"),
			optBool("norm_first", false, "norm before attention and feed-forward, not after"),
		},
		Positional: []string{"nhead", "dim_feedforward"},
		shape: func(a *args, in []int) ([]int, error) {
			if err := a.want(in, "steps", "features"); err != nil {
				return nil, err
			}
			if err := a.infer("d_model", last(in)); err != nil {
				return nil, err
			}
			if d, n := a.int("d_model"), a.int("nhead"); d%n != 0 {
				return nil, a.misfit("nhead", "nhead %d does not divide d_model %d", n, d)
			}
			return in, nil
		},
		state: func(a *args) []StateTensor {
			d, f := a.int("d_model"), a.int("dim_feedforward")
			return []StateTensor{
				param("self_attn.in_proj_weight", 3*d, d), param("self_attn.in_proj_bias", 3*d),
				param("self_attn.out_proj.weight", d, d), param("self_attn.out_proj.bias", d),
				param("linear1.weight", f, d), param("linear1.bias", f),
				param("linear2.weight", d, f), param("linear2.bias", d),
				param("norm1.weight", d), param("norm1.bias", d),
				param("norm2.weight", d), param("norm2.bias", d),
			}
		},
	}
}
