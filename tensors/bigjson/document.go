package bigjson

import (
	"bytes"
	"crypto/rand"
	"strconv"
	"strings"
	"unsafe"
)

// A document is JSON text with its long strings taken out.
type document struct {
	text     []byte
	spans    []span
	skeleton []byte
	at       []int  // where the token of each span begins in skeleton, at its quote
	prefix   string // what every token begins with
	met      []bool // the tokens that were restored
}

// newPrefix returns a random prefix, so that nobody can write a document that contains it.
func newPrefix() string { return "bigjson:" + rand.Text() + ":" }

// take takes the long strings out of text. If no string has min bytes, the
// skeleton is the text itself.
func take(text []byte, min int) *document {
	d := &document{text: text, skeleton: text}
	if len(text) < min {
		return d
	}
	if d.spans = longStrings(text, min); len(d.spans) == 0 {
		return d
	}
	prefix := newPrefix()
	d.prefix, d.met = prefix, make([]bool, len(d.spans))
	size := len(text) + len(d.spans)*(len(prefix)+20)
	for _, s := range d.spans {
		size -= s.to - s.from
	}
	d.skeleton = make([]byte, 0, size)
	done := 0
	for i, s := range d.spans {
		d.skeleton = append(d.skeleton, text[done:s.from]...)
		d.at = append(d.at, len(d.skeleton)-1)
		d.skeleton = appendToken(d.skeleton, prefix, i)
		done = s.to
	}
	d.skeleton = append(d.skeleton, text[done:]...)
	return d
}

func appendToken(b []byte, prefix string, i int) []byte {
	return strconv.AppendInt(append(b, prefix...), int64(i), 10)
}

// number reads a token, or returns -1.
func number(token, prefix string, count int) int {
	digits, ok := strings.CutPrefix(token, prefix)
	if !ok {
		return -1
	}
	i, err := strconv.Atoi(digits)
	if err != nil || i < 0 || i >= count {
		return -1
	}
	return i
}

// long returns the string that token i stands for, in the text's own memory.
func (d *document) long(i int) string {
	b := d.text[d.spans[i].from:d.spans[i].to]
	return unsafe.String(unsafe.SliceData(b), len(b))
}

// restore returns the string that s stands for, if it is a token.
func (d *document) restore(s string) (long string, ok bool) {
	i := number(s, d.prefix, len(d.spans))
	if i < 0 {
		return "", false
	}
	d.met[i] = true
	return d.long(i), true
}

// restoreRaw does the same for a piece of JSON that contains tokens. If encoding/json
// took the piece from the skeleton unchanged, the result is a piece of the text and
// nothing is copied.
func (d *document) restoreRaw(raw []byte) (whole []byte, ok bool) {
	first, _, i := nextToken(raw, d.prefix, len(d.spans))
	if i < 0 {
		return nil, false
	}
	if begin := d.at[i] - first; begin >= 0 && bytes.HasPrefix(d.skeleton[begin:], raw) {
		return d.piece(begin, begin+len(raw), i), true
	}
	for {
		from, to, i := nextToken(raw, d.prefix, len(d.spans))
		if i < 0 {
			return append(whole, raw...), true
		}
		d.met[i] = true
		whole = append(append(append(append(whole, raw[:from]...), '"'), d.long(i)...), '"')
		raw = raw[to:]
	}
}

// piece returns the part of the text for skeleton[begin:end], whose first token is i.
// Between tokens the distances are the same in both.
func (d *document) piece(begin, end, i int) []byte {
	from := d.spans[i].from - 1 - (d.at[i] - begin)
	for ; i < len(d.at) && d.at[i] < end; i++ {
		d.met[i] = true
	}
	i--
	token := len(appendToken(nil, d.prefix, i)) + 2
	to := d.spans[i].to + 1 + end - (d.at[i] + token)
	return d.text[from:to:to]
}

// nextToken finds the first token with its quotes at b[from:to], and its number,
// or -1.
func nextToken(b []byte, prefix string, count int) (from, to, i int) {
	quoted := []byte(`"` + prefix)
	for from = 0; ; from++ {
		next := bytes.Index(b[from:], quoted)
		if next < 0 {
			return 0, 0, -1
		}
		from += next
		length := bytes.IndexByte(b[from+1:], '"')
		if length < 0 {
			return 0, 0, -1
		}
		to = from + 1 + length + 1
		if i = number(string(b[from+1:to-1]), prefix, count); i >= 0 {
			return from, to, i
		}
	}
}
