package main

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// named finds the tests that a page names: `folder TestName` or `folder test_name`.
var named = regexp.MustCompile("`([a-z0-9_/.]+) ((?:Test|Fuzz)\\w+|test_\\w+)`")

// TestSecurityNamesTests: every promise of SECURITY.md names tests, and all of them exist.
func TestSecurityNamesTests(t *testing.T) { checkNamedTests(t, "SECURITY.md", "promise", 5) }

// TestRowsNameTests: every row of docs/right-or-refused.md names tests, and all of them exist.
func TestRowsNameTests(t *testing.T) { checkNamedTests(t, "docs/right-or-refused.md", "input", 70) }

// checkNamedTests checks that each row of the tables of a page names tests in its last cell, and that
// every test that the page names exists. The tables have a first cell head, and the page least rows or more.
func checkNamedTests(t *testing.T, page, head string, least int) {
	t.Helper()
	text, err := os.ReadFile(filepath.FromSlash(page))
	if err != nil {
		t.Fatal(err)
	}
	rows := 0
	for i, line := range strings.Split(string(text), "\n") {
		for _, f := range named.FindAllStringSubmatch(line, -1) {
			if !hasTest(t, f[1], f[2]) {
				t.Errorf("%s:%d: %s has no test %s", page, i+1, f[1], f[2])
			}
		}
		cells := strings.Split(strings.Trim(line, "|"), " | ")
		if !strings.HasPrefix(line, "| ") || cells[0] == " "+head {
			continue
		}
		rows++
		if !named.MatchString(cells[len(cells)-1]) {
			t.Errorf("%s:%d: the row names no test", page, i+1)
		}
	}
	if rows < least {
		t.Errorf("%s: found %d rows only", page, rows)
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
