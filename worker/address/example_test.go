package address_test

import (
	"fmt"

	"github.com/gopherpod/gopherpod/worker/address"
)

// A worker reads what its operator's rules allow, and nothing else.
func ExampleRules() {
	rules, err := address.ParseRules("https://bucket.s3.amazonaws.com/shared/")
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(rules.Check("https://bucket.s3.amazonaws.com/shared/x.safetensors"))
	fmt.Println(rules.Check("https://bucket.s3.amazonaws.com/private/x.safetensors"))
	fmt.Println(rules.Check("http://169.254.169.254/latest/meta-data/"))
	// Output:
	// <nil>
	// address not allowed: the operator of this worker allows prefixes with GOPHERPOD_ALLOW_URLS=https://host/path/
	// address not allowed: the operator of this worker allows prefixes with GOPHERPOD_ALLOW_URLS=https://host/path/
}
