package session

import (
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/gopherpod/gopherpod/kernel"
	"github.com/gopherpod/gopherpod/kernel/build"
	"github.com/gopherpod/gopherpod/kernel/cell/celltest"
)

// TestPrograms runs ordinary programs as one cell each, and in fast mode also
// statement by statement. Their stdout is what the compiled program prints.
func TestPrograms(t *testing.T) {
	e2e(t)
	programs, err := celltest.ParsePrograms(os.DirFS("../cell/testdata"), "programs")
	if err != nil {
		t.Fatal(err)
	}
	h := fullHost(t, build.Mode(os.Getenv("GOPHERPOD_TEST_MODE")))
	mode, _ := h.Mode()
	h.Close()
	bin := compile(t, programs)
	for _, p := range programs {
		t.Run(p.Name, func(t *testing.T) {
			want, err := exec.CommandContext(t.Context(), filepath.Join(bin, p.Name)).Output()
			if err != nil {
				t.Fatal(err)
			}
			t.Run("whole", func(t *testing.T) { runProgram(t, mode, []string{p.Source}, string(want)) })
			if mode == build.Fast {
				t.Run("statements", func(t *testing.T) { runProgram(t, mode, p.Cells, string(want)) })
			}
		})
	}
}

// compile builds all programs with one go build and returns the folder of the
// executables.
func compile(t *testing.T, programs []celltest.Program) string {
	t.Helper()
	dir := t.TempDir()
	write := func(name, text string) {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	write("go.mod", "module programs\n\ngo 1.26\n")
	for _, p := range programs {
		write(filepath.Join(p.Name, "main.go"), p.Source)
	}
	bin := filepath.Join(dir, "bin")
	cmd := exec.CommandContext(t.Context(), "go", "build", "-ldflags=-s -w", "-o", bin+"/", "./...")
	cmd.Dir = dir
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	return bin
}

// runProgram runs cells in a session of their own and compares their stdout.
func runProgram(t *testing.T, mode build.Mode, cells []string, want string) {
	t.Helper()
	s := New(Options{Host: fullHost(t, mode), Dir: t.TempDir()})
	defer s.Close()
	out := &stdoutRecord{}
	for i, src := range cells {
		if err := s.Execute(t.Context(), kernel.Cell{Source: src, Count: i + 1}, out); err != nil {
			t.Fatalf("%s\n%v", src, trace(err))
		}
	}
	if got := out.stdout(); got != want {
		t.Errorf("prints\n%s\n--- want\n%s", got, want)
	}
}

// A stdoutRecord keeps stdout apart from everything else that a cell shows.
type stdoutRecord struct {
	record
	text []byte
}

func (r *stdoutRecord) Stream(name string, text []byte) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if name == "stdout" {
		r.text = append(r.text, text...)
	}
}

func (r *stdoutRecord) stdout() string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return string(r.text)
}
