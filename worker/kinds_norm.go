package worker

import (
	"fmt"
	"slices"
)

func normRules() map[string]rule {
	rules := map[string]rule{
		"layernorm": {shape: layerNormShape, state: layerNormState},
		"groupnorm": {shape: groupNormShape, state: groupNormState},
	}
	for d := 1; d <= 3; d++ {
		rules[fmt.Sprintf("batchnorm%dd", d)] = rule{shape: batchNormShape, state: runningState}
		rules[fmt.Sprintf("instancenorm%dd", d)] = rule{shape: instanceNormShape, state: runningState}
	}
	for _, name := range []string{"dropout", "dropout1d", "dropout2d", "dropout3d", "alpha_dropout", "feature_alpha_dropout"} {
		rules[name] = rule{shape: same}
	}
	return rules
}

func batchNormShape(a *args, in []int) ([]int, error) {
	if a.kind.Dims > 1 || len(in) != 1 { // batchnorm1d takes [features] too
		if err := a.want(in, spatial[a.kind.Dims-1]...); err != nil {
			return nil, err
		}
	}
	return in, a.infer("num_features", first(in))
}

func instanceNormShape(a *args, in []int) ([]int, error) {
	return in, channels(a, in, "num_features")
}

// runningState is the state of batch and instance norm.
func runningState(a *args) []StateTensor {
	n := a.int("num_features")
	var s []StateTensor
	if a.bool("affine") {
		s = append(s, param("weight", n), param("bias", n))
	}
	if a.bool("track_running_stats") {
		s = append(s, StateTensor{Name: "running_mean", Shape: []int{n}, Buffer: true},
			StateTensor{Name: "running_var", Shape: []int{n}, Buffer: true},
			StateTensor{Name: "num_batches_tracked", Shape: []int{}, Buffer: true, Int64: true})
	}
	return s
}

func layerNormShape(a *args, in []int) ([]int, error) {
	given, ok := a.layer.Params["normalized_shape"].([]int)
	if n, one := a.layer.Params["normalized_shape"].(int); one {
		given, ok = []int{n}, true
	}
	switch {
	case !ok && len(in) == 0:
		return nil, a.misfit("normalized_shape", "normalized_shape is not given, and the size of the input is not known")
	case !ok:
		given = []int{last(in)}
	case in != nil && (len(given) > len(in) || !slices.Equal(given, in[len(in)-len(given):])):
		return nil, a.misfit("normalized_shape", "normalized_shape %s, but %s %s", Sizes(given), a.from, Sizes(in))
	}
	a.layer.Params["normalized_shape"] = given
	return in, nil
}

func layerNormState(a *args) []StateTensor {
	shape, _ := a.value("normalized_shape").([]int)
	if !a.bool("elementwise_affine") {
		return nil
	}
	return []StateTensor{param("weight", shape...), param("bias", shape...)}
}

func groupNormShape(a *args, in []int) ([]int, error) {
	if err := a.infer("num_channels", first(in)); err != nil {
		return nil, err
	}
	if c, g := a.int("num_channels"), a.int("num_groups"); c%g != 0 {
		return nil, a.misfit("num_groups", "num_groups %d does not divide %d channels", g, c)
	}
	return in, nil
}

func groupNormState(a *args) []StateTensor {
	if !a.bool("affine") {
		return nil
	}
	return []StateTensor{param("weight", a.int("num_channels")), param("bias", a.int("num_channels"))}
}
