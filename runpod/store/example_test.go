package store_test

import (
	"context"
	"fmt"
	"log"
	"os"

	"github.com/gopherpod/gopherpod/runpod/store"
	"github.com/gopherpod/gopherpod/tensors"
)

// The second time nothing is sent.
func ExampleSendTensor() {
	folder, err := os.MkdirTemp("", "store")
	if err != nil {
		log.Fatal(err)
	}
	defer os.RemoveAll(folder)
	x, err := tensors.From(make([]float32, 1_000_000))
	if err != nil {
		log.Fatal(err)
	}
	for range 2 {
		receipt, err := store.SendTensor(context.Background(), store.Dir(folder), x)
		if err != nil {
			log.Fatal(err)
		}
		fmt.Println("X:", receipt)
	}
	// Output:
	// X: a4a5d3175748 4.0 MB, 4.0 MB sent
	// X: a4a5d3175748 4.0 MB, already there, 0 B sent
}
