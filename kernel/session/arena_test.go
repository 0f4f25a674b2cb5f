package session

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/gopherpod/gopherpod/kernel/build"
)

// fastLinux skips a test of what the fast mode does on Linux.
func fastLinux(t *testing.T) {
	t.Helper()
	if runtime.GOOS != "linux" || os.Getenv("GOPHERPOD_TEST_MODE") == string(build.Classic) {
		t.Skip("cells share memory maps in fast mode on Linux alone")
	}
}

// TestCellsShareMaps: a process may have 65,530 memory maps, and a cell takes none for
// good. GOPHERPOD_MAPS sets how many cells are run.
func TestCellsShareMaps(t *testing.T) {
	e2e(t)
	fastLinux(t)
	cells, _ := strconv.Atoi(os.Getenv("GOPHERPOD_MAPS"))
	if cells == 0 {
		cells = 100
	}
	n := newSession(t)
	n.o.Log = func(string) {}
	n.ok("type pair struct{ a, b int }\nfunc (p pair) String() string { return fmt.Sprint(p.a, \"/\", p.b) }\ntotal := 0")
	const warmUp = 50
	var maps, memory int
	var begin time.Time
	for i := range warmUp + cells {
		if i == warmUp {
			maps, memory, begin = n.maps(), n.rss(), time.Now()
		}
		if got := n.ok(fmt.Sprintf("total += %d\nv%d := []fmt.Stringer{pair{%[2]d, total}}\nv%[2]d[0].String()", i, i)); got != fmt.Sprintf("result:%d/%d", i, i*(i+1)/2) {
			t.Fatalf("cell %d: %q", i, got)
		}
		if i%1000 == 999 {
			t.Logf("%d cells: %d maps, %d KB", i+1, n.maps(), n.rss())
		}
	}
	grown := n.maps() - maps
	t.Logf("%d cells: %d maps more, %d KB a cell, %v a cell", cells, grown, (n.rss()-memory)/cells, time.Since(begin)/time.Duration(cells))
	if most := 30 + cells/100; grown > most { // of Go's heap and its threads
		t.Errorf("%d cells took %d memory maps, want at most %d", cells, grown, most)
	}
}

// TestManyLoads loads one cell again and again, which takes a two hundredth of the time of
// new cells: its memory, its maps and the time of a load are those of a cell.
// GOPHERPOD_LOADS sets how often.
func TestManyLoads(t *testing.T) {
	e2e(t)
	fastLinux(t)
	loads, _ := strconv.Atoi(os.Getenv("GOPHERPOD_LOADS"))
	if loads == 0 {
		loads = 2000
	}
	n := newSession(t)
	o, err := n.o.Host.Builder().Cell(t.Context(), build.Input{Dir: t.TempDir(), Path: "again", Files: map[string]string{"run.go": `package main
import nbamd__ "nbamd"
import nbrt__ "github.com/gopherpod/gopherpod/kernel/session/rt"
import "fmt"
import _ "unsafe"
type point struct{ x, y int }
func (p point) String() string { return fmt.Sprint(p.x, p.y) }
var points = map[string][]point{}
//go:linkname again again.main
func again() {
	if nbrt__.False { nbrt__.Keep(&nbrt__.AddModuleData, nbamd__.F) }
	var s fmt.Stringer = point{1, 2}
	if s.String() != "1 2" { panic(s) }
}
`}})
	if err != nil {
		t.Fatal(err)
	}
	n.ok("import \"github.com/gopherpod/gopherpod/kernel/session/rt\"")
	n.ok("x := 1\nx")
	maps, memory := n.maps(), n.rss()
	got := n.ok(fmt.Sprintf(`begin := time.Now()
for i := range %d {
	f, _, err := rt.Load(%q, "again.main")
	if err != nil {
		panic(err)
	}
	f()
	if i %% 10000 == 9999 {
		runtime.GC()
		fmt.Println(i+1, time.Since(begin).Milliseconds(), "ms")
	}
}
begin = time.Now()
runtime.GC()
fmt.Println("a collection takes", time.Since(begin).Microseconds(), "µs")`, loads, o.File))
	grown := n.maps() - maps
	t.Logf("%d loads: %d maps more, %d KB each\n%s", loads, grown, (n.rss()-memory)/loads, got)
	if most := 30 + loads/1000; grown > most {
		t.Errorf("%d loads took %d memory maps, want at most %d", loads, grown, most)
	}
}

// maps returns how many memory maps the session process has.
func (n *testBook) maps() int {
	b, err := os.ReadFile(fmt.Sprintf("/proc/%d/maps", n.pid()))
	if err != nil {
		n.t.Fatal(err)
	}
	return bytes.Count(b, []byte("\n"))
}

// TestLibraryAfterCells: a library that is imported late uses the types that cells have
// defined first, and the cells after it use those of the library.
func TestLibraryAfterCells(t *testing.T) {
	e2e(t)
	n := newSession(t)
	// What a package needs for its initialization is in the library: here, the types.
	source := func(name, typ string) string {
		return "var " + name + " any = make(" + typ + ", 1)\n\nvar Is" + name + " = func(v any) bool { _, ok := v.(" + typ + "); return ok }\n"
	}
	const pairs, counts, lists = "map[string][]struct{ X, Y int }", "map[int8]struct{ Z, A int }", "[]map[string]struct{ Late [7]int }"
	write(t, n.o.Dir, map[string]string{"go.mod": "module example.test/app\n\ngo 1.24\n", "late/late.go": "package late\n\n" + source("Pairs", pairs) + source("Lists", lists)})
	n.ok("var first any = " + pairs + "{}")
	for _, c := range []string{
		"import \"example.test/app/late\"\nlate.IsPairs(first)",
		"_, ok := late.Pairs.(" + pairs + ")\nok",
		"_, ok := late.Lists.(" + lists + ")\nok",
		"late.IsLists(" + lists + "{})",
	} {
		if got := n.ok(c); got != "result:true" {
			t.Errorf("%s: %q", c, got)
		}
	}
	// After an edit a copy of the library is loaded.
	n.ok("var second any = " + counts + "{}")
	write(t, n.o.Dir, map[string]string{"late/late.go": "package late\n\n" + source("Pairs", pairs) + source("Counts", counts)})
	for _, c := range []string{"late.IsPairs(first) && late.IsCounts(second)", "_, ok := late.Counts.(" + counts + ")\n_, also := late.Pairs.(" + pairs + ")\nok && also"} {
		if got := n.ok(c); !strings.HasSuffix(got, "result:true") {
			t.Errorf("after an edit, %s: %q", c, got)
		}
	}
}

// TestLargeCell: a cell that is too large for an arena is loaded by the dynamic linker,
// between cells in arenas, and shares their types and variables.
func TestLargeCell(t *testing.T) {
	e2e(t)
	n := newSession(t)
	const size = 70 << 20
	file := filepath.Join(n.o.Dir, "large.bin")
	if err := os.WriteFile(file, bytes.Repeat([]byte("0123456789"), size/10), 0o600); err != nil {
		t.Fatal(err)
	}
	n.ok("type pair struct{ a, b int }\nvar before any = map[string]pair{\"a\": {1, 2}}\ncount := 1")
	for _, c := range []string{
		"import _ \"embed\"\n\n//go:embed large.bin\nvar large string\n\nvar between any = []pair{{3, 4}}\n\ncount++\n_, ok := before.(map[string]pair)\nok && len(large) == " + fmt.Sprint(size),
		"_, ok := between.([]pair)\nok && count == 2 && large[len(large)-1] == '9'",
	} {
		if got := n.ok(c); got != "result:true" {
			t.Errorf("%s: %q", c, got)
		}
	}
}
