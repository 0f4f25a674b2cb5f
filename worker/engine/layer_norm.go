package engine

import "math"

// batchNorm normalises each channel over the batch and all places.
type batchNorm struct {
	channels, places int
	eps, momentum    float64
	weight, bias     *tensor
	mean, variance   *tensor // running figures; nil: none are kept
	tracked          *tensor
	y                []float32
	normal           []float32 // (x - mean) / deviation
	inverse          []float64 // 1 / deviation, for each channel
	batch            bool      // the last forward used the batch's own figures
}

func newBatchNorm(v values, t []*tensor) *batchNorm {
	return &batchNorm{
		channels: v.In[0], places: elements(v.In[1:]), eps: v.float("eps"), momentum: v.float("momentum"),
		weight: named(t, "weight"), bias: named(t, "bias"),
		mean: named(t, "running_mean"), variance: named(t, "running_var"), tracked: named(t, "num_batches_tracked"),
		inverse: make([]float64, v.In[0]),
	}
}

func (b *batchNorm) forward(p *pass, x []float32, n int) []float32 {
	y := grown(&b.y, n*b.channels*b.places)
	grown(&b.normal, len(y))
	b.batch = p.train || b.mean == nil
	if p.train && b.tracked != nil {
		b.tracked.data[0]++
	}
	parallel(b.channels, 8*n*b.places, func(from, to int) {
		for c := from; c < to; c++ {
			mean, variance := b.figures(p, x, n, c)
			b.inverse[c] = 1 / math.Sqrt(variance+b.eps)
			scale, shift := channelAffine(b.weight, b.bias, c)
			b.lines(n, c, func(i int) {
				v := float32((float64(x[i]) - mean) * b.inverse[c])
				b.normal[i] = v
				y[i] = v*scale + shift
			})
		}
	})
	return y
}

func channelAffine(weight, bias *tensor, c int) (scale, shift float32) {
	if weight == nil {
		return 1, 0
	}
	return weight.data[c], bias.data[c]
}

// lines calls f with the index of each number of channel c.
func (b *batchNorm) lines(n, c int, f func(i int)) {
	for s := range n {
		at := (s*b.channels + c) * b.places
		for i := at; i < at+b.places; i++ {
			f(i)
		}
	}
}

// figures returns mean and variance of channel c, of the batch or the running
// ones, and brings the running ones up to date.
func (b *batchNorm) figures(p *pass, x []float32, n, c int) (mean, variance float64) {
	if !b.batch {
		return float64(b.mean.data[c]), float64(b.variance.data[c])
	}
	count := float64(n * b.places)
	b.lines(n, c, func(i int) { mean += float64(x[i]) })
	mean /= count
	b.lines(n, c, func(i int) { d := float64(x[i]) - mean; variance += d * d })
	if p.train && b.mean != nil {
		unbiased := variance / (count - 1)
		m := b.momentum
		b.mean.data[c] = float32(m*mean + (1-m)*float64(b.mean.data[c]))
		b.variance.data[c] = float32(m*unbiased + (1-m)*float64(b.variance.data[c]))
	}
	return mean, variance / count
}

func (b *batchNorm) backward(_ *pass, _, dy []float32, n int, wantDX bool) []float32 {
	count := float64(n * b.places)
	parallel(b.channels, 8*n*b.places, func(from, to int) {
		for c := from; c < to; c++ {
			var sum, dot float64
			b.lines(n, c, func(i int) {
				sum += float64(dy[i])
				dot += float64(dy[i]) * float64(b.normal[i])
			})
			if b.weight != nil {
				b.weight.grad[c], b.bias.grad[c] = float32(dot), float32(sum)
			}
			scale, _ := channelAffine(b.weight, b.bias, c)
			k := float64(scale) * b.inverse[c]
			if !b.batch {
				sum, dot = 0, 0
			}
			b.lines(n, c, func(i int) {
				dy[i] = float32(k * (float64(dy[i]) - sum/count - float64(b.normal[i])*dot/count))
			})
		}
	})
	if !wantDX {
		return nil
	}
	return dy
}

// rowNorm normalises rows of a sample on their own: layer norm (one factor for
// each place of the row) and group norm (one for each channel).
type rowNorm struct {
	rows, length int // in a sample
	// index of the factor for place i of row r: r%period*step + i/run
	period, step, run int
	eps               float64
	weight, bias      *tensor
	y, normal         []float32
	inverse           []float64
	partial           []float64
}

func newLayerNorm(v values, t []*tensor) *rowNorm {
	shape, _ := v.get("normalized_shape").([]int)
	length := elements(shape)
	return &rowNorm{rows: elements(v.In) / length, length: length, period: 1, run: 1, eps: v.float("eps"), weight: named(t, "weight"), bias: named(t, "bias")}
}

func newGroupNorm(v values, t []*tensor) *rowNorm {
	groups, places := v.int("num_groups"), elements(v.In[1:])
	channels := v.In[0] / groups
	return &rowNorm{rows: groups, length: channels * places, period: groups, step: channels, run: places, eps: v.float("eps"), weight: named(t, "weight"), bias: named(t, "bias")}
}

func (r *rowNorm) forward(_ *pass, x []float32, n int) []float32 {
	rows := n * r.rows
	y, normal, inverse := grown(&r.y, rows*r.length), grown(&r.normal, rows*r.length), grown(&r.inverse, rows)
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

// factorGradients sums in chunks of rows, whose number does not depend on the machine.
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
