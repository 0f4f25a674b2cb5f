//go:build !amd64

package sgemm

// Fast reports whether this machine has the vector instructions that the package
// uses.
func Fast() bool { return false }

func kernelAVX2(k int, a, b, c *float32, ldc int, add bool) { panic("sgemm: no AVX2 here") }

func pack16AVX2(k8 int, src *float32, ld int, dst *float32) { panic("sgemm: no AVX2 here") }

func copy16AVX2(k int, src *float32, ld int, dst *float32) { panic("sgemm: no AVX2 here") }
