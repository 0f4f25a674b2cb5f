package sweep

import (
	"math"
	"math/rand/v2"

	"gonum.org/v1/gonum/floats"
	"gonum.org/v1/gonum/mat"

	"github.com/gopherpod/gopherpod/tensors"
)

// cmaes chooses points by the covariance matrix adaptation evolution strategy. It
// draws each generation from a normal distribution that moves towards the better
// half of the previous one. The size of a generation is a multiple of the number of
// workers, so that a worker only waits for the last trials of a generation. Points
// outside the space are drawn again.
//
// Source: Hansen: The CMA Evolution Strategy: A Tutorial, arXiv:1604.00772, table 1 and
// figure 6, without negative weights. gonum's CmaEsChol is not used: it draws without
// its step size (version 0.17), and on our test functions is no better than chance.
type cmaes struct {
	space []Dimension
	seed  uint64
	size  int // of a generation

	generation int
	mean       []float64
	sigma      float64
	cov        *mat.SymDense
	pc, ps     []float64   // the evolution paths
	ys         [][]float64 // of the current generation: (x - mean) / sigma
	root       *mat.Dense  // B D: a root of cov
	inverse    *mat.Dense  // B D^-1 B^T
}

// The first generation covers the space: its standard deviation is 0.3 of each side.
const cmaesStep = 0.3

func newCMAES(space []Dimension, workers int, seed int64) (*cmaes, error) {
	if err := wantsNumbers(space, MethodCMAES); err != nil {
		return nil, err
	}
	n := len(space)
	size := 4 + int(3*math.Log(float64(n)))
	size = (max(size, workers) + workers - 1) / workers * workers
	c := &cmaes{space: space, seed: uint64(seed), size: size, sigma: cmaesStep, cov: mat.NewSymDense(n, nil),
		mean: make([]float64, n), pc: make([]float64, n), ps: make([]float64, n)}
	for i := range n {
		c.mean[i] = 0.5
		c.cov.SetSym(i, i, 1)
	}
	return c, nil
}

func (c *cmaes) needs(n int) int { return n / c.size * c.size }

func (c *cmaes) point(n int, values []float64) Point {
	if n%c.size == 0 {
		if n > 0 {
			c.learn(values[n-c.size : n])
		}
		c.draw()
	}
	u := make([]float64, len(c.space))
	floats.AddScaledTo(u, c.mean, c.sigma, c.ys[n%c.size])
	return at(c.space, u)
}

// draw makes the next generation.
func (c *cmaes) draw() {
	n := len(c.space)
	c.decompose()
	random := rand.New(rand.NewPCG(c.seed, uint64(c.generation)))
	c.ys = nil
	for range c.size {
		z, y := mat.NewVecDense(n, nil), mat.NewVecDense(n, nil)
		for range 100 {
			for i := range n {
				z.SetVec(i, random.NormFloat64())
			}
			if y.MulVec(c.root, z); c.inside(y.RawVector().Data) {
				break
			}
		}
		step := y.RawVector().Data
		for i := range step { // clip the points that no draw brought inside
			step[i] = (min(max(c.mean[i]+c.sigma*step[i], 0), 1) - c.mean[i]) / c.sigma
		}
		c.ys = append(c.ys, step)
	}
}

func (c *cmaes) inside(y []float64) bool {
	for i, v := range y {
		if x := c.mean[i] + c.sigma*v; x < 0 || x > 1 {
			return false
		}
	}
	return true
}

// decompose finds the roots of the covariance.
func (c *cmaes) decompose() {
	n := len(c.space)
	var eigen mat.EigenSym
	if !eigen.Factorize(c.cov, true) { // not finite: start over
		c.cov = mat.NewSymDense(n, nil)
		for i := range n {
			c.cov.SetSym(i, i, 1)
		}
		eigen.Factorize(c.cov, true)
	}
	var b mat.Dense
	eigen.VectorsTo(&b)
	d, inverse := mat.NewDiagDense(n, nil), mat.NewDiagDense(n, nil)
	for i, v := range eigen.Values(nil) {
		v = math.Sqrt(max(v, 1e-14))
		d.SetDiag(i, v)
		inverse.SetDiag(i, 1/v)
	}
	c.root, c.inverse = new(mat.Dense), new(mat.Dense)
	c.root.Mul(&b, d)
	c.inverse.Product(&b, inverse, b.T())
}

// learn updates the distribution with the values of the generation.
func (c *cmaes) learn(values []float64) {
	n := float64(len(c.space))
	order := tensors.Argsort(values)
	weights := make([]float64, c.size/2)
	for i := range weights {
		weights[i] = math.Log(float64(c.size)/2+0.5) - math.Log(float64(i+1))
	}
	floats.Scale(1/floats.Sum(weights), weights)
	mu := 1 / floats.Dot(weights, weights)
	cc := (4 + mu/n) / (n + 4 + 2*mu/n)
	cs := (mu + 2) / (n + mu + 5)
	c1 := 2 / ((n+1.3)*(n+1.3) + mu)
	cmu := min(1-c1, 2*(mu-2+1/mu)/((n+2)*(n+2)+mu))
	damping := 1 + 2*max(0, math.Sqrt((mu-1)/(n+1))-1) + cs
	expected := math.Sqrt(n) * (1 - 1/(4*n) + 1/(21*n*n)) // length of a normal vector

	step := make([]float64, len(c.mean))
	for i, w := range weights {
		floats.AddScaled(step, w, c.ys[order[i]])
	}
	floats.AddScaled(c.mean, c.sigma, step)
	var white mat.VecDense
	white.MulVec(c.inverse, mat.NewVecDense(len(step), step))
	floats.Scale(1-cs, c.ps)
	floats.AddScaled(c.ps, math.Sqrt(cs*(2-cs)*mu), white.RawVector().Data)
	c.generation++
	length := floats.Norm(c.ps, 2)
	stalled := 1.0 // the covariance path stalls while the step size grows fast
	if length/math.Sqrt(1-math.Pow(1-cs, 2*float64(c.generation))) < (1.4+2/(n+1))*expected {
		stalled = 0
	}
	floats.Scale(1-cc, c.pc)
	floats.AddScaled(c.pc, (1-stalled)*math.Sqrt(cc*(2-cc)*mu), step)
	c.cov.ScaleSym(1-c1-cmu+c1*stalled*cc*(2-cc), c.cov)
	c.cov.SymRankOne(c.cov, c1, mat.NewVecDense(len(c.pc), c.pc))
	for i, w := range weights {
		c.cov.SymRankOne(c.cov, cmu*w, mat.NewVecDense(len(step), c.ys[order[i]]))
	}
	c.sigma = min(c.sigma*math.Exp(cs/damping*(length/expected-1)), 1)
}
