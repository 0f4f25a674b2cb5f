package secrets_test

import (
	"fmt"

	"github.com/gopherpod/gopherpod/kernel/secrets"
)

func ExampleRedactor() {
	redact := secrets.Redactor([]string{"RUNPOD_API_KEY=correct-horse-battery", "HOME=/home/ann"})
	fmt.Println(redact("Authorization: Bearer correct-horse-battery"))
	fmt.Println(redact("/home/ann has no secret"))
	// Output:
	// Authorization: Bearer ***
	// /home/ann has no secret
}
