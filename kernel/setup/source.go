package setup

import (
	"bytes"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strings"
)

// WriteSource makes dir contain exactly the files of source that a build needs,
// without tests and test data. Unchanged files are not rewritten, so that Go's build
// cache stays valid.
func WriteSource(source fs.FS, dir string) error {
	keep := map[string]bool{}
	err := fs.WalkDir(source, ".", func(name string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() {
			if d.Name() == "testdata" {
				return fs.SkipDir
			}
			return nil
		}
		if strings.HasSuffix(name, "_test.go") || strings.HasPrefix(path.Base(name), "test_") {
			return nil
		}
		content, err := fs.ReadFile(source, name)
		if err != nil {
			return err
		}
		file := filepath.Join(dir, filepath.FromSlash(name))
		keep[file] = true
		return writeChanged(file, content)
	})
	if err != nil {
		return fmt.Errorf("setup: source of the session: %w", err)
	}
	return removeOthers(dir, keep)
}

// writeChanged writes a file unless it already has that content.
func writeChanged(file string, content []byte) error {
	if old, err := os.ReadFile(file); err == nil && bytes.Equal(old, content) {
		return nil
	}
	if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
		return err
	}
	temp := file + ".new"
	if err := os.WriteFile(temp, content, 0o644); err != nil {
		return err
	}
	return os.Rename(temp, file)
}

func removeOthers(dir string, keep map[string]bool) error {
	return filepath.WalkDir(dir, func(file string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || keep[file] {
			return err
		}
		return os.Remove(file)
	})
}
