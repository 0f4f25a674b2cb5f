package build

import (
	"maps"
	"os"
	"path/filepath"
	"testing"
)

func TestVendored(t *testing.T) {
	got := vendored(`## workspace
# example.com/a v1.2.0
## explicit; go 1.21
example.com/a
example.com/a/b
# example.com/c v0.1.0 => ../c
## explicit
example.com/c
# example.com/nothing v1.0.0
## explicit; go 1.20
# example.com/d => example.com/e v1.0.0
example.com/d
# what is this
example.com/lost
# example.com/c => ../c
`)
	want := map[string]vendoredModule{"example.com/a": {"v1.2.0", "1.21"}, "example.com/c": {"v0.1.0", "1.16"}, "example.com/d": {"", "1.16"}}
	if !maps.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
}

// TestVendorDir compares the choice of vendor/ with the rules of the go command.
func TestVendorDir(t *testing.T) {
	for name, c := range map[string]struct {
		gomod, gowork, list, flags string // versions of Go, first line, GOFLAGS
		used                       bool
	}{
		"by default":                 {"1.14", "", "# a v1.0.0", "", true},
		"a release candidate":        {"1.24rc1", "", "# a v1.0.0", "", true},
		"an old Go":                  {"1.13", "", "# a v1.0.0", "", false},
		"an old Go, asked for":       {"1.13", "", "# a v1.0.0", "-mod=vendor", true},
		"not asked for":              {"1.24", "", "# a v1.0.0", "-tags=x -mod=mod", false},
		"read only":                  {"1.24", "", "# a v1.0.0", "--mod=readonly", false},
		"no list":                    {"1.24", "", "", "", false},
		"of a workspace":             {"1.24", "1.24", "## workspace", "", true},
		"of a module, in workspace":  {"1.24", "1.24", "# a v1.0.0", "", false},
		"of a workspace that is off": {"1.24", "", "## workspace", "", false},
	} {
		dir := t.TempDir()
		files := map[string]string{"go.mod": "module example.test/a\n\ngo " + c.gomod + "\n"}
		gowork := ""
		if c.gowork != "" {
			gowork = filepath.Join(dir, "go.work")
			files["go.work"] = "go " + c.gowork + "\n\nuse .\n"
		}
		if c.list != "" {
			files["vendor/modules.txt"] = c.list + "\n"
		}
		for f, text := range files {
			f = filepath.Join(dir, f)
			if err := os.MkdirAll(filepath.Dir(f), 0o755); err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(f, []byte(text), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		m := &Modules{Env: func() []string { return []string{"GOFLAGS=" + c.flags} }}
		got, _, err := m.vendorDir(filepath.Join(dir, "go.mod"), gowork)
		if err != nil || (got == dir) != c.used {
			t.Errorf("%s: %q, %v", name, got, err)
		}
	}
}
