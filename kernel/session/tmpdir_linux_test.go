package session

import (
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// Cells run even if TMPDIR is unsuitable for compiling; they see the user's own TMPDIR.
func TestCellsWithUnfitTMPDIR(t *testing.T) {
	h := testHost(t)
	dir, mount := t.TempDir(), t.TempDir()
	for name, unfit := range map[string]func() string{
		"missing":  func() string { return filepath.Join(dir, "missing") },
		"relative": func() string { return "tmp" },
		"noexec": func() string {
			if err := syscall.Mount("tmpfs", mount, "tmpfs", syscall.MS_NOEXEC, "size=100m"); err != nil {
				t.Skipf("mounting needs root and a machine that allows it: %v", err)
			}
			t.Cleanup(func() { syscall.Unmount(mount, syscall.MNT_DETACH) })
			return mount
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Setenv("HOME", dir)
			t.Setenv("XDG_CACHE_HOME", "")
			t.Setenv("TMPDIR", unfit())
			n := &testBook{Session: New(Options{Host: h, Dir: dir, AutoImports: autoImports}), t: t}
			defer n.Close()
			if got := n.ok("import \"os\"\nos.Getenv(\"TMPDIR\")"); !strings.Contains(got, os.Getenv("TMPDIR")) {
				t.Errorf("%q", got)
			}
		})
	}
}
