package settings

import (
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"strings"

	"github.com/gopherpod/gopherpod/tensors/environ"
)

// plainValue matches values that need no quotes in a file of NAME=value lines.
var plainValue = regexp.MustCompile(`^[A-Za-z0-9_-]+$`)

// Write sets a variable in a file of NAME=value lines, which only its owner can read
// afterwards. All other lines stay as they are. A file whose other values would change, or
// that Read would reject, is left alone. The file is replaced atomically. The
// value consists of letters, digits, dashes and underscores.
func Write(path, name, value string) error {
	if !plainValue.MatchString(value) {
		return fmt.Errorf("settings: %s: want letters, digits, - and _, got %.80q", name, value)
	}
	old, err := environ.ReadFile(path)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	if real, err := filepath.EvalSymlinks(path); err == nil {
		path = real
	}
	text := setLine(string(old), name, value)
	if err := onlyDiffersIn(string(old), text, name, value); err != nil {
		return fmt.Errorf("%s: %w; add %s=%s to it by hand", path, err, name, value)
	}
	return replaceFile(path, text)
}

func setLine(text, name, value string) string {
	line := regexp.MustCompile(`(?m)^([ \t]*(?:export[ \t]+)?` + regexp.QuoteMeta(name) + `[ \t]*[=:])[^\r\n]*`)
	if line.MatchString(text) {
		return line.ReplaceAllString(text, "${1}"+value)
	}
	if text != "" && !strings.HasSuffix(text, "\n") {
		text += "\n"
	}
	return text + name + "=" + value + "\n"
}

// onlyDiffersIn parses both texts as Read will. No error quotes a line, because the line
// may contain the key.
func onlyDiffersIn(before, after, name, value string) error {
	a, err := environ.Parse(before)
	if err != nil {
		return err
	}
	b, err := environ.Parse(after)
	if err != nil || b[name] != value {
		return fmt.Errorf("%s cannot be set in it", name)
	}
	delete(a, name)
	delete(b, name)
	if !maps.Equal(a, b) {
		return fmt.Errorf("other values would change with %s", name)
	}
	return nil
}

// replaceFile replaces a file with one that only its owner can read.
func replaceFile(name, text string) error {
	f, err := os.CreateTemp(filepath.Dir(name), ".env-*") // 0600 from the start
	if err != nil {
		return err
	}
	defer os.Remove(f.Name())
	_, err = f.WriteString(text)
	if err = errors.Join(err, f.Sync(), f.Close()); err != nil {
		return err
	}
	return os.Rename(f.Name(), name)
}
