package sweep

import (
	"fmt"
	"math"
	"math/rand/v2"
	"strings"

	"github.com/gopherpod/gopherpod/worker"
)

// The methods by which a sweep chooses its points.
const (
	MethodRandom = "random" // independent draws
	MethodGrid   = "grid"   // all combinations; four values of a range
	MethodQuasi  = "quasi"  // a Halton sequence: fills the space evenly
	MethodTPE    = "tpe"    // learns from the trials before, numbers and words alike
	MethodCMAES  = "cmaes"  // learns from generations of trials, numbers only
)

// Methods lists them.
func Methods() []string {
	return []string{MethodRandom, MethodGrid, MethodQuasi, MethodTPE, MethodCMAES}
}

// newSearcher returns the method's searcher and how many trials there are.
func newSearcher(space []Dimension, s Options) (searcher, int, error) {
	switch s.Method {
	case MethodTPE:
		return &tpe{space: space, seed: uint64(*s.Seed), lag: lag(s.Workers)}, s.Trials, nil
	case MethodCMAES:
		c, err := newCMAES(space, s.Workers, *s.Seed)
		return c, s.Trials, err
	}
	all, err := points(space, s.Method, s.Trials, *s.Seed)
	return fixed(all), len(all), err
}

// points chooses n points. For a grid it chooses all points, or the first n if n is
// above 0.
func points(space []Dimension, method string, n int, seed int64) ([]Point, error) {
	switch method {
	case MethodGrid:
		return grid(space, n)
	case MethodRandom, MethodQuasi:
	default:
		return nil, worker.Invalid("method", fmt.Sprintf("unknown method %q; known: %s", method, strings.Join(Methods(), ", ")))
	}
	random := rand.New(rand.NewPCG(uint64(seed), 0))
	shift := make([]float64, len(space))
	for i := range shift {
		shift[i] = random.Float64()
	}
	all := make([]Point, n)
	for i := range all {
		all[i] = Point{}
		for k, d := range space {
			u := random.Float64()
			if method == MethodQuasi {
				_, u = math.Modf(halton(i+1, k) + shift[k])
			}
			all[i][d.Name] = d.At(u)
		}
	}
	return all, nil
}

// maxGrid limits the size of a grid; a larger one is a mistake.
const maxGrid = 10_000

func grid(space []Dimension, n int) ([]Point, error) {
	all := []Point{{}}
	for _, d := range space {
		var next []Point
		for _, p := range all {
			for _, v := range d.levels() {
				q := Point{d.Name: v}
				for name, value := range p {
					q[name] = value
				}
				next = append(next, q)
			}
		}
		if all = next; len(all) > maxGrid {
			return nil, worker.Invalid("space", fmt.Sprintf("the grid has more than %d points; fewer choices, or the method random", maxGrid))
		}
	}
	if n > 0 && n < len(all) {
		all = all[:n]
	}
	return all, nil
}

// halton returns element i of the Halton sequence whose base is the k-th prime.
func halton(i, k int) float64 {
	primes := []int{2, 3, 5, 7, 11, 13, 17, 19, 23, 29, 31, 37, 41, 43, 47, 53}
	base := primes[k%len(primes)]
	f, r := 1.0, 0.0
	for ; i > 0; i /= base {
		f /= float64(base)
		r += f * float64(i%base)
	}
	return r
}
