package local

import (
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"time"
)

// A Process is a worker to be started outside this one.
type Process struct {
	ID     string    // the worker's
	Env    []string  // to be added to the environment: it attaches the worker
	Output io.Writer // takes what the worker prints; it becomes the worker's log
}

// A Runner runs one worker until ctx ends. Its return means that the worker is gone.
type Runner func(ctx context.Context, p Process) error

// stopTime is how long a worker has to end after it was asked to.
const stopTime = 5 * time.Second

// Command is a Runner for a program that serves jobs with RunPod's SDK, such as
// Command("python3", "handler.py"). It is asked to end as the service asks, by
// an interrupt, and killed with its children after 5 s.
func Command(name string, args ...string) Runner {
	return func(ctx context.Context, p Process) error {
		cmd := exec.CommandContext(ctx, name, args...)
		cmd.Env = append(os.Environ(), p.Env...)
		cmd.Stdout, cmd.Stderr = p.Output, p.Output
		cmd.WaitDelay = stopTime
		ownGroup(cmd)
		if err := cmd.Run(); err != nil {
			return fmt.Errorf("local: worker %s: %s: %w", p.ID, name, err)
		}
		return nil
	}
}
