package engine

import (
	"sync"

	"gonum.org/v1/gonum/blas"

	"github.com/gopherpod/gopherpod/worker/engine/sgemm"
)

// window describes how a kernel slides over height and width; the height is 1
// for one-dimensional layers.
type window struct {
	channels                          int // of the input
	in, out                           [2]int
	kernel, stride, padding, dilation [2]int
}

func newWindow(v values) window {
	w := window{
		channels: v.In[0], in: plane(v.In), out: plane(v.Out),
		kernel: v.pair("kernel_size", 1), padding: v.pair("padding", 0), dilation: v.pair("dilation", 1),
	}
	w.stride = w.kernel // pooling without a stride
	if v.Value("stride") != nil {
		w.stride = v.pair("stride", 1)
	}
	switch v.Text("padding") {
	case "same":
		for i := range w.padding { // if the total is odd, PyTorch pads one more at the end
			w.padding[i] = w.dilation[i] * (w.kernel[i] - 1) / 2
		}
	case "valid":
		w.padding = [2]int{}
	}
	return w
}

// plane returns the height and width of a sample [channels, (height,) width].
func plane(shape []int) [2]int {
	if len(shape) == 2 {
		return [2]int{1, shape[1]}
	}
	return [2]int{shape[1], shape[2]}
}

func (w *window) inSize() int  { return w.in[0] * w.in[1] }
func (w *window) outSize() int { return w.out[0] * w.out[1] }

// span returns the range of outputs o for which o*stride + at - padding, in dimension
// d, is within the input.
func (w *window) span(d, at int) (from, to int) {
	from = max(0, (w.padding[d]-at+w.stride[d]-1)/w.stride[d])
	to = min(w.out[d], (w.in[d]-1+w.padding[d]-at)/w.stride[d]+1)
	if w.in[d]-1+w.padding[d]-at < 0 {
		to = 0
	}
	return min(from, w.out[d]), max(to, min(from, w.out[d]))
}

// unfold writes one row for each channel, starting with first, and each
// position in the kernel; the row has the input at that position for all
// outputs. So col has count*kh*kw rows of outSize numbers.
func (w *window) unfold(col, x []float32, first, count int) {
	size := w.outSize()
	row := 0
	for c := first; c < first+count; c++ {
		image := x[c*w.inSize():]
		for kh := range w.kernel[0] {
			for kw := range w.kernel[1] {
				w.unfoldRow(col[row*size:(row+1)*size], image, kh*w.dilation[0], kw*w.dilation[1])
				row++
			}
		}
	}
}

func (w *window) unfoldRow(dst, image []float32, dy, dx int) {
	top, bottom := w.span(0, dy)
	left, right := w.span(1, dx)
	clear(dst[:top*w.out[1]])
	clear(dst[bottom*w.out[1]:])
	for y := top; y < bottom; y++ {
		line := dst[y*w.out[1] : (y+1)*w.out[1]]
		clear(line[:left])
		clear(line[right:])
		if left == right {
			continue
		}
		src := image[(y*w.stride[0]+dy-w.padding[0])*w.in[1]+left*w.stride[1]+dx-w.padding[1]:]
		if w.stride[1] == 1 {
			copy(line[left:right], src)
			continue
		}
		for i := range line[left:right] {
			line[left+i] = src[i*w.stride[1]]
		}
	}
}

// fold is the reverse of unfold: it adds the gradient of col to that of x.
func (w *window) fold(x, col []float32, first, count int) {
	size := w.outSize()
	row := 0
	for c := first; c < first+count; c++ {
		image := x[c*w.inSize():]
		for kh := range w.kernel[0] {
			for kw := range w.kernel[1] {
				w.foldRow(image, col[row*size:(row+1)*size], kh*w.dilation[0], kw*w.dilation[1])
				row++
			}
		}
	}
}

func (w *window) foldRow(image, src []float32, dy, dx int) {
	top, bottom := w.span(0, dy)
	left, right := w.span(1, dx)
	if left == right {
		return
	}
	for y := top; y < bottom; y++ {
		line := src[y*w.out[1]+left : y*w.out[1]+right]
		dst := image[(y*w.stride[0]+dy-w.padding[0])*w.in[1]+left*w.stride[1]+dx-w.padding[1]:]
		if w.stride[1] == 1 {
			addTo(dst[:len(line)], line)
			continue
		}
		for i, v := range line {
			dst[i*w.stride[1]] += v
		}
	}
}

// A convolution is what conv and its transpose share: weights, buffers and the
// parallel loop over the batch.
type convolution struct {
	window
	groups       int
	weight, bias *tensor
	y, dx        []float32
	partial      [][]float32 // sums of gradients, one for each chunk of the batch
	scratch      sync.Pool   // *convScratch
}

type convScratch struct{ col, dcol []float32 }

func newConvolution(w window, v values, t []*tensor) convolution {
	return convolution{
		window: w, groups: v.Int("groups"), weight: named(t, "weight"), bias: named(t, "bias"),
		scratch: sync.Pool{New: func() any { return &convScratch{} }},
	}
}

// outputs calls f for each sample of xs numbers and its ys outputs; cost is the
// number of operations for a sample.
func (c *convolution) outputs(x []float32, n, xs, ys, cost int, f func(s *convScratch, x, y []float32)) []float32 {
	y := grown(&c.y, n*ys)
	parallel(n, cost, func(from, to int) {
		s := c.scratch.Get().(*convScratch)
		defer c.scratch.Put(s)
		for i := from; i < to; i++ {
			f(s, x[i*xs:(i+1)*xs], y[i*ys:(i+1)*ys])
		}
	})
	return y
}

// gradients calls f for each sample. It sums the gradients of the weight and of outs
// biases. It returns the gradient of x, or nil if wantDX is false.
func (c *convolution) gradients(x, dy []float32, n, xs, ys, outs int, wantDX bool, f func(s *convScratch, sum, x, dy, dx []float32)) []float32 {
	var dx []float32
	if wantDX {
		dx = grown(&c.dx, n*xs)
	}
	for len(c.partial) < maxChunks {
		c.partial = append(c.partial, make([]float32, len(c.weight.data)+outs))
	}
	count := chunks(n, func(chunk, from, to int) {
		s := c.scratch.Get().(*convScratch)
		defer c.scratch.Put(s)
		sum := c.partial[chunk]
		clear(sum)
		for i := from; i < to; i++ {
			var d []float32
			if wantDX {
				d = dx[i*xs : (i+1)*xs]
			}
			f(s, sum, x[i*xs:(i+1)*xs], dy[i*ys:(i+1)*ys], d)
		}
	})
	copy(c.weight.grad, c.partial[0])
	for _, sum := range c.partial[1:count] {
		addTo(c.weight.grad, sum[:len(c.weight.grad)])
	}
	if c.bias != nil {
		copy(c.bias.grad, c.partial[0][len(c.weight.data):])
		for _, sum := range c.partial[1:count] {
			addTo(c.bias.grad, sum[len(c.weight.data):])
		}
	}
	return dx
}

// fillBias sets each channel of a sample, of size numbers, to its bias.
func (c *convolution) fillBias(y []float32, size int) {
	if c.bias == nil {
		clear(y)
		return
	}
	for o, b := range c.bias.data {
		fill(y[o*size:(o+1)*size], b)
	}
}

// biasGradient adds the sum of each channel, of size numbers.
func (c *convolution) biasGradient(sum, dy []float32, size int) {
	bias := sum[len(c.weight.data):]
	for o := range bias {
		bias[o] += total(dy[o*size : (o+1)*size])
	}
}

// conv is a convolution over one or two dimensions: for each sample and group, a
// matrix product with the unfolded input.
type conv struct {
	convolution
	outs int
}

func newConv(v values, t []*tensor) *conv {
	return &conv{convolution: newConvolution(newWindow(v), v, t), outs: v.Int("out_channels")}
}

// product returns the sizes of one group's matrix product: rows of the weight,
// its columns, and output places.
func (c *conv) product() (outs, points, places int) {
	return c.outs / c.groups, c.channels / c.groups * c.kernel[0] * c.kernel[1], c.outSize()
}

func (c *conv) forward(p *pass, x []float32, n int) []float32 {
	outs, points, places := c.product()
	return c.outputs(x, n, c.channels*c.inSize(), c.outs*places, c.outs*points*places, func(s *convScratch, x, y []float32) {
		col := grown(&s.col, points*places)
		c.fillBias(y, places)
		for g := range c.groups {
			c.unfold(col, x, g*c.channels/c.groups, c.channels/c.groups)
			serial(p).Sgemm(blas.NoTrans, blas.NoTrans, outs, places, points, 1,
				c.weight.data[g*outs*points:], points, col, places, 1, y[g*outs*places:], places)
		}
	})
}

// serial returns a multiplier for code that already runs on all processors.
func serial(p *pass) multiplier {
	if _, ok := p.blas.(sgemm.BLAS); ok {
		return sgemm.BLAS{Serial: true}
	}
	return p.blas
}

func (c *conv) backward(p *pass, x, dy []float32, n int, wantDX bool) []float32 {
	outs, points, places := c.product()
	return c.gradients(x, dy, n, c.channels*c.inSize(), c.outs*places, c.outs, wantDX, func(s *convScratch, sum, x, dy, dx []float32) {
		col, dcol := grown(&s.col, points*places), grown(&s.dcol, points*places)
		c.biasGradient(sum, dy, places)
		clear(dx)
		for g := range c.groups {
			first, count := g*c.channels/c.groups, c.channels/c.groups
			c.unfold(col, x, first, count)
			d := dy[g*outs*places:]
			serial(p).Sgemm(blas.NoTrans, blas.Trans, outs, points, places, 1, d, places, col, places, 1, sum[g*outs*points:], points)
			if dx != nil {
				serial(p).Sgemm(blas.Trans, blas.NoTrans, points, places, outs, 1, c.weight.data[g*outs*points:], points, d, places, 0, dcol, places)
				c.fold(dx, dcol, first, count)
			}
		}
	})
}
