package engine

import "math"

// A generator is PyTorch's CPU generator: MT19937, with distributions drawn as ATen
// draws them, so that a seed yields the same numbers as in PyTorch.
type generator struct {
	state [mtN]uint32
	next  int
	// normal keeps the second number of a Box-Muller pair, as ATen does.
	normal    float64
	hasNormal bool
}

const (
	mtN = 624
	mtM = 397
)

// newGenerator returns a generator in the state after torch.manual_seed(seed).
func newGenerator(seed int64) *generator {
	g := &generator{}
	g.seed(seed)
	return g
}

// seed takes the lower 32 bits, as at::mt19937 does.
func (g *generator) seed(seed int64) {
	g.state[0] = uint32(seed)
	for i := uint32(1); i < mtN; i++ {
		prev := g.state[i-1]
		g.state[i] = 1812433253*(prev^prev>>30) + i
	}
	g.next, g.hasNormal = mtN, false
}

func (g *generator) uint32() uint32 {
	if g.next == mtN {
		g.twist()
	}
	y := g.state[g.next]
	g.next++
	y ^= y >> 11
	y ^= y << 7 & 0x9d2c5680
	y ^= y << 15 & 0xefc60000
	return y ^ y>>18
}

func (g *generator) twist() {
	mix := func(i, j, far int) {
		y := g.state[i]&0x80000000 | g.state[j]&0x7fffffff
		g.state[i] = g.state[far] ^ y>>1 ^ -(y&1)&0x9908b0df
	}
	for i := range mtN - mtM {
		mix(i, i+1, i+mtM)
	}
	for i := mtN - mtM; i < mtN-1; i++ {
		mix(i, i+1, i+mtM-mtN)
	}
	mix(mtN-1, 0, mtM-1)
	g.next = 0
}

func (g *generator) uint64() uint64 {
	high := uint64(g.uint32())
	return high<<32 | uint64(g.uint32())
}

// float32 returns a number uniform on [0, 1) with 24 bits, as torch.rand does.
func (g *generator) float32() float32 { return float32(g.uint32()&(1<<24-1)) * (1.0 / (1 << 24)) }

// float64 returns a number uniform on [0, 1) with 53 bits.
func (g *generator) float64() float64 { return float64(g.uint64()&(1<<53-1)) * (1.0 / (1 << 53)) }

// uniform draws as Tensor.uniform_(from, to) does. It rounds once, because
// ATen's loop is compiled with fused multiply-add.
func (g *generator) uniform(dst []float32, from, to float64) {
	low, width := float32(from), float32(to)-float32(from)
	for i := range dst {
		dst[i] = float32(float64(g.float32())*float64(width) + float64(low))
	}
}

// perm draws as torch.randperm(n) does.
func (g *generator) perm(n int) []int {
	p := make([]int, n)
	for i := range p {
		p[i] = i
	}
	wide := n >= math.MaxUint32/20 // ATen draws 64 bits in this case
	for i := range n - 1 {
		var z int
		if wide {
			z = int(g.uint64() % uint64(n-i))
		} else {
			z = int(g.uint32() % uint32(n-i))
		}
		p[i], p[i+z] = p[i+z], p[i]
	}
	return p
}

// keep draws a dropout mask: 0 with probability p, else the factor 1/(1-p). It equals
// Tensor.bernoulli_(1-p) of a PyTorch without MKL; a PyTorch with MKL draws other
// numbers.
func (g *generator) keep(mask []float32, p float64) {
	q := 1 - p
	factor := float32(1 / q)
	for i := range mask {
		mask[i] = 0
		if g.float64() < q {
			mask[i] = factor
		}
	}
}

// fillNormal draws as Tensor.normal_(0, 1) does, except for rounding: for 16
// numbers or more, ATen approximates the logarithm and the sine with vector
// instructions.
func (g *generator) fillNormal(dst []float32) {
	if len(dst) < 16 {
		for i := range dst {
			dst[i] = float32(g.normalOne())
		}
		return
	}
	for i := range dst {
		dst[i] = g.float32()
	}
	for i := 0; i < len(dst)-15; i += 16 {
		boxMuller16(dst[i : i+16])
	}
	if len(dst)%16 != 0 { // the last 16 are drawn again
		tail := dst[len(dst)-16:]
		for i := range tail {
			tail[i] = g.float32()
		}
		boxMuller16(tail)
	}
}

func boxMuller16(d []float32) {
	for j := range 8 {
		radius := math.Sqrt(-2 * math.Log(float64(1-d[j])))
		sin, cos := math.Sincos(2 * math.Pi * float64(d[j+8]))
		d[j], d[j+8] = float32(radius*cos), float32(radius*sin)
	}
}

func (g *generator) normalOne() float64 {
	if g.hasNormal {
		g.hasNormal = false
		return g.normal
	}
	u1, u2 := g.float64(), g.float64()
	radius := math.Sqrt(-2 * math.Log1p(-u2))
	sin, cos := math.Sincos(2 * math.Pi * u1)
	g.normal, g.hasNormal = radius*sin, true
	return radius * cos
}
