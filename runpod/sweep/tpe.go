package sweep

import (
	"math"
	"math/rand/v2"
	"slices"

	"github.com/gopherpod/gopherpod/tensors"
)

// tpe chooses points by the tree-structured Parzen estimator. For each dimension
// separately, the best fifth of the known trials (at most 25) make a density l, and
// the others a density g. Of 24 draws from l, the one with the largest l/g is chosen.
// The first ten trials are drawn at random. Each choice counts once before any trial
// has had it, so that its density is never 0.
//
// Source: Bergstra, Bardenet, Bengio, Kégl: Algorithms for Hyper-Parameter
// Optimization, NIPS 2011, section 4, in which the first group is the best 15 %.
type tpe struct {
	space []Dimension
	seed  uint64
	lag   int
	us    [][]float64 // of each trial chosen so far, by number
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

// groups returns the numbers of the best trials and of the others.
func (t *tpe) groups(values []float64) (good, bad []int) {
	order := tensors.Argsort(values)
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

// A parzen is a density over 0 to 1. For choices it is their frequencies. For
// numbers it is a sum of normal distributions, cut off at 0 and 1: one around each
// point and a wide one for unknown regions, all with the same weight.
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
