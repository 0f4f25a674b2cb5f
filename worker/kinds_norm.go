package worker

import (
	"fmt"
	"slices"
)

func normKinds() []Kind {
	kinds := []Kind{batchNormKind(1), batchNormKind(2), batchNormKind(3), layerNormKind(), groupNormKind()}
	for d := 1; d <= 3; d++ {
		kinds = append(kinds, instanceNormKind(d))
	}
	dropouts := []struct {
		name, module, doc string
		dims              int
	}{
		{"dropout", "Dropout", "while training, each number is zero with probability p, the others grow by 1/(1-p)", 0},
		{"dropout1d", "Dropout1d", "as dropout, whole channels of [channels, length]", 1},
		{"dropout2d", "Dropout2d", "as dropout, whole channels of [channels, height, width]", 2},
		{"dropout3d", "Dropout3d", "as dropout, whole channels of [channels, depth, height, width]", 3},
		{"alpha_dropout", "AlphaDropout", "dropout that keeps mean and variance, for selu", 0},
		{"feature_alpha_dropout", "FeatureAlphaDropout", "alpha_dropout of whole channels", 0},
	}
	for _, d := range dropouts {
		p := optFloat("p", 0.5, Fraction, "probability of a zero")
		p.Alias = "rate"
		kinds = append(kinds, Kind{Name: d.name, Module: d.module, Doc: d.doc, Dims: d.dims, Params: []Param{p}, Positional: []string{"p"}, shape: same})
	}
	return kinds
}

func batchNormKind(d int) Kind {
	return Kind{
		Name: fmt.Sprintf("batchnorm%dd", d), Module: fmt.Sprintf("BatchNorm%dd", d), Dims: d,
		Doc: "mean 0 and variance 1 for each channel over the batch; running figures in evaluation",
		Params: []Param{
			inferred("num_features", "channels"),
			optFloat("eps", 1e-5, NotNegative, "added to the variance"),
			optFloat("momentum", 0.1, Fraction, "weight of the newest batch in the running figures"),
			optBool("affine", true, "a learned factor and summand"),
			optBool("track_running_stats", true, "keep running figures for evaluation"),
		},
		shape: func(a *args, in []int) ([]int, error) {
			if d > 1 || len(in) != 1 { // batchnorm1d takes [features] too
				if err := a.want(in, spatial[d-1]...); err != nil {
					return nil, err
				}
			}
			return in, a.infer("num_features", first(in))
		},
		state: runningState,
	}
}

func instanceNormKind(d int) Kind {
	return Kind{
		Name: fmt.Sprintf("instancenorm%dd", d), Module: fmt.Sprintf("InstanceNorm%dd", d), Dims: d,
		Doc: "mean 0 and variance 1 for each channel of each sample",
		Params: []Param{
			inferred("num_features", "channels"),
			optFloat("eps", 1e-5, NotNegative, "added to the variance"),
			optFloat("momentum", 0.1, Fraction, "weight of the newest batch in the running figures"),
			optBool("affine", false, "a learned factor and summand"),
			optBool("track_running_stats", false, "keep running figures for evaluation"),
		},
		shape: func(a *args, in []int) ([]int, error) { return in, channels(a, in, d, "num_features") },
		state: runningState,
	}
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

func layerNormKind() Kind {
	return Kind{
		Name: "layernorm", Module: "LayerNorm", Doc: "mean 0 and variance 1 over the last dimensions of each sample",
		Params: []Param{
			{Name: "normalized_shape", Type: Ints, Inferable: true, Range: Positive, Doc: "the last sizes; absent: the last one"},
			optFloat("eps", 1e-5, NotNegative, "added to the variance"),
			optBool("elementwise_affine", true, "a learned factor and summand"),
		},
		shape: func(a *args, in []int) ([]int, error) {
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
		},
		state: func(a *args) []StateTensor {
			shape, _ := a.value("normalized_shape").([]int)
			if !a.bool("elementwise_affine") {
				return nil
			}
			return []StateTensor{param("weight", shape...), param("bias", shape...)}
		},
	}
}

func groupNormKind() Kind {
	return Kind{
		Name: "groupnorm", Module: "GroupNorm", Doc: "mean 0 and variance 1 over groups of channels of each sample",
		Params: []Param{
			size("num_groups", "groups"),
			inferred("num_channels", "channels"),
			optFloat("eps", 1e-5, NotNegative, "added to the variance"),
			optBool("affine", true, "a learned factor and summand"),
		},
		Positional: []string{"num_groups"},
		shape: func(a *args, in []int) ([]int, error) {
			if err := a.infer("num_channels", first(in)); err != nil {
				return nil, err
			}
			if c, g := a.int("num_channels"), a.int("num_groups"); c%g != 0 {
				return nil, a.misfit("num_groups", "num_groups %d does not divide %d channels", g, c)
			}
			return in, nil
		},
		state: func(a *args) []StateTensor {
			if !a.bool("affine") {
				return nil
			}
			return []StateTensor{param("weight", a.int("num_channels")), param("bias", a.int("num_channels"))}
		},
	}
}
