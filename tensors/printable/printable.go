// Package printable makes untrusted text safe to show in a terminal or on a page: an
// endpoint or a worker may belong to anybody, and its errors and log lines are shown.
//
//	printable.Text("\x1b[31mred\x1b[0m \u202eabc") // "red abc"
package printable

import (
	"regexp"
	"strings"
	"unicode"
)

// escapes are the sequences that terminals obey: colors and movements (CSI), titles and
// links (OSC) and other strings, and short ones.
var escapes = regexp.MustCompile("(?:\x1b\\[|\u009b)[0-?]*[ -/]*[@-~]|(?:\x1b[\\]PX^_]|[\u009d\u0090\u0098\u009e\u009f])[^\x07\x1b\u009c]*(?:\x07|\x1b\\\\|\u009c)?|\x1b[ -/]*[0-~]?")

// Text returns s without what a terminal or a browser would obey instead of show: escape
// sequences, control characters, and characters that change the direction or hide text.
// Lines and tabs stay.
func Text(s string) string {
	if clean(s) {
		return s
	}
	s = escapes.ReplaceAllString(strings.ToValidUTF8(s, "\ufffd"), "")
	s = strings.ReplaceAll(s, "\r\n", "\n")
	return strings.Map(func(r rune) rune {
		switch {
		case r == '\n' || r == '\t':
			return r
		case r == '\r' || r == '\u2028' || r == '\u2029' || r == '\u0085':
			return '\n'
		case obeyed(r):
			return -1
		}
		return r
	}, s)
}

// obeyed reports whether a rune is a control character or an invisible format character,
// such as one that changes the direction. The joiners of letters and emoji are not.
func obeyed(r rune) bool {
	return unicode.IsControl(r) || unicode.Is(unicode.Cf, r) && r != '\u200c' && r != '\u200d'
}

// clean reports whether s is printable ASCII, as most texts are, so that
// nothing has to be removed.
func clean(s string) bool {
	for i := range len(s) {
		if c := s[i]; c != '\n' && c != '\t' && (c < ' ' || c >= 0x7f) {
			return false
		}
	}
	return true
}
