package history

import (
	"os"
	"path/filepath"
	"runtime"
)

// DefaultPath returns where the history of a user lies: history.sqlite in
// $XDG_STATE_HOME/gopherpod (~/.local/state/gopherpod), on macOS in
// ~/Library/Application Support/gopherpod. It is empty, which means memory, for a
// user without a home.
func DefaultPath() string {
	if dir := os.Getenv("XDG_STATE_HOME"); filepath.IsAbs(dir) {
		return filepath.Join(dir, "gopherpod", "history.sqlite")
	}
	home, err := os.UserHomeDir()
	if err != nil {
		return ""
	}
	if runtime.GOOS == "darwin" {
		return filepath.Join(home, "Library", "Application Support", "gopherpod", "history.sqlite")
	}
	return filepath.Join(home, ".local", "state", "gopherpod", "history.sqlite")
}
