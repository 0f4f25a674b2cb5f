package printable

import (
	"fmt"
	"strings"
	"testing"
	"unicode/utf8"
)

func TestText(t *testing.T) {
	for in, want := range map[string]string{
		"plain text, üß 漢字 🙂\n\tnext line":            "plain text, üß 漢字 🙂\n\tnext line",
		"\x1b[31mred\x1b[0m":                          "red",
		"\x1b]0;title\x07text":                        "text",
		"\x1b]8;;http://evil\x1b\\link\x1b]8;;\x1b\\": "link",
		"\x1b[2J\x1b[Hcleared":                        "cleared",
		"\u009b31mred":                                "red",
		"over\rwritten":                               "over\nwritten",
		"windows\r\nline":                             "windows\nline",
		"bell\a back\b nul\x00 del\x7f":               "bell back nul del",
		"\u202ereversed\u202c \u2066isolated\u2069":   "reversed isolated",
		"zero\u200bwidth \ufeffmark":                  "zerowidth mark",
		"family 👩\u200d👧":                             "family 👩\u200d👧",
		"\xff invalid":                                "\ufffd invalid",
		"an escape at the end \x1b":                   "an escape at the end ",
		"\x1bc reset":                                 " reset",
	} {
		if got := Text(in); got != want {
			t.Errorf("%q: %q, want %q", in, got, want)
		}
	}
}

func FuzzText(f *testing.F) {
	f.Add("\x1b[31mred\x1b[0m \u202eabc\r\n")
	f.Fuzz(func(t *testing.T, s string) {
		got := Text(s)
		if !utf8.ValidString(got) || strings.ContainsFunc(got, func(r rune) bool { return r != '\n' && r != '\t' && obeyed(r) }) || Text(got) != got {
			t.Errorf("%q: %q", s, got)
		}
	})
}

func ExampleText() {
	fmt.Println(Text("\x1b[31mred\x1b[0m \u202eabc"))
	// Output: red abc
}
