package spec

import (
	"fmt"
	"os"
	"path/filepath"
	"runtime"
)

// dir returns the folder of the kernelspec.
func (o Options) dir() (string, error) {
	if o.Prefix != "" {
		prefix, err := filepath.Abs(o.Prefix)
		if err != nil {
			return "", fmt.Errorf("spec: %w", err)
		}
		return filepath.Join(prefix, "share", "jupyter", "kernels", Name), nil
	}
	data, err := DataDir()
	if err != nil {
		return "", err
	}
	return filepath.Join(data, "kernels", Name), nil
}

// DataDir returns the user's Jupyter data folder: JUPYTER_DATA_DIR, else
// ~/Library/Jupyter on macOS, else XDG_DATA_HOME/jupyter, ~/.local/share/jupyter.
func DataDir() (string, error) {
	if dir := os.Getenv("JUPYTER_DATA_DIR"); dir != "" {
		return dir, nil
	}
	home, err := os.UserHomeDir()
	if err != nil {
		return "", fmt.Errorf("spec: no home folder and no JUPYTER_DATA_DIR: %w", err)
	}
	if runtime.GOOS == "darwin" {
		return filepath.Join(home, "Library", "Jupyter"), nil
	}
	if dir := os.Getenv("XDG_DATA_HOME"); dir != "" {
		return filepath.Join(dir, "jupyter"), nil
	}
	return filepath.Join(home, ".local", "share", "jupyter"), nil
}
