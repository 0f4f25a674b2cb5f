package worker

import "slices"

func shapeKinds() []Kind {
	return []Kind{
		{
			Name: "flatten", Module: "Flatten", Doc: "joins dimensions into one",
			Params: []Param{
				optInt("start_dim", 1, AnyNumber, "first dimension to join, the batch being 0"),
				optInt("end_dim", -1, AnyNumber, "last dimension to join"),
			},
			shape: flattenShape,
		},
		{
			Name: "reshape", Doc: "x.reshape(batch, *shape)",
			Params:     []Param{{Name: "shape", Type: Ints, Required: true, Range: SizeOrRest, Doc: "sizes without the batch; one may be -1: what is left"}},
			Positional: []string{"shape"},
			shape:      reshapeShape,
		},
		{
			Name: "permute", Doc: "x.permute(0, *dims)",
			Params:     []Param{{Name: "dims", Type: Ints, Required: true, Range: Positive, Doc: "the dimensions in their new order, the batch being 0 and left out"}},
			Positional: []string{"dims"},
			shape:      permuteShape,
		},
		{
			Name: "mean", Doc: "x.mean(dim): the mean over one dimension, for instance the steps of a sequence",
			Params:     []Param{optInt("dim", 1, AnyNumber, "the dimension that vanishes, the batch being 0")},
			Positional: []string{"dim"},
			shape: func(a *args, in []int) ([]int, error) {
				if in == nil {
					return nil, nil
				}
				i, err := axis(a, in, "dim")
				if err != nil {
					return nil, err
				}
				return slices.Delete(slices.Clone(in), i, i+1), nil
			},
		},
		{
			Name: "residual", Doc: "layers(x) + x, or layers(x) + shortcut(x); state under \"layers.\" and \"shortcut.\"",
			Params: []Param{
				{Name: "layers", Type: Layers, Required: true, Doc: "the layers that are gone around"},
				{Name: "shortcut", Type: Layers, Doc: "layers of the way around; absent: x itself"},
			},
		},
		{
			Name: "branches", Doc: "the same input through several lists of layers, joined; state under \"branches.0.\" and so on",
			Params: []Param{
				{Name: "branches", Type: Forks, Required: true, Doc: "the lists of layers; an empty list passes the input"},
				optText("merge", "concat: side by side along dim; add: the sum", "concat", "add"),
				optInt("dim", 1, AnyNumber, "for concat, the batch being 0"),
			},
			Positional: []string{"merge"},
		},
	}
}

func flattenShape(a *args, in []int) ([]int, error) {
	if in == nil {
		return nil, nil
	}
	start, err := axis(a, in, "start_dim")
	if err != nil {
		return nil, err
	}
	end, err := axis(a, in, "end_dim")
	if err != nil {
		return nil, err
	}
	if start > end {
		return nil, a.misfit("start_dim", "start_dim %d comes after end_dim %d of %s", a.int("start_dim"), a.int("end_dim"), Sizes(in))
	}
	n, ok := Elements(in[start : end+1])
	if !ok {
		return nil, a.misfit("", "%s is too large", Sizes(in))
	}
	return slices.Concat(in[:start], []int{n}, in[end+1:]), nil
}

func reshapeShape(a *args, in []int) ([]int, error) {
	shape, ok := a.value("shape").([]int)
	if n, one := a.value("shape").(int); one {
		shape, ok = []int{n}, true
	}
	if !ok {
		return nil, a.misfit("shape", "shape is missing")
	}
	out, open, rest := slices.Clone(shape), -1, 1
	for i, n := range out {
		switch {
		case n == -1 && open < 0:
			open = i
		case n < 1:
			return nil, a.misfit("shape", "shape %s wants sizes of 1 or more, and at most one -1", Sizes(shape))
		case n > (1<<40)/rest:
			return nil, a.misfit("shape", "shape %s is too large", Sizes(shape))
		default:
			rest *= n
		}
	}
	if in == nil {
		if open >= 0 {
			return nil, nil
		}
		return out, nil
	}
	n, ok := Elements(in)
	if !ok || n%rest != 0 || (open < 0 && n != rest) {
		return nil, a.misfit("shape", "shape %s does not hold the %d numbers of %s", Sizes(shape), n, Sizes(in))
	}
	if open >= 0 {
		out[open] = n / rest
	}
	return out, nil
}

func permuteShape(a *args, in []int) ([]int, error) {
	dims, _ := a.value("dims").([]int)
	if in == nil {
		return nil, nil
	}
	sorted := slices.Sorted(slices.Values(dims))
	for i, d := range sorted {
		if d != i+1 {
			dims = nil
		}
	}
	if len(dims) != len(in) {
		return nil, a.misfit("dims", "dims wants each of 1 to %d once, for %s", len(in), Sizes(in))
	}
	out := make([]int, len(in))
	for i, d := range dims {
		out[i] = in[d-1]
	}
	return out, nil
}
