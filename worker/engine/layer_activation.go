package engine

import (
	"math"
	"runtime"
)

// A function maps each element and has a derivative. at sets y from x; slope multiplies
// dy by the derivative, given x and y. All slices have the same length.
type function interface {
	at(y, x []float32)
	slope(dy, x, y []float32)
	cost() int // approximate cost per element, in simple operations
}

// activation applies a function to each number.
type activation struct {
	function
	size int
	y    []float32
}

func (a *activation) forward(_ *pass, x []float32, n int) []float32 {
	n *= a.size
	x, y := x[:n], grown(&a.y, n)
	if n*a.cost() < 2*grain || runtime.GOMAXPROCS(0) == 1 {
		a.at(y, x)
		return y
	}
	parallel(n, a.cost(), func(from, to int) { a.at(y[from:to], x[from:to]) })
	return y
}

func (a *activation) backward(_ *pass, x, dy []float32, n int, _ bool) []float32 {
	n *= a.size
	x, dy = x[:n], dy[:n]
	y := a.y[:n]
	if n*a.cost() < 2*grain || runtime.GOMAXPROCS(0) == 1 {
		a.slope(dy, x, y)
		return dy
	}
	parallel(n, a.cost(), func(from, to int) { a.slope(dy[from:to], x[from:to], y[from:to]) })
	return dy
}

type relu struct{}

func (relu) cost() int { return 1 }

func (relu) at(y, x []float32) { reluTo(y, x) }

func (relu) slope(dy, _, y []float32) { reluSlope(dy, y) }

// general is a function given by formulas: f, and its derivative in terms of x
// and y.
type general struct {
	f, df func(x, y float64) float64
}

func (general) cost() int { return 16 }

func (g general) at(y, x []float32) {
	for i, v := range x {
		y[i] = float32(g.f(float64(v), 0))
	}
}

func (g general) slope(dy, x, y []float32) {
	for i, v := range x {
		dy[i] *= float32(g.df(float64(v), float64(y[i])))
	}
}

func sigmoid(x float64) float64 { return 1 / (1 + math.Exp(-x)) }

func softplus(x float64) float64 { return math.Max(x, 0) + math.Log1p(math.Exp(-math.Abs(x))) }

// elementwise returns the function of an activation, or nil.
func elementwise(v values) function {
	f := v.Float
	switch v.Kind.Name {
	case "relu":
		return relu{}
	case "sigmoid":
		return general{func(x, _ float64) float64 { return sigmoid(x) }, func(_, y float64) float64 { return y * (1 - y) }}
	case "tanh":
		return general{func(x, _ float64) float64 { return math.Tanh(x) }, func(_, y float64) float64 { return 1 - y*y }}
	case "gelu":
		if v.Text("approximate") == "tanh" {
			return general{geluTanh, geluTanhSlope}
		}
		return general{gelu, geluSlope}
	case "silu":
		return general{func(x, _ float64) float64 { return x * sigmoid(x) },
			func(x, _ float64) float64 { s := sigmoid(x); return s * (1 + x*(1-s)) }}
	case "mish":
		return general{func(x, _ float64) float64 { return x * math.Tanh(softplus(x)) },
			func(x, _ float64) float64 { t := math.Tanh(softplus(x)); return t + x*sigmoid(x)*(1-t*t) }}
	case "leaky_relu":
		return piece(0, f("negative_slope"))
	case "elu":
		return exponential(1, f("alpha"), 1)
	case "celu":
		return exponential(1, f("alpha"), f("alpha"))
	case "selu":
		const alpha, scale = 1.6732632423543772848170429916717, 1.0507009873554804934193349852946
		return exponential(scale, alpha, 1)
	case "relu6":
		return clamp(0, 6)
	case "hardtanh":
		return clamp(f("min_val"), f("max_val"))
	case "hardsigmoid":
		return general{func(x, _ float64) float64 { return math.Min(math.Max(x/6+0.5, 0), 1) },
			func(x, _ float64) float64 { return within(x, -3, 3) / 6 }}
	case "hardswish":
		return general{func(x, _ float64) float64 { return x * math.Min(math.Max(x/6+0.5, 0), 1) }, hardswishSlope}
	case "softplus":
		return softplusOf(f("beta"), f("threshold"))
	case "logsigmoid":
		return general{func(x, _ float64) float64 { return -softplus(-x) }, func(x, _ float64) float64 { return sigmoid(-x) }}
	case "softsign":
		return general{func(x, _ float64) float64 { return x / (1 + math.Abs(x)) },
			func(x, _ float64) float64 { return 1 / ((1 + math.Abs(x)) * (1 + math.Abs(x))) }}
	case "tanhshrink":
		return general{func(x, _ float64) float64 { return x - math.Tanh(x) },
			func(x, _ float64) float64 { t := math.Tanh(x); return t * t }}
	case "softshrink":
		l := f("lambd")
		return general{func(x, _ float64) float64 { return x - math.Min(math.Max(x, -l), l) },
			func(x, _ float64) float64 { return 1 - within(x, -l, l) }}
	case "hardshrink":
		l := f("lambd")
		return general{func(x, _ float64) float64 { return x * outside(x, l) }, func(x, _ float64) float64 { return outside(x, l) }}
	case "threshold":
		bound, value := f("threshold"), f("value")
		return general{func(x, _ float64) float64 {
			if x <= bound {
				return value
			}
			return x
		}, func(x, _ float64) float64 {
			if x <= bound {
				return 0
			}
			return 1
		}}
	}
	return nil
}

func gelu(x, _ float64) float64 { return 0.5 * x * (1 + math.Erf(x/math.Sqrt2)) }

func geluSlope(x, _ float64) float64 {
	return 0.5*(1+math.Erf(x/math.Sqrt2)) + x*math.Exp(-x*x/2)/math.Sqrt(2*math.Pi)
}

// geluInner returns the argument of the tanh approximation and its derivative.
func geluInner(x float64) (float64, float64) {
	const c, k = math.Sqrt2 / math.SqrtPi, 0.044715
	return c * (x + k*x*x*x), c * (1 + 3*k*x*x)
}

func geluTanh(x, _ float64) float64 {
	u, _ := geluInner(x)
	return 0.5 * x * (1 + math.Tanh(u))
}

func geluTanhSlope(x, _ float64) float64 {
	u, du := geluInner(x)
	t := math.Tanh(u)
	return 0.5*(1+t) + 0.5*x*(1-t*t)*du
}

// piece returns a function that is x above at, and low times x otherwise. At the bound itself the slope is
// low, as in PyTorch.
func piece(at, low float64) function {
	return general{func(x, _ float64) float64 {
		if x > at {
			return x
		}
		return low * x
	}, func(x, _ float64) float64 {
		if x > at {
			return 1
		}
		return low
	}}
}

// exponential is scale x, below 0 scale alpha (exp(x/width) - 1).
func exponential(scale, alpha, width float64) function {
	return general{func(x, _ float64) float64 {
		if x > 0 {
			return scale * x
		}
		return scale * alpha * math.Expm1(x/width)
	}, func(x, _ float64) float64 {
		if x > 0 {
			return scale
		}
		return scale * alpha / width * math.Exp(x/width)
	}}
}

func clamp(low, high float64) function {
	return general{func(x, _ float64) float64 { return math.Min(math.Max(x, low), high) },
		func(x, _ float64) float64 {
			if x > low && x < high {
				return 1
			}
			return 0
		}}
}

func within(x, low, high float64) float64 {
	if x >= low && x <= high {
		return 1
	}
	return 0
}

func outside(x, bound float64) float64 {
	if x > bound || x < -bound {
		return 1
	}
	return 0
}

func hardswishSlope(x, _ float64) float64 {
	switch {
	case x < -3:
		return 0
	case x <= 3:
		return x/3 + 0.5
	}
	return 1
}

func softplusOf(beta, threshold float64) function {
	return general{func(x, _ float64) float64 {
		if x*beta > threshold {
			return x
		}
		return softplus(x*beta) / beta
	}, func(x, _ float64) float64 {
		if x*beta > threshold {
			return 1
		}
		return sigmoid(x * beta)
	}}
}

// softmax works along one dimension. It multiplies its input by sign: -1 makes
// it a softmin.
type softmax struct {
	outer, length, inner int // outer in a sample
	log                  bool
	sign                 float64
	y                    []float32
}

func newSoftmax(v values) *softmax {
	i := v.Axis(v.In)
	s := &softmax{outer: elements(v.In[:i]), length: v.In[i], inner: elements(v.In[i+1:]), log: v.Kind.Name == "log_softmax", sign: 1}
	if v.Kind.Name == "softmin" {
		s.sign = -1
	}
	return s
}

func (s *softmax) forward(_ *pass, x []float32, n int) []float32 {
	size := s.outer * s.length * s.inner
	y := grown(&s.y, n*size)
	parallel(n*s.outer, 16*s.length*s.inner, func(from, to int) {
		for o := from; o < to; o++ {
			for i := range s.inner {
				s.line(y[o*s.length*s.inner+i:], x[o*s.length*s.inner+i:])
			}
		}
	})
	return y
}

// line computes the softmax of length numbers with stride inner.
func (s *softmax) line(y, x []float32) {
	top := math.Inf(-1)
	for k := range s.length {
		top = math.Max(top, s.sign*float64(x[k*s.inner]))
	}
	var sum float64
	for k := range s.length {
		sum += math.Exp(s.sign*float64(x[k*s.inner]) - top)
	}
	if s.log {
		top += math.Log(sum)
	}
	for k := range s.length {
		v := s.sign*float64(x[k*s.inner]) - top
		if !s.log {
			v = math.Exp(v) / sum
		}
		y[k*s.inner] = float32(v)
	}
}

func (s *softmax) backward(_ *pass, _, dy []float32, n int, _ bool) []float32 {
	parallel(n*s.outer, 16*s.length*s.inner, func(from, to int) {
		for o := from; o < to; o++ {
			for i := range s.inner {
				at := o*s.length*s.inner + i
				s.slope(dy[at:], s.y[at:])
			}
		}
	})
	return dy
}

func (s *softmax) slope(dy, y []float32) {
	var sum float64
	for k := range s.length {
		g := float64(dy[k*s.inner])
		if !s.log {
			g *= float64(y[k*s.inner])
		}
		sum += g
	}
	for k := range s.length {
		i := k * s.inner
		if s.log {
			dy[i] = float32(float64(dy[i]) - math.Exp(float64(y[i]))*sum)
		} else {
			dy[i] = float32(s.sign * float64(y[i]) * (float64(dy[i]) - sum))
		}
	}
}
