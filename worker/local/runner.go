package local

import (
	"bytes"
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

// Command returns a Runner for a program that serves jobs with RunPod's SDK, such as
// Command("python3", "handler.py"). It is asked to end as the service asks, by
// an interrupt, and killed with its children after 5 s.
func Command(name string, args ...string) Runner {
	return func(ctx context.Context, p Process) error {
		cmd := exec.CommandContext(ctx, name, args...)
		cmd.Env = append(os.Environ(), p.Env...)
		last := &tail{}
		cmd.Stdout, cmd.Stderr = p.Output, io.MultiWriter(p.Output, last)
		cmd.WaitDelay = stopTime
		ownGroup(cmd)
		if err := cmd.Run(); err != nil {
			return fmt.Errorf("local: worker %s: %s: %w: %s", p.ID, name, err, last.line())
		}
		return nil
	}
}

// A tail keeps the end of what is written: what a program says last is why it
// ends.
type tail struct{ text []byte }

func (t *tail) Write(b []byte) (int, error) {
	const most = 4 << 10
	t.text = append(t.text, b...)
	if len(t.text) > most {
		t.text = append(t.text[:0], t.text[len(t.text)-most:]...)
	}
	return len(b), nil
}

// line returns the last line.
func (t *tail) line() string {
	text := bytes.TrimSpace(t.text)
	return string(text[bytes.LastIndexByte(text, '\n')+1:])
}
