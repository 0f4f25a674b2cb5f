package sgemm

import "golang.org/x/sys/cpu"

// kernelAVX2 computes a tile of C, 6 rows of 16 (distance ldc), as the product of
// a (k columns of 6) and b (k rows of 16), added to the values of c if add is set.
//
//go:noescape
func kernelAVX2(k int, a, b, c *float32, ldc int, add bool)

// pack16AVX2 turns 16 rows (distance ld) of 8*k8 floats into 8*k8 rows of 16.
//
//go:noescape
func pack16AVX2(k8 int, src *float32, ld int, dst *float32)

// copy16AVX2 copies k rows of 16 floats (distance ld) so that they are contiguous.
//
//go:noescape
func copy16AVX2(k int, src *float32, ld int, dst *float32)

// Fast reports whether this machine has the vector instructions that the package
// uses.
func Fast() bool { return cpu.X86.HasAVX2 && cpu.X86.HasFMA }
