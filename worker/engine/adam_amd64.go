package engine

import "github.com/gopherpod/gopherpod/worker/engine/sgemm"

//go:noescape
func adamAVX2(n8 int, w, grad, m, v *float32, c *adamConstants)

// adamStep is one step of Adam. All slices are as long as w.
func adamStep(w, g, m, v []float32, c *adamConstants) {
	g, m, v = g[:len(w)], m[:len(w)], v[:len(w)]
	even := 0
	if sgemm.Fast() && len(w) >= 8 {
		even = len(w) &^ 7
		adamAVX2(even/8, &w[0], &g[0], &m[0], &v[0], c)
	}
	adamPortable(w[even:], g[even:], m[even:], v[even:], c)
}
