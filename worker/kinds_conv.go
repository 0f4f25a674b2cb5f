package worker

import "fmt"

func convKinds() []Kind {
	var kinds []Kind
	for d := 1; d <= 3; d++ {
		kinds = append(kinds, convKind(d))
	}
	for d := 1; d <= 3; d++ {
		kinds = append(kinds, transposedKind(d))
	}
	return kinds
}

func convKind(d int) Kind {
	padding := window("padding", 0, NotNegative, "zeros around the input, or \"same\" (stride 1), or \"valid\"")
	padding.Options = []string{"same", "valid"}
	return Kind{
		Name: fmt.Sprintf("conv%dd", d), Module: fmt.Sprintf("Conv%dd", d), Dims: d,
		Doc: fmt.Sprintf("a convolution over %d dimension(s), channels first", d),
		Params: []Param{
			inferred("in_channels", "channels of the input"),
			size("out_channels", "channels of the output"),
			{Name: "kernel_size", Type: Ints, Required: true, Range: Positive, Doc: "size of the window"},
			window("stride", 1, Positive, "step of the window"),
			padding,
			window("dilation", 1, Positive, "distance of the window's points"),
			optInt("groups", 1, Positive, "groups of channels that do not mix"),
			optBool("bias", true, "add a number to each channel"),
		},
		Positional: []string{"out_channels", "kernel_size", "stride", "padding"},
		shape:      func(a *args, in []int) ([]int, error) { return convShape(a, in, d) },
		state: func(a *args) []StateTensor {
			k, _ := a.ints("kernel_size", d)
			shape := append([]int{a.int("out_channels"), a.int("in_channels") / a.int("groups")}, k...)
			return withBias(a, a.int("out_channels"), param("weight", shape...))
		},
	}
}

func transposedKind(d int) Kind {
	return Kind{
		Name: fmt.Sprintf("conv_transpose%dd", d), Module: fmt.Sprintf("ConvTranspose%dd", d), Dims: d,
		Doc: fmt.Sprintf("the transpose of a convolution over %d dimension(s): makes the input larger", d),
		Params: []Param{
			inferred("in_channels", "channels of the input"),
			size("out_channels", "channels of the output"),
			{Name: "kernel_size", Type: Ints, Required: true, Range: Positive, Doc: "size of the window"},
			window("stride", 1, Positive, "step of the window"),
			window("padding", 0, NotNegative, "what is cut off around the output"),
			window("output_padding", 0, NotNegative, "what is added at one side of the output"),
			optInt("groups", 1, Positive, "groups of channels that do not mix"),
			optBool("bias", true, "add a number to each channel"),
			window("dilation", 1, Positive, "distance of the window's points"),
		},
		Positional: []string{"out_channels", "kernel_size", "stride", "padding"},
		shape:      func(a *args, in []int) ([]int, error) { return transposedShape(a, in, d) },
		state: func(a *args) []StateTensor {
			k, _ := a.ints("kernel_size", d)
			shape := append([]int{a.int("in_channels"), a.int("out_channels") / a.int("groups")}, k...)
			return withBias(a, a.int("out_channels"), param("weight", shape...))
		},
	}
}

// window is a parameter with one number for each dimension, or one for all.
func window(name string, def int, r Range, doc string) Param {
	return Param{Name: name, Type: Ints, Default: def, Range: r, Doc: doc}
}

func convShape(a *args, in []int, d int) ([]int, error) {
	w, err := convWindow(a, in, d)
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

func transposedShape(a *args, in []int, d int) ([]int, error) {
	w, err := convWindow(a, in, d)
	if err != nil {
		return nil, err
	}
	extra, err := a.ints("output_padding", d)
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
func convWindow(a *args, in []int, d int) (w sliding, err error) {
	if err := channels(a, in, d, "in_channels"); err != nil {
		return w, err
	}
	g := a.int("groups")
	if a.int("in_channels")%g != 0 || a.int("out_channels")%g != 0 {
		return w, a.misfit("groups", "groups %d divides not both in_channels %d and out_channels %d", g, a.int("in_channels"), a.int("out_channels"))
	}
	return windowOf(a, d)
}

// channels checks the rank of in and infers the number of channels.
func channels(a *args, in []int, d int, name string) error {
	if err := a.want(in, spatial[d-1]...); err != nil {
		return err
	}
	return a.infer(name, first(in))
}

// A sliding window: that of a convolution or of a pooling.
type sliding struct{ kernel, stride, padding, dilation []int }

func windowOf(a *args, d int) (w sliding, err error) {
	if w.kernel, err = a.ints("kernel_size", d); err != nil {
		return w, err
	}
	w.stride = w.kernel // pooling without a stride
	if a.has("stride") {
		if w.stride, err = a.ints("stride", d); err != nil {
			return w, err
		}
	}
	w.padding, w.dilation = make([]int, d), make([]int, d)
	if _, word := a.value("padding").(string); !word && a.has("padding") {
		if w.padding, err = a.ints("padding", d); err != nil {
			return w, err
		}
	}
	for i := range w.dilation {
		w.dilation[i] = 1
	}
	if a.has("dilation") {
		w.dilation, err = a.ints("dilation", d)
	}
	return w, err
}

// over slides the window over in and returns how many places there are.
func (w sliding) over(a *args, in []int, ceil bool) ([]int, error) {
	out := make([]int, len(in))
	for i, n := range in {
		room := n + 2*w.padding[i] - w.dilation[i]*(w.kernel[i]-1) - 1
		if room < 0 {
			return nil, a.misfit("kernel_size", "a window of %d does not fit into %d; %s %s", w.kernel[i], n, a.from, Sizes(in))
		}
		out[i] = room/w.stride[i] + 1
		if ceil && room%w.stride[i] != 0 && out[i]*w.stride[i] < n+w.padding[i] {
			out[i]++ // the last window starts within the input or its left padding
		}
	}
	return out, nil
}
