package setup

import (
	"strings"
	"testing"
)

// TestJudgeGo: judgeGo accepts Go 1.26 and newer, and names versions that are not tested.
func TestJudgeGo(t *testing.T) {
	for _, c := range []struct {
		version, built string
		ok             bool
		want           string
	}{
		{"go1.25.9", "go1.26.8", false, "go1.25.9, /go"},
		{"go1.26.8", "go1.26.8", true, "go1.26.8, /go"},
		{"go1.27.3", "go1.27.3", true, "go1.27.3, /go"},
		{"go1.26.8", "go1.27.3", true, "go1.26.8, /go"},
		{"go1.27.3", "go1.26.8", false, "built with go1.26.8"},
		{"go1.28.0", "go1.28.0", true, "newer than Go 1.27"},
		{"devel +abc", "devel +abc", true, "newer than Go 1.27"},
	} {
		got := judgeGo(Check{Mend: "install Go"}, "/go", c.version, c.built)
		if got.OK != c.ok || !strings.Contains(got.Detail, c.want) || (got.Mend == "") != c.ok {
			t.Errorf("%s built with %s: got %+v", c.version, c.built, got)
		}
		if strings.Contains(got.Detail, "newer than Go") != strings.Contains(c.want, "newer than Go") {
			t.Errorf("%s: got %q", c.version, got.Detail)
		}
	}
}

// The limit of the classic mode is a number that users can plan with.
func TestClassicCells(t *testing.T) {
	if got := classicCells("65530\n"); !strings.Contains(got, "at most 13106 cells") || !strings.Contains(got, "vm.max_map_count is 65530") {
		t.Errorf("got %q", got)
	}
	for _, limit := range []string{"", "many", "-1"} {
		if got := classicCells(limit); got != "" {
			t.Errorf("%q: got %q", limit, got)
		}
	}
}
