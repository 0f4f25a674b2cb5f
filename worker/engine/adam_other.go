//go:build !amd64

package engine

// adamStep is one step of Adam. All slices are as long as w.
func adamStep(w, g, m, v []float32, c *adamConstants) { adamPortable(w, g, m, v, c) }
