// Package spec registers the kernel with Jupyter: it writes the kernelspec folder,
// finds it and removes it. It does not run Jupyter. For the location of kernelspecs see
// https://docs.jupyter.org/en/stable/use/jupyter-directories.html.
//
//	spec.go       Install, Uninstall, Find
//	dirs.go       the folders of Jupyter
//	papermill.go  the Python package that teaches papermill Go parameters
//	files/        logos
//	papermill/    source of that package
package spec

import (
	"embed"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
)

// Name is the name of the kernel for Jupyter, and of its folder.
const Name = "gopherpod"

// DisplayName is what front ends show.
const DisplayName = "Go (Gopherpod)"

//go:embed files
var files embed.FS

// Options locate the kernelspec.
type Options struct {
	// Prefix puts it under Prefix/share/jupyter/kernels; empty means the user's
	// Jupyter data folder (JUPYTER_DATA_DIR and so on).
	Prefix string
	// Program is the gopherpod binary that Jupyter starts; empty means the running one.
	Program string
	// Env is added to the environment of the kernel.
	Env map[string]string
}

// Errors of Find.
var (
	ErrNotInstalled = errors.New("spec: the kernel is not registered with Jupyter")
	ErrProgramGone  = errors.New("spec: the program that the kernel was registered with is gone")
	ErrForeign      = errors.New("spec: the folder holds another kernel")
)

// kernelJSON is kernel.json.
type kernelJSON struct {
	Argv          []string          `json:"argv"`
	DisplayName   string            `json:"display_name"`
	Language      string            `json:"language"`
	InterruptMode string            `json:"interrupt_mode"`
	Protocol      string            `json:"kernel_protocol_version"`
	Env           map[string]string `json:"env,omitempty"`
	Metadata      map[string]any    `json:"metadata"`
}

// Install writes the kernelspec and returns its folder. It replaces one of an
// earlier version; if the folder holds another kernel, it returns ErrForeign.
func Install(o Options) (dir string, err error) {
	dir, err = o.dir()
	if err != nil {
		return "", err
	}
	program := o.Program
	if program == "" {
		if program, err = os.Executable(); err != nil {
			return "", fmt.Errorf("spec: %w", err)
		}
	}
	if program, err = filepath.Abs(program); err != nil {
		return "", fmt.Errorf("spec: %w", err)
	}
	if _, err := read(dir); err != nil && !errors.Is(err, ErrNotInstalled) {
		return "", err
	}
	if err := os.MkdirAll(filepath.Dir(dir), 0o755); err != nil {
		return "", fmt.Errorf("spec: %w", err)
	}
	// Replace the old folder with a new one in one step, so that Jupyter never sees half of it.
	fresh, err := os.MkdirTemp(filepath.Dir(dir), "."+Name+"-*")
	if err != nil {
		return "", fmt.Errorf("spec: %w", err)
	}
	defer os.RemoveAll(fresh)
	if err := write(fresh, program, o.Env); err != nil {
		return "", fmt.Errorf("spec: %w", err)
	}
	if err := os.RemoveAll(dir); err != nil {
		return "", fmt.Errorf("spec: %w", err)
	}
	if err := os.Rename(fresh, dir); err != nil {
		return "", fmt.Errorf("spec: %w", err)
	}
	return dir, nil
}

func write(dir, program string, env map[string]string) error {
	if err := os.Chmod(dir, 0o755); err != nil {
		return err
	}
	b, err := json.MarshalIndent(kernelJSON{
		Argv:          []string{program, "kernel", "--connection-file", "{connection_file}"},
		DisplayName:   DisplayName,
		Language:      "go",
		InterruptMode: "message",
		Protocol:      "5.5",
		Env:           env,
		// Older clients ignore supported_encryption; jupyter_client 8.10 passes keys if its
		// user wants encryption.
		Metadata: map[string]any{"debugger": false, "supported_encryption": []string{"curve"}},
	}, "", "  ")
	if err != nil {
		return err
	}
	if err := os.WriteFile(filepath.Join(dir, "kernel.json"), append(b, '\n'), 0o644); err != nil {
		return err
	}
	logos, err := files.ReadDir("files")
	if err != nil {
		return err
	}
	for _, logo := range logos {
		b, err := files.ReadFile("files/" + logo.Name())
		if err != nil {
			return err
		}
		if err := os.WriteFile(filepath.Join(dir, logo.Name()), b, 0o644); err != nil {
			return err
		}
	}
	return nil
}

// Uninstall removes the kernelspec. It is not an error if there is none.
func Uninstall(o Options) error {
	dir, err := o.dir()
	if err != nil {
		return err
	}
	if _, err := read(dir); err != nil {
		if errors.Is(err, ErrNotInstalled) {
			return nil
		}
		return err
	}
	if err := os.RemoveAll(dir); err != nil {
		return fmt.Errorf("spec: %w", err)
	}
	return nil
}

// Find returns the folder of the kernelspec. It returns ErrNotInstalled if there is
// none, and ErrProgramGone if its program does not exist.
func Find(o Options) (dir string, err error) {
	if dir, err = o.dir(); err != nil {
		return "", err
	}
	k, err := read(dir)
	if err != nil {
		return "", err
	}
	if info, err := os.Stat(k.Argv[0]); err != nil || info.IsDir() {
		return "", fmt.Errorf("%w: %s names %s", ErrProgramGone, dir, k.Argv[0])
	}
	return dir, nil
}

// read reads our kernel.json in dir.
func read(dir string) (kernelJSON, error) {
	var k kernelJSON
	b, err := os.ReadFile(filepath.Join(dir, "kernel.json"))
	if errors.Is(err, os.ErrNotExist) {
		return k, fmt.Errorf("%w: no %s", ErrNotInstalled, filepath.Join(dir, "kernel.json"))
	}
	if err != nil {
		return k, fmt.Errorf("spec: %w", err)
	}
	if err := json.Unmarshal(b, &k); err != nil || len(k.Argv) == 0 || k.DisplayName != DisplayName {
		return k, fmt.Errorf("%w: %s", ErrForeign, dir)
	}
	return k, nil
}
