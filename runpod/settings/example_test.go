package settings_test

import (
	"fmt"
	"os"
	"path/filepath"

	"github.com/gopherpod/gopherpod/runpod/settings"
)

// A variable in the file counts if the environment does not set it.
func ExampleRead() {
	dir, err := os.MkdirTemp("", "settings")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer os.RemoveAll(dir)
	file := filepath.Join(dir, ".env")
	if err := os.WriteFile(file, []byte("EXAMPLE_REGION=EU-RO-1\n"), 0o600); err != nil {
		fmt.Println(err)
		return
	}
	s, err := settings.Read(file)
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(s.Get("EXAMPLE_REGION"), s.From("EXAMPLE_REGION") == settings.Source(file))
	// Output: EU-RO-1 true
}
