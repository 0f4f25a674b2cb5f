package export

import (
	"fmt"
	"slices"
	"strings"
)

type writer func(s *source, l layer)

// expression returns the writer of a layer that is one Go expression without weights.
func expression(f func(l layer) string) writer {
	return func(s *source, l layer) { s.line("x = %s", f(l)) }
}

// function returns the writer of a layer that applies a Go function to each number. params
// are the layer's parameters that the function takes.
func function(name string, params ...string) writer {
	return expression(func(l layer) string {
		if len(params) == 0 {
			return "each(x, " + name + ")"
		}
		args := make([]string, len(params))
		for i, p := range params {
			args[i] = fmt.Sprint(l.Float(p))
		}
		return fmt.Sprintf("each(x, %s(%s))", name, strings.Join(args, ", "))
	})
}

func nothing(s *source, _ layer) { s.line("// no change to the numbers") }

// layersGo has the writers of all layers except residual and branches.
var layersGo = map[string]writer{
	"identity": nothing, "dropout": nothing, "dropout1d": nothing, "dropout2d": nothing, "dropout3d": nothing,
	"alpha_dropout": nothing, "feature_alpha_dropout": nothing, "flatten": nothing, "reshape": nothing,

	"relu": function("relu"), "silu": function("silu"), "mish": function("mish"), "sigmoid": function("sigmoid"), "tanh": function("math.Tanh"),
	"logsigmoid": function("logSigmoid"), "hardsigmoid": function("hardSigmoid"), "hardswish": function("hardSwish"),
	"softsign": function("softSign"), "tanhshrink": function("tanhShrink"),
	"relu6":      expression(func(layer) string { return "each(x, clip(0, 6))" }),
	"selu":       expression(func(layer) string { return "each(x, exponential(1.0507009873554805, 1.6732632423543772, 1))" }),
	"elu":        expression(func(l layer) string { return fmt.Sprintf("each(x, exponential(1, %v, 1))", l.Float("alpha")) }),
	"celu":       expression(func(l layer) string { return fmt.Sprintf("each(x, exponential(1, %[1]v, %[1]v))", l.Float("alpha")) }),
	"leaky_relu": function("leaky", "negative_slope"),
	"hardtanh":   function("clip", "min_val", "max_val"),
	"softplus":   function("softplusOf", "beta", "threshold"),
	"softshrink": function("softShrink", "lambd"),
	"hardshrink": function("hardShrink", "lambd"),
	"threshold":  function("threshold", "threshold", "value"),
	"gelu": expression(func(l layer) string {
		if l.Text("approximate") == "tanh" {
			return "each(x, geluTanh)"
		}
		return "each(x, gelu)"
	}),
	"softmax": softmaxGo(1, false), "softmin": softmaxGo(-1, false), "log_softmax": softmaxGo(1, true),
	"glu": expression(func(l layer) string { return fmt.Sprintf("glu(x, %d)", product(l.Out[l.Axis(l.Out):])) }),
	"prelu": func(s *source, l layer) {
		s.line("x = prelu(x, %s, %d)", s.slice(l.tensor("weight")), product(l.In[1:]))
	},

	"linear": func(s *source, l layer) { s.linear(l, "weight", "bias", l.In[len(l.In)-1]) },
	"bilinear": func(s *source, l layer) {
		s.line("x = bilinear(x, %s, %s, %d)", s.slice(l.tensor("weight")), s.slice(l.tensor("bias")), l.In[len(l.In)-1])
	},
	"embedding": func(s *source, l layer) {
		v := s.variable()
		s.line("%s, err := embedding(x, %s, %d)\nif err != nil {\nreturn nil, err\n}\nx = %s", v, s.slice(l.tensor("weight")), l.Int("embedding_dim"), v)
	},

	"conv1d": convGo, "conv2d": convGo, "conv3d": convGo,
	"conv_transpose1d": transposedGo, "conv_transpose2d": transposedGo, "conv_transpose3d": transposedGo,
	"maxpool1d": maxPoolGo, "maxpool2d": maxPoolGo, "maxpool3d": maxPoolGo,
	"avgpool1d": avgPoolGo, "avgpool2d": avgPoolGo, "avgpool3d": avgPoolGo,
	"adaptive_avgpool1d": adaptiveGo(false), "adaptive_avgpool2d": adaptiveGo(false), "adaptive_avgpool3d": adaptiveGo(false),
	"adaptive_maxpool1d": adaptiveGo(true), "adaptive_maxpool2d": adaptiveGo(true), "adaptive_maxpool3d": adaptiveGo(true),
	"batchnorm1d": batchNormGo, "batchnorm2d": batchNormGo, "batchnorm3d": batchNormGo,
	"instancenorm1d": instanceNormGo, "instancenorm2d": instanceNormGo, "instancenorm3d": instanceNormGo,
	"layernorm": func(s *source, l layer) {
		s.line("x = normal(x, %d, %v)", product(l.Ints("normalized_shape", 1)), l.Float("eps"))
		s.affine(l, "weight", "bias", 1)
	},
	"groupnorm": func(s *source, l layer) {
		s.line("x = normal(x, %d, %v)", product(l.In)/l.Int("num_groups"), l.Float("eps"))
		s.affine(l, "weight", "bias", product(l.In[1:]))
	},

	"rnn": recurrentGo, "lstm": recurrentGo, "gru": recurrentGo, "transformer_encoder_layer": transformerGo,

	"permute": permuteGo,
	"pixel_shuffle": func(s *source, l layer) {
		r, h, w := l.Int("upscale_factor"), l.In[1], l.In[2]
		s.line("x = permute(x, %#v, %#v)", []int{l.Out[0], h, r, w, r}, []int{r * r * h * w, w, r * h * w, 1, h * w})
	},
	"mean": expression(func(l layer) string {
		i := l.Axis(l.In)
		return fmt.Sprintf("mean(x, %d, %d)", l.In[i], product(l.In[i+1:]))
	}),
}

func softmaxGo(sign int, log bool) writer {
	return expression(func(l layer) string {
		i := l.Axis(l.In)
		return fmt.Sprintf("softmax(x, %d, %d, %d, %v)", l.In[i], product(l.In[i+1:]), sign, log)
	})
}

func (s *source) linear(l layer, weight, bias string, in int) {
	s.line("x = linear(x, %s, %s, %d)", s.slice(l.tensor(weight)), s.slice(l.tensor(bias)), in)
}

func (s *source) affine(l layer, weight, bias string, run int) {
	if l.tensor(weight) != "" {
		s.line("x = affine(x, %s, %s, %d)", s.slice(l.tensor(weight)), s.slice(l.tensor(bias)), run)
	}
}

// three writes sizes as a Go [3]int; none is the value for missing dimensions.
func three(sizes []int, none int) string {
	full := append(slices.Repeat([]int{none}, 3-len(sizes)), sizes...)
	return fmt.Sprintf("[3]int{%d, %d, %d}", full[0], full[1], full[2])
}

func windowGo(w window, channels int) string {
	return fmt.Sprintf("window{channels: %d, in: %s, out: %s, kernel: %s, stride: %s, dilation: %s, before: %s}", channels,
		three(w.in, 1), three(w.out, 1), three(w.kernel, 1), three(w.stride, 1), three(w.dilation, 1), three(w.before, 0))
}

func convGo(s *source, l layer) {
	s.line("x = conv(x, %s, %s, %s, %d, %d)", s.slice(l.tensor("weight")), s.slice(l.tensor("bias")), windowGo(l.window(), l.In[0]), l.Out[0], l.Int("groups"))
}

func transposedGo(s *source, l layer) {
	w := l.window()
	w.in, w.out = w.out, w.in
	s.line("x = transposed(x, %s, %s, %s, %d, %d)", s.slice(l.tensor("weight")), s.slice(l.tensor("bias")), windowGo(w, l.Out[0]), l.In[0], l.Int("groups"))
}

func maxPoolGo(s *source, l layer) { s.line("x = maxPool(x, %s)", windowGo(l.window(), l.In[0])) }

func avgPoolGo(s *source, l layer) {
	s.line("x = avgPool(x, %s, %v)", windowGo(l.window(), l.In[0]), l.Bool("count_include_pad"))
}

func adaptiveGo(largest bool) writer {
	return expression(func(l layer) string {
		return fmt.Sprintf("adaptive(x, %d, %s, %s, %v)", l.In[0], three(l.In[1:], 1), three(l.Out[1:], 1), largest)
	})
}

func batchNormGo(s *source, l layer) {
	if l.tensor("running_mean") == "" {
		s.refuse(l, "without running statistics (track_running_stats) a row's result depends on the other rows")
		return
	}
	run := product(l.In[1:])
	s.line("x = running(x, %s, %s, %v, %d)", s.slice(l.tensor("running_mean")), s.slice(l.tensor("running_var")), l.Float("eps"), run)
	s.affine(l, "weight", "bias", run)
}

func instanceNormGo(s *source, l layer) {
	if l.tensor("running_mean") != "" {
		batchNormGo(s, l)
		return
	}
	run := product(l.In[1:])
	s.line("x = normal(x, %d, %v)", run, l.Float("eps"))
	s.affine(l, "weight", "bias", run)
}

func permuteGo(s *source, l layer) {
	strides, step := make([]int, len(l.In)), 1
	for i := len(l.In) - 1; i >= 0; i-- {
		strides[i] = step
		step *= l.In[i]
	}
	var ordered []int
	for _, d := range l.Ints("dims", len(l.In)) {
		ordered = append(ordered, strides[d-1])
	}
	s.line("x = permute(x, %#v, %#v)", l.Out, ordered)
}

func recurrentGo(s *source, l layer) {
	cell := map[string]string{"rnn": "rnnTanh", "lstm": "lstm", "gru": "gru"}[l.Kind.Name]
	if l.Text("nonlinearity") == "relu" {
		cell = "rnnReLU"
	}
	steps, in, h := l.In[0], l.In[1], l.Int("hidden_size")
	for k := range l.Int("num_layers") {
		run := func(suffix string, reverse bool) string {
			suffix = fmt.Sprintf("_l%d%s", k, suffix)
			part := func(name string) string { return s.slice(l.tensor(name + suffix)) }
			return fmt.Sprintf("recurrent(x, %s, %s, %s, %s, %s, %d, %d, %v)",
				part("weight_ih"), part("weight_hh"), part("bias_ih"), part("bias_hh"), cell, in, h, reverse)
		}
		if l.Bool("bidirectional") {
			s.line("x = concat(%d, %s, %s)", steps, run("", false), run("_reverse", true))
			in = 2 * h
		} else {
			s.line("x = %s", run("", false))
			in = h
		}
	}
	if l.Text("output") == "last" {
		s.line("x = x[%d:]", (steps-1)*in)
	}
}

func transformerGo(s *source, l layer) {
	d := l.In[1]
	norm := func(name string) {
		s.line("x = normal(x, %d, %v)", d, l.Float("layer_norm_eps"))
		s.affine(l, name+".weight", name+".bias", 1)
	}
	attend := func() {
		s.linear(l, "self_attn.in_proj_weight", "self_attn.in_proj_bias", d)
		s.line("x = attention(x, %d, %d)", d, l.Int("nhead"))
		s.linear(l, "self_attn.out_proj.weight", "self_attn.out_proj.bias", d)
	}
	feed := func() {
		s.linear(l, "linear1.weight", "linear1.bias", d)
		if l.Text("activation") == "gelu" {
			s.line("x = each(x, gelu)")
		} else {
			s.line("x = each(x, relu)")
		}
		s.linear(l, "linear2.weight", "linear2.bias", l.Int("dim_feedforward"))
	}
	for i, part := range []func(){attend, feed} {
		in, name := s.variable(), fmt.Sprintf("norm%d", i+1)
		s.line("%s := x", in)
		if l.Bool("norm_first") {
			norm(name)
		}
		part()
		s.line("x = add(x, %s)", in)
		if !l.Bool("norm_first") {
			norm(name)
		}
	}
}
