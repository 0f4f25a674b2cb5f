package contract_test

import (
	"fmt"

	"github.com/gopherpod/gopherpod/worker/contract"
)

// The row of a hyperparameter holds what a form or a command line needs to know of it.
func ExampleHyperparameters() {
	for _, row := range contract.Hyperparameters() {
		if row.Name == "momentum" {
			fmt.Println(row.Name, row.Type, "for", row.Optimizers)
		}
	}
	// Output: momentum number for [sgd rmsprop]
}
