package place_test

import (
	"fmt"

	"github.com/gopherpod/gopherpod/runpod/place"
)

// A price turns a budget into time and time into money.
func ExampleRate() {
	rate := place.Rate{Pool: "ADA_24", GPUs: 2, Hourly: 0.9}
	fmt.Printf("$%.4f a second, $1 affords %s\n", rate.PerSecond(), rate.Affords(1))
	// Output: $0.0005 a second, $1 affords 33m20s
}
