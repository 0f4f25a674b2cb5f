// Package python finds the Python of this machine that runs what Gopherpod needs Python for:
// the check of a body's syntax, and our PyTorch worker. It is the first of
//
//	GOPHERPOD_PYTHON               no other, if it is set
//	GOPHERPOD_NOTEBOOK_PYTHON      the Python of the notebook's server, which the kernel sets
//	VIRTUAL_ENV                    a virtual environment
//	Venv(home)                     the one that gopherpod install --torch makes
//	python3                        in PATH, then that of the system
//
// that is new enough and has the modules.
package python

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"
)

// The environment variables that name a Python.
const (
	EnvPython   = "GOPHERPOD_PYTHON"
	EnvNotebook = "GOPHERPOD_NOTEBOOK_PYTHON"
	envVenv     = "VIRTUAL_ENV"
)

// system is the Python of Linux distributions, whose packages may include PyTorch.
const system = "/usr/bin/python3"

// Oldest is the oldest version of Python 3 that our worker runs with.
const Oldest = 11

// Modules lists what our PyTorch worker imports when it runs a job outside of RunPod.
func Modules() []string { return []string{"torch", "msgpack", "zstandard"} }

// Venv returns the folder of the virtual environment that gopherpod install --torch makes
// below the installation's folder.
func Venv(home string) string { return filepath.Join(home, "torch") }

// InVenv returns the Python of a virtual environment.
func InVenv(folder string) string { return filepath.Join(folder, "bin", "python") }

// A NotFoundError says which Pythons were tried and what they lack.
type NotFoundError struct {
	Tried []string // "/usr/bin/python3 has no torch"
}

// Error says what each of them lacks.
func (e *NotFoundError) Error() string {
	if len(e.Tried) == 0 {
		return "this machine has no Python"
	}
	return strings.Join(e.Tried, ", ")
}

// Find returns the path of the first Python that has the modules. Home is the folder of the
// installation, "" for none. The error is a *NotFoundError.
func Find(ctx context.Context, home string, modules ...string) (string, error) {
	return find(ctx, home, system, modules...)
}

func find(ctx context.Context, home, system string, modules ...string) (string, error) {
	none := &NotFoundError{}
	for _, path := range candidates(home, system) {
		version, missing, err := probe(ctx, path, modules)
		switch {
		case err != nil:
			none.Tried = append(none.Tried, path+" does not start")
		case !version.fit():
			none.Tried = append(none.Tried, fmt.Sprintf("%s is Python %d.%d, older than 3.%d", path, version[0], version[1], Oldest))
		case len(missing) > 0:
			none.Tried = append(none.Tried, path+" has no "+strings.Join(missing, " and no "))
		default:
			return path, nil
		}
	}
	return "", none
}

// candidates lists the Pythons that exist, in order, each once.
func candidates(home, system string) (paths []string) {
	add := func(path string) {
		if full, err := exec.LookPath(path); err == nil && !slices.Contains(paths, full) {
			paths = append(paths, full)
		}
	}
	if given := os.Getenv(EnvPython); given != "" {
		if full, err := exec.LookPath(given); err == nil {
			return []string{full}
		}
		return []string{given} // probing it says what is wrong
	}
	if notebook := os.Getenv(EnvNotebook); notebook != "" {
		add(notebook)
	}
	if venv := os.Getenv(envVenv); venv != "" {
		add(InVenv(venv))
	}
	if home != "" {
		add(InVenv(Venv(home)))
	}
	add("python3")
	add(system) // if PATH begins with a virtual environment
	return paths
}

// probeTime is how long a Python may take to start and look for modules.
const probeTime = 20 * time.Second

const probeCode = `import sys, importlib.util as u
print(sys.version_info[0], sys.version_info[1], *[m for m in sys.argv[1:] if u.find_spec(m) is None])`

// Lacks returns those of the modules that a Python does not have.
func Lacks(ctx context.Context, path string, modules ...string) ([]string, error) {
	_, missing, err := probe(ctx, path, modules)
	return missing, err
}

// A version is a major and a minor number.
type version [2]int

func (v version) fit() bool { return v[0] == 3 && v[1] >= Oldest }

// probe returns the version of a Python, and the modules that it lacks.
func probe(ctx context.Context, path string, modules []string) (v version, missing []string, err error) {
	ctx, cancel := context.WithTimeout(ctx, probeTime)
	defer cancel()
	cmd := exec.CommandContext(ctx, path, append([]string{"-c", probeCode}, modules...)...)
	cmd.WaitDelay = time.Second
	out, err := cmd.Output()
	if err != nil {
		return v, nil, fmt.Errorf("python: %s: %w", path, err)
	}
	words := strings.Fields(string(out))
	if len(words) < 2 {
		return v, nil, fmt.Errorf("python: %s says %.80q about its version", path, out)
	}
	for i := range v {
		if v[i], err = strconv.Atoi(words[i]); err != nil {
			return v, nil, fmt.Errorf("python: %s says %.80q about its version", path, out)
		}
	}
	return v, words[2:], nil
}

// OfParent returns the Python that started this process, if Python did: Jupyter's server
// starts kernels with the Python of its own environment. "" if it is not known.
func OfParent() string {
	b, err := os.ReadFile(fmt.Sprintf("/proc/%d/cmdline", os.Getppid()))
	if err != nil {
		return ""
	}
	path, _, _ := strings.Cut(string(b), "\x00")
	if !filepath.IsAbs(path) || !strings.HasPrefix(filepath.Base(path), "python") {
		return ""
	}
	return path
}
