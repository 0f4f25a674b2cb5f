package local

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"sync"
	"time"
)

// A Process describes a worker to start outside this process.
type Process struct {
	ID     string    // the worker's
	Env    []string  // to add to the environment; it makes the worker attach
	Output io.Writer // receives what the worker prints, for the worker's log
}

// A Runner runs one worker until ctx is done. It returns when the worker is gone.
type Runner func(ctx context.Context, p Process) error

// stopTime is how long a worker may take to exit after it was asked to.
const stopTime = 5 * time.Second

// Command returns a Runner for a program that serves jobs with RunPod's SDK, such as
// Command("python3", "handler.py"). On Unix the Runner stops it as the service does,
// by a SIGTERM, and kills it and its children after 5 s; elsewhere it kills the
// program immediately.
func Command(name string, args ...string) Runner {
	return func(ctx context.Context, p Process) error {
		cmd := exec.CommandContext(ctx, name, args...)
		cmd.Env = append(os.Environ(), p.Env...)
		last := &Tail{}
		cmd.Stdout, cmd.Stderr = p.Output, io.MultiWriter(p.Output, last)
		cmd.WaitDelay = stopTime
		ownGroup(cmd)
		if err := cmd.Run(); err != nil {
			return fmt.Errorf("local: worker %s: %s: %w: %s", p.ID, name, err, last.Line())
		}
		return nil
	}
}

// A Tail is a writer that keeps the last 4 KB, because a program's last line usually says
// why it exits.
type Tail struct {
	mu   sync.Mutex
	text []byte
}

// Write takes some output. It returns no error.
func (t *Tail) Write(b []byte) (int, error) {
	const most = 4 << 10
	t.mu.Lock()
	defer t.mu.Unlock()
	t.text = append(t.text, b...)
	if len(t.text) > most {
		t.text = append(t.text[:0], t.text[len(t.text)-most:]...)
	}
	return len(b), nil
}

// Line returns the last line.
func (t *Tail) Line() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	text := bytes.TrimSpace(t.text)
	return string(text[bytes.LastIndexByte(text, '\n')+1:])
}
