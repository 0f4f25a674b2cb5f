package setup

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/gopherpod/gopherpod/tensors/scratch"
)

// checkTemp reports where cells are compiled, and whether TMPDIR is fit for it.
func checkTemp() Check {
	c := Check{Name: "temporary files", OK: true}
	first := os.TempDir()
	dir, err := scratch.Find()
	switch {
	case err != nil:
		c.OK, c.Detail = false, err.Error()
		c.Mend = "set TMPDIR to a folder on a disk with room that allows programs"
	case dir != first:
		c.Detail = fmt.Sprintf("%s, because %s is not fit: %v", dir, first, scratch.Fit(first))
	default:
		c.Detail = dir
	}
	return c
}

// CheckDatabase reports whether a SQLite file is on a disk that SQLite works on: its
// write-ahead log needs memory that processes share, which network file systems do not
// provide. An empty path means that there is no file.
func CheckDatabase(name, path, mend string) Check {
	c := Check{Name: name, OK: true, Optional: true, Detail: path}
	if path == "" {
		c.Detail = "is not kept: there is no home folder, or it is switched off"
		return c
	}
	dir, err := existing(filepath.Dir(path))
	if err != nil {
		c.OK, c.Detail, c.Mend = false, err.Error(), mend
		return c
	}
	if kind := networkFS(dir); kind != "" {
		c.OK, c.Detail, c.Mend = false, fmt.Sprintf("%s is on %s, where two machines can corrupt it", path, kind), mend
	}
	return c
}

// existing returns the first folder that exists, going up from dir.
func existing(dir string) (string, error) {
	for {
		_, err := os.Stat(dir)
		if err == nil {
			return dir, nil
		}
		if up := filepath.Dir(dir); errors.Is(err, fs.ErrNotExist) && up != dir {
			dir = up
			continue
		}
		return "", err
	}
}
