package session

import (
	"context"
	"errors"
	"os"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/gopherpod/gopherpod/kernel"
	"github.com/gopherpod/gopherpod/kernel/build"
	"github.com/gopherpod/gopherpod/kernel/cell/celltest"
)

// e2e skips slow tests unless they were asked for.
func e2e(t testing.TB) {
	t.Helper()
	if os.Getenv("GOPHERPOD_E2E") == "" {
		t.Skip("set GOPHERPOD_E2E=1 to run it")
	}
}

// fullHost returns a host with everything that an installed one has.
func fullHost(t testing.TB, mode build.Mode) *build.Host {
	t.Helper()
	dir := os.Getenv("GOPHERPOD_TEST_HOST")
	if dir == "" {
		dir = testDir
	}
	h, err := build.Prepare(t.Context(), build.Options{Source: "../..", Dir: dir, Main: "github.com/gopherpod/gopherpod/kernel/session/plain",
		Mode: mode})
	if err != nil {
		t.Fatal(err)
	}
	return h
}

// TestCells compiles and runs every cell of package cell's tests, in the mode that
// GOPHERPOD_TEST_MODE names, or else in every mode that the machine supports.
func TestCells(t *testing.T) {
	e2e(t)
	if mode := os.Getenv("GOPHERPOD_TEST_MODE"); mode != "" {
		runCells(t, build.Mode(mode))
		return
	}
	h := fullHost(t, "")
	mode, reason := h.Mode()
	h.Close()
	if mode == build.Fast {
		t.Run("fast", func(t *testing.T) { runCells(t, build.Fast) })
	} else {
		t.Logf("no fast mode here: %s", reason)
	}
	t.Run("classic", func(t *testing.T) { runCells(t, build.Classic) })
}

func runCells(t *testing.T, mode build.Mode) {
	files, err := celltest.ParseDir(os.DirFS("../cell/testdata"), "cells")
	if err != nil {
		t.Fatal(err)
	}
	cells := 0
	for _, f := range files {
		t.Run(f.Name, func(t *testing.T) {
			s := New(Options{Host: fullHost(t, mode), Dir: t.TempDir()})
			defer s.Close()
			n := &testBook{Session: s, t: t}
			for _, c := range f.Cells {
				cells++
				n.cell(t, c)
			}
		})
	}
	t.Logf("%d cells", cells)
}

func (n *testBook) cell(t *testing.T, c celltest.Cell) {
	if c.Interrupt > 0 {
		defer n.interruptLater(c.Interrupt)()
	}
	r := n.runIn(context.Background(), c.Source, &record{})
	text := r.all()
	var ee *kernel.EvalError
	if errors.As(r.err, &ee) {
		text += "\n" + ee.Name + "\n" + strings.Join(ee.Traceback, "\n")
	}
	text = plain.Replace(text)
	if c.Want == "" && r.err != nil || !c.Match(text) && !c.Match(fieldName.ReplaceAllString(text, "$1")+" <nil>") {
		t.Errorf("cell %d:\n%s\n--- shows\n%s\n--- want %q", c.N, c.Source, text, c.Want)
	}
}

// interruptLater interrupts the next cell some time after it was handed to the session
// process, however long building it takes. The function that it returns stops this.
func (n *testBook) interruptLater(after time.Duration) (stop func()) {
	runs := func() int {
		n.mu.Lock()
		defer n.mu.Unlock()
		return n.lastRun
	}
	before, done := runs(), make(chan struct{})
	passed := func(d time.Duration) bool {
		select {
		case <-done:
			return false
		case <-time.After(d):
			return true
		}
	}
	go func() {
		for runs() == before {
			if !passed(10 * time.Millisecond) {
				return
			}
		}
		if passed(after + 700*time.Millisecond) { // the code is loaded first
			n.Interrupt()
		}
	}()
	return func() { close(done) }
}

// fieldName matches the names that %+v shows; cells expect %v.
var fieldName = regexp.MustCompile(`([{ ])\w+:`)

// plain removes colors and the labels of the record.
var plain = strings.NewReplacer("\x1b[31m", "", "\x1b[1m", "", "\x1b[2m", "", "\x1b[0m", "", "result:", " ", "stdout:", " ", "stderr:", " ", separator, " ")
