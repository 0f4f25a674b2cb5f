package bigjson

import (
	"bytes"
	"encoding/binary"
)

// MinLen is the length, in bytes, from which strings are taken out of a document. Below
// it the bookkeeping costs as much as encoding/json.
const MinLen = 1024

const (
	ones = 0x0101010101010101
	high = 0x8080808080808080
)

// special has its high bits set for the bytes of w that a string cannot contain
// unescaped, or that need a closer look: quote, backslash, control characters,
// non-ASCII. Bits above the first one may be wrong.
func special(w uint64) uint64 {
	quote, backslash := w^('"'*ones), w^('\\'*ones)
	return (w | (w-0x20*ones)&^w | (quote-ones)&^quote | (backslash-ones)&^backslash) & high
}

// plain returns how many bytes at the start of b are ASCII without quotes, backslashes
// and control characters.
func plain(b []byte) int {
	i := 0
	for ; i+32 <= len(b); i += 32 {
		c := b[i : i+32 : i+32]
		if special(binary.LittleEndian.Uint64(c))|special(binary.LittleEndian.Uint64(c[8:]))|
			special(binary.LittleEndian.Uint64(c[16:]))|special(binary.LittleEndian.Uint64(c[24:])) != 0 {
			break
		}
	}
	for ; i < len(b); i++ {
		if c := b[i]; c < 0x20 || c >= 0x80 || c == '"' || c == '\\' {
			break
		}
	}
	return i
}

// A span is a long string in a document: the bytes between its quotes.
type span struct{ from, to int }

// longStrings finds the strings of at least min plain bytes that are values, not
// keys. In a well-formed document it agrees with a JSON lexer on where strings begin and
// end; after a syntax error it may be wrong, but no span ever covers the error itself.
func longStrings(doc []byte, min int) (spans []span) {
	for i := 0; ; {
		quote := bytes.IndexByte(doc[i:], '"')
		if quote < 0 {
			return spans
		}
		from := i + quote + 1
		to := from + plain(doc[from:])
		isPlain := to < len(doc) && doc[to] == '"'
		if !isPlain {
			to = endOfString(doc, to)
		}
		if to >= len(doc) {
			return spans
		}
		if i = to + 1; isPlain && to-from >= min && !isKey(doc[i:]) {
			spans = append(spans, span{from, to})
		}
	}
}

// endOfString returns the position of the quote that ends a string, or len(doc).
func endOfString(doc []byte, i int) int {
	for i < len(doc) && doc[i] != '"' {
		if doc[i] == '\\' {
			i++
		}
		i = min(i+1, len(doc))
		i += plain(doc[i:])
	}
	return i
}

// isKey reports whether what follows a string makes it the key of an object.
func isKey(rest []byte) bool {
	for _, c := range rest {
		switch c {
		case ' ', '\t', '\n', '\r':
		default:
			return c == ':'
		}
	}
	return false
}
