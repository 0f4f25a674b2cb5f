package setup

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// Rebuild builds gopherpod again from its own source, with the Go that is installed now,
// and replaces program with the result. It is needed after an upgrade of Go, because a
// program that an older Go built cannot read what a newer one compiles. Prepare or
// Install must have written the source. If Rebuild fails, program stays as it is.
func Rebuild(ctx context.Context, l Layout, program string) error {
	made, err := os.CreateTemp(filepath.Dir(program), ".gopherpod-*")
	if err != nil {
		return fmt.Errorf("setup: build gopherpod again: %w", err)
	}
	made.Close()
	defer os.Remove(made.Name())
	c := exec.CommandContext(ctx, "go", "build", "-buildvcs=false", "-o", made.Name(), ".")
	c.Dir = l.Source()
	c.Env = append(os.Environ(), "GOFLAGS=", "GOWORK=off", "GOTOOLCHAIN=local", "GO111MODULE=on")
	if out, err := c.CombinedOutput(); err != nil {
		return fmt.Errorf("setup: build gopherpod again: %w\n%s", err, strings.TrimSpace(string(out)))
	}
	if err := os.Chmod(made.Name(), 0o755); err != nil {
		return fmt.Errorf("setup: %w", err)
	}
	if err := os.Rename(made.Name(), program); err != nil {
		return fmt.Errorf("setup: %w", err)
	}
	return nil
}
