package train

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"strings"

	"github.com/gopherpod/gopherpod/worker"
)

// A searcher chooses the points of a sweep. What it chooses for trial n depends on the
// seed and on the values of the first trials alone, never on what else happened to be
// over: so a sweep repeats, whatever its workers' speed.
type searcher interface {
	// needs is how many of the first trials have to be over before trial n is chosen.
	needs(n int) int
	// point chooses trial n, by the values of the first needs(n) trials; +Inf stands
	// for one that failed. It is called once for each n, one call at a time.
	point(n int, values []float64) Point
}

// newSearcher returns the method's searcher and how many trials there are.
func newSearcher(space []Dimension, s SweepOptions) (searcher, int, error) {
	switch s.Method {
	case MethodTPE:
		return &tpe{space: space, seed: uint64(*s.Seed), lag: lag(s.Workers)}, s.Trials, nil
	case MethodCMAES:
		c, err := newCMAES(space, s)
		return c, s.Trials, err
	}
	all, err := points(space, s.Method, s.Trials, *s.Seed)
	return fixed(all), len(all), err
}

// lag is how many of the trials before it a trial does not know: twice the number that
// run beside it, so that one slow trial does not make the other workers wait.
func lag(workers int) int { return 2 * (workers - 1) }

// fixed are points that do not depend on results.
type fixed []Point

func (f fixed) needs(int) int                  { return 0 }
func (f fixed) point(n int, _ []float64) Point { return f[n] }

// at is the point at u, a number from 0 to 1 a dimension.
func at(space []Dimension, u []float64) Point {
	p := Point{}
	for i, d := range space {
		p[d.Name] = d.At(u[i])
	}
	return p
}

// tpe chooses by the tree-structured Parzen estimator: of the trials that are known,
// the best fifth (at most 25) make a density l, the others a density g, each dimension
// by itself; of 24 draws from l the one with the largest l/g is taken. The first ten
// trials are drawn at random. Choices count once before any trial has had them.
//
// Source: Bergstra, Bardenet, Bengio, Kégl: Algorithms for Hyper-Parameter
// Optimization, NIPS 2011, section 4, where the first group are the best 15 %.
type tpe struct {
	space []Dimension
	seed  uint64
	lag   int
	us    [][]float64 // of each trial that was chosen, by number
}

const (
	tpeStartup    = 10
	tpeCandidates = 24
)

func (t *tpe) needs(n int) int {
	if n < tpeStartup {
		return 0
	}
	return max(0, n-t.lag)
}

func (t *tpe) point(n int, values []float64) Point {
	random := rand.New(rand.NewPCG(t.seed, uint64(n)+1))
	u := make([]float64, len(t.space))
	good, bad := t.groups(values)
	for k, d := range t.space {
		if len(values) < min(tpeStartup, max(1, n-t.lag)) || len(good) == 0 {
			u[k] = random.Float64()
			continue
		}
		l, g := newParzen(d, t.column(good, k)), newParzen(d, t.column(bad, k))
		best := math.Inf(-1)
		for range tpeCandidates {
			x := l.draw(random)
			if score := math.Log(l.density(x)) - math.Log(g.density(x)); score > best {
				u[k], best = x, score
			}
		}
	}
	for len(t.us) <= n {
		t.us = append(t.us, nil)
	}
	t.us[n] = u
	return at(t.space, u)
}

// groups are the numbers of the best trials and of the others.
func (t *tpe) groups(values []float64) (good, bad []int) {
	order := make([]int, len(values))
	for i := range order {
		order[i] = i
	}
	slices.SortStableFunc(order, func(a, b int) int {
		switch {
		case values[a] < values[b]:
			return -1
		case values[a] > values[b]:
			return 1
		}
		return 0
	})
	n := min((len(order)+4)/5, 25)
	return order[:n], order[n:]
}

func (t *tpe) column(trials []int, k int) []float64 {
	out := make([]float64, len(trials))
	for i, n := range trials {
		out[i] = t.us[n][k]
	}
	return out
}

// A parzen is a density over 0 to 1: of choices their frequencies, of numbers normal
// distributions around the points and a wide one for what is not known, cut off at 0
// and 1. Each has the same weight.
type parzen struct {
	weights    []float64 // of choices
	mean, wide []float64 // of numbers
}

func newParzen(d Dimension, us []float64) parzen {
	if k := len(d.Choices); k > 0 {
		p := parzen{weights: make([]float64, k)}
		total := float64(len(us) + k)
		for i := range p.weights {
			p.weights[i] = 1 / total
		}
		for _, u := range us {
			p.weights[min(int(u*float64(k)), k-1)] += 1 / total
		}
		return p
	}
	p := parzen{mean: append(slices.Sorted(slices.Values(us)), 0.5)}
	n := len(us)
	least := 1 / float64(min(100, n+2))
	for i, m := range p.mean[:n] {
		before, after := 0.0, 1.0
		if i > 0 {
			before = p.mean[i-1]
		}
		if i+1 < n {
			after = p.mean[i+1]
		}
		p.wide = append(p.wide, min(max(m-before, after-m, least), 1))
	}
	p.wide = append(p.wide, 1)
	return p
}

func (p parzen) draw(random *rand.Rand) float64 {
	if k := len(p.weights); k > 0 {
		x := random.Float64()
		for i, w := range p.weights {
			if x -= w; x < 0 {
				return (float64(i) + 0.5) / float64(k)
			}
		}
		return (float64(k) - 0.5) / float64(k)
	}
	i := random.IntN(len(p.mean))
	for {
		if x := p.mean[i] + p.wide[i]*random.NormFloat64(); x >= 0 && x < 1 {
			return x
		}
	}
}

func (p parzen) density(x float64) float64 {
	if k := len(p.weights); k > 0 {
		return p.weights[min(int(x*float64(k)), k-1)]
	}
	sum := 0.0
	for i, m := range p.mean {
		z := (x - m) / p.wide[i]
		inside := normalCDF((1-m)/p.wide[i]) - normalCDF(-m/p.wide[i])
		sum += math.Exp(-z*z/2) / (p.wide[i] * math.Sqrt(2*math.Pi) * inside)
	}
	return sum / float64(len(p.mean))
}

func normalCDF(z float64) float64 { return (1 + math.Erf(z/math.Sqrt2)) / 2 }

// wantsNumbers refuses dimensions without an order.
func wantsNumbers(space []Dimension, method string) error {
	for _, d := range space {
		for _, c := range d.Choices {
			if s, ok := c.(string); ok {
				return worker.Invalid("space", fmt.Sprintf("%s has the choice %q, and %s wants numbers; %s takes words too", d.Name, s, method, MethodTPE))
			}
		}
		if len(d.Choices) > 1 && !slices.IsSortedFunc(d.Choices, func(a, b any) int {
			return int(math.Copysign(1, asFloat(a)-asFloat(b)))
		}) {
			return worker.Invalid("space", fmt.Sprintf("%s has choices out of order, and %s wants them from small to large: %s", d.Name, method, strings.Trim(fmt.Sprint(d.Choices), "[]")))
		}
	}
	return nil
}
