package setup

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"slices"

	"github.com/gopherpod/gopherpod/tensors/python"
)

// The packages that pip installs beside torch, and the index with the builds of torch for
// CPUs, which are a tenth of the size of those for GPUs.
const torchIndex = "https://download.pytorch.org/whl/cpu"

// InstallTorch makes a virtual environment with PyTorch for CPUs, in which the embedded
// endpoint runs models in Python, and returns its Python. It is made from the first Python of
// this machine that is new enough; if that has PyTorch, the environment uses it. A complete
// environment is kept. Progress receives messages, one line at a time; it may be nil.
func InstallTorch(ctx context.Context, l Layout, progress func(string)) (string, error) {
	say := func(format string, args ...any) {
		if progress != nil {
			progress(fmt.Sprintf(format, args...))
		}
	}
	folder := python.Venv(l.Home())
	own := python.InVenv(folder)
	lacks := func(path string) ([]string, error) { return python.Lacks(ctx, path, python.Modules()...) }
	if _, err := os.Stat(own); err == nil {
		if missing, err := lacks(own); err == nil && len(missing) == 0 {
			return own, nil
		}
		if err := os.RemoveAll(folder); err != nil {
			return "", fmt.Errorf("setup: %w", err)
		}
	}
	base, err := python.Find(ctx, "")
	if err != nil {
		return "", fmt.Errorf("setup: PyTorch needs Python 3.%d or newer: %w", python.Oldest, err)
	}
	missing, err := lacks(base)
	if err != nil {
		return "", fmt.Errorf("setup: %w", err)
	}
	args := []string{"-m", "venv", folder}
	if !slices.Contains(missing, "torch") {
		say("%s has PyTorch already, which the environment uses", base)
		args = append(args, "--system-site-packages")
	}
	say("making a virtual environment in %s", folder)
	if err := tool(ctx, base, args...); err != nil {
		return "", fmt.Errorf("setup: %w (on Debian and Ubuntu: apt install python3-venv)", err)
	}
	if missing, err = lacks(own); err != nil {
		return "", fmt.Errorf("setup: %w", err)
	}
	pip := func(packages ...string) error {
		return tool(ctx, own, append([]string{"-m", "pip", "install", "--disable-pip-version-check", "--quiet"}, packages...)...)
	}
	if i := slices.Index(missing, "torch"); i >= 0 {
		missing = slices.Delete(missing, i, i+1)
		say("installing the build of PyTorch for CPUs; this takes minutes")
		if err := pip("torch", "numpy", "--index-url", torchIndex, "--extra-index-url", "https://pypi.org/simple"); err != nil {
			say("%s cannot be used; installing PyTorch from PyPI, which is larger", torchIndex)
			if err := pip("torch", "numpy"); err != nil {
				return "", fmt.Errorf("setup: %w", err)
			}
		}
	}
	if len(missing) > 0 {
		say("installing %s", missing)
		if err := pip(missing...); err != nil {
			return "", fmt.Errorf("setup: %w", err)
		}
	}
	if missing, err = lacks(own); err != nil || len(missing) > 0 {
		return "", fmt.Errorf("setup: the environment in %s still lacks %v (%v)", folder, missing, err)
	}
	return own, nil
}

// tool runs a program. Its error has the last line that the program printed.
func tool(ctx context.Context, name string, args ...string) error {
	out, err := exec.CommandContext(ctx, name, args...).CombinedOutput()
	if err == nil {
		return nil
	}
	out = bytes.TrimSpace(out)
	return fmt.Errorf("%s %s %s: %w: %s", name, args[0], args[1], err, out[bytes.LastIndexByte(out, '\n')+1:])
}
