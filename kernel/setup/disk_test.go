package setup

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestCheckTempNamesTMPDIR(t *testing.T) {
	home := t.TempDir()
	t.Setenv("HOME", home)
	t.Setenv("XDG_CACHE_HOME", "")
	t.Setenv("TMPDIR", home)
	if c := checkTemp(); !c.OK || c.Detail != home || c.Mend != "" {
		t.Errorf("%+v", c)
	}
	missing := filepath.Join(home, "missing")
	t.Setenv("TMPDIR", missing)
	if c := checkTemp(); !c.OK || !strings.Contains(c.Detail, missing+" is not fit: no such file") || !strings.HasPrefix(c.Detail, filepath.Join(home, ".cache")) {
		t.Errorf("%+v", c)
	}
	t.Setenv("HOME", "")
	if c := checkTemp(); c.OK || !strings.Contains(c.Detail, "TMPDIR="+missing) || !strings.Contains(c.Mend, "TMPDIR") {
		t.Errorf("%+v", c)
	}
}

func TestCheckDatabase(t *testing.T) {
	dir := t.TempDir()
	if c := CheckDatabase("runs", filepath.Join(dir, "a", "b", "runs.sqlite"), "move it"); !c.OK || !c.Optional || c.Mend != "" {
		t.Errorf("%+v", c)
	}
	if c := CheckDatabase("runs", "", "move it"); !c.OK || !strings.Contains(c.Detail, "not kept") {
		t.Errorf("%+v", c)
	}
	file := filepath.Join(dir, "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if c := CheckDatabase("runs", filepath.Join(file, "sub", "runs.sqlite"), "move it"); c.OK || c.Mend != "move it" {
		t.Errorf("%+v", c)
	}
	if networkFS(dir) != "" {
		t.Skip("the temporary files are on a network file system")
	}
	if networkFS("/proc") != "" {
		t.Error("/proc is not a network file system")
	}
}
