package memory_test

import (
	"fmt"

	"github.com/gopherpod/gopherpod/tensors/memory"
)

// A decoder checks what a header claims before it allocates.
func ExampleAvailable() {
	const claimed = 1 << 60
	if claimed > memory.Available() {
		fmt.Println("refused: it does not fit into memory")
	}
	// Output: refused: it does not fit into memory
}
