package spec

import (
	"encoding/json"
	"errors"
	"image/png"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

func program(t *testing.T) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "gopherpod")
	if err := os.WriteFile(path, nil, 0o755); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestInstall(t *testing.T) {
	o := Options{Prefix: t.TempDir(), Program: program(t), Env: map[string]string{"A": "b"}}
	if _, err := Find(o); !errors.Is(err, ErrNotInstalled) {
		t.Errorf("find before install: %v", err)
	}
	for range 2 { // it can be repeated
		dir, err := Install(o)
		if err != nil {
			t.Fatal(err)
		}
		if want := filepath.Join(o.Prefix, "share", "jupyter", "kernels", "gopherpod"); dir != want {
			t.Errorf("installed in %s, want %s", dir, want)
		}
		if found, err := Find(o); err != nil || found != dir {
			t.Errorf("found %s, %v", found, err)
		}
	}
	dir, _ := Find(o)
	b, err := os.ReadFile(filepath.Join(dir, "kernel.json"))
	if err != nil {
		t.Fatal(err)
	}
	var k map[string]any
	if err := json.Unmarshal(b, &k); err != nil {
		t.Fatal(err)
	}
	argv := k["argv"].([]any)
	if argv[0] != o.Program || argv[3] != "{connection_file}" || k["language"] != "go" || k["interrupt_mode"] != "message" {
		t.Errorf("%s", b)
	}
	if entries, _ := os.ReadDir(filepath.Dir(dir)); len(entries) != 1 {
		t.Errorf("%d entries beside the kernel", len(entries)-1)
	}
	os.Remove(o.Program)
	if _, err := Find(o); !errors.Is(err, ErrProgramGone) {
		t.Errorf("find without the program: %v", err)
	}
	for range 2 {
		if err := Uninstall(o); err != nil {
			t.Error(err)
		}
	}
	if _, err := os.Stat(dir); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("after uninstall: %v", err)
	}
}

func TestLogos(t *testing.T) {
	for name, size := range map[string]int{"logo-64x64.png": 64, "logo-32x32.png": 32} {
		f, err := files.Open("files/" + name)
		if err != nil {
			t.Fatal(err)
		}
		img, err := png.DecodeConfig(f)
		if err != nil || img.Width != size || img.Height != size {
			t.Errorf("%s: %dx%d, %v", name, img.Width, img.Height, err)
		}
	}
}

// A folder of our name that holds another kernel is left alone.
func TestForeignKernelIsLeftAlone(t *testing.T) {
	o := Options{Prefix: t.TempDir(), Program: program(t)}
	dir, _ := o.dir()
	os.MkdirAll(dir, 0o755)
	file := filepath.Join(dir, "kernel.json")
	for _, text := range []string{`{"display_name": "Python 3", "argv": ["python"]}`, `not JSON`} {
		os.WriteFile(file, []byte(text), 0o644)
		if _, err := Install(o); !errors.Is(err, ErrForeign) {
			t.Errorf("install over %s: %v", text, err)
		}
		if err := Uninstall(o); !errors.Is(err, ErrForeign) {
			t.Errorf("uninstall of %s: %v", text, err)
		}
		if b, _ := os.ReadFile(file); string(b) != text {
			t.Errorf("it is now %s", b)
		}
	}
}

func TestDataDir(t *testing.T) {
	t.Setenv("HOME", "/home/me")
	t.Setenv("XDG_DATA_HOME", "/data")
	t.Setenv("JUPYTER_DATA_DIR", "/jupyter")
	if dir, err := (Options{}).dir(); err != nil || dir != "/jupyter/kernels/gopherpod" {
		t.Errorf("%s, %v", dir, err)
	}
	t.Setenv("JUPYTER_DATA_DIR", "")
	if dir, err := DataDir(); err != nil || !strings.HasSuffix(strings.ToLower(dir), "/jupyter") {
		t.Errorf("%s, %v", dir, err)
	}
}

// The package is found by a real Python, which need not have papermill.
func TestInstallPapermill(t *testing.T) {
	python, err := exec.LookPath("python3")
	if err != nil {
		t.Skip("no python3")
	}
	venv := t.TempDir()
	if out, err := exec.Command(python, "-m", "venv", "--without-pip", venv).CombinedOutput(); err != nil {
		t.Skipf("no venv: %s", out)
	}
	python = filepath.Join(venv, "bin", "python")
	entry := func() string {
		out, err := exec.Command(python, "-c", `
from importlib.metadata import distributions
print([(d.metadata["Name"], e.group, e.value) for d in distributions() for e in d.entry_points])`).CombinedOutput()
		if err != nil {
			t.Fatalf("%s", out)
		}
		return strings.TrimSpace(string(out))
	}
	for range 2 {
		if err := InstallPapermill(t.Context(), python); err != nil {
			t.Fatal(err)
		}
	}
	if got, want := entry(), "[('gopherpod-papermill', 'papermill.engine', 'gopherpod_papermill:Engine')]"; got != want {
		t.Errorf("%s, want %s", got, want)
	}
	for range 2 {
		if err := UninstallPapermill(t.Context(), python); err != nil {
			t.Fatal(err)
		}
	}
	if got := entry(); got != "[]" {
		t.Errorf("after uninstall: %s", got)
	}
	if err := InstallPapermill(t.Context(), filepath.Join(venv, "no-python")); !errors.Is(err, ErrPython) {
		t.Error(err)
	}
}
