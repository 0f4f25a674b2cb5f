package sgemm_test

import (
	"fmt"

	"gonum.org/v1/gonum/blas"

	"github.com/gopherpod/gopherpod/worker/engine/sgemm"
)

// The product of two matrices. It has the same bits on any number of cores.
func ExampleBLAS_Sgemm() {
	a := []float32{
		1, 2,
		3, 4,
	}
	b := []float32{
		5, 6,
		7, 8,
	}
	c := make([]float32, 4)
	sgemm.BLAS{}.Sgemm(blas.NoTrans, blas.NoTrans, 2, 2, 2, 1, a, 2, b, 2, 0, c, 2)
	fmt.Println(c)
	// Output: [19 22 43 50]
}
