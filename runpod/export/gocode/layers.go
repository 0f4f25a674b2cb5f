// Package gocode has the functions that package export copies into the Go files that it
// writes; it copies only those that a model needs. They work on one sample, whose numbers
// are in one slice, and sum in float64. Each returns new memory.
//
//lint:file-ignore U1000 used by the files that package export writes
package gocode

import (
	"fmt"
	"math"
)

// linear returns x Wᵀ + b for each row of in numbers. b may be nil.
func linear(x, w, b []float32, in int) []float32 {
	out := len(w) / in
	y := make([]float32, 0, len(x)/in*out)
	for ; len(x) >= in; x = x[in:] {
		for o := range out {
			sum := dot(x[:in], w[o*in:(o+1)*in])
			if b != nil {
				sum += float64(b[o])
			}
			y = append(y, float32(sum))
		}
	}
	return y
}

func dot(x, w []float32) float64 {
	var sum float64
	w = w[:len(x)]
	for i, v := range x {
		sum += float64(v) * float64(w[i])
	}
	return sum
}

// bilinear returns xᵀ A x + b for each row of in numbers.
func bilinear(x, a, b []float32, in int) []float32 {
	out := len(a) / (in * in)
	var y []float32
	for ; len(x) >= in; x = x[in:] {
		for o := range out {
			var sum float64
			for i, v := range x[:in] {
				sum += float64(v) * dot(x[:in], a[(o*in+i)*in:])
			}
			if b != nil {
				sum += float64(b[o])
			}
			y = append(y, float32(sum))
		}
	}
	return y
}

// embedding returns the vector of dim numbers for each number of x.
func embedding(x, w []float32, dim int) ([]float32, error) {
	y := make([]float32, 0, len(x)*dim)
	for _, v := range x {
		i, n := int(v), len(w)/dim
		if v != v || v < 0 || i >= n {
			return nil, fmt.Errorf("%v is not one of the %d numbers that have a vector, 0 to %d", v, n, n-1)
		}
		y = append(y, w[i*dim:(i+1)*dim]...)
	}
	return y, nil
}

// A window slides over depth, height and width. If a layer has fewer dimensions, the sizes of
// the first ones are 1. before is the padding at the beginning.
type window struct {
	channels                                  int // channels of the input
	in, out, kernel, stride, dilation, before [3]int
}

func size(n [3]int) int { return n[0] * n[1] * n[2] }

// points calls f for each point of the window at output o that is inside the input, with
// the point's index in a channel of the input and in the kernel.
func (w *window) points(o int, f func(i, k int)) {
	at := [3]int{o / w.out[2] / w.out[1], o / w.out[2] % w.out[1], o % w.out[2]}
	for d := range at {
		at[d] = at[d]*w.stride[d] - w.before[d]
	}
	for a := range w.kernel[0] {
		z := at[0] + a*w.dilation[0]
		if z < 0 || z >= w.in[0] {
			continue
		}
		for b := range w.kernel[1] {
			y := at[1] + b*w.dilation[1]
			if y < 0 || y >= w.in[1] {
				continue
			}
			for c := range w.kernel[2] {
				if x := at[2] + c*w.dilation[2]; x >= 0 && x < w.in[2] {
					f((z*w.in[1]+y)*w.in[2]+x, (a*w.kernel[1]+b)*w.kernel[2]+c)
				}
			}
		}
	}
}

// conv returns a convolution. w is [outs, channels/groups, kernel].
func conv(x, w, b []float32, s window, outs, groups int) []float32 {
	in, out, kernel, ins := size(s.in), size(s.out), size(s.kernel), s.channels/groups
	y := make([]float32, outs*out)
	for o := range y {
		c, place := o/out, o%out
		first := c / (outs / groups) * ins
		var sum float64
		if b != nil {
			sum = float64(b[c])
		}
		s.points(place, func(i, k int) {
			for g := range ins {
				sum += float64(x[(first+g)*in+i]) * float64(w[(c*ins+g)*kernel+k])
			}
		})
		y[o] = float32(sum)
	}
	return y
}

// transposed returns a transposed convolution. The window slides over the output, whose
// channels and sizes are s.channels and s.in. w is [ins, channels/groups, kernel].
func transposed(x, w, b []float32, s window, ins, groups int) []float32 {
	in, out, kernel, outs := size(s.out), size(s.in), size(s.kernel), s.channels/groups
	sums := make([]float64, s.channels*out)
	for o := range sums {
		if b != nil {
			sums[o] = float64(b[o/out])
		}
	}
	for n, v := range x {
		c, place := n/in, n%in
		first := c / (ins / groups) * outs
		s.points(place, func(i, k int) {
			for g := range outs {
				sums[(first+g)*out+i] += float64(v) * float64(w[(c*outs+g)*kernel+k])
			}
		})
	}
	return narrow(sums)
}

func narrow(sums []float64) []float32 {
	y := make([]float32, len(sums))
	for i, v := range sums {
		y[i] = float32(v)
	}
	return y
}

// maxPool returns the largest number of each window.
func maxPool(x []float32, s window) []float32 {
	in, out := size(s.in), size(s.out)
	y := make([]float32, s.channels*out)
	for o := range y {
		best := float32(math.Inf(-1))
		s.points(o%out, func(i, _ int) { best = max(best, x[o/out*in+i]) })
		y[o] = best
	}
	return y
}

// avgPool returns the mean of each window. It counts the padding too if padding is true.
func avgPool(x []float32, s window, padding bool) []float32 {
	in, out := size(s.in), size(s.out)
	y := make([]float32, s.channels*out)
	for o := range y {
		var sum float64
		count := 0
		s.points(o%out, func(i, _ int) { sum += float64(x[o/out*in+i]); count++ })
		if padding {
			count = s.padded(o % out)
		}
		y[o] = float32(sum / float64(count))
	}
	return y
}

// padded returns how many points of the window are inside the input or its padding.
func (w *window) padded(o int) int {
	n := 1
	for d, at := range [3]int{o / w.out[2] / w.out[1], o / w.out[2] % w.out[1], o % w.out[2]} {
		from := at*w.stride[d] - w.before[d]
		n *= min(from+w.kernel[d], w.in[d]+w.before[d]) - from
	}
	return n
}

// adaptive pools each channel to the sizes out: output o of a dimension is over the inputs
// floor(o in/out) to ceil((o+1) in/out).
func adaptive(x []float32, channels int, in, out [3]int, largest bool) []float32 {
	y := make([]float32, 0, channels*size(out))
	for c := range channels {
		for o := range size(out) {
			at := [3]int{o / out[2] / out[1], o / out[2] % out[1], o % out[2]}
			var from, to [3]int
			for d := range at {
				from[d], to[d] = at[d]*in[d]/out[d], ((at[d]+1)*in[d]+out[d]-1)/out[d]
			}
			best, sum, count := float32(math.Inf(-1)), 0.0, 0
			for a := from[0]; a < to[0]; a++ {
				for b := from[1]; b < to[1]; b++ {
					for _, v := range x[((c*in[0]+a)*in[1]+b)*in[2]:][from[2]:to[2]] {
						best, sum, count = max(best, v), sum+float64(v), count+1
					}
				}
			}
			if !largest {
				best = float32(sum / float64(count))
			}
			y = append(y, best)
		}
	}
	return y
}

// running returns batch norm by the running statistics. A channel has run numbers.
func running(x, mean, variance []float32, eps float64, run int) []float32 {
	y := make([]float32, len(x))
	for i, v := range x {
		c := i / run
		y[i] = float32((float64(v) - float64(mean[c])) / math.Sqrt(float64(variance[c])+eps))
	}
	return y
}

// normal scales each run of n numbers to mean 0 and variance 1.
func normal(x []float32, n int, eps float64) []float32 {
	y := make([]float32, 0, len(x))
	for ; len(x) > 0; x = x[n:] {
		var sum, square float64
		for _, v := range x[:n] {
			sum += float64(v)
		}
		mean := sum / float64(n)
		for _, v := range x[:n] {
			square += (float64(v) - mean) * (float64(v) - mean)
		}
		deviation := math.Sqrt(square/float64(n) + eps)
		for _, v := range x[:n] {
			y = append(y, float32((float64(v)-mean)/deviation))
		}
	}
	return y
}

// affine multiplies by w and adds b. Each element of w and b is for run numbers in turn.
func affine(x, w, b []float32, run int) []float32 {
	y := make([]float32, len(x))
	for i, v := range x {
		k := i / run % len(w)
		y[i] = v*w[k] + b[k]
	}
	return y
}

// each applies f to each number.
func each(x []float32, f func(float64) float64) []float32 {
	y := make([]float32, len(x))
	for i, v := range x {
		y[i] = float32(f(float64(v)))
	}
	return y
}

func relu(x float64) float64 { return max(x, 0) }

func leaky(slope float64) func(float64) float64 {
	return func(x float64) float64 {
		if x > 0 {
			return x
		}
		return slope * x
	}
}

// exponential returns scale x for x above 0, else scale alpha (exp(x/width) - 1).
func exponential(scale, alpha, width float64) func(float64) float64 {
	return func(x float64) float64 {
		if x > 0 {
			return scale * x
		}
		return scale * alpha * math.Expm1(x/width)
	}
}

func clip(low, high float64) func(float64) float64 {
	return func(x float64) float64 { return min(max(x, low), high) }
}

func gelu(x float64) float64 { return 0.5 * x * (1 + math.Erf(x/math.Sqrt2)) }

func geluTanh(x float64) float64 {
	return 0.5 * x * (1 + math.Tanh(math.Sqrt(2/math.Pi)*(x+0.044715*x*x*x)))
}

func sigmoid(x float64) float64 { return 1 / (1 + math.Exp(-x)) }

func silu(x float64) float64 { return x * sigmoid(x) }

func softplus(x float64) float64 { return max(x, 0) + math.Log1p(math.Exp(-math.Abs(x))) }

func softplusOf(beta, threshold float64) func(float64) float64 {
	return func(x float64) float64 {
		if x*beta > threshold {
			return x
		}
		return softplus(x*beta) / beta
	}
}

func mish(x float64) float64 { return x * math.Tanh(softplus(x)) }

func logSigmoid(x float64) float64 { return -softplus(-x) }

func hardSigmoid(x float64) float64 { return min(max(x/6+0.5, 0), 1) }

func hardSwish(x float64) float64 { return x * hardSigmoid(x) }

func softSign(x float64) float64 { return x / (1 + math.Abs(x)) }

func tanhShrink(x float64) float64 { return x - math.Tanh(x) }

func softShrink(l float64) func(float64) float64 {
	return func(x float64) float64 { return x - min(max(x, -l), l) }
}

func hardShrink(l float64) func(float64) float64 {
	return func(x float64) float64 {
		if x > l || x < -l {
			return x
		}
		return 0
	}
}

func threshold(bound, value float64) func(float64) float64 {
	return func(x float64) float64 {
		if x > bound {
			return x
		}
		return value
	}
}

// prelu multiplies numbers below 0 by a slope. Each slope is for run numbers in turn.
func prelu(x, slope []float32, run int) []float32 {
	y := make([]float32, len(x))
	for i, v := range x {
		if v <= 0 {
			v *= slope[i/run%len(slope)]
		}
		y[i] = v
	}
	return y
}

// glu returns, for each 2*half numbers, the first half times the sigmoid of the second half.
func glu(x []float32, half int) []float32 {
	y := make([]float32, 0, len(x)/2)
	for ; len(x) > 0; x = x[2*half:] {
		for i, v := range x[:half] {
			y = append(y, float32(float64(v)*sigmoid(float64(x[half+i]))))
		}
	}
	return y
}

// softmax returns the softmax of sign times x, over lines of length numbers that are inner
// apart.
func softmax(x []float32, length, inner int, sign float64, log bool) []float32 {
	y := make([]float32, len(x))
	for o := 0; o < len(x); o += length * inner {
		for i := o; i < o+inner; i++ {
			top, sum := math.Inf(-1), 0.0
			for k := range length {
				top = max(top, sign*float64(x[i+k*inner]))
			}
			for k := range length {
				sum += math.Exp(sign*float64(x[i+k*inner]) - top)
			}
			for k := range length {
				v := sign*float64(x[i+k*inner]) - top
				if log {
					y[i+k*inner] = float32(v - math.Log(sum))
				} else {
					y[i+k*inner] = float32(math.Exp(v) / sum)
				}
			}
		}
	}
	return y
}

// permute reorders dimensions. strides are the input's strides in the order of the output.
func permute(x []float32, shape, strides []int) []float32 {
	y := make([]float32, len(x))
	for i := range y {
		rest, at := i, 0
		for d := len(shape) - 1; d >= 0; d-- {
			at += rest % shape[d] * strides[d]
			rest /= shape[d]
		}
		y[i] = x[at]
	}
	return y
}

// mean returns the mean over lines of length numbers that are inner apart.
func mean(x []float32, length, inner int) []float32 {
	var y []float32
	for o := 0; o < len(x); o += length * inner {
		for i := o; i < o+inner; i++ {
			var sum float64
			for k := range length {
				sum += float64(x[i+k*inner])
			}
			y = append(y, float32(sum/float64(length)))
		}
	}
	return y
}

func add(x ...[]float32) []float32 {
	y := make([]float32, len(x[0]))
	for _, part := range x {
		for i, v := range part {
			y[i] += v
		}
	}
	return y
}

// concat puts the parts side by side in each row.
func concat(rows int, parts ...[]float32) []float32 {
	var y []float32
	for r := range rows {
		for _, p := range parts {
			n := len(p) / rows
			y = append(y, p[r*n:(r+1)*n]...)
		}
	}
	return y
}

// A cell is one step of a recurrent layer. It sets the state h (and c) from x and s, which are
// W x + b of the input and of h, with hidden numbers for each gate.
type cell func(h, c []float64, x, s []float32)

func rnnTanh(h, _ []float64, x, s []float32) {
	for i := range h {
		h[i] = math.Tanh(float64(x[i]) + float64(s[i]))
	}
}

func rnnReLU(h, _ []float64, x, s []float32) {
	for i := range h {
		h[i] = max(float64(x[i])+float64(s[i]), 0)
	}
}

func lstm(h, c []float64, x, s []float32) {
	n := len(h)
	gate := func(k, i int) float64 { return float64(x[k*n+i]) + float64(s[k*n+i]) }
	for i := range h {
		c[i] = sigmoid(gate(1, i))*c[i] + sigmoid(gate(0, i))*math.Tanh(gate(2, i))
		h[i] = sigmoid(gate(3, i)) * math.Tanh(c[i])
	}
}

func gru(h, _ []float64, x, s []float32) {
	n := len(h)
	gate := func(k, i int) float64 { return sigmoid(float64(x[k*n+i]) + float64(s[k*n+i])) }
	for i := range h {
		next := math.Tanh(float64(x[2*n+i]) + gate(0, i)*float64(s[2*n+i]))
		z := gate(1, i)
		h[i] = (1-z)*next + z*h[i]
	}
}

// recurrent runs a cell over rows of in numbers, from the last row if reverse is true, and
// returns the state at each row.
func recurrent(x, wi, wh, bi, bh []float32, f cell, in, hidden int, reverse bool) []float32 {
	steps := len(x) / in
	y, h, c := make([]float32, steps*hidden), make([]float64, hidden), make([]float64, hidden)
	for t := range steps {
		if reverse {
			t = steps - 1 - t
		}
		f(h, c, linear(x[t*in:(t+1)*in], wi, bi, in), linear(narrow(h), wh, bh, hidden))
		copy(y[t*hidden:], narrow(h))
	}
	return y
}

// attention returns softmax(Q Kᵀ / sqrt(d/heads)) V for each head. Each row of x has d
// numbers of Q, of K and of V.
func attention(x []float32, d, heads int) []float32 {
	steps, n := len(x)/(3*d), d/heads
	y := make([]float32, steps*d)
	for h := range heads {
		part := func(t, which int) []float32 { return x[t*3*d+which*d+h*n:][:n] }
		for t := range steps {
			scores := make([]float32, steps)
			for s := range scores {
				scores[s] = float32(dot(part(t, 0), part(s, 1)) / math.Sqrt(float64(n)))
			}
			sums := make([]float64, n)
			for s, w := range softmax(scores, steps, 1, 1, false) {
				for i, v := range part(s, 2) {
					sums[i] += float64(w) * float64(v)
				}
			}
			copy(y[t*d+h*n:], narrow(sums))
		}
	}
	return y
}
