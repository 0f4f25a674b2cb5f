package setup

import (
	"strings"
	"testing"

	"github.com/gopherpod/gopherpod/kernel/build"
)

// If cells run in classic mode, doctor says why and how many of them a session can run.
func TestDescribeMode(t *testing.T) {
	const reason = "fast mode: go1.99: object file: magic"
	for _, c := range []struct {
		mode                build.Mode
		reason, limit, want string
	}{
		{build.Fast, "", "65530\n", "cells in fast mode"},
		{build.Classic, reason, "", "cells in classic mode (" + reason + ")"},
		{build.Classic, reason, "65530\n", "cells in classic mode (" + reason + ")" + classicCells("65530")},
	} {
		if got := describeMode(c.mode, c.reason, c.limit); got != c.want {
			t.Errorf("%s: got %q, want %q", c.mode, got, c.want)
		}
	}
}

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
