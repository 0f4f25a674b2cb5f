package engine

import (
	"fmt"
	"math"

	"github.com/gopherpod/gopherpod/worker"
)

// An optimizer updates the weights from their gradients, with PyTorch's
// formulas. It updates all trained numbers of the model in one loop.
type optimizer struct {
	h     *worker.Hyperparameters
	steps int // batches done, over all continuations
	// slots are the optimizer's vectors, each as long as the weights, by
	// PyTorch's names; order lists the names.
	slots map[string][]float32
	order []string
	fresh bool // momentum: the first step takes the gradient as it is
	// muProduct is the product of nadam's mu over all steps.
	muProduct float64
	update    func(o *optimizer, w, g []float32, from, to int, rate float64)
}

func newOptimizer(h *worker.Hyperparameters, n int) (*optimizer, error) {
	o := &optimizer{h: h, fresh: true, muProduct: 1}
	switch h.Optimizer {
	case "sgd":
		o.update = (*optimizer).sgd
		if h.Momentum != 0 {
			o.order = []string{"momentum_buffer"}
		}
	case "adam", "adamw":
		o.update, o.order = (*optimizer).adam, []string{"exp_avg", "exp_avg_sq"}
	case "nadam":
		o.update, o.order = (*optimizer).nadam, []string{"exp_avg", "exp_avg_sq"}
	case "rmsprop":
		o.update, o.order = (*optimizer).rmsprop, []string{"square_avg"}
		if h.Momentum != 0 {
			o.order = append(o.order, "momentum_buffer")
		}
	case "adagrad":
		o.update, o.order = (*optimizer).adagrad, []string{"sum"}
	default:
		return nil, &worker.Error{Kind: worker.ErrUnsupported, Field: "hyperparameters.optimizer",
			Message: fmt.Sprintf("the engine on the CPU has no %s; the PyTorch worker has it", h.Optimizer)}
	}
	o.slots = map[string][]float32{}
	for _, name := range o.order {
		o.slots[name] = make([]float32, n)
	}
	return o, nil
}

// step updates w by one step against the gradient g at the learning rate. It
// may change g.
func (o *optimizer) step(w, g []float32, rate float64) {
	clip(g, o.h.ClipNorm, o.h.ClipValue)
	o.steps++
	if len(w) < 2*grain {
		o.update(o, w, g, 0, len(w), rate)
	} else {
		parallel(len(w), 4, func(from, to int) { o.update(o, w[from:to], g[from:to], from, to, rate) })
	}
	o.fresh = false
	if o.h.Optimizer == "nadam" {
		o.muProduct *= nadamMu(o.h.Betas[0], o.steps)
	}
}

// clip does what PyTorch's clip_grad_norm_ and clip_grad_value_ do; 0 means no
// clipping.
func clip(g []float32, norm, value float64) {
	if norm > 0 {
		var sum float64
		for _, v := range g {
			sum += float64(v) * float64(v)
		}
		if k := norm / (math.Sqrt(sum) + 1e-6); k < 1 {
			for i := range g {
				g[i] *= float32(k)
			}
		}
	}
	if value > 0 {
		bound := float32(value)
		for i, v := range g {
			g[i] = min(max(v, -bound), bound)
		}
	}
}

// decay adds the weight decay to the gradient, as an L2 penalty.
func (o *optimizer) decay(w, g []float32) {
	if d := float32(o.h.WeightDecay); d != 0 {
		for i, v := range w {
			g[i] += d * v
		}
	}
}

func (o *optimizer) sgd(w, g []float32, from, to int, rate float64) {
	o.decay(w, g)
	r, m := float32(rate), float32(o.h.Momentum)
	if m == 0 {
		for i, v := range g {
			w[i] -= r * v
		}
		return
	}
	buffer := o.slots["momentum_buffer"][from:to]
	keep := float32(1 - o.h.Dampening)
	if o.fresh {
		m, keep = 0, 1
	}
	for i, v := range g {
		b := m*buffer[i] + keep*v
		buffer[i] = b
		if o.h.Nesterov {
			b = v + float32(o.h.Momentum)*b
		}
		w[i] -= r * b
	}
}

// adamConstants are the constants of a step of Adam, the same for all weights.
type adamConstants struct {
	beta1, rest1 float32 // beta1, 1-beta1
	beta2, rest2 float32
	correction2  float32 // sqrt(1 - beta2^t)
	eps          float32
	size         float32 // rate / (1 - beta1^t)
	shrink       float32 // adamw: 1 - rate*decay, else 1
	l2           float32 // adam: weight decay, else 0
}

func (o *optimizer) adam(w, g []float32, from, to int, rate float64) {
	b1, b2 := o.h.Betas[0], o.h.Betas[1]
	c := adamConstants{
		beta1: float32(b1), rest1: float32(1 - b1), beta2: float32(b2), rest2: float32(1 - b2),
		correction2: float32(math.Sqrt(1 - math.Pow(b2, float64(o.steps)))), eps: float32(o.h.Eps),
		size: float32(rate / (1 - math.Pow(b1, float64(o.steps)))), shrink: 1,
	}
	if o.h.Optimizer == "adamw" {
		c.shrink = float32(1 - rate*o.h.WeightDecay)
	} else {
		c.l2 = float32(o.h.WeightDecay)
	}
	adamStep(w, g, o.slots["exp_avg"][from:to], o.slots["exp_avg_sq"][from:to], &c)
}

// adamPortable is adamStep without vector instructions. Both round the same way: the
// conversions keep the compiler from fusing a product with a sum.
func adamPortable(w, g, m, v []float32, c *adamConstants) {
	g, m, v = g[:len(w)], m[:len(w)], v[:len(w)]
	for i, x := range w {
		x *= c.shrink
		d := g[i] + float32(c.l2*x)
		m[i] = float32(m[i]*c.beta1) + float32(d*c.rest1)
		v[i] = float32(v[i]*c.beta2) + float32(float32(d*d)*c.rest2)
		root := float32(math.Sqrt(float64(v[i])))/c.correction2 + c.eps
		w[i] = x - float32(c.size*(m[i]/root))
	}
}

func nadamMu(beta float64, step int) float64 {
	return beta * (1 - 0.5*math.Pow(0.96, float64(step)*0.004))
}

func (o *optimizer) nadam(w, g []float32, from, to int, rate float64) {
	o.decay(w, g)
	b1, b2, t := o.h.Betas[0], o.h.Betas[1], float64(o.steps)
	mu, next := nadamMu(b1, o.steps), nadamMu(b1, o.steps+1)
	product := o.muProduct * mu
	now, ahead := float32(rate*(1-mu)/(1-product)), float32(rate*next/(1-product*next))
	correction2 := float32(1 - math.Pow(b2, t))
	m, v := o.slots["exp_avg"][from:to], o.slots["exp_avg_sq"][from:to]
	for i, d := range g {
		m[i] = m[i]*float32(b1) + d*float32(1-b1)
		v[i] = v[i]*float32(b2) + d*d*float32(1-b2)
		root := float32(math.Sqrt(float64(v[i]/correction2))) + float32(o.h.Eps)
		w[i] -= now * d / root
		w[i] -= ahead * m[i] / root
	}
}

func (o *optimizer) rmsprop(w, g []float32, from, to int, rate float64) {
	o.decay(w, g)
	a, rest, r, eps := float32(o.h.Alpha), float32(1-o.h.Alpha), float32(rate), float32(o.h.Eps)
	square := o.slots["square_avg"][from:to]
	var buffer []float32
	if o.h.Momentum != 0 {
		buffer = o.slots["momentum_buffer"][from:to]
	}
	for i, d := range g {
		square[i] = square[i]*a + d*d*rest
		d /= float32(math.Sqrt(float64(square[i]))) + eps
		if buffer != nil {
			buffer[i] = buffer[i]*float32(o.h.Momentum) + d
			d = buffer[i]
		}
		w[i] -= r * d
	}
}

func (o *optimizer) adagrad(w, g []float32, from, to int, rate float64) {
	o.decay(w, g)
	sum, r, eps := o.slots["sum"][from:to], float32(rate), float32(o.h.Eps)
	for i, d := range g {
		sum[i] += d * d
		w[i] -= r * d / (float32(math.Sqrt(float64(sum[i]))) + eps)
	}
}
