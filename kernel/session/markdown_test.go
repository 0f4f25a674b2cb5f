package session

import (
	"regexp"
	"strings"
	"testing"
)

// hostile is text that an attacker may put into a comment, a column name or an error to
// have a front end run it. kernel/kerneltest/clients/test_hostile.py tests it in JupyterLab.
var hostile = []string{
	`<script>pwned()</script>`,
	`<img src=x onerror=pwned()>`,
	`<svg onload=pwned()>`,
	`<iframe srcdoc="<script>parent.pwned()</script>">`,
	`[a](javascript:pwned())`,
	"[a]: javascript:pwned()",
	`<javascript:pwned()>`,
	`![x](x "onerror=pwned()")`,
	`$\href{javascript:pwned()}{x}$`,
	`$$\unicode{<img src=x onerror=pwned()>}$$`,
	`\(\href{javascript:pwned()}{x}\)`,
	"```\n<script>pwned()</script>",
	"~~~\n<script>pwned()</script>",
	"  - item\n\n\t<script>pwned()</script>",
	"    \t```\n    <img src=x onerror=pwned()>",
	"text\n---\n# not a heading\n1. not a list\n> not a quote\n| a | b |\n|---|---|",
	"&lt;script&gt;pwned()&lt;/script&gt;",
	`a \<b> c`,
	"[Text](https://go.dev/<script>)",
	"https://go.dev/?a=<img src=x onerror=pwned()>",
	"data:text/html,<script>pwned()</script>",
}

// outside returns Markdown without its fenced code.
func outside(md string) string {
	var out []string
	open := ""
	for _, line := range strings.Split(md, "\n") {
		mark := strings.TrimLeft(line, " ")
		ticks := mark[:len(mark)-len(strings.TrimLeft(mark, "`"))]
		switch {
		case open == "" && len(ticks) >= 3:
			open = ticks
		case open == "":
			out = append(out, line)
		case mark == ticks && len(ticks) >= len(open):
			open = ""
		}
	}
	return strings.Join(out, "\n")
}

func TestDocMarkdownHoldsNothingThatRuns(t *testing.T) {
	link := regexp.MustCompile(`\]\(<(https?|ftp|file|gopher|mailto|nntp):[^<>\\\s]*>\)`)
	for _, text := range append(hostile, strings.Join(hostile, "\n\n")) {
		md := docMarkdown(text)
		rest := link.ReplaceAllString(outside(md), "")
		if i := strings.IndexAny(rest, "<>$\\`~|@!"); i >= 0 {
			t.Errorf("%q: %q stays in\n%s", text, rest[i], md)
		}
		if regexp.MustCompile(`\]\((?:[^<]|<javascript)|^\[.*\]:`).MatchString(rest) {
			t.Errorf("%q: a link stays in\n%s", text, md)
		}
	}
}

// Comments stay readable: generics, nil, headings, lists, code and links.
func TestDocMarkdown(t *testing.T) {
	got := docMarkdown("F returns <nil> for a*b_c.\n\n# A heading\n\n  - one\n  - two [go]\n\nCode:\n\n\tx := \"```\"\n\nSee https://go.dev and [strings.Cut].\n\n[go]: https://go.dev/doc")
	want := "F returns &#60;nil&#62; for a&#42;b&#95;c.\n\n### A heading\n\n- one\n- two [go](<https://go.dev/doc>)\n\nCode&#58;\n\n````\nx &#58;= \"```\"\n````\n\n" +
		"See [https&#58;//go.dev](<https://go.dev>) and strings.Cut."
	if want = strings.ReplaceAll(want, "x &#58;=", "x :="); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}

func TestFence(t *testing.T) {
	for code, want := range map[string]string{
		"x":                "```go\nx\n```",
		"x\n":              "```go\nx\n```",
		"s := `\n```\n`":   "````go\ns := `\n```\n`\n````",
		"`````":            "``````go\n`````\n``````",
		"a\n```\n<script>": "````go\na\n```\n<script>\n````",
	} {
		if got := fence("go", code); got != want {
			t.Errorf("%q: %q, want %q", code, got, want)
		}
	}
}
