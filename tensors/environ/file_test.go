//go:build unix

package environ_test

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/gopherpod/gopherpod/tensors/environ"
)

// A file named .env may be anything: ReadFile reads it, or refuses it with an error
// that names it, at once and without reading too much.
func TestReadFile(t *testing.T) {
	for name, c := range map[string]struct {
		put  func(path string) error
		want string // of the error; "" if the file is read
	}{
		"a file":     {func(path string) error { return os.WriteFile(path, []byte("A=1\n"), 0o600) }, ""},
		"a folder":   {func(path string) error { return os.Mkdir(path, 0o700) }, "is a folder"},
		"a FIFO":     {func(path string) error { return syscall.Mkfifo(path, 0o600) }, "is a named pipe"},
		"a link":     {func(path string) error { return linkTo(path, "A=1\n", os.Geteuid()) }, ""},
		"a device":   {func(path string) error { return os.Symlink("/dev/zero", path) }, "is a device"},
		"a loop":     {func(path string) error { return os.Symlink(path, path) }, "too many levels"},
		"not a file": {func(path string) error { return os.Symlink("nowhere", path) }, "no such file"},
		"1 GiB": {func(path string) error {
			return errors.Join(os.WriteFile(path, nil, 0o600), os.Truncate(path, 1<<30))
		}, "1073741824 bytes"},
		"another user's": {func(path string) error {
			if os.Geteuid() != 0 {
				t.Skip("only root can give a file away")
			}
			return linkTo(path, "A=1\n", 12345)
		}, "a file of another user"},
	} {
		t.Run(name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), ".env")
			if err := c.put(path); err != nil {
				t.Fatal(err)
			}
			type answer struct {
				vars map[string]string
				err  error
			}
			done := make(chan answer, 1)
			go func() {
				vars, err := environ.Read(path)
				done <- answer{vars, err}
			}()
			select {
			case a := <-done:
				switch {
				case c.want == "" && (a.err != nil || a.vars["A"] != "1"):
					t.Errorf("%v, %v", a.vars, a.err)
				case c.want != "" && (a.err == nil || !strings.Contains(a.err.Error(), c.want) || !strings.Contains(a.err.Error(), path)):
					t.Errorf("%v, want %q and the name", a.err, c.want)
				}
			case <-time.After(time.Minute):
				t.Fatal("it blocks")
			}
		})
	}
	if _, err := environ.Read(filepath.Join(t.TempDir(), "none")); !errors.Is(err, fs.ErrNotExist) {
		t.Error(err)
	}
}

// linkTo makes a link to a file of a user.
func linkTo(path, text string, uid int) error {
	file := path + ".target"
	return errors.Join(os.WriteFile(file, []byte(text), 0o600), os.Chown(file, uid, -1), os.Symlink(file, path))
}

// No error quotes a line, because it may contain a key.
func TestSyntax(t *testing.T) {
	path := filepath.Join(t.TempDir(), ".env")
	if err := os.WriteFile(path, []byte("KEY rpa_secret 'x\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := environ.Read(path); !errors.Is(err, environ.ErrSyntax) || strings.Contains(err.Error(), "secret") || !strings.Contains(err.Error(), path) {
		t.Error(err)
	}
}

func FuzzParse(f *testing.F) {
	f.Add("A=1\nexport B='two'\n# c\nC: 3\n")
	f.Fuzz(func(t *testing.T, text string) {
		if _, err := environ.Parse(text); err != nil && !errors.Is(err, environ.ErrSyntax) {
			t.Error(err)
		}
	})
}
