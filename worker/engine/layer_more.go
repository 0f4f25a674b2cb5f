package engine

import "gonum.org/v1/gonum/blas"

// prelu is x above 0 and a learned slope times x below. There is one slope, or
// one for each channel.
type prelu struct {
	size, run int // numbers of a sample, and of a slope in it
	weight    *tensor
	y         []float32
	partial   []float64
}

func newPrelu(v values, t []*tensor) *prelu {
	p := &prelu{size: elements(v.In), weight: t[0]}
	p.run = p.size
	if len(t[0].data) > 1 {
		p.run = p.size / v.In[0]
	}
	return p
}

func (l *prelu) forward(_ *pass, x []float32, n int) []float32 {
	y := grown(&l.y, n*l.size)
	for i, v := range x[:len(y)] {
		if v <= 0 {
			v *= l.weight.data[i%l.size/l.run]
		}
		y[i] = v
	}
	return y
}

func (l *prelu) backward(_ *pass, x, dy []float32, n int, _ bool) []float32 {
	sums := grown(&l.partial, len(l.weight.data))
	clear(sums)
	for i, v := range x[:n*l.size] {
		if v <= 0 {
			k := i % l.size / l.run
			sums[k] += float64(v) * float64(dy[i])
			dy[i] *= l.weight.data[k]
		}
	}
	for k, v := range sums {
		l.weight.grad[k] = float32(v)
	}
	return dy
}

// glu is the first half along a dimension times the sigmoid of the second.
type glu struct {
	outer, half int // half: numbers in half of a line
	y, dx       []float32
}

func newGLU(v values) *glu {
	i := v.Axis(v.In)
	return &glu{outer: elements(v.In[:i]), half: elements(v.Out[i:])}
}

func (g *glu) forward(_ *pass, x []float32, n int) []float32 {
	y := grown(&g.y, n*g.outer*g.half)
	for i := range y {
		at := i/g.half*2*g.half + i%g.half
		y[i] = x[at] * sigmoid32(x[at+g.half])
	}
	return y
}

func (g *glu) backward(_ *pass, x, dy []float32, n int, _ bool) []float32 {
	dx := grown(&g.dx, 2*n*g.outer*g.half)
	for i, d := range dy {
		at := i/g.half*2*g.half + i%g.half
		s := sigmoid32(x[at+g.half])
		dx[at], dx[at+g.half] = d*s, d*x[at]*s*(1-s)
	}
	return dx
}

// bilinear is y_o = xᵀ A_o x + b_o: a linear layer on all products of two inputs.
type bilinear struct {
	in       int
	products linear
	z, dx    []float32
}

func newBilinear(v values, t []*tensor) *bilinear {
	in := v.Int("in1_features")
	return &bilinear{in: in, products: linear{in: in * in, out: v.Int("out_features"), rows: elements(v.In) / in, weight: named(t, "weight"), bias: named(t, "bias")}}
}

func (b *bilinear) forward(p *pass, x []float32, n int) []float32 {
	rows := n * b.products.rows
	z := grown(&b.z, rows*b.in*b.in)
	clear(z)
	for r := range rows {
		line := x[r*b.in : (r+1)*b.in]
		p.blas.Sgemm(blas.NoTrans, blas.NoTrans, b.in, b.in, 1, 1, line, 1, line, b.in, 0, z[r*b.in*b.in:], b.in)
	}
	return b.products.forward(p, z, n)
}

func (b *bilinear) backward(p *pass, x, dy []float32, n int, wantDX bool) []float32 {
	dz := b.products.backward(p, b.z, dy, n, wantDX)
	if !wantDX {
		return nil
	}
	dx := grown(&b.dx, n*b.products.rows*b.in)
	for i := range dx {
		r, k := i/b.in, i%b.in
		line, d := x[r*b.in:(r+1)*b.in], dz[r*b.in*b.in:(r+1)*b.in*b.in]
		var sum float32
		for j, v := range line {
			sum += (d[k*b.in+j] + d[j*b.in+k]) * v
		}
		dx[i] = sum
	}
	return dx
}
