package export

import (
	"encoding/binary"
	"fmt"
	"math"

	"github.com/gopherpod/gopherpod/tensors"
	"github.com/gopherpod/gopherpod/worker"
)

const (
	onnxIR    = 8  // onnx 1.10; any reader of opset 18 supports it
	onnxOpset = 18 // onnx 1.13, December 2022
	maxONNX   = 2_000_000_000
)

// encodeONNX writes a graph from "input", float32 [batch, ...Input], to "output". Weights that
// have the same shape as in PyTorch have the same names.
func encodeONNX(m *Model) ([]byte, error) {
	steps, out, err := plan(m, ONNX)
	if err != nil {
		return nil, err
	}
	size := 0
	for _, t := range m.State {
		size += len(t.Data)
	}
	if size > maxONNX {
		return nil, unsupported(ONNX, fmt.Sprintf("weights of %.1f GB", float64(size)/1e9), "a file holds 2 GB")
	}
	g := &graph{state: m.State, written: map[string]bool{}}
	last := g.list(steps, "input")
	if g.err != nil {
		return nil, g.err
	}
	var identity message
	identity.text(1, last)
	identity.text(2, "output")
	identity.text(3, "output")
	identity.text(4, "Identity")
	g.graph.bytes(1, identity)
	g.graph.text(2, "gopherpod")
	g.graph = append(g.graph, g.tensors...)
	g.graph.bytes(11, valueInfo("input", m.Input))
	g.graph.bytes(12, valueInfo("output", out))
	var opset, model message
	opset.text(1, "")
	opset.number(2, onnxOpset)
	model.number(1, onnxIR)
	model.text(2, "gopherpod")
	if m.About != "" {
		model.text(6, m.About)
	}
	model.bytes(7, g.graph)
	model.bytes(8, opset)
	return model, nil
}

// A graph has the nodes and weights so far. Values are strings, their names; "" is an
// optional input that is left out.
type graph struct {
	state   tensors.Set
	graph   message // nodes
	tensors message
	written map[string]bool // weights of the state that are written
	count   int
	layer   layer
	err     error
}

// node adds an operator with one output and returns the output.
func (g *graph) node(op string, inputs []string, attrs ...attr) string {
	return g.nodes(op, 1, inputs, attrs...)[0]
}

func (g *graph) nodes(op string, outputs int, inputs []string, attrs ...attr) []string {
	g.count++
	var m message
	for _, in := range inputs {
		m.text(1, in)
	}
	out := make([]string, outputs)
	for i := range out {
		out[i] = fmt.Sprintf("value_%d", g.count)
		if i > 0 {
			out[i] += fmt.Sprintf("_%d", i)
		}
		m.text(2, out[i])
	}
	m.text(3, fmt.Sprintf("layer_%s_%s_%d", g.layer.number, g.layer.Layer.Type, g.count))
	m.text(4, op)
	for _, a := range attrs {
		m.bytes(5, a.message())
	}
	g.graph.bytes(1, m)
	return out
}

// constant adds numbers that are not in the state.
func (g *graph) constant(shape []int, values ...float32) string {
	data := make([]byte, 0, 4*len(values))
	for _, v := range values {
		data = binary.LittleEndian.AppendUint32(data, math.Float32bits(v))
	}
	return g.add(shape, onnxFloat, data)
}

func (g *graph) scalar(v float64) string { return g.constant(nil, float32(v)) }

func (g *graph) ints(values ...int) string {
	data := make([]byte, 0, 8*len(values))
	for _, v := range values {
		data = binary.LittleEndian.AppendUint64(data, uint64(v))
	}
	return g.add([]int{len(values)}, onnxInt64, data)
}

func (g *graph) add(shape []int, kind int, data []byte) string {
	g.count++
	name := fmt.Sprintf("constant_%d", g.count)
	g.tensors.bytes(5, tensorProto(name, kind, shape, data))
	return name
}

// weight returns the layer's tensor of that name, "" if it has none.
func (g *graph) weight(name string) string {
	full := g.layer.tensor(name)
	if full == "" || g.written[full] {
		return full
	}
	g.written[full] = true
	t, err := g.state[full].To(tensors.Float32)
	if err != nil && g.err == nil {
		g.err = fmt.Errorf("export: %s: %w", full, err)
	}
	g.tensors.bytes(5, tensorProto(full, onnxFloat, t.Shape, t.Data))
	return full
}

// numbers returns the values of the layer's tensor; nil if it has none.
func (g *graph) numbers(name string) []float32 {
	full := g.layer.tensor(name)
	if full == "" {
		return nil
	}
	v, err := floats(g.state, full)
	if err != nil && g.err == nil {
		g.err = err
	}
	return v
}

func (g *graph) list(steps []layer, x string) string {
	for _, l := range steps {
		g.layer = l
		x = g.put(l, x)
	}
	return x
}

// reshape gives the samples another shape.
func (g *graph) reshape(x string, sample ...int) string {
	return g.node("Reshape", []string{x, g.ints(append([]int{0}, sample...)...)})
}

func (g *graph) refuse(reason string) string {
	if g.err == nil {
		g.err = unsupported(ONNX, g.layer.String(), reason)
	}
	return ""
}

// perm returns the order of the dimensions of a sample of n dimensions, including the batch,
// with the last two exchanged.
func perm(n int) []int {
	p := make([]int, n+1)
	for i := range p {
		p[i] = i
	}
	p[n-1], p[n] = p[n], p[n-1]
	return p
}

func fill(n int, v float32) []float32 {
	f := make([]float32, n)
	for i := range f {
		f[i] = v
	}
	return f
}

// put adds one layer.
func (g *graph) put(l layer, x string) string {
	if f := elementwiseONNX[l.Kind.Name]; f != nil {
		return f(g, l, x)
	}
	if f := layersONNX[l.Kind.Name]; f != nil {
		return f(g, l, x)
	}
	switch l.Kind.Name {
	case "residual":
		inner := l.inner()
		main, cut := g.list(inner[0], x), x
		if len(inner) > 1 {
			cut = g.list(inner[1], x)
		}
		g.layer = l
		return g.node("Add", []string{main, cut})
	case "branches":
		return g.branches(l, x)
	}
	return g.refuse("it cannot be written in ONNX")
}

func (g *graph) branches(l layer, x string) string {
	var parts []string
	for _, list := range l.inner() {
		parts = append(parts, g.list(list, x))
	}
	g.layer = l
	if l.Text("merge") == "add" {
		return g.node("Sum", parts)
	}
	return g.node("Concat", parts, attr{"axis", l.Axis(l.Out) + 1})
}

// onnxKinds reports whether a kind of layer can be written. A test checks that all kinds can.
func onnxKinds(k *worker.Kind) bool {
	return elementwiseONNX[k.Name] != nil || layersONNX[k.Name] != nil || k.Name == "residual" || k.Name == "branches"
}
