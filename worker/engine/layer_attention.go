package engine

import (
	"math"

	"gonum.org/v1/gonum/blas"
)

// newTransformer composes the layer from others. Attention and feed-forward each have a
// residual connection around them; a norm follows each residual or, with norm_first,
// comes first inside it.
func newTransformer(v values, t []*tensor) layer {
	steps, d, f, p := v.In[0], v.Int("d_model"), v.Int("dim_feedforward"), v.Float("dropout")
	dense := func(name string, in, out int) layer {
		return &linear{in: in, out: out, rows: steps, weight: named(t, name+"weight"), bias: named(t, name+"bias")}
	}
	norm := func(name string) layer {
		return &rowNorm{rows: steps, length: d, period: 1, run: 1, eps: v.Float("layer_norm_eps"), weight: named(t, name+".weight"), bias: named(t, name+".bias")}
	}
	act := activation{size: steps * f, function: relu{}}
	if v.Text("activation") == "gelu" {
		act.function = general{gelu, geluSlope}
	}
	heads := &attention{steps: steps, d: d, heads: v.Int("nhead"), drop: dropout{p: p}}
	attend := []layer{dense("self_attn.in_proj_", d, 3*d), heads, dense("self_attn.out_proj.", d, d), &dropout{p: p, size: steps * d, run: 1}}
	feed := []layer{dense("linear1.", d, f), &act, &dropout{p: p, size: steps * f, run: 1}, dense("linear2.", f, d), &dropout{p: p, size: steps * d, run: 1}}
	if v.Bool("norm_first") {
		return chain(around(append([]layer{norm("norm1")}, attend...)), around(append([]layer{norm("norm2")}, feed...)))
	}
	return chain(around(attend), norm("norm1"), around(feed), norm("norm2"))
}

func chain(layers ...layer) *sequence {
	return &sequence{layers: layers, inputs: make([][]float32, len(layers))}
}

func around(layers []layer) layer { return &residual{main: chain(layers...), cut: chain()} }

// attention is softmax(Q Kᵀ / sqrt(d/heads)) V for each head; the input holds Q, K
// and V side by side, [steps, 3 d].
type attention struct {
	steps, d, heads int
	drop            dropout // of the weights
	weights, kept   []float32
	y, dx, dw       []float32
}

// views returns the offsets of sample and head i.
func (a *attention) views(i int) (at, out, w int) {
	s, h := i/a.heads, i%a.heads
	return s*a.steps*3*a.d + h*a.d/a.heads, s*a.steps*a.d + h*a.d/a.heads, i * a.steps * a.steps
}

func (a *attention) forward(p *pass, x []float32, n int) []float32 {
	t, d, size := a.steps, a.d, a.d/a.heads
	y, weights := grown(&a.y, n*t*d), grown(&a.weights, n*a.heads*t*t)
	scale := 1 / math.Sqrt(float64(size))
	row := softmax{outer: 1, length: t, inner: 1, sign: scale}
	parallel(n*a.heads, t*t*size, func(from, to int) {
		for i := from; i < to; i++ {
			at, _, w := a.views(i)
			serial(p).Sgemm(blas.NoTrans, blas.Trans, t, t, size, 1, x[at:], 3*d, x[at+d:], 3*d, 0, weights[w:], t)
			for r := w; r < w+t*t; r += t {
				row.line(weights[r:r+t], weights[r:r+t])
			}
		}
	})
	a.drop.size, a.drop.run = a.heads*t*t, 1
	a.kept = a.drop.forward(p, weights, n)
	parallel(n*a.heads, t*t*size, func(from, to int) {
		for i := from; i < to; i++ {
			at, out, w := a.views(i)
			serial(p).Sgemm(blas.NoTrans, blas.NoTrans, t, size, t, 1, a.kept[w:], t, x[at+2*d:], 3*d, 0, y[out:], d)
		}
	})
	return y
}

func (a *attention) backward(p *pass, x, dy []float32, n int, _ bool) []float32 {
	t, d, size := a.steps, a.d, a.d/a.heads
	dx, dw := grown(&a.dx, n*t*3*d), grown(&a.dw, n*a.heads*t*t)
	scale := float32(1 / math.Sqrt(float64(size)))
	parallel(n*a.heads, t*t*size, func(from, to int) {
		for i := from; i < to; i++ {
			at, out, w := a.views(i)
			serial(p).Sgemm(blas.Trans, blas.NoTrans, t, size, t, 1, a.kept[w:], t, dy[out:], d, 0, dx[at+2*d:], 3*d)
			serial(p).Sgemm(blas.NoTrans, blas.Trans, t, t, size, 1, dy[out:], d, x[at+2*d:], 3*d, 0, dw[w:], t)
		}
	})
	dw = a.drop.backward(p, nil, dw, n, true)
	parallel(n*a.heads, t*t*size, func(from, to int) {
		for i := from; i < to; i++ {
			at, _, w := a.views(i)
			for r := w; r < w+t*t; r += t {
				softmaxSlope(dw[r:r+t], a.weights[r:r+t], scale)
			}
			serial(p).Sgemm(blas.NoTrans, blas.NoTrans, t, size, t, 1, dw[w:], t, x[at+d:], 3*d, 0, dx[at:], 3*d)
			serial(p).Sgemm(blas.Trans, blas.NoTrans, t, size, t, 1, dw[w:], t, x[at:], 3*d, 0, dx[at+d:], 3*d)
		}
	})
	return dx
}

// softmaxSlope turns the gradient of a row of weights into that of its argument,
// times scale.
func softmaxSlope(d, w []float32, scale float32) {
	var sum float64
	for i, v := range w {
		sum += float64(v) * float64(d[i])
	}
	for i, v := range w {
		d[i] = scale * v * float32(float64(d[i])-sum)
	}
}
