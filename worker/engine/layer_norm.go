package engine

import "math"

// batchNorm normalises each channel over the batch and all places. It sums in
// float64, sample after sample, as PyTorch does on the CPU.
type batchNorm struct {
	channels, places int
	eps, momentum    float64
	weight, bias     *tensor
	mean, variance   *tensor // running figures; nil: none are kept
	tracked          *tensor
	y                []float32
	normal           []float32 // (x - mean) / deviation
	center, inverse  []float64 // mean and 1 / deviation of the last forward, for each channel
	sum, dot         []float64
	batch            bool // the last forward used the batch's own figures
}

func newBatchNorm(v values, t []*tensor) *batchNorm {
	c := v.In[0]
	return &batchNorm{
		channels: c, places: elements(v.In[1:]), eps: v.Float("eps"), momentum: v.Float("momentum"),
		weight: named(t, "weight"), bias: named(t, "bias"),
		mean: named(t, "running_mean"), variance: named(t, "running_var"), tracked: named(t, "num_batches_tracked"),
		center: make([]float64, c), inverse: make([]float64, c), sum: make([]float64, c), dot: make([]float64, c),
	}
}

func (b *batchNorm) forward(p *pass, x []float32, n int) []float32 {
	y := grown(&b.y, n*b.channels*b.places)
	grown(&b.normal, len(y))
	b.batch = p.train || b.mean == nil
	if p.train && b.tracked != nil {
		b.tracked.data[0]++
	}
	parallel(b.channels, 4*n*b.places, func(from, to int) {
		if b.batch {
			b.measure(x, n, from, to, p.train)
		} else {
			for c := from; c < to; c++ {
				b.center[c], b.inverse[c] = float64(b.mean.data[c]), 1/math.Sqrt(float64(b.variance.data[c])+b.eps)
			}
		}
		b.each(n, from, to, func(c, at, end int) {
			scale, shift := b.affine(c)
			center, inverse, normal := b.center[c], b.inverse[c], b.normal[at:end]
			y := y[at:end]
			for i, v := range x[at:end] {
				w := float32((float64(v) - center) * inverse)
				normal[i] = w
				y[i] = w*scale + shift
			}
		})
	})
	return y
}

// each calls f for each sample and each channel from <= c < to, with the range
// of its numbers.
func (b *batchNorm) each(n, from, to int, f func(c, at, end int)) {
	for s := range n {
		for c := from; c < to; c++ {
			at := (s*b.channels + c) * b.places
			f(c, at, at+b.places)
		}
	}
}

// measure sets center and inverse from the batch and, in training, updates the
// running figures.
func (b *batchNorm) measure(x []float32, n, from, to int, train bool) {
	count := float64(n * b.places)
	clear(b.sum[from:to])
	clear(b.dot[from:to])
	b.each(n, from, to, func(c, at, end int) {
		sum := b.sum[c]
		for _, v := range x[at:end] {
			sum += float64(v)
		}
		b.sum[c] = sum
	})
	for c := from; c < to; c++ {
		b.center[c] = b.sum[c] / count
	}
	b.each(n, from, to, func(c, at, end int) {
		sum, center := b.dot[c], b.center[c]
		for _, v := range x[at:end] {
			sum += (float64(v) - center) * (float64(v) - center)
		}
		b.dot[c] = sum
	})
	for c := from; c < to; c++ {
		b.inverse[c] = 1 / math.Sqrt(b.dot[c]/count+b.eps)
		if train && b.mean != nil {
			m := b.momentum
			b.mean.data[c] = float32(m*b.center[c] + (1-m)*float64(b.mean.data[c]))
			b.variance.data[c] = float32(m*b.dot[c]/(count-1) + (1-m)*float64(b.variance.data[c]))
		}
	}
}

func (b *batchNorm) affine(c int) (scale, shift float32) {
	if b.weight == nil {
		return 1, 0
	}
	return b.weight.data[c], b.bias.data[c]
}

func (b *batchNorm) backward(_ *pass, _, dy []float32, n int, wantDX bool) []float32 {
	parallel(b.channels, 4*n*b.places, func(from, to int) { b.slopes(dy, n, from, to) })
	if !wantDX {
		return nil
	}
	return dy
}

// slopes computes backward for the channels from <= c < to, in dy itself.
func (b *batchNorm) slopes(dy []float32, n, from, to int) {
	count := float64(n * b.places)
	clear(b.sum[from:to])
	clear(b.dot[from:to])
	b.each(n, from, to, func(c, at, end int) {
		sum, dot, normal := b.sum[c], b.dot[c], b.normal[at:end]
		for i, v := range dy[at:end] {
			sum += float64(v)
			dot += float64(v) * float64(normal[i])
		}
		b.sum[c], b.dot[c] = sum, dot
	})
	for c := from; c < to; c++ {
		if b.weight != nil {
			b.weight.grad[c], b.bias.grad[c] = float32(b.dot[c]), float32(b.sum[c])
		}
		b.sum[c], b.dot[c] = b.sum[c]/count, b.dot[c]/count
		if !b.batch {
			b.sum[c], b.dot[c] = 0, 0
		}
	}
	b.each(n, from, to, func(c, at, end int) {
		scale, _ := b.affine(c)
		k, sum, dot, normal := float64(scale)*b.inverse[c], b.sum[c], b.dot[c], b.normal[at:end]
		line := dy[at:end]
		for i, v := range line {
			line[i] = float32(k * (float64(v) - sum - float64(normal[i])*dot))
		}
	})
}

// rowNorm normalises each row of a sample separately: layer norm (one factor
// for each place of the row) and group norm (one factor for each channel).
type rowNorm struct {
	rows, length int // in a sample
	// index of the factor for place i of row r: r%period*step + i/run
	period, step, run int
	eps               float64
	weight, bias      *tensor
	y, normal         []float32
	center, inverse   []float64 // of each row
	partial           []float64
}

func newLayerNorm(v values, t []*tensor) *rowNorm {
	shape, _ := v.Value("normalized_shape").([]int)
	length := elements(shape)
	return &rowNorm{rows: elements(v.In) / length, length: length, period: 1, run: 1, eps: v.Float("eps"), weight: named(t, "weight"), bias: named(t, "bias")}
}

func newGroupNorm(v values, t []*tensor) *rowNorm {
	groups, places := v.Int("num_groups"), elements(v.In[1:])
	channels := v.In[0] / groups
	return &rowNorm{rows: groups, length: channels * places, period: groups, step: channels, run: places, eps: v.Float("eps"), weight: named(t, "weight"), bias: named(t, "bias")}
}

func (r *rowNorm) forward(_ *pass, x []float32, n int) []float32 {
	rows := n * r.rows
	y, normal, inverse := grown(&r.y, rows*r.length), grown(&r.normal, rows*r.length), grown(&r.inverse, rows)
	grown(&r.center, rows)
	parallel(rows, 8*r.length, func(from, to int) {
		for row := from; row < to; row++ {
			at := row * r.length
			line := x[at : at+r.length]
			var mean, variance float64
			for _, v := range line {
				mean += float64(v)
			}
			mean /= float64(r.length)
			for _, v := range line {
				variance += (float64(v) - mean) * (float64(v) - mean)
			}
			inverse[row] = 1 / math.Sqrt(variance/float64(r.length)+r.eps)
			r.center[row] = mean
			for i, v := range line {
				normal[at+i] = float32((float64(v) - mean) * inverse[row])
				scale, shift := r.affine(row, i)
				y[at+i] = normal[at+i]*scale + shift
			}
		}
	})
	return y
}

func (r *rowNorm) factor(row, i int) int { return row%r.period*r.step + i/r.run }

func (r *rowNorm) affine(row, i int) (scale, shift float32) {
	if r.weight == nil {
		return 1, 0
	}
	k := r.factor(row, i)
	return r.weight.data[k], r.bias.data[k]
}

func (r *rowNorm) backward(_ *pass, _, dy []float32, n int, wantDX bool) []float32 {
	rows := n * r.rows
	if r.weight != nil {
		r.factorGradients(dy, rows)
	}
	if !wantDX {
		return nil
	}
	parallel(rows, 8*r.length, func(from, to int) {
		for row := from; row < to; row++ {
			at := row * r.length
			line, normal := dy[at:at+r.length], r.normal[at:at+r.length]
			var sum, dot float64
			for i, g := range line {
				scale, _ := r.affine(row, i)
				v := float64(g) * float64(scale)
				sum += v
				dot += v * float64(normal[i])
			}
			sum /= float64(r.length)
			dot /= float64(r.length)
			for i, g := range line {
				scale, _ := r.affine(row, i)
				line[i] = float32(r.inverse[row] * (float64(g)*float64(scale) - sum - float64(normal[i])*dot))
			}
		}
	})
	return dy
}

// factorGradients sums over the rows in chunks. The number of chunks does not depend
// on the machine, so the result does not either.
func (r *rowNorm) factorGradients(dy []float32, rows int) {
	size := len(r.weight.data)
	partial := grown(&r.partial, 2*size*maxChunks)
	clear(partial)
	count := chunks(rows, func(chunk, from, to int) {
		weight := partial[2*chunk*size:][:size]
		bias := partial[(2*chunk+1)*size:][:size]
		for row := from; row < to; row++ {
			for i := range r.length {
				k, at := r.factor(row, i), row*r.length+i
				weight[k] += float64(dy[at]) * float64(r.normal[at])
				bias[k] += float64(dy[at])
			}
		}
	})
	for k := range size {
		var weight, bias float64
		for c := range count {
			weight += partial[2*c*size+k]
			bias += partial[(2*c+1)*size+k]
		}
		r.weight.grad[k], r.bias.grad[k] = float32(weight), float32(bias)
	}
}

// instanceNorm normalises each channel of each sample. If it keeps running
// figures, which are means over the samples, it uses them in evaluation.
type instanceNorm struct {
	*rowNorm
	running *batchNorm // nil: none are kept
}

func newInstanceNorm(v values, t []*tensor) *instanceNorm {
	b := newBatchNorm(v, t)
	r := &rowNorm{rows: b.channels, length: b.places, period: b.channels, step: 1, run: b.places, eps: b.eps, weight: b.weight, bias: b.bias}
	if b.mean == nil {
		return &instanceNorm{r, nil}
	}
	return &instanceNorm{r, b}
}

func (l *instanceNorm) forward(p *pass, x []float32, n int) []float32 {
	b := l.running
	if b == nil {
		return l.rowNorm.forward(p, x, n)
	}
	if !p.train {
		return b.forward(p, x, n)
	}
	y := l.rowNorm.forward(p, x, n)
	b.tracked.data[0]++
	m, length := b.momentum, float64(b.places)
	for c := range b.channels {
		var mean, variance float64
		for s := range n {
			i := s*b.channels + c
			mean += l.center[i]
			variance += (1/(l.inverse[i]*l.inverse[i]) - l.eps) * length / (length - 1)
		}
		b.mean.data[c] = float32(m*mean/float64(n) + (1-m)*float64(b.mean.data[c]))
		b.variance.data[c] = float32(m*variance/float64(n) + (1-m)*float64(b.variance.data[c]))
	}
	return y
}

// dropout zeroes runs of numbers: single ones, or the whole channels of dropout2d.
type dropout struct {
	p         float64
	size, run int
	mask, y   []float32
	active    bool
}

func (d *dropout) forward(p *pass, x []float32, n int) []float32 {
	d.active = p.train && d.p > 0
	if !d.active {
		return x[:n*d.size]
	}
	y := grown(&d.y, n*d.size)
	mask := grown(&d.mask, len(y)/d.run)
	if d.p == 1 {
		clear(mask)
	} else {
		p.masks.keep(mask, d.p)
	}
	for i, v := range x[:len(y)] {
		y[i] = v * mask[i/d.run]
	}
	return y
}

func (d *dropout) backward(_ *pass, _, dy []float32, _ int, _ bool) []float32 {
	if d.active {
		for i := range dy {
			dy[i] *= d.mask[i/d.run]
		}
	}
	return dy
}
