package engine

import "math"

// maxPool takes the largest number of each window; NaN is the largest.
type maxPool struct {
	window
	regions []region // adaptive: the inputs of each output; nil: those of the window
	y, dx   []float32
	from    []int32 // the index in its channel of each output's largest number
}

func newAdaptiveMax(v values) *maxPool {
	w := window{channels: v.In[0], in: plane(v.In), out: plane(v.Out)}
	return &maxPool{window: w, regions: adaptiveRegions(w.in, w.out)}
}

func (m *maxPool) forward(_ *pass, x []float32, n int) []float32 {
	planes, ins, outs := n*m.channels, m.inSize(), m.outSize()
	y := grown(&m.y, planes*outs)
	grown(&m.from, planes*outs)
	parallel(planes, ins+outs*m.kernel[0]*m.kernel[1], func(from, to int) {
		for c := from; c < to; c++ {
			m.plane(y[c*outs:(c+1)*outs], m.from[c*outs:(c+1)*outs], x[c*ins:(c+1)*ins])
		}
	})
	return y
}

func (m *maxPool) plane(y []float32, from []int32, x []float32) {
	if m.regions != nil {
		for i, r := range m.regions {
			at := r.points[0]
			for _, k := range r.points[1:] {
				if v := x[k]; v > x[at] || v != v {
					at = k
				}
			}
			y[i], from[i] = x[at], int32(at)
		}
		return
	}
	if m.kernel == [2]int{2, 2} && m.stride == m.kernel && m.padding == [2]int{} && m.dilation == [2]int{1, 1} && m.out[0]*2 <= m.in[0] && m.out[1]*2 <= m.in[1] {
		m.halves(y, from, x)
		return
	}
	for i := range y {
		best, at := float32(math.Inf(-1)), -1
		m.each(i, func(k int) {
			if v := x[k]; at < 0 || v > best || v != v {
				best, at = v, k
			}
		})
		y[i], from[i] = best, int32(at)
	}
}

// halves is plane for windows of 2 by 2, the usual size. Which number is the largest is
// practically random, so the code avoids branches that the processor would mispredict.
func (m *maxPool) halves(y []float32, from []int32, x []float32) {
	w := m.in[1]
	for r := range m.out[0] {
		top, bottom := x[2*r*w:][:2*m.out[1]], x[(2*r+1)*w:][:2*m.out[1]]
		line, found := y[r*m.out[1]:][:m.out[1]], from[r*m.out[1]:][:m.out[1]]
		for c := range line {
			a, b, d, e := top[2*c], top[2*c+1], bottom[2*c], bottom[2*c+1]
			if sum := a + b + d + e; sum != sum { // NaN, perhaps of infinities
				line[c], found[c] = largest(a, b, d, e, 2*r*w+2*c, w)
				continue
			}
			upper, at := max(a, b), 0
			if b > a {
				at = 1
			}
			lower, below := max(d, e), w
			if e > d {
				below = w + 1
			}
			if lower > upper {
				at = below
			}
			line[c], found[c] = max(upper, lower), int32(2*r*w+2*c+at)
		}
	}
}

// largest returns the largest number of one 2 by 2 window that contains NaN, and its index.
func largest(a, b, d, e float32, at, w int) (best float32, found int32) {
	best, found = a, int32(at)
	for i, v := range [3]float32{b, d, e} {
		if v > best || v != v {
			best, found = v, int32([3]int{at + 1, at + w, at + w + 1}[i])
		}
	}
	return best, found
}

// each calls f with the index of every input in the window of output i.
func (w *window) each(i int, f func(k int)) {
	top := i/w.out[1]*w.stride[0] - w.padding[0]
	left := i%w.out[1]*w.stride[1] - w.padding[1]
	for kh := range w.kernel[0] {
		r := top + kh*w.dilation[0]
		if r < 0 || r >= w.in[0] {
			continue
		}
		for kw := range w.kernel[1] {
			if c := left + kw*w.dilation[1]; c >= 0 && c < w.in[1] {
				f(r*w.in[1] + c)
			}
		}
	}
}

func (m *maxPool) backward(_ *pass, x, dy []float32, n int, wantDX bool) []float32 {
	if !wantDX {
		return nil
	}
	planes, ins, outs := n*m.channels, m.inSize(), m.outSize()
	dx := grown(&m.dx, planes*ins)
	clear(dx)
	parallel(planes, outs, func(from, to int) {
		for c := from; c < to; c++ {
			d := dx[c*ins : (c+1)*ins]
			for i, k := range m.from[c*outs : (c+1)*outs] {
				if k >= 0 {
					d[k] += dy[c*outs+i]
				}
			}
		}
	})
	return dx
}

// avgPool computes the mean of each window; regions has the inputs of each
// output.
type avgPool struct {
	channels, ins int
	regions       []region
	y, dx         []float32
}

// A region is the indices of the inputs of one output, and the divisor of their
// sum.
type region struct {
	points []int
	by     float32
}

func newAvgPool(v values) *avgPool {
	w := newWindow(v)
	a := &avgPool{channels: w.channels, ins: w.inSize()}
	for i := range w.outSize() {
		var r region
		w.each(i, func(k int) { r.points = append(r.points, k) })
		r.by = float32(len(r.points))
		if v.Bool("count_include_pad") {
			r.by = float32(w.padded(i))
		}
		a.regions = append(a.regions, r)
	}
	return a
}

// padded counts the points of output i's window that are in the input or its
// padding. In ceil_mode a window can extend beyond both; that part is not
// counted.
func (w *window) padded(i int) int {
	count := 1
	for d, o := range [2]int{i / w.out[1], i % w.out[1]} {
		start := o*w.stride[d] - w.padding[d]
		count *= min(start+w.kernel[d], w.in[d]+w.padding[d]) - start
	}
	return count
}

func newAdaptiveAvg(v values) *avgPool {
	in := plane(v.In)
	return &avgPool{channels: v.In[0], ins: in[0] * in[1], regions: adaptiveRegions(in, plane(v.Out))}
}

// adaptiveRegions returns for output o the inputs from floor(o*in/out) up to, but
// without, ceil((o+1)*in/out).
func adaptiveRegions(in, out [2]int) []region {
	var regions []region
	for i := range out[0] {
		for j := range out[1] {
			var r region
			for y := i * in[0] / out[0]; y < ((i+1)*in[0]+out[0]-1)/out[0]; y++ {
				for x := j * in[1] / out[1]; x < ((j+1)*in[1]+out[1]-1)/out[1]; x++ {
					r.points = append(r.points, y*in[1]+x)
				}
			}
			r.by = float32(len(r.points))
			regions = append(regions, r)
		}
	}
	return regions
}

func (a *avgPool) forward(_ *pass, x []float32, n int) []float32 {
	planes, outs := n*a.channels, len(a.regions)
	y := grown(&a.y, planes*outs)
	parallel(planes, a.ins, func(from, to int) {
		for c := from; c < to; c++ {
			for i, r := range a.regions {
				var sum float32
				for _, k := range r.points {
					sum += x[c*a.ins+k]
				}
				y[c*outs+i] = sum / r.by
			}
		}
	})
	return y
}

func (a *avgPool) backward(_ *pass, _, dy []float32, n int, wantDX bool) []float32 {
	if !wantDX {
		return nil
	}
	planes, outs := n*a.channels, len(a.regions)
	dx := grown(&a.dx, planes*a.ins)
	clear(dx)
	parallel(planes, a.ins, func(from, to int) {
		for c := from; c < to; c++ {
			d := dx[c*a.ins : (c+1)*a.ins]
			for i, r := range a.regions {
				g := dy[c*outs+i] / r.by
				for _, k := range r.points {
					d[k] += g
				}
			}
		}
	})
	return dx
}
