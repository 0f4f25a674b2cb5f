package environ_test

import (
	"fmt"
	"os"
	"path/filepath"

	"github.com/gopherpod/gopherpod/tensors/environ"
)

// The variables of a file, without the values of secrets.
func ExampleIsSecret() {
	dir, err := os.MkdirTemp("", "environ")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer os.RemoveAll(dir)
	file := filepath.Join(dir, ".env")
	if err := os.WriteFile(file, []byte("RUNPOD_API_KEY=rpa_0123\nRUNPOD_ENDPOINT_ID=abc\n"), 0o600); err != nil {
		fmt.Println(err)
		return
	}
	vars, err := environ.Read(file)
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, name := range []string{"RUNPOD_API_KEY", "RUNPOD_ENDPOINT_ID"} {
		if environ.IsSecret(name) {
			vars[name] = "***"
		}
		fmt.Println(name, vars[name])
	}
	// Output:
	// RUNPOD_API_KEY ***
	// RUNPOD_ENDPOINT_ID abc
}
