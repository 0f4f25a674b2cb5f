package worker

import "fmt"

func poolRules() map[string]rule {
	rules := map[string]rule{}
	for d := 1; d <= 3; d++ {
		for _, how := range []string{"max", "avg"} {
			rules[fmt.Sprintf("%spool%dd", how, d)] = rule{shape: poolShape}
			rules[fmt.Sprintf("adaptive_%spool%dd", how, d)] = rule{shape: adaptiveShape}
		}
	}
	return rules
}

func adaptiveShape(a *args, in []int) ([]int, error) {
	if err := a.want(in, spatial[a.kind.Dims-1]...); err != nil {
		return nil, err
	}
	sizes, err := a.ints("output_size")
	if err != nil || in == nil {
		return nil, err
	}
	return append([]int{in[0]}, sizes...), nil
}

func poolShape(a *args, in []int) ([]int, error) {
	if err := a.want(in, spatial[a.kind.Dims-1]...); err != nil {
		return nil, err
	}
	w, err := windowOf(a)
	if err != nil {
		return nil, err
	}
	for i, p := range w.padding {
		if 2*p > w.kernel[i] {
			return nil, a.misfit("padding", "padding %d is more than half of the window %d", p, w.kernel[i])
		}
	}
	if in == nil {
		return nil, nil
	}
	sizes, err := w.over(a, in[1:], a.bool("ceil_mode"))
	return append([]int{in[0]}, sizes...), err
}
