package worker

import "fmt"

func convRules() map[string]rule {
	rules := map[string]rule{}
	for d := 1; d <= 3; d++ {
		rules[fmt.Sprintf("conv%dd", d)] = rule{shape: convShape, state: convState}
		rules[fmt.Sprintf("conv_transpose%dd", d)] = rule{shape: transposedShape, state: transposedState}
	}
	return rules
}

func convState(a *args) []StateTensor {
	k, _ := a.ints("kernel_size")
	shape := append([]int{a.int("out_channels"), a.int("in_channels") / a.int("groups")}, k...)
	return withBias(a, a.int("out_channels"), param("weight", shape...))
}

func transposedState(a *args) []StateTensor {
	k, _ := a.ints("kernel_size")
	shape := append([]int{a.int("in_channels"), a.int("out_channels") / a.int("groups")}, k...)
	return withBias(a, a.int("out_channels"), param("weight", shape...))
}

func convShape(a *args, in []int) ([]int, error) {
	w, err := convWindow(a, in)
	if err != nil {
		return nil, err
	}
	if a.text("padding") == "same" {
		for _, s := range w.stride {
			if s != 1 {
				return nil, a.misfit("padding", "padding \"same\" wants stride 1")
			}
		}
	}
	if in == nil {
		return nil, nil
	}
	out := []int{a.int("out_channels")}
	if a.text("padding") == "same" {
		return append(out, in[1:]...), nil
	}
	sizes, err := w.over(a, in[1:], false)
	return append(out, sizes...), err
}

func transposedShape(a *args, in []int) ([]int, error) {
	w, err := convWindow(a, in)
	if err != nil {
		return nil, err
	}
	extra, err := a.ints("output_padding")
	if err != nil || in == nil {
		return nil, err
	}
	out := []int{a.int("out_channels")}
	for i, n := range in[1:] {
		if extra[i] >= max(w.stride[i], w.dilation[i]) {
			return nil, a.misfit("output_padding", "output_padding %d is not smaller than the stride or the dilation", extra[i])
		}
		size := (n-1)*w.stride[i] - 2*w.padding[i] + w.dilation[i]*(w.kernel[i]-1) + extra[i] + 1
		if size < 1 {
			return nil, a.misfit("padding", "nothing is left of %s", Sizes(in))
		}
		out = append(out, size)
	}
	return out, nil
}

// convWindow infers and checks what a convolution and its transpose have in common.
func convWindow(a *args, in []int) (w sliding, err error) {
	if err := channels(a, in, "in_channels"); err != nil {
		return w, err
	}
	g := a.int("groups")
	if a.int("in_channels")%g != 0 || a.int("out_channels")%g != 0 {
		return w, a.misfit("groups", "groups %d does not divide both in_channels %d and out_channels %d", g, a.int("in_channels"), a.int("out_channels"))
	}
	return windowOf(a)
}

// channels checks the rank of in and infers the number of channels.
func channels(a *args, in []int, name string) error {
	if err := a.want(in, spatial[a.kind.Dims-1]...); err != nil {
		return err
	}
	return a.infer(name, first(in))
}

// A sliding window: that of a convolution or of a pooling.
type sliding struct{ kernel, stride, padding, dilation []int }

func windowOf(a *args) (w sliding, err error) {
	if w.kernel, err = a.ints("kernel_size"); err != nil {
		return w, err
	}
	w.stride = w.kernel // pooling without a stride
	if a.has("stride") {
		if w.stride, err = a.ints("stride"); err != nil {
			return w, err
		}
	}
	w.padding, w.dilation = make([]int, a.kind.Dims), make([]int, a.kind.Dims)
	if _, word := a.value("padding").(string); !word && a.has("padding") {
		if w.padding, err = a.ints("padding"); err != nil {
			return w, err
		}
	}
	for i := range w.dilation {
		w.dilation[i] = 1
	}
	if a.has("dilation") {
		w.dilation, err = a.ints("dilation")
	}
	return w, err
}

// over slides the window over in and returns how many places there are. With ceil, the last
// window may extend beyond the input, as in PyTorch by less than its stride.
func (w sliding) over(a *args, in []int, ceil bool) ([]int, error) {
	out := make([]int, len(in))
	for i, n := range in {
		room := n + 2*w.padding[i] - w.dilation[i]*(w.kernel[i]-1) - 1
		if ceil {
			room += w.stride[i] - 1
		}
		if room < 0 {
			return nil, a.misfit("kernel_size", "a window of %d does not fit into %d; %s %s", w.kernel[i], n, a.from, Sizes(in))
		}
		out[i] = room/w.stride[i] + 1
		if ceil && (out[i]-1)*w.stride[i] >= n+w.padding[i] {
			out[i]-- // the last window has to start within the input or its left padding
		}
	}
	return out, nil
}
