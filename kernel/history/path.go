package history

import (
	"os"
	"path/filepath"
	"runtime"
)

// DefaultPath returns the path of the user's history: history.sqlite in
// $XDG_STATE_HOME/gopherpod (~/.local/state/gopherpod), or on macOS in
// ~/Library/Application Support/gopherpod. For a user without a home folder it
// returns "", which means memory.
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
