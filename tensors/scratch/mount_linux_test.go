package scratch

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

// Real file systems that do not allow what compiling a cell needs.
func TestFitOnRealMounts(t *testing.T) {
	if os.Getuid() != 0 {
		t.Skip("only root can mount")
	}
	for name, c := range map[string]struct {
		flags uintptr
		data  string
		want  string
	}{
		"fit":       {0, "size=100m", ""},
		"noexec":    {unix.MS_NOEXEC, "size=100m", "noexec"},
		"read-only": {unix.MS_RDONLY, "size=100m", "read-only"},
		"small":     {0, "size=10m", "MB are free, want 64"},
		"full":      {0, "size=100m,nr_inodes=1", "no space left"},
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			if err := unix.Mount("tmpfs", dir, "tmpfs", c.flags, c.data); err != nil {
				t.Skipf("this machine does not allow mounts: %v", err)
			}
			defer unix.Unmount(dir, unix.MNT_DETACH)
			if c.flags&unix.MS_NOEXEC != 0 && !enforcesNoexec(t, dir) {
				t.Skip("this machine ignores noexec, as qemu-user does: it translates programs and never runs their pages")
			}
			err := Fit(dir)
			if c.want == "" && err != nil || c.want != "" && (err == nil || !strings.Contains(err.Error(), c.want)) {
				t.Errorf("%v, want %q", err, c.want)
			}
			// Find falls back to the user's cache. If there is none, the error says why.
			t.Setenv("TMPDIR", dir)
			t.Setenv("HOME", t.TempDir())
			found, err := Find()
			if err != nil || (found == dir) != (c.want == "") {
				t.Errorf("found %s, %v", found, err)
			}
			t.Setenv("HOME", "")
			if _, err := Find(); c.want != "" && (!errors.Is(err, ErrUnfit) || !strings.Contains(err.Error(), "TMPDIR="+dir) || !strings.Contains(err.Error(), c.want)) {
				t.Errorf("%v", err)
			}
		})
	}
}

// enforcesNoexec reports whether this machine refuses to map code from a file system that is mounted noexec.
func enforcesNoexec(t *testing.T, dir string) bool {
	path := filepath.Join(dir, "probe")
	if err := os.WriteFile(path, make([]byte, os.Getpagesize()), 0o700); err != nil {
		t.Fatal(err)
	}
	defer os.Remove(path)
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	b, err := unix.Mmap(int(f.Fd()), 0, os.Getpagesize(), unix.PROT_READ|unix.PROT_EXEC, unix.MAP_PRIVATE)
	if err != nil {
		return true
	}
	unix.Munmap(b)
	return false
}

// Another user may have made the folder first.
func TestPrivateRefusesAnotherUsersFolder(t *testing.T) {
	if os.Getuid() != 0 {
		t.Skip("only root can try as another user")
	}
	shared := t.TempDir()
	theirs := filepath.Join(shared, "gopherpod")
	for _, err := range []error{os.Chmod(shared, 0o1777), os.Mkdir(theirs, 0o700), os.Chown(theirs, 65534, 65534)} {
		if err != nil {
			t.Fatal(err)
		}
	}
	if err := Private(theirs); err == nil || !strings.Contains(err.Error(), "another user") {
		t.Errorf("%v", err)
	}
	// A folder of theirs that has our name is not listed, so it is not removed.
	name := filepath.Join(shared, "gopherpod-theirs")
	for _, err := range []error{os.Mkdir(name, 0o700), os.Chown(name, 65534, 65534)} {
		if err != nil {
			t.Fatal(err)
		}
	}
	if l := List(shared); len(l) != 0 {
		t.Errorf("%+v", l)
	}
}
