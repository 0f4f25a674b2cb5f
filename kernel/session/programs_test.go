package session

import (
	"context"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/gopherpod/gopherpod/kernel"
	"github.com/gopherpod/gopherpod/kernel/build"
	"github.com/gopherpod/gopherpod/kernel/cell/celltest"
)

// TestPrograms runs ordinary programs as one cell each, and in fast mode also
// statement by statement. Their stdout must be that of the compiled program, and they
// must fail if it fails.
//
// GOPHERPOD_PROGRAMS names another folder to search for programs, recursively; those
// that do not build are left out. GOPHERPOD_TEST_HOST keeps what is compiled for the
// next run.
func TestPrograms(t *testing.T) {
	e2e(t)
	programs, foreign := testPrograms(t)
	h := fullHost(t, build.Mode(os.Getenv("GOPHERPOD_TEST_MODE")))
	mode, _ := h.Mode()
	h.Close()
	bin := compile(t, programs, foreign)
	ran := 0
	for _, p := range programs {
		exe := filepath.Join(bin, p.Name)
		if _, err := os.Stat(exe); err != nil {
			continue // compile has reported why
		}
		ran++
		t.Run(p.Name, func(t *testing.T) {
			want := runExecutable(t, exe)
			t.Run("whole", func(t *testing.T) { runProgram(t, mode, []string{p.Source}, want) })
			if mode == build.Fast {
				t.Run("statements", func(t *testing.T) { runProgram(t, mode, p.Cells, want) })
			}
		})
	}
	t.Logf("%d programs", ran)
}

// testPrograms returns the programs of package cell's tests, or those in the folder
// that the environment names.
func testPrograms(t *testing.T) (programs []celltest.Program, foreign bool) {
	t.Helper()
	dir := os.Getenv("GOPHERPOD_PROGRAMS")
	if dir == "" {
		programs, err := celltest.ParsePrograms(os.DirFS("../cell/testdata"), "programs")
		if err != nil {
			t.Fatal(err)
		}
		return programs, false
	}
	programs, err := celltest.FindPrograms(os.DirFS(dir))
	if err != nil {
		t.Fatal(err)
	}
	return programs, true
}

// compile builds all programs with one go build and returns the folder with the
// executables. Programs from another folder may be missing if they did not build.
func compile(t *testing.T, programs []celltest.Program, foreign bool) string {
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
	build := func(what string) ([]byte, error) {
		cmd := exec.CommandContext(t.Context(), "go", "build", "-ldflags=-s -w", "-o", bin+"/", what)
		cmd.Dir = dir
		return cmd.CombinedOutput()
	}
	out, err := build("./...")
	if err == nil {
		return bin
	}
	if !foreign {
		t.Fatalf("%v\n%s", err, out)
	}
	for _, p := range programs { // one at a time: one that does not build may have stopped the rest
		if out, err := build("./" + p.Name); err != nil {
			t.Logf("left out: %s", out)
		}
	}
	return bin
}

// programTime limits how long a program may run, compiled or as cells.
const programTime = time.Minute

// An outcome is the part of a program's behavior that the test compares.
type outcome struct {
	stdout string
	failed bool // it panicked or exited with a status other than 0
}

func runExecutable(t *testing.T, exe string) outcome {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), programTime)
	defer cancel()
	cmd := exec.CommandContext(ctx, exe)
	cmd.Dir = t.TempDir()
	out, err := cmd.Output()
	if ctx.Err() != nil {
		t.Skip("the compiled program does not end")
	}
	return outcome{string(out), err != nil}
}

// runProgram runs cells in their own session and compares the outcome. The first cell
// that fails ends the program.
func runProgram(t *testing.T, mode build.Mode, cells []string, want outcome) {
	t.Helper()
	s := New(Options{Host: fullHost(t, mode), Dir: t.TempDir()})
	defer s.Close()
	ctx, cancel := context.WithTimeout(t.Context(), programTime)
	defer cancel()
	out := &stdoutRecord{}
	var got outcome
	for i, src := range cells {
		err := s.Execute(ctx, kernel.Cell{Source: src, Count: i + 1}, out)
		if err == nil {
			continue
		}
		var ee *kernel.EvalError
		if errors.As(err, &ee) && ee.Name == nameLost && strings.Contains(ee.Value, "os.Exit(0)") {
			break
		}
		if !want.failed {
			t.Fatalf("%s\n%v", src, trace(err))
		}
		got.failed = true
		break
	}
	if got.stdout = out.stdout(); got != want {
		t.Errorf("%+v\n--- want\n%+v", got, want)
	}
}

// A stdoutRecord separates stdout from everything else that a cell shows.
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
