package scratch

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

// ErrUnfit is the error for folders in which cells cannot be compiled.
var ErrUnfit = errors.New("no folder for temporary files is fit to compile cells in")

// minFree is the free space that a folder has to have, in bytes: enough for a few
// cells and a library.
const minFree = 64 << 20

// Places returns the folders in which Make looks for a place, the best first: TMPDIR, or
// /tmp if it is not set, and one of our own in the user's cache.
func Places() []string {
	list := []string{os.TempDir()}
	if cache, err := os.UserCacheDir(); err == nil {
		list = append(list, filepath.Join(cache, "gopherpod", "tmp"))
	}
	return list
}

// Find returns the first of Places that is fit. If none is, the error says why for each.
func Find() (string, error) { return find(Places()) }

func find(places []string) (string, error) {
	var why []string
	for i, dir := range places {
		if i > 0 { // of our own: make it
			if err := Private(dir); err != nil {
				why = append(why, err.Error())
				continue
			}
		}
		err := Fit(dir)
		if err == nil {
			return dir, nil
		}
		why = append(why, describe(dir, err))
	}
	return "", fmt.Errorf("%w: %s; set TMPDIR to a folder on a disk with %d MB free that allows programs", ErrUnfit, strings.Join(why, "; "), minFree>>20)
}

// describe names TMPDIR, so that readers know what to change.
func describe(dir string, err error) string {
	if os.Getenv("TMPDIR") == dir {
		dir = "TMPDIR=" + dir
	}
	return dir + ": " + err.Error()
}

// Fit returns an error if a folder is not fit to compile cells in: it has to exist, be
// writable, have room, and allow its files to be run.
func Fit(dir string) error {
	if !filepath.IsAbs(dir) {
		return errors.New("want an absolute path")
	}
	probe, err := os.MkdirTemp(dir, ".gopherpod-probe-")
	if err != nil {
		return reason(err)
	}
	defer os.RemoveAll(probe)
	if free, ok := freeBytes(dir); ok && free < minFree {
		return fmt.Errorf("%d MB are free, want %d", free>>20, minFree>>20)
	}
	file := filepath.Join(probe, "x")
	if err := os.WriteFile(file, make([]byte, 64<<10), 0o700); err != nil {
		return reason(err)
	}
	return runnable(file)
}

// reason returns an error without the path of the probe.
func reason(err error) error {
	if e := (*os.PathError)(nil); errors.As(err, &e) {
		return e.Err
	}
	return err
}

// Private makes a folder, and those above it, that only the user can use. It refuses a
// folder that is a link, belongs to another user, or is writable by others: whoever
// made it first could choose what we read there, or read what we write.
func Private(dir string) error {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	info, err := os.Lstat(dir)
	if err != nil {
		return err
	}
	switch {
	case !info.IsDir():
		return fmt.Errorf("%s is a %s, want a folder of our own", dir, kind(info.Mode()))
	case !mine(info):
		return fmt.Errorf("%s belongs to another user", dir)
	case info.Mode().Perm()&0o022 != 0:
		return fmt.Errorf("%s can be written to by other users (%v): chmod 700 it", dir, info.Mode().Perm())
	}
	return nil
}

func kind(m os.FileMode) string {
	if m&os.ModeSymlink != 0 {
		return "link"
	}
	return "file"
}
