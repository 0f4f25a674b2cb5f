package engine

import "gonum.org/v1/gonum/blas"

// transposed is a transposed convolution: its forward is the gradient of a
// convolution's input. Its window slides over the output.
type transposed struct {
	convolution
	ins int
}

func newTransposed(v values, t []*tensor) *transposed {
	w := window{
		channels: v.Out[0], in: plane(v.Out), out: plane(v.In),
		kernel: v.pair("kernel_size", 1), stride: v.pair("stride", 1), padding: v.pair("padding", 0), dilation: v.pair("dilation", 1),
	}
	return &transposed{convolution: newConvolution(w, v, t), ins: v.In[0]}
}

// product returns the sizes of one group's matrix product: input channels, numbers of the
// window over all output channels, and input places.
func (l *transposed) product() (ins, points, places int) {
	return l.ins / l.groups, l.channels / l.groups * l.kernel[0] * l.kernel[1], l.outSize()
}

func (l *transposed) forward(p *pass, x []float32, n int) []float32 {
	ins, points, places := l.product()
	return l.outputs(x, n, l.ins*places, l.channels*l.inSize(), l.ins*points*places, func(s *convScratch, x, y []float32) {
		col := grown(&s.col, points*places)
		l.fillBias(y, l.inSize())
		for g := range l.groups {
			serial(p).Sgemm(blas.Trans, blas.NoTrans, points, places, ins, 1,
				l.weight.data[g*ins*points:], points, x[g*ins*places:], places, 0, col, places)
			l.fold(y, col, g*l.channels/l.groups, l.channels/l.groups)
		}
	})
}

func (l *transposed) backward(p *pass, x, dy []float32, n int, wantDX bool) []float32 {
	ins, points, places := l.product()
	return l.gradients(x, dy, n, l.ins*places, l.channels*l.inSize(), l.channels, wantDX, func(s *convScratch, sum, x, dy, dx []float32) {
		col := grown(&s.col, points*places)
		l.biasGradient(sum, dy, l.inSize())
		for g := range l.groups {
			l.unfold(col, dy, g*l.channels/l.groups, l.channels/l.groups)
			serial(p).Sgemm(blas.NoTrans, blas.Trans, ins, points, places, 1, x[g*ins*places:], places, col, places, 1, sum[g*ins*points:], points)
			if dx != nil {
				serial(p).Sgemm(blas.NoTrans, blas.NoTrans, ins, places, points, 1, l.weight.data[g*ins*points:], points, col, places, 0, dx[g*ins*places:], places)
			}
		}
	})
}
