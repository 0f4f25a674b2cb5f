package session

import (
	"slices"
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
