package scratch_test

import (
	"fmt"
	"log"
	"os"
	"path/filepath"

	"github.com/gopherpod/gopherpod/tensors/scratch"
)

func Example() {
	place, err := os.MkdirTemp("", "example")
	if err != nil {
		log.Fatal(err)
	}
	defer os.RemoveAll(place)
	f, err := scratch.MakeIn(place)
	if err != nil {
		log.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(f.Path, "cell.so"), []byte("12345"), 0o700); err != nil {
		log.Fatal(err)
	}
	for _, l := range scratch.List(place) {
		fmt.Println(l.Bytes, "bytes, in use:", l.InUse)
	}
	fmt.Println(f.Close(), len(scratch.List(place)))
	// Output:
	// 5 bytes, in use: true
	// <nil> 0
}
