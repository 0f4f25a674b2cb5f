package main

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// named finds the tests that SECURITY.md names: `folder TestName` or `folder test_name`.
var named = regexp.MustCompile("`([a-z0-9_/.]+) (Test\\w+|test_\\w+)`")

// TestSecurityNamesTests: every promise of SECURITY.md names tests, and all of them exist.
func TestSecurityNamesTests(t *testing.T) {
	page, err := os.ReadFile("SECURITY.md")
	if err != nil {
		t.Fatal(err)
	}
	promises := 0
	for i, line := range strings.Split(string(page), "\n") {
		cells := strings.Split(strings.Trim(line, "|"), " | ")
		if !strings.HasPrefix(line, "| ") || cells[0] == " promise" {
			continue
		}
		promises++
		found := named.FindAllStringSubmatch(cells[len(cells)-1], -1)
		if len(found) == 0 {
			t.Errorf("line %d: the promise names no test", i+1)
		}
		for _, f := range found {
			if !hasTest(t, f[1], f[2]) {
				t.Errorf("line %d: %s has no test %s", i+1, f[1], f[2])
			}
		}
	}
	if promises < 5 {
		t.Errorf("found %d promises only", promises)
	}
}

// hasTest reports whether a folder has a test of that name, in Go or in Python.
func hasTest(t *testing.T, folder, name string) bool {
	t.Helper()
	for pattern, declared := range map[string]string{"*_test.go": "func " + name + "(", "test_*.py": "def " + name + "("} {
		files, err := filepath.Glob(filepath.Join(folder, pattern))
		if err != nil {
			t.Fatal(err)
		}
		for _, file := range files {
			b, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			if strings.Contains(string(b), declared) {
				return true
			}
		}
	}
	return false
}
