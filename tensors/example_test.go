package tensors_test

import (
	"errors"
	"fmt"
	"log"

	"gonum.org/v1/gonum/mat"

	"github.com/gopherpod/gopherpod/tensors"
)

// A matrix to the wire and back.
func Example() {
	x, err := tensors.From(mat.NewDense(2, 2, []float64{1, 2, 3, 4}))
	if err != nil {
		log.Fatal(err)
	}
	text, err := tensors.EncodeSet(tensors.Set{"X": x}, tensors.CodecMsgpackZstd)
	if err != nil {
		log.Fatal(err)
	}
	set, err := tensors.DecodeSet(tensors.CodecMsgpackZstd, text, 0)
	if err != nil {
		log.Fatal(err)
	}
	m, err := set["X"].Dense()
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(set["X"], mat.Sum(m))
	// Output: float64[2 2] 10
}

// float64 becomes float32 only on request.
func ExampleFromAs() {
	x, err := tensors.FromAs([][]float64{{0.1, 0.2}, {0.3, 0.4}}, tensors.Float32)
	fmt.Println(x, len(x.Data), err)
	_, err = tensors.FromAs([]float64{1, 2.5}, tensors.Int64)
	fmt.Println(err)
	// Output:
	// float32[2 2] 16 <nil>
	// tensors: out of range: 2.5 at index 1 does not fit int64
}

// Errors name the row.
func ExampleFrom() {
	_, err := tensors.From([][]int{{1, 2}, {3}})
	fmt.Println(errors.Is(err, tensors.ErrRagged), err)
	// Output: true tensors: ragged rows: row 1 has 1 values, the first row has 2
}
