package main

import (
	"io/fs"
	"os"
	"path"
	"testing"
)

// TestWorkerIsEmbedded: gopherpod local --worker pytorch runs the worker from the source
// that the binary carries. A folder that is embedded leaves out names that begin with
// _, such as __init__.py, unless they are named.
func TestWorkerIsEmbedded(t *testing.T) {
	const dir = "worker/pytorch"
	files := 0
	for _, at := range []string{dir, dir + "/gopherpod_worker"} {
		entries, err := os.ReadDir(at)
		if err != nil {
			t.Fatal(err)
		}
		for _, e := range entries {
			if ext := path.Ext(e.Name()); ext != ".py" && ext != ".json" {
				continue
			}
			files++
			if _, err := fs.Stat(source, path.Join(at, e.Name())); err != nil {
				t.Errorf("not in the binary: %v", err)
			}
		}
	}
	if files < 20 {
		t.Errorf("%d files of the worker", files)
	}
}
