package runs

import (
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/gopherpod/gopherpod/runpod/settings"
	"github.com/gopherpod/gopherpod/tensors/scratch"
)

// KeepKey stores the key of an endpoint on this machine that outlives its kernel, so
// that KeyOf finds it by the base URL in the user's other kernels. Only the user can
// read the file; forget removes it.
func KeepKey(base, key string) (forget func(), err error) {
	path, err := keyFile(base)
	if err != nil {
		return nil, err
	}
	if err := scratch.Private(filepath.Dir(path)); err != nil { // it holds a key
		return nil, fmt.Errorf("runs: %w", err)
	}
	// These are left by endpoints that were killed: no job lives for longer than a week.
	old, _ := filepath.Glob(filepath.Join(filepath.Dir(path), "*"))
	for _, f := range old {
		if i, err := os.Stat(f); err == nil && time.Since(i.ModTime()) > 8*24*time.Hour {
			os.Remove(f)
		}
	}
	if err := os.WriteFile(path, []byte(key), 0o600); err != nil {
		return nil, fmt.Errorf("runs: %w", err)
	}
	return func() { os.Remove(path) }, nil
}

// KeyOf returns the key of an endpoint that outlived its kernel, "" if none is known.
func KeyOf(base string) (string, error) {
	path, err := keyFile(base)
	if err != nil {
		return "", err
	}
	if _, err := os.Lstat(filepath.Dir(path)); err == nil {
		if err := scratch.Private(filepath.Dir(path)); err != nil { // with somebody else's key, we would send them our data
			return "", fmt.Errorf("runs: %w", err)
		}
	}
	b, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return "", nil
	}
	if err != nil {
		return "", fmt.Errorf("runs: %w", err)
	}
	return strings.TrimSpace(string(b)), nil
}

func keyFile(base string) (string, error) {
	u, err := url.Parse(base)
	if err != nil || u.Port() == "" || u.Hostname() != "127.0.0.1" {
		return "", fmt.Errorf("runs: %q is not an endpoint on this machine", base)
	}
	dir := settings.Inherited("XDG_STATE_HOME")
	if !filepath.IsAbs(dir) {
		home, err := os.UserHomeDir()
		if err != nil {
			return "", fmt.Errorf("runs: %w", err)
		}
		dir = filepath.Join(home, ".local", "state")
	}
	return filepath.Join(dir, "gopherpod", "endpoints", u.Port()), nil
}
