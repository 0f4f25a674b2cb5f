// Command generate writes what is made from the contract's tables. It runs in
// worker/contract; see there.
package main

import (
	"log"
	"os"

	"github.com/gopherpod/gopherpod/worker/contract"
)

func main() {
	text, err := contract.JSON()
	if err == nil {
		err = os.WriteFile(contract.JSONFile, text, 0o644)
	}
	if err != nil {
		log.Fatal(err)
	}
}
