package engine

import (
	"math"
	"strings"

	"github.com/gopherpod/gopherpod/worker"
)

// initialize draws the weights as PyTorch's modules do on construction, layer after
// layer, from one generator seeded with seed.
func (net *network) initialize(seed int64) error {
	steps, _, err := net.config.Steps(net.in)
	if err != nil {
		return err
	}
	rest := net.tensors
	initSteps(newGenerator(seed), steps, &rest)
	return nil
}

func initSteps(g *generator, steps []worker.Step, rest *[]*tensor) {
	for _, step := range steps {
		own := (*rest)[:len(step.State)]
		*rest = (*rest)[len(step.State):]
		initLayer(g, values{step}, own)
		for _, inner := range step.Inner {
			initSteps(g, inner, rest)
		}
	}
}

func initLayer(g *generator, v values, t []*tensor) {
	switch name := v.Kind.Name; {
	case name == "linear", strings.HasPrefix(name, "conv"):
		initLinear(g, t[0], named(t, "bias"))
	case name == "embedding":
		g.fillNormal(t[0].data)
		if p, ok := v.Value("padding_idx").(int); ok {
			dim := t[0].Shape[1]
			p = (p + t[0].Shape[0]) % t[0].Shape[0]
			clear(t[0].data[p*dim : (p+1)*dim])
		}
	case name == "prelu":
		fill(t[0].data, float32(v.Float("init")))
	case name == "rnn", name == "lstm", name == "gru":
		bound := 1 / math.Sqrt(float64(v.Int("hidden_size")))
		for _, x := range t {
			g.uniform(x.data, -bound, bound)
		}
	case name == "bilinear":
		bound := 1 / math.Sqrt(float64(t[0].Shape[1]))
		for _, x := range t {
			g.uniform(x.data, -bound, bound)
		}
	case name == "transformer_encoder_layer":
		initTransformer(g, t)
	default: // norms
		for _, x := range t {
			if strings.HasSuffix(x.Name, ".weight") || strings.HasSuffix(x.Name, ".running_var") {
				fill(x.data, 1)
			}
		}
	}
}

// initLinear draws the weight as kaiming_uniform_(a=sqrt(5)) does, and the bias
// with PyTorch's bound 1/sqrt(fan). The fan is the product of all sizes of the
// weight except the first.
func initLinear(g *generator, weight, bias *tensor) {
	fan := float64(elements(weight.Shape[1:]))
	bound := math.Sqrt(3) * (math.Sqrt(2.0/6) / math.Sqrt(fan))
	g.uniform(weight.data, -bound, bound)
	if bias != nil {
		bound = 1 / math.Sqrt(fan)
		g.uniform(bias.data, -bound, bound)
	}
}

// initTransformer draws in the order in which PyTorch creates the parts: the
// attention's output projection before its input projection.
func initTransformer(g *generator, t []*tensor) {
	out, bias := named(t, "self_attn.out_proj.weight"), named(t, "self_attn.out_proj.bias")
	initLinear(g, out, bias)
	clear(bias.data)
	in := named(t, "self_attn.in_proj_weight")
	bound := math.Sqrt(6 / float64(in.Shape[0]+in.Shape[1])) // xavier_uniform_
	g.uniform(in.data, -bound, bound)
	initLinear(g, named(t, "linear1.weight"), named(t, "linear1.bias"))
	initLinear(g, named(t, "linear2.weight"), named(t, "linear2.bias"))
	fill(named(t, "norm1.weight").data, 1)
	fill(named(t, "norm2.weight").data, 1)
}

func fill(s []float32, v float32) {
	for i := range s {
		s[i] = v
	}
}
