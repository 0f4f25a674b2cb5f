package engine

import (
	"fmt"

	"github.com/gopherpod/gopherpod/worker"
)

// identity is a layer that only reinterprets the shape.
type identity struct{}

func (identity) forward(_ *pass, x []float32, _ int) []float32 { return x }

func (identity) backward(_ *pass, _, dy []float32, _ int, _ bool) []float32 { return dy }

// permute moves each number of a sample to another place.
type permute struct {
	from  []int // output i is input from[i]
	y, dx []float32
}

func newPermute(v values) *permute {
	dims, _ := v.Value("dims").([]int)
	stride := make([]int, len(v.In))
	step := 1
	for i := len(v.In) - 1; i >= 0; i-- {
		stride[i] = step
		step *= v.In[i]
	}
	p := &permute{from: make([]int, step)}
	for i := range p.from {
		rest, at := i, 0
		for d := len(dims) - 1; d >= 0; d-- {
			at += rest % v.Out[d] * stride[dims[d]-1]
			rest /= v.Out[d]
		}
		p.from[i] = at
	}
	return p
}

// newPixelShuffle moves the r² channels of each output channel into squares of r by r.
func newPixelShuffle(v values) *permute {
	r, h, w := v.Int("upscale_factor"), v.In[1], v.In[2]
	p := &permute{from: make([]int, 0, elements(v.In))}
	for c := range v.Out[0] {
		for y := range h * r {
			for x := range w * r {
				p.from = append(p.from, ((c*r+y%r)*r+x%r)*h*w+y/r*w+x/r)
			}
		}
	}
	return p
}

func (p *permute) forward(_ *pass, x []float32, n int) []float32 {
	size := len(p.from)
	y := grown(&p.y, n*size)
	for s := 0; s < n*size; s += size {
		for i, k := range p.from {
			y[s+i] = x[s+k]
		}
	}
	return y
}

func (p *permute) backward(_ *pass, _, dy []float32, n int, _ bool) []float32 {
	size := len(p.from)
	dx := grown(&p.dx, n*size)
	for s := 0; s < n*size; s += size {
		for i, k := range p.from {
			dx[s+k] = dy[s+i]
		}
	}
	return dx
}

// mean computes the mean over one dimension.
type mean struct {
	outer, length, inner int
	y, dx                []float32
}

func newMean(v values) *mean {
	i := v.Axis(v.In)
	return &mean{outer: elements(v.In[:i]), length: v.In[i], inner: elements(v.In[i+1:])}
}

func (m *mean) forward(_ *pass, x []float32, n int) []float32 {
	y := grown(&m.y, n*m.outer*m.inner)
	clear(y)
	for o := range n * m.outer {
		sum := y[o*m.inner : (o+1)*m.inner]
		for k := range m.length {
			addTo(sum, x[(o*m.length+k)*m.inner:])
		}
		for i := range sum {
			sum[i] /= float32(m.length)
		}
	}
	return y
}

func (m *mean) backward(_ *pass, _, dy []float32, n int, _ bool) []float32 {
	dx := grown(&m.dx, n*m.outer*m.length*m.inner)
	for i := range dx {
		o := i / (m.length * m.inner)
		dx[i] = dy[o*m.inner+i%m.inner] / float32(m.length)
	}
	return dx
}

// residual computes layers(x) + x, or layers(x) + shortcut(x).
type residual struct {
	main, cut *sequence // cut is empty for x itself
	y, keep   []float32
}

func (b *builder) residual(step worker.Step, path string) (layer, error) {
	main, err := b.list(step.Inner[0], path+".layers")
	if err != nil {
		return nil, err
	}
	cut := &sequence{}
	if len(step.Inner) > 1 {
		if cut, err = b.list(step.Inner[1], path+".shortcut"); err != nil {
			return nil, err
		}
	}
	return &residual{main: main, cut: cut}, nil
}

func (r *residual) forward(p *pass, x []float32, n int) []float32 {
	a, b := r.main.forward(p, x, n), r.cut.forward(p, x, n)
	y := grown(&r.y, len(a))
	for i, v := range a {
		y[i] = v + b[i]
	}
	return y
}

func (r *residual) backward(p *pass, x, dy []float32, n int, wantDX bool) []float32 {
	keep := grown(&r.keep, len(dy))
	copy(keep, dy)
	a := r.main.backward(p, x, dy, n, wantDX)
	b := r.cut.backward(p, x, keep, n, wantDX)
	if !wantDX {
		return nil
	}
	addTo(b, a)
	return b
}

// branches passes the input to several sequences and joins their outputs.
type branches struct {
	list   []*sequence
	sizes  []int // numbers in each of the outer rows of an output
	outer  int
	add    bool
	y, dx  []float32
	pieces [][]float32
}

func (b *builder) branches(step worker.Step, path string) (layer, error) {
	v := values{step}
	l := &branches{add: v.Text("merge") == "add", outer: 1}
	if !l.add {
		l.outer = elements(step.Out[:v.Axis(step.Out)])
	}
	for i, inner := range step.Inner {
		s, err := b.list(inner, fmt.Sprintf("%s.branches[%d]", path, i))
		if err != nil {
			return nil, err
		}
		out := step.In
		if len(inner) > 0 {
			out = inner[len(inner)-1].Out
		}
		l.list, l.sizes = append(l.list, s), append(l.sizes, elements(out)/l.outer)
	}
	l.pieces = make([][]float32, len(l.list))
	return l, nil
}

func (l *branches) width() int {
	if l.add {
		return l.sizes[0]
	}
	sum := 0
	for _, s := range l.sizes {
		sum += s
	}
	return sum
}

func (l *branches) forward(p *pass, x []float32, n int) []float32 {
	width, rows := l.width(), n*l.outer
	y := grown(&l.y, rows*width)
	at := 0
	for i, s := range l.list {
		part := s.forward(p, x, n)
		switch {
		case l.add && i == 0:
			copy(y, part)
		case l.add:
			addTo(y, part)
		default:
			for r := range rows {
				copy(y[r*width+at:], part[r*l.sizes[i]:(r+1)*l.sizes[i]])
			}
			at += l.sizes[i]
		}
	}
	return y
}

func (l *branches) backward(p *pass, x, dy []float32, n int, wantDX bool) []float32 {
	width, rows := l.width(), n*l.outer
	var dx []float32
	if wantDX {
		dx = grown(&l.dx, len(x))
		clear(dx)
	}
	at := 0
	for i, s := range l.list {
		part := grown(&l.pieces[i], rows*l.sizes[i])
		for r := range rows {
			copy(part[r*l.sizes[i]:(r+1)*l.sizes[i]], dy[r*width+at:])
		}
		if !l.add {
			at += l.sizes[i]
		}
		if d := s.backward(p, x, part, n, wantDX); wantDX {
			addTo(dx, d)
		}
	}
	return dx
}
