package worker

import "fmt"

func sequenceRules() map[string]rule {
	// gates is the number of rows of weights for each unit.
	recurrent := func(gates int) rule {
		return rule{shape: recurrentShape, state: func(a *args) []StateTensor { return recurrentState(a, gates) }}
	}
	return map[string]rule{
		"rnn": recurrent(1), "lstm": recurrent(4), "gru": recurrent(3),
		"transformer_encoder_layer": {shape: transformerShape, state: transformerState},
	}
}

// recurrentShape: input and output have the batch first, [steps, features]; batch_first
// is not a parameter.
func recurrentShape(a *args, in []int) ([]int, error) {
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

func transformerShape(a *args, in []int) ([]int, error) {
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
}

func transformerState(a *args) []StateTensor {
	d, f := a.int("d_model"), a.int("dim_feedforward")
	return []StateTensor{
		param("self_attn.in_proj_weight", 3*d, d), param("self_attn.in_proj_bias", 3*d),
		param("self_attn.out_proj.weight", d, d), param("self_attn.out_proj.bias", d),
		param("linear1.weight", f, d), param("linear1.bias", f),
		param("linear2.weight", d, f), param("linear2.bias", d),
		param("norm1.weight", d), param("norm1.bias", d),
		param("norm2.weight", d), param("norm2.bias", d),
	}
}
