package dataset

import (
	"bytes"
	"maps"
	"slices"
	"strings"
	"unicode/utf8"

	"golang.org/x/text/encoding"
	"golang.org/x/text/encoding/charmap"
	"golang.org/x/text/encoding/unicode"
)

// Encodings lists the values of Options.Encoding.
func Encodings() []string { return slices.Sorted(maps.Keys(encodings())) }

func encodings() map[string]encoding.Encoding {
	return map[string]encoding.Encoding{
		"utf-8":        unicode.UTF8,
		"utf-16":       unicode.UTF16(unicode.LittleEndian, unicode.UseBOM),
		"latin1":       charmap.ISO8859_1,
		"iso-8859-1":   charmap.ISO8859_1,
		"iso-8859-15":  charmap.ISO8859_15,
		"cp1252":       charmap.Windows1252,
		"windows-1252": charmap.Windows1252,
	}
}

// decodeText returns b as UTF-8. Without a name, b is UTF-16 if it has that byte order mark,
// else it must be UTF-8: we cannot guess an 8-bit encoding, because Latin-1 and similar ones
// look alike.
func (t *Table) decodeText(b []byte, name string) ([]byte, error) {
	if name == "" && (bytes.HasPrefix(b, []byte("\xff\xfe")) || bytes.HasPrefix(b, []byte("\xfe\xff"))) {
		name = "utf-16"
		t.note("read as UTF-16, by its byte order mark")
	}
	if name == "" || strings.EqualFold(name, "utf-8") {
		b = bytes.TrimPrefix(b, []byte("\ufeff"))
		return b, t.validText(b)
	}
	known, ok := encodings()[strings.ToLower(name)]
	if !ok {
		return nil, t.fail(ErrFormat, "encoding %q is unknown; known are %s", clip(name), strings.Join(Encodings(), ", "))
	}
	out, err := known.NewDecoder().Bytes(b)
	if err != nil {
		return nil, t.fail(ErrFormat, "is not %s: %v", name, err)
	}
	out = bytes.TrimPrefix(out, []byte("\ufeff"))
	if i := bytes.IndexRune(out, utf8.RuneError); i >= 0 {
		return nil, t.fail(ErrFormat, "line %d is not %s (%q)", 1+bytes.Count(out[:i], []byte("\n")), name, clip(lineAt(out, i)))
	}
	return out, t.noNUL(out)
}

// lineAt returns the line of b that contains offset i.
func lineAt(b []byte, i int) string {
	from := bytes.LastIndexByte(b[:i], '\n') + 1
	line, _, _ := bytes.Cut(b[from:], []byte("\n"))
	return strings.TrimSpace(string(line))
}

// noNUL returns an error for text with NUL bytes. Such text is most likely UTF-16 that was
// read in another encoding.
func (t *Table) noNUL(b []byte) error {
	i := bytes.IndexByte(b, 0)
	if i < 0 {
		return nil
	}
	return t.fail(ErrFormat, "line %d holds a NUL byte, which text has not; if the file is UTF-16, give --encoding utf-16", 1+bytes.Count(b[:i], []byte("\n")))
}

// validText returns an error for text that is not UTF-8. It names the first such line.
func (t *Table) validText(b []byte) error {
	if err := t.noNUL(b); err != nil || utf8.Valid(b) {
		return err
	}
	line := 1
	for part := range bytes.Lines(b) {
		if !utf8.Valid(part) {
			word := strings.ToValidUTF8(strings.TrimSpace(string(part)), "?")
			return t.fail(ErrFormat, "line %d is not UTF-8 (%q); name the encoding, such as --encoding latin1 or cp1252", line, clip(word))
		}
		line++
	}
	return nil
}
