package main

import (
	"encoding/json"
	"os"
	"regexp"
	"strings"
	"testing"
)

// TestContainerHoldsWhatWeTestWith: the container's Go is one that go.mod asks for, its JupyterLab the one of the tests,
// and the development container is built from the same file.
func TestContainerHoldsWhatWeTestWith(t *testing.T) {
	dockerfile := read(t, ".binder/Dockerfile")
	wanted := strings.Split(find(t, read(t, "go.mod"), `(?m)^go (\S+)$`), ".")
	if got := strings.Split(find(t, dockerfile, `(?m)^FROM golang:([\d.]+)-`), "."); got[0] != wanted[0] || len(got) < 3 || got[1] != wanted[1] {
		t.Errorf(".binder/Dockerfile has Go %s, go.mod wants %s", strings.Join(got, "."), strings.Join(wanted, "."))
	}
	lab := find(t, read(t, ".ci/jupyter.txt"), `(?m)^jupyterlab==(\S+)$`)
	if got := find(t, dockerfile, `jupyterlab==(\S+)`); got != lab {
		t.Errorf(".binder/Dockerfile has JupyterLab %s, .ci/jupyter.txt %s", got, lab)
	}
	var dev struct {
		Build struct{ Dockerfile, Context string }
	}
	if err := json.Unmarshal([]byte(read(t, ".devcontainer/devcontainer.json")), &dev); err != nil {
		t.Fatal(err)
	}
	if dev.Build.Dockerfile != "../.binder/Dockerfile" || dev.Build.Context != ".." {
		t.Errorf(".devcontainer/devcontainer.json is built from %+v", dev.Build)
	}
}

func read(t *testing.T, name string) string {
	t.Helper()
	b, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// find is the group of the pattern's first match.
func find(t *testing.T, text, pattern string) string {
	t.Helper()
	m := regexp.MustCompile(pattern).FindStringSubmatch(text)
	if m == nil {
		t.Fatalf("nothing matches %s", pattern)
	}
	return m[1]
}
