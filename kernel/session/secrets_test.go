package session

import (
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"
)

// After a cell, the kernel process knows what the cell has added to the environment and
// its working folder, which may contain another .env.
func TestSurroundings(t *testing.T) {
	n := newSession(t)
	dir := t.TempDir()
	n.ok("import (\"os\"; \"strings\")\nos.Setenv(\"MY_TOKEN\", strings.Repeat(\"hunter2\", 2))\nos.Chdir(\"" + dir + "\")")
	env, at := n.Surroundings()
	if !slices.Contains(env, "MY_TOKEN=hunter2hunter2") || at != dir {
		t.Errorf("%v, %s", env[max(0, len(env)-3):], at)
	}
	n.ok("%env OTHER=1")
	if env, _ := n.Surroundings(); !slices.Contains(env, "OTHER=1") {
		t.Errorf("%v", env[max(0, len(env)-3):])
	}
	if len(n.super.Noted()) > len(n.super.Environment())+3 {
		t.Errorf("%d entries are noted, the process began with them", len(n.super.Noted())-len(n.super.Environment()))
	}
}

// When text of a cell arrives, the kernel process knows what the cell put into the
// environment before it printed the text, in whatever way, and the folder that the cell is in.
func TestChanged(t *testing.T) {
	n := newSession(t)
	dir, err := filepath.EvalSymlinks(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	var known []string
	look := func(want ...string) func() {
		return func() {
			env, at := n.Changed()
			known = append(known, env...)
			for _, w := range want {
				if !slices.Contains(known, w) {
					t.Errorf("%s is not known, but %q", w, known)
				}
			}
			if runtime.GOOS == "linux" && at != dir {
				t.Errorf("in %s, want %s", at, dir)
			}
		}
	}
	n.ok("import (\"os\"; \"strings\"; \"syscall\"; \"fmt\")\nos.Chdir(\"" + dir + "\")\nmake2 := func(s string) string { return strings.Repeat(s, 2) }")
	for _, c := range [][]string{
		{"os.Setenv(\"ONE_TOKEN\", make2(\"hunter2\"))\nfmt.Println(1)", "ONE_TOKEN=hunter2hunter2"},
		{"syscall.Setenv(\"TWO_TOKEN\", make2(\"hunter3\"))\nos.Unsetenv(\"TWO_TOKEN\")\nfmt.Println(1)", "TWO_TOKEN=hunter3hunter3"},
		{"f := os.Setenv\nf(\"THREE_TOKEN\", make2(\"hunter4\"))\nfmt.Fprintln(os.Stderr, 1)", "THREE_TOKEN=hunter4hunter4"},
		{"os.Setenv(\"FOUR_TOKEN\", make2(\"hunter5\"))\nfmt.Println(1)\nsyscall.Kill(os.Getpid(), 9)", "FOUR_TOKEN=hunter5hunter5", "ONE_TOKEN=hunter2hunter2"},
	} {
		src := c[0]
		r := n.runIn(t.Context(), src, &record{arrived: look(c[1:]...)})
		if r.err != nil && !strings.Contains(src, "Kill") {
			t.Errorf("%s\n%v", src, r.err)
		}
		if r.all() == "" {
			t.Errorf("%s: nothing arrived", src)
		}
	}
}
