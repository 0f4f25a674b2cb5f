package wording_test

import (
	"fmt"

	"github.com/gopherpod/gopherpod/tensors/wording"
)

func ExampleNearest() {
	fmt.Println(wording.Nearest("lienar", []string{"conv2d", "linear", "relu"}), wording.Bytes(1_500_000), wording.Count(1, "layer"), wording.Count(0, "epoch"))
	// Output: linear 1.5 MB 1 layer 0 epochs
}
