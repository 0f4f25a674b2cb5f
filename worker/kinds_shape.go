package worker

import "slices"

// shapeRules has no rules for residual and branches: their sizes are those of the layers
// within, which the resolver walks.
func shapeRules() map[string]rule {
	return map[string]rule{
		"flatten":       {shape: flattenShape},
		"reshape":       {shape: reshapeShape},
		"permute":       {shape: permuteShape},
		"pixel_shuffle": {shape: pixelShuffleShape},
		"mean":          {shape: meanShape},
		"residual":      {},
		"branches":      {},
	}
}

func meanShape(a *args, in []int) ([]int, error) {
	if in == nil {
		return nil, nil
	}
	i, err := axis(a, in, "dim")
	if err != nil {
		return nil, err
	}
	return slices.Delete(slices.Clone(in), i, i+1), nil
}

func pixelShuffleShape(a *args, in []int) ([]int, error) {
	if err := a.want(in, spatial[1]...); err != nil || in == nil {
		return nil, err
	}
	r := a.int("upscale_factor")
	if in[0]%(r*r) != 0 {
		return nil, a.misfit("upscale_factor", "%d channels are not a multiple of upscale_factor², which is %d", in[0], r*r)
	}
	return []int{in[0] / (r * r), in[1] * r, in[2] * r}, nil
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
