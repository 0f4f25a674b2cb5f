package engine

import (
	"math"

	"gonum.org/v1/gonum/blas"
)

// linear computes y = x Wᵀ + b over the last dimension.
type linear struct {
	in, out, rows int // rows in a sample
	weight, bias  *tensor
	y, dx         []float32
}

func newLinear(v values, t []*tensor) *linear {
	in := v.Int("in_features")
	return &linear{in: in, out: v.Int("out_features"), rows: elements(v.In) / in, weight: named(t, "weight"), bias: named(t, "bias")}
}

func (l *linear) forward(p *pass, x []float32, n int) []float32 {
	rows := n * l.rows
	y := grown(&l.y, rows*l.out)
	affine(p, y, x, l.weight.data, biasOf(l.bias), rows, l.in, l.out)
	return y
}

func (l *linear) backward(p *pass, x, dy []float32, n int, wantDX bool) []float32 {
	rows := n * l.rows
	p.blas.Sgemm(blas.Trans, blas.NoTrans, l.out, l.in, rows, 1, dy, l.out, x, l.in, 0, l.weight.grad, l.in)
	if l.bias != nil {
		columnSums(l.bias.grad, dy, rows)
	}
	if !wantDX {
		return nil
	}
	dx := grown(&l.dx, rows*l.in)
	p.blas.Sgemm(blas.NoTrans, blas.NoTrans, rows, l.in, l.out, 1, dy, l.out, l.weight.data, l.in, 0, dx, l.in)
	return dx
}

func biasOf(t *tensor) []float32 {
	if t == nil {
		return nil
	}
	return t.data
}

// affine computes y = x Wᵀ + b for rows of x; b may be nil.
func affine(p *pass, y, x, w, b []float32, rows, in, out int) {
	beta := float32(0)
	if b != nil {
		beta = 1
		for i := 0; i < rows*out; i += out {
			copy(y[i:i+out], b)
		}
	}
	p.blas.Sgemm(blas.NoTrans, blas.Trans, rows, out, in, 1, x, in, w, in, beta, y, out)
}

// columnSums sets sums to the sum of rows of x.
func columnSums(sums, x []float32, rows int) {
	clear(sums)
	for i := range rows {
		addTo(sums, x[i*len(sums):])
	}
}

// embedding looks up a vector for each number.
type embedding struct {
	dim, count, size int // size: numbers in a sample
	padding          int // -1: none
	path             string
	weight           *tensor
	y                []float32
}

func newEmbedding(v values, t []*tensor, path string) *embedding {
	e := &embedding{path: path, dim: v.Int("embedding_dim"), count: v.Int("num_embeddings"), size: elements(v.In), weight: t[0], padding: -1}
	if p, ok := v.Value("padding_idx").(int); ok {
		e.padding = (p + e.count) % e.count
	}
	return e
}

func (e *embedding) forward(p *pass, x []float32, n int) []float32 {
	y := grown(&e.y, n*e.size*e.dim)
	for i, v := range x[:n*e.size] {
		row, ok := e.index(v)
		if !ok {
			p.refuse(e.path, "sample %d gives the embedding %v, which takes whole numbers 0 to %d", i/e.size, v, e.count-1)
		}
		copy(y[i*e.dim:(i+1)*e.dim], e.weight.data[row*e.dim:])
	}
	return y
}

// index returns the row for v, truncated as PyTorch's long() does. If there is no such
// row, ok is false and the row is 0. Input data is checked before training, but the
// outputs of other layers can have any value.
func (e *embedding) index(v float32) (row int, ok bool) {
	if whole := math.Trunc(float64(v)); whole >= 0 && whole < float64(e.count) {
		return int(whole), true
	}
	return 0, false
}

func (e *embedding) backward(_ *pass, x, dy []float32, n int, wantDX bool) []float32 {
	clear(e.weight.grad)
	for i, v := range x[:n*e.size] {
		if row, _ := e.index(v); row != e.padding {
			addTo(e.weight.grad[row*e.dim:(row+1)*e.dim], dy[i*e.dim:])
		}
	}
	if !wantDX {
		return nil
	}
	return make([]float32, len(x)) // indices have no gradient
}
