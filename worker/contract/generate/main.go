// Command generate writes the files that are made from the contract's tables. It runs in
// worker/contract; see there.
package main

import (
	"log"
	"os"

	"github.com/gopherpod/gopherpod/worker/contract"
)

func main() {
	for name, text := range contract.Generated() {
		b, err := text()
		if err == nil {
			err = os.WriteFile(name, b, 0o644)
		}
		if err != nil {
			log.Fatal(err)
		}
	}
}
