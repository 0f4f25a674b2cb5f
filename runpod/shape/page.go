package shape

import (
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// A Verdict is what docs/runpod.md says about an operation.
type Verdict struct {
	Client bool // our client sends it
	Local  bool // the local endpoint serves it
}

// pagePath is the page with the verdicts, relative to the module's root.
const pagePath = "docs/runpod.md"

// verdictRow is a row of the page's table of operations.
var verdictRow = regexp.MustCompile("(?m)^\\| `((?:GET|POST|PATCH|DELETE|PUT) /v2/[^`]+)` \\| (.+) \\| (.+) \\|$")

// Verdicts returns the verdicts of the page by operation. The test fails if the page does not
// have each operation of the table once, or gives no reason for a no.
func (t *Table) Verdicts(tb testing.TB) map[string]Verdict {
	tb.Helper()
	page, err := os.ReadFile(filepath.Join(root(tb), filepath.FromSlash(pagePath)))
	if err != nil {
		tb.Fatal(err)
	}
	verdicts := map[string]Verdict{}
	for _, row := range verdictRow.FindAllStringSubmatch(string(page), -1) {
		name := row[1]
		if _, ok := t.Operations[name]; !ok {
			tb.Errorf("%s: %s is not in the table", pagePath, name)
		}
		if _, twice := verdicts[name]; twice {
			tb.Errorf("%s: %s is there twice", pagePath, name)
		}
		var says [2]bool
		for i, cell := range row[2:] {
			word, why, _ := strings.Cut(cell, ": ")
			if says[i] = word == "yes"; !says[i] && (word != "no" || why == "") {
				tb.Errorf("%s: %s: want yes, or no with a reason, got %q", pagePath, name, cell)
			}
		}
		verdicts[name] = Verdict{Client: says[0], Local: says[1]}
	}
	for _, name := range slices.Sorted(maps.Keys(t.Operations)) {
		if _, ok := verdicts[name]; !ok {
			tb.Errorf("%s: %s is missing", pagePath, name)
		}
	}
	return verdicts
}
