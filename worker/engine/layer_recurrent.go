package engine

import (
	"fmt"
	"math"

	"gonum.org/v1/gonum/blas"
)

// recurrent is rnn, lstm or gru: stacked layers, each in one or two directions.
type recurrent struct {
	steps, in, hidden int
	layers            [][]*direction // by layer, then direction
	between           *dropout       // of the outputs of all layers except the last; nil: none
	masks             [][]float32    // those that between used in the last forward, by layer
	last              bool           // output the last step only
	outs              [][]float32    // of each layer, [n, steps, width]
	y                 []float32
}

// A cell computes one step of one direction. gi and gh are W x + b of the input and of
// the state, gates times hidden numbers; forward stores in gi what backward needs.
type cell interface {
	gates() int
	// forward sets h and c from those of the previous step.
	forward(gi, gh, h, c, hBefore, cBefore []float32)
	// backward takes the gradients of h and c. It overwrites gi and gh with their
	// gradients, and dh and dc with those of the previous step.
	backward(gi, gh, dh, dc, h, c, hBefore, cBefore []float32)
}

// direction is one run over the steps.
type direction struct {
	cell
	steps, in, hidden int
	reverse           bool
	wi, wh, bi, bh    *tensor
	gi, gh            []float32 // [n, steps, gates*hidden]
	h, c              []float32 // [n, steps+1, hidden]; the first is the initial state
	dh, dc, before    []float32
	dx                []float32
}

func newRecurrent(v values, t []*tensor) *recurrent {
	r := &recurrent{steps: v.In[0], in: v.In[1], hidden: v.Int("hidden_size"), last: v.Text("output") == "last"}
	dirs, in := 1, r.in
	if v.Bool("bidirectional") {
		dirs = 2
	}
	for l := range v.Int("num_layers") {
		var layer []*direction
		for d := range dirs {
			suffix := fmt.Sprintf("_l%d", l) + [2]string{"", "_reverse"}[d]
			layer = append(layer, &direction{
				cell: newCell(v), steps: r.steps, in: in, hidden: r.hidden, reverse: d == 1,
				wi: named(t, "weight_ih"+suffix), wh: named(t, "weight_hh"+suffix),
				bi: named(t, "bias_ih"+suffix), bh: named(t, "bias_hh"+suffix),
			})
		}
		r.layers = append(r.layers, layer)
		in = r.hidden * dirs
	}
	r.outs, r.masks = make([][]float32, len(r.layers)), make([][]float32, len(r.layers))
	if p := v.Float("dropout"); p > 0 {
		r.between = &dropout{p: p}
	}
	return r
}

func newCell(v values) cell {
	h := v.Int("hidden_size")
	switch v.Kind.Name {
	case "lstm":
		return lstmCell{h}
	case "gru":
		return gruCell{h}
	}
	return rnnCell{h, v.Text("nonlinearity") == "relu"}
}

func (r *recurrent) width() int { return r.hidden * len(r.layers[0]) }

func (r *recurrent) forward(p *pass, x []float32, n int) []float32 {
	width := r.width()
	for l, layer := range r.layers {
		out := grown(&r.outs[l], n*r.steps*width)
		for d, dir := range layer {
			dir.forward(p, x, n)
			for s := range n {
				for t := range r.steps {
					copy(out[(s*r.steps+t)*width+d*r.hidden:][:r.hidden], dir.state(s, t))
				}
			}
		}
		r.masks[l] = r.masks[l][:0]
		if r.between != nil && p.train && l+1 < len(r.layers) {
			r.dropBetween(p, l, out, n)
		}
		x = out
	}
	if !r.last {
		return x
	}
	y := grown(&r.y, n*width)
	for s := range n {
		copy(y[s*width:(s+1)*width], x[(s*r.steps+r.steps-1)*width:])
	}
	return y
}

// dropBetween applies dropout to the outputs of a layer. The mask is drawn in
// PyTorch's order: step by step, and sample by sample within a step.
func (r *recurrent) dropBetween(p *pass, l int, out []float32, n int) {
	mask := grown(&r.masks[l], len(out))
	if r.between.p < 1 {
		p.masks.keep(mask, r.between.p)
	} else {
		clear(mask)
	}
	r.applyMask(l, out, n)
}

func (r *recurrent) applyMask(l int, x []float32, n int) {
	width := r.width()
	for s := range n {
		for t := range r.steps {
			mask := r.masks[l][(t*n+s)*width:][:width]
			line := x[(s*r.steps+t)*width:][:width]
			for i, m := range mask {
				line[i] *= m
			}
		}
	}
}

func (r *recurrent) backward(p *pass, x, dy []float32, n int, wantDX bool) []float32 {
	width := r.width()
	if r.last {
		d := grown(&r.y, n*r.steps*width)
		clear(d)
		for s := range n {
			copy(d[(s*r.steps+r.steps-1)*width:], dy[s*width:(s+1)*width])
		}
		dy = d
	}
	for l := len(r.layers) - 1; l >= 0; l-- {
		below := x
		if l > 0 {
			below = r.outs[l-1]
		}
		if len(r.masks[l]) > 0 {
			r.applyMask(l, dy, n)
		}
		want := wantDX || l > 0
		var sum []float32
		for d, dir := range r.layers[l] {
			dx := dir.backward(p, below, dy, n, width, d*r.hidden, want)
			if d == 0 {
				sum = dx
			} else if want {
				addTo(sum, dx)
			}
		}
		dy = sum
	}
	return dy
}

// at returns the offset of step t in the states: in the order of computation, after the
// initial state.
func (d *direction) at(s, t int) int {
	if d.reverse {
		t = d.steps - 1 - t
	}
	return (s*(d.steps+1) + t + 1) * d.hidden
}

func (d *direction) state(s, t int) []float32 { return d.h[d.at(s, t):][:d.hidden] }

func (d *direction) forward(p *pass, x []float32, n int) {
	g := d.gates() * d.hidden
	gi, gh := grown(&d.gi, n*d.steps*g), grown(&d.gh, n*d.steps*g)
	clear(grown(&d.h, n*(d.steps+1)*d.hidden))
	clear(grown(&d.c, n*(d.steps+1)*d.hidden))
	affine(p, gi, x, d.wi.data, biasOf(d.bi), n*d.steps, d.in, g)
	stride := (d.steps + 1) * d.hidden
	for k := range d.steps {
		t := d.step(k)
		beta := float32(0)
		if d.bh != nil {
			beta = 1
			for s := range n {
				copy(gh[(s*d.steps+t)*g:][:g], d.bh.data)
			}
		}
		p.blas.Sgemm(blas.NoTrans, blas.Trans, n, g, d.hidden, 1, d.h[k*d.hidden:], stride, d.wh.data, d.hidden, beta, gh[t*g:], d.steps*g)
		for s := range n {
			i, now, before := (s*d.steps+t)*g, s*stride+(k+1)*d.hidden, s*stride+k*d.hidden
			d.cell.forward(gi[i:i+g], gh[i:i+g], d.h[now:now+d.hidden], d.c[now:now+d.hidden], d.h[before:now], d.c[before:now])
		}
	}
}

// step returns the k-th step in the order of computation.
func (d *direction) step(k int) int {
	if d.reverse {
		return d.steps - 1 - k
	}
	return k
}

// backward takes dy, the gradient of the outputs of all steps. Each row of dy
// has width numbers, and those of this direction begin at offset.
func (d *direction) backward(p *pass, x, dy []float32, n, width, offset int, wantDX bool) []float32 {
	g, stride := d.gates()*d.hidden, (d.steps+1)*d.hidden
	dh, dc := grown(&d.dh, n*d.hidden), grown(&d.dc, n*d.hidden)
	clear(dh)
	clear(dc)
	for k := d.steps - 1; k >= 0; k-- {
		t := d.step(k)
		for s := range n {
			i, now, before := (s*d.steps+t)*g, s*stride+(k+1)*d.hidden, s*stride+k*d.hidden
			h, c := dh[s*d.hidden:(s+1)*d.hidden], dc[s*d.hidden:(s+1)*d.hidden]
			addTo(h, dy[(s*d.steps+t)*width+offset:])
			d.cell.backward(d.gi[i:i+g], d.gh[i:i+g], h, c, d.h[now:now+d.hidden], d.c[now:now+d.hidden], d.h[before:now], d.c[before:now])
		}
		p.blas.Sgemm(blas.NoTrans, blas.NoTrans, n, d.hidden, g, 1, d.gh[t*g:], d.steps*g, d.wh.data, d.hidden, 1, dh, d.hidden)
	}
	rows := n * d.steps
	before := grown(&d.before, rows*d.hidden)
	for s := range n {
		for k := range d.steps {
			copy(before[(s*d.steps+d.step(k))*d.hidden:][:d.hidden], d.h[s*stride+k*d.hidden:])
		}
	}
	p.blas.Sgemm(blas.Trans, blas.NoTrans, g, d.in, rows, 1, d.gi, g, x, d.in, 0, d.wi.grad, d.in)
	p.blas.Sgemm(blas.Trans, blas.NoTrans, g, d.hidden, rows, 1, d.gh, g, before, d.hidden, 0, d.wh.grad, d.hidden)
	if d.bi != nil {
		columnSums(d.bi.grad, d.gi, rows)
		columnSums(d.bh.grad, d.gh, rows)
	}
	if !wantDX {
		return nil
	}
	dx := grown(&d.dx, rows*d.in)
	p.blas.Sgemm(blas.NoTrans, blas.NoTrans, rows, d.in, g, 1, d.gi, g, d.wi.data, d.in, 0, dx, d.in)
	return dx
}

// rnnCell computes h' = tanh(gi + gh), or relu(gi + gh).
type rnnCell struct {
	hidden int
	relu   bool
}

func (rnnCell) gates() int { return 1 }

func (r rnnCell) forward(gi, gh, h, _, _, _ []float32) {
	for i := range h {
		v := gi[i] + gh[i]
		if r.relu {
			h[i] = max(v, 0)
		} else {
			h[i] = float32(math.Tanh(float64(v)))
		}
	}
}

func (r rnnCell) backward(gi, gh, dh, _, h, _, _, _ []float32) {
	for i, v := range h {
		d := dh[i] * (1 - v*v)
		if r.relu {
			d = 0
			if v > 0 {
				d = dh[i]
			}
		}
		gi[i], gh[i], dh[i] = d, d, 0
	}
}

// lstmCell has the gates i, f, g, o: c' = f c + i g, h' = o tanh c'.
type lstmCell struct{ hidden int }

func (lstmCell) gates() int { return 4 }

func (l lstmCell) forward(gi, gh, h, c, _, cBefore []float32) {
	n := l.hidden
	for k := range h {
		i := sigmoid32(gi[k] + gh[k])
		f := sigmoid32(gi[n+k] + gh[n+k])
		g := float32(math.Tanh(float64(gi[2*n+k] + gh[2*n+k])))
		o := sigmoid32(gi[3*n+k] + gh[3*n+k])
		c[k] = f*cBefore[k] + i*g
		h[k] = o * float32(math.Tanh(float64(c[k])))
		gi[k], gi[n+k], gi[2*n+k], gi[3*n+k] = i, f, g, o
	}
}

func (l lstmCell) backward(gi, gh, dh, dc, _, c, _, cBefore []float32) {
	n := l.hidden
	for k := range dh {
		i, f, g, o := gi[k], gi[n+k], gi[2*n+k], gi[3*n+k]
		tanh := float32(math.Tanh(float64(c[k])))
		d := dc[k] + dh[k]*o*(1-tanh*tanh)
		gi[k] = d * g * i * (1 - i)
		gi[n+k] = d * cBefore[k] * f * (1 - f)
		gi[2*n+k] = d * i * (1 - g*g)
		gi[3*n+k] = dh[k] * tanh * o * (1 - o)
		dc[k], dh[k] = d*f, 0
	}
	copy(gh, gi)
}

func sigmoid32(v float32) float32 { return float32(sigmoid(float64(v))) }

// gruCell has the gates r, z, n: n = tanh(gi + r gh), h' = (1-z) n + z h.
type gruCell struct{ hidden int }

func (gruCell) gates() int { return 3 }

func (c gruCell) forward(gi, gh, h, _, hBefore, _ []float32) {
	n := c.hidden
	for k := range h {
		r := sigmoid32(gi[k] + gh[k])
		z := sigmoid32(gi[n+k] + gh[n+k])
		m := float32(math.Tanh(float64(gi[2*n+k] + r*gh[2*n+k])))
		h[k] = (1-z)*m + z*hBefore[k]
		gi[k], gi[n+k], gi[2*n+k] = r, z, m
	}
}

func (c gruCell) backward(gi, gh, dh, _, _, _, hBefore, _ []float32) {
	n := c.hidden
	for k, d := range dh {
		r, z, m := gi[k], gi[n+k], gi[2*n+k]
		dm := d * (1 - z) * (1 - m*m)
		gi[k] = dm * gh[2*n+k] * r * (1 - r)
		gi[n+k] = d * (hBefore[k] - m) * z * (1 - z)
		gi[2*n+k] = dm
		gh[k], gh[n+k], gh[2*n+k] = gi[k], gi[n+k], dm*r
		dh[k] = d * z
	}
}
