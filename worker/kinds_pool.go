package worker

import "fmt"

func poolKinds() []Kind {
	var kinds []Kind
	for d := 1; d <= 3; d++ {
		kinds = append(kinds, maxPoolKind(d))
	}
	for d := 1; d <= 3; d++ {
		kinds = append(kinds, avgPoolKind(d))
	}
	for d := 1; d <= 3; d++ {
		kinds = append(kinds, adaptiveKind("avg", "Avg", d), adaptiveKind("max", "Max", d))
	}
	return kinds
}

func maxPoolKind(d int) Kind {
	return Kind{
		Name: fmt.Sprintf("maxpool%dd", d), Module: fmt.Sprintf("MaxPool%dd", d), Dims: d, Doc: "the largest value of each window",
		Params: []Param{
			{Name: "kernel_size", Type: Ints, Required: true, Range: Positive, Doc: "size of the window"},
			{Name: "stride", Type: Ints, Range: Positive, Doc: "step of the window; absent: kernel_size"},
			window("padding", 0, NotNegative, "border around the input, at most half of the window"),
			window("dilation", 1, Positive, "distance of the window's points"),
			optBool("ceil_mode", false, "windows may hang over the end"),
		},
		Positional: []string{"kernel_size", "stride", "padding"},
		shape:      func(a *args, in []int) ([]int, error) { return poolShape(a, in, d) },
	}
}

func avgPoolKind(d int) Kind {
	return Kind{
		Name: fmt.Sprintf("avgpool%dd", d), Module: fmt.Sprintf("AvgPool%dd", d), Dims: d, Doc: "the mean of each window",
		Params: []Param{
			{Name: "kernel_size", Type: Ints, Required: true, Range: Positive, Doc: "size of the window"},
			{Name: "stride", Type: Ints, Range: Positive, Doc: "step of the window; absent: kernel_size"},
			window("padding", 0, NotNegative, "zeros around the input, at most half of the window"),
			optBool("ceil_mode", false, "windows may hang over the end"),
			optBool("count_include_pad", true, "the zeros count"),
		},
		Positional: []string{"kernel_size", "stride", "padding"},
		shape:      func(a *args, in []int) ([]int, error) { return poolShape(a, in, d) },
	}
}

func adaptiveKind(name, module string, d int) Kind {
	return Kind{
		Name: fmt.Sprintf("adaptive_%spool%dd", name, d), Module: fmt.Sprintf("Adaptive%sPool%dd", module, d), Dims: d,
		Doc:        "pooling to a given size, whatever the input's",
		Params:     []Param{{Name: "output_size", Type: Ints, Required: true, Range: Positive, Doc: "size of the output"}},
		Positional: []string{"output_size"},
		shape: func(a *args, in []int) ([]int, error) {
			if err := a.want(in, spatial[d-1]...); err != nil {
				return nil, err
			}
			sizes, err := a.ints("output_size", d)
			if err != nil || in == nil {
				return nil, err
			}
			return append([]int{in[0]}, sizes...), nil
		},
	}
}

func poolShape(a *args, in []int, d int) ([]int, error) {
	if err := a.want(in, spatial[d-1]...); err != nil {
		return nil, err
	}
	w, err := windowOf(a, d)
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
