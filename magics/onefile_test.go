package magics

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// TestEachMagicHasItsFile: %runpod_NAME is in NAME.go, and no magic is anywhere else.
// What several magics use is in files with other names; doc.go says which.
func TestEachMagicHasItsFile(t *testing.T) {
	want := map[string]bool{} // by magic
	for _, m := range All() {
		want[m.Name()] = true
	}
	files, err := filepath.Glob("*.go")
	if err != nil {
		t.Fatal(err)
	}
	defined := regexp.MustCompile(`(?m)^\t+name: +"(\w+)", kind: magic\.`)
	for _, file := range files {
		if strings.HasSuffix(file, "_test.go") {
			continue
		}
		source, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range defined.FindAllStringSubmatch(string(source), -1) {
			name := m[1]
			if !want[name] {
				t.Errorf("%s: %s is not among All, or is defined twice", file, name)
			}
			delete(want, name)
			if file != strings.TrimPrefix(name, "runpod_")+".go" {
				t.Errorf("%s is in %s", name, file)
			}
		}
	}
	for name := range want {
		t.Errorf("%s: found no file that defines it", name)
	}
}
