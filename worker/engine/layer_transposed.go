package engine

import (
	"sync"

	"gonum.org/v1/gonum/blas"
)

// transposed is a transposed convolution: what backward is to a convolution's
// input, forward is here. Its window slides over the output.
type transposed struct {
	window
	ins, groups  int
	weight, bias *tensor
	y, dx        []float32
	partial      [][]float32 // sums of gradients, one for each chunk of the batch
	scratch      sync.Pool   // *convScratch
}

func newTransposed(v values, t []*tensor) *transposed {
	l := &transposed{
		window: window{
			channels: v.Out[0], in: plane(v.Out), out: plane(v.In),
			kernel: v.pair("kernel_size", 1), stride: v.pair("stride", 1), padding: v.pair("padding", 0), dilation: v.pair("dilation", 1),
		},
		ins: v.In[0], groups: v.Int("groups"), weight: named(t, "weight"), bias: named(t, "bias"),
	}
	l.scratch.New = func() any { return &convScratch{} }
	return l
}

// product is the sizes of one group's: inputs, numbers of the outputs' windows, places.
func (l *transposed) product() (ins, points, places int) {
	return l.ins / l.groups, l.channels / l.groups * l.kernel[0] * l.kernel[1], l.outSize()
}

func (l *transposed) forward(p *pass, x []float32, n int) []float32 {
	ins, points, places := l.product()
	xs, ys := l.ins*places, l.channels*l.inSize()
	y := grown(&l.y, n*ys)
	parallel(n, l.ins*points*places, func(from, to int) {
		s := l.scratch.Get().(*convScratch)
		defer l.scratch.Put(s)
		col := grown(&s.col, points*places)
		for i := from; i < to; i++ {
			image := y[i*ys : (i+1)*ys]
			for c := range l.channels {
				v := float32(0)
				if l.bias != nil {
					v = l.bias.data[c]
				}
				fill(image[c*l.inSize():(c+1)*l.inSize()], v)
			}
			for g := range l.groups {
				serial(p).Sgemm(blas.Trans, blas.NoTrans, points, places, ins, 1,
					l.weight.data[g*ins*points:], points, x[i*xs+g*ins*places:], places, 0, col, places)
				l.fold(image, col, g*l.channels/l.groups, l.channels/l.groups)
			}
		}
	})
	return y
}

func (l *transposed) backward(p *pass, x, dy []float32, n int, wantDX bool) []float32 {
	_, _, places := l.product()
	xs, ys := l.ins*places, l.channels*l.inSize()
	var dx []float32
	if wantDX {
		dx = grown(&l.dx, n*xs)
	}
	for len(l.partial) < maxChunks {
		l.partial = append(l.partial, make([]float32, len(l.weight.data)+l.channels))
	}
	count := chunks(n, func(chunk, from, to int) {
		s := l.scratch.Get().(*convScratch)
		defer l.scratch.Put(s)
		sum := l.partial[chunk]
		clear(sum)
		for i := from; i < to; i++ {
			var d []float32
			if wantDX {
				d = dx[i*xs : (i+1)*xs]
			}
			l.sampleBackward(p, s, sum, x[i*xs:(i+1)*xs], dy[i*ys:(i+1)*ys], d)
		}
	})
	sumPartial(l.partial[:count], l.weight, l.bias)
	return dx
}

func (l *transposed) sampleBackward(p *pass, s *convScratch, sum, x, dy, dx []float32) {
	ins, points, places := l.product()
	col, bias := grown(&s.col, points*places), sum[len(l.weight.data):]
	for c := range l.channels {
		bias[c] += total(dy[c*l.inSize() : (c+1)*l.inSize()])
	}
	for g := range l.groups {
		l.unfold(col, dy, g*l.channels/l.groups, l.channels/l.groups)
		serial(p).Sgemm(blas.NoTrans, blas.Trans, ins, points, places, 1, x[g*ins*places:], places, col, places, 1, sum[g*ins*points:], points)
		if dx != nil {
			serial(p).Sgemm(blas.NoTrans, blas.NoTrans, ins, places, points, 1, l.weight.data[g*ins*points:], points, col, places, 0, dx[g*ins*places:], places)
		}
	}
}

// sumPartial adds the chunks' gradients of weight and bias in their order.
func sumPartial(partial [][]float32, weight, bias *tensor) {
	size := len(weight.data)
	copy(weight.grad, partial[0])
	if bias != nil {
		copy(bias.grad, partial[0][size:])
	}
	for _, sum := range partial[1:] {
		addTo(weight.grad, sum)
		if bias != nil {
			addTo(bias.grad, sum[size:])
		}
	}
}
