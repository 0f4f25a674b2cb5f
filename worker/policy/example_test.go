package policy_test

import (
	"fmt"

	"github.com/gopherpod/gopherpod/worker/policy"
)

func Example() {
	fmt.Println(policy.MinExecutionTimeout, policy.DefaultExecutionTimeout, policy.Max)
	// Output: 5s 10m0s 168h0m0s
}
