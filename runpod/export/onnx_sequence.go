package export

import (
	"fmt"
	"math"
)

// gateOrder has, for each gate in ONNX's order, its index in PyTorch's order: LSTM i o f c in
// i f g o, GRU z r h in r z n.
var gateOrder = map[string][]int{"rnn": {0}, "lstm": {0, 3, 1, 2}, "gru": {1, 0, 2}}

// recurrent adds a node for each layer. It transposes values, because in ONNX the steps come
// first and the directions have a dimension of their own.
func recurrent(g *graph, l layer, x string) string {
	steps, h := l.In[0], l.Int("hidden_size")
	op, attrs := map[string]string{"rnn": "RNN", "lstm": "LSTM", "gru": "GRU"}[l.Kind.Name], []attr{{"hidden_size", h}}
	suffixes := []string{""}
	if l.Bool("bidirectional") {
		suffixes = append(suffixes, "_reverse")
		attrs = append(attrs, attr{"direction", "bidirectional"})
	}
	switch {
	case l.Kind.Name == "gru":
		attrs = append(attrs, attr{"linear_before_reset", 1})
	case l.Kind.Name == "rnn" && l.Text("nonlinearity") == "relu":
		attrs = append(attrs, attr{"activations", []string{"Relu", "Relu"}[:len(suffixes)]})
	}
	in := l.In[1]
	x = g.node("Transpose", []string{x}, attr{"perm", []int{1, 0, 2}})
	for k := range l.Int("num_layers") {
		w, r, b := g.gates(l, k, suffixes, in)
		inputs := append([]string{x, w, r}, optional(b)...)
		y := g.node(op, inputs, attrs...) // [steps, directions, batch, hidden]
		y = g.node("Transpose", []string{y}, attr{"perm", []int{0, 2, 1, 3}})
		in = len(suffixes) * h
		x = g.node("Reshape", []string{y, g.ints(0, 0, in)})
	}
	if l.Text("output") == "last" {
		return g.node("Squeeze", []string{g.node("Slice", []string{x, g.ints(steps - 1), g.ints(steps), g.ints(0)}), g.ints(0)})
	}
	return g.node("Transpose", []string{x}, attr{"perm", []int{1, 0, 2}})
}

// gates returns the weights of layer k for the input and for the state, and their biases (""
// if it has none). The weights of the directions follow each other.
func (g *graph) gates(l layer, k int, suffixes []string, in int) (w, r, b string) {
	order, h := gateOrder[l.Kind.Name], l.Int("hidden_size")
	rows := func(v []float32) []float32 {
		size := len(v) / len(order)
		var out []float32
		for _, o := range order {
			out = append(out, v[o*size:(o+1)*size]...)
		}
		return out
	}
	var wi, wh, bias []float32
	for _, s := range suffixes {
		s = fmt.Sprintf("_l%d%s", k, s)
		wi, wh = append(wi, rows(g.numbers("weight_ih"+s))...), append(wh, rows(g.numbers("weight_hh"+s))...)
		if l.Bool("bias") {
			bias = append(append(bias, rows(g.numbers("bias_ih"+s))...), rows(g.numbers("bias_hh"+s))...)
		}
	}
	n, gates := len(suffixes), len(order)*h
	w, r = g.constant([]int{n, gates, in}, wi...), g.constant([]int{n, gates, h}, wh...)
	if bias != nil {
		b = g.constant([]int{n, 2 * gates}, bias...)
	}
	return w, r, b
}

func transformer(g *graph, l layer, x string) string {
	norm := func(name, x string) string {
		return g.node("LayerNormalization", []string{x, g.weight(name + ".weight"), g.weight(name + ".bias")}, attr{"axis", -1}, attr{"epsilon", l.Float("layer_norm_eps")})
	}
	feed := func(x string) string {
		x = g.linear(x, 2, "linear1.weight", "linear1.bias")
		if l.Text("activation") == "gelu" {
			x = gelu(g, x, false)
		} else {
			x = g.node("Relu", []string{x})
		}
		return g.linear(x, 2, "linear2.weight", "linear2.bias")
	}
	if l.Bool("norm_first") {
		x = g.node("Add", []string{x, attention(g, l, norm("norm1", x))})
		return g.node("Add", []string{x, feed(norm("norm2", x))})
	}
	x = norm("norm1", g.node("Add", []string{x, attention(g, l, x)}))
	return norm("norm2", g.node("Add", []string{x, feed(x)}))
}

// attention is softmax(Q Kᵀ / sqrt(size)) V for each head.
func attention(g *graph, l layer, x string) string {
	steps, d, heads := l.In[0], l.In[1], l.Int("nhead")
	size := d / heads
	x = g.reshape(g.linear(x, 2, "self_attn.in_proj_weight", "self_attn.in_proj_bias"), steps, 3, heads, size)
	x = g.node("Transpose", []string{x}, attr{"perm", []int{2, 0, 3, 1, 4}})
	parts := g.nodes("Split", 3, []string{x}, attr{"axis", 0}, attr{"num_outputs", 3})
	for i, p := range parts {
		parts[i] = g.node("Squeeze", []string{p, g.ints(0)}) // [batch, heads, steps, size]
	}
	scores := g.node("MatMul", []string{parts[0], g.node("Transpose", []string{parts[1]}, attr{"perm", perm(3)})})
	scores = g.node("Softmax", []string{g.node("Mul", []string{scores, g.scalar(1 / math.Sqrt(float64(size)))})}, attr{"axis", -1})
	y := g.node("Transpose", []string{g.node("MatMul", []string{scores, parts[2]})}, attr{"perm", []int{0, 2, 1, 3}})
	return g.linear(g.reshape(y, steps, d), 2, "self_attn.out_proj.weight", "self_attn.out_proj.bias")
}
