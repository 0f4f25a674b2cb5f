package session

import (
	"fmt"
	"runtime"
	"strings"
	"testing"
)

// TestKernelMemory checks that the kernel process grows by at most 20 KB per cell, 20 MB per
// 1,000 cells, in a notebook of 1,000 names: what it keeps for a cell must not refer to
// everything that the notebook defined at the time.
func TestKernelMemory(t *testing.T) {
	e2e(t)
	n := newSession(t)
	n.o.Log = func(string) {}
	var b strings.Builder
	for i := range 1000 {
		fmt.Fprintf(&b, "func f%d(n int) int { return n + %d }\n", i, i)
	}
	n.ok(b.String())
	live := func() int64 {
		runtime.GC()
		runtime.GC()
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		return int64(m.HeapAlloc)
	}
	const warmUp, cells, each = 50, 100, 20 << 10
	var before int64
	for i := range warmUp + cells {
		if i == warmUp {
			before = live()
		}
		n.ok(fmt.Sprintf("x := f%d(%d)\nx += 2\ny%d := x\nx", i, i, i))
	}
	grown := live() - before
	t.Logf("%d B a cell", grown/cells)
	if grown > cells*each {
		t.Errorf("the kernel process grew by %d KB in %d cells", grown>>10, cells)
	}
}
