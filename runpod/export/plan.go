package export

import (
	"fmt"

	"github.com/gopherpod/gopherpod/tensors"
	"github.com/gopherpod/gopherpod/worker"
)

// A layer is one step with its number for people: "3", or "3.1" inside residuals and branches.
type layer struct {
	worker.Step
	number string
}

func (l layer) String() string { return "layer " + l.number + " (" + l.Layer.Type + ")" }

// layers numbers steps. outer is the number of the layer that contains them, with a dot.
func layers(steps []worker.Step, outer string) []layer {
	list := make([]layer, len(steps))
	for i, s := range steps {
		list[i] = layer{Step: s, number: outer + fmt.Sprint(i+1)}
	}
	return list
}

// inner returns the lists of layers inside a residual (layers, shortcut) or inside branches.
func (l layer) inner() [][]layer {
	lists := make([][]layer, len(l.Inner))
	for i, steps := range l.Inner {
		lists[i] = layers(steps, fmt.Sprintf("%s.%d.", l.number, i+1))
	}
	return lists
}

// tensor returns the full name of the layer's own tensor, "0.weight" for "weight"; "" if
// it has none of that name.
func (l layer) tensor(name string) string {
	for _, s := range l.State {
		if n := len(s.Name) - len(name); n > 0 && s.Name[n:] == name && s.Name[n-1] == '.' {
			return s.Name
		}
	}
	return ""
}

// plan resolves the layers and checks that the state has all their weights.
func plan(m *Model, f Format) ([]layer, []int, error) {
	if m.Config != nil && m.Config.Other != nil {
		return nil, nil, unsupported(f, "a model of type "+m.Config.Type, "its layers are known to the PyTorch worker alone; .pt and .safetensors hold its weights")
	}
	if m.Input == nil {
		return nil, nil, unsupported(f, "the model", "the shape of its input is not known")
	}
	steps, out, err := m.Config.Steps(m.Input)
	if err != nil {
		return nil, nil, fmt.Errorf("export: %w", err)
	}
	for _, s := range worker.StateOf(steps) {
		t, ok := m.State[s.Name]
		if !ok {
			return nil, nil, fmt.Errorf("export: the weights lack %s", s.Name)
		}
		if worker.Sizes(t.Shape) != worker.Sizes(s.Shape) {
			return nil, nil, fmt.Errorf("export: %s has shape %s and the layers ask for %s", s.Name, worker.Sizes(t.Shape), worker.Sizes(s.Shape))
		}
	}
	return layers(steps, ""), out, nil
}

// floats returns the numbers of a tensor of the state as float32.
func floats(set tensors.Set, name string) ([]float32, error) {
	t, err := set[name].To(tensors.Float32)
	if err != nil {
		return nil, fmt.Errorf("export: %s: %w", name, err)
	}
	return t.Float32s()
}

// A window slides over the dimensions after the channels.
type window struct {
	in, out                    []int // sizes of those dimensions
	kernel, stride, dilation   []int
	before, after, outputExtra []int // padding at the beginning and, as needed for the size out, at the end
}

func (l layer) window() window {
	dims := len(l.In) - 1
	w := window{
		in: l.In[1:], out: l.Out[1:], kernel: l.Ints("kernel_size", dims), stride: l.Ints("stride", dims),
		dilation: l.Ints("dilation", dims), before: l.Ints("padding", dims), after: make([]int, dims),
		outputExtra: l.Ints("output_padding", dims),
	}
	if w.stride == nil {
		w.stride = w.kernel // pooling without a stride
	}
	for _, list := range []struct {
		of    *[]int
		value int
	}{{&w.dilation, 1}, {&w.before, 0}} {
		if *list.of == nil {
			*list.of = make([]int, dims)
			for i := range *list.of {
				(*list.of)[i] = list.value
			}
		}
	}
	for i := range dims {
		reach := w.dilation[i] * (w.kernel[i] - 1)
		if l.Text("padding") == "same" {
			w.before[i] = reach / 2 // if reach is odd, PyTorch pads one more at the end
		}
		w.after[i] = max(0, (w.out[i]-1)*w.stride[i]+reach+1-w.in[i]-w.before[i])
	}
	return w
}

func product(sizes []int) int {
	n := 1
	for _, s := range sizes {
		n *= s
	}
	return n
}
