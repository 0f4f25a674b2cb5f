package setup

import (
	"context"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/gopherpod/gopherpod/kernel/build"
	"github.com/gopherpod/gopherpod/kernel/spec"
	"github.com/gopherpod/gopherpod/tensors/python"
)

// Options configure Install.
type Options struct {
	Layout
	// Program is the gopherpod binary that Jupyter starts.
	Program string
	// Sources is our own source: go.mod and the packages that a session needs.
	Sources fs.FS
	// Mode is how cells are built; empty means the fastest mode that works here.
	Mode build.Mode
	// Progress receives messages about the progress, one line at a time; it may be nil.
	Progress func(string)
}

// Installed lists what Install wrote.
type Installed struct {
	Kernelspec string
	Host       *build.Host
}

// Install writes our source to disk, compiles in advance what cells need, and
// registers the kernel with Jupyter. It can be repeated at any time and keeps what is
// up to date. The kernelspec is written last, so that a kernel that Jupyter offers
// can be started.
func Install(ctx context.Context, o Options) (*Installed, error) {
	program, err := filepath.Abs(o.Program)
	if err != nil {
		return nil, err
	}
	host, err := Prepare(ctx, o.Layout, o.Sources, o.Mode, o.Progress)
	if err != nil {
		return nil, err
	}
	dir, err := spec.Install(spec.Options{Prefix: o.Prefix, Program: program, Env: map[string]string{EnvHome: o.Home()}})
	if err != nil {
		return nil, err
	}
	return &Installed{Kernelspec: dir, Host: host}, nil
}

// Prepare writes our source to disk and compiles in advance what cells need.
func Prepare(ctx context.Context, l Layout, sources fs.FS, mode build.Mode, progress func(string)) (*build.Host, error) {
	if err := WriteSource(sources, l.Source()); err != nil {
		return nil, err
	}
	return build.Prepare(ctx, build.Options{Source: l.Source(), Dir: l.Hosts(), Mode: mode, Progress: progress})
}

// Uninstall removes the kernelspec, the compiled packages and our source. Missing
// files are no error. Other files in the home folder stay: a private Jupyter, the
// recorded runs.
func Uninstall(l Layout) error {
	if err := spec.Uninstall(spec.Options{Prefix: l.Prefix}); err != nil {
		return err
	}
	for _, dir := range []string{l.Hosts(), l.Source(), python.Venv(l.Home())} {
		if err := os.RemoveAll(dir); err != nil {
			return fmt.Errorf("setup: %w", err)
		}
	}
	os.Remove(l.Home()) // if nothing else is in it
	return nil
}
