package bigjson

import (
	"io"
	"slices"
)

// Segments is a text in pieces, one after the other.
type Segments [][]byte

// Len returns the length of the whole, in bytes.
func (s Segments) Len() int64 {
	n := int64(0)
	for _, b := range s {
		n += int64(len(b))
	}
	return n
}

// Bytes copies the pieces into one.
func (s Segments) Bytes() []byte {
	if len(s) == 1 {
		return s[0]
	}
	return slices.Concat(s...)
}

// WriteTo writes the pieces one by one.
func (s Segments) WriteTo(w io.Writer) (n int64, err error) {
	for _, b := range s {
		m, err := w.Write(b)
		n += int64(m)
		if err != nil {
			return n, err
		}
	}
	return n, nil
}

// NewReader returns a reader of the whole from its start. It is also an
// io.WriterTo.
func (s Segments) NewReader() io.Reader { return &reader{rest: s} }

type reader struct {
	rest Segments
	off  int // into the first piece
}

func (r *reader) Read(p []byte) (int, error) {
	n := 0
	for n < len(p) && len(r.rest) > 0 {
		m := copy(p[n:], r.rest[0][r.off:])
		n += m
		if r.off += m; r.off == len(r.rest[0]) {
			r.rest, r.off = r.rest[1:], 0
		}
	}
	if n == 0 && len(p) > 0 {
		return 0, io.EOF
	}
	return n, nil
}

func (r *reader) WriteTo(w io.Writer) (int64, error) {
	if len(r.rest) == 0 {
		return 0, nil
	}
	rest := slices.Clone(r.rest)
	rest[0] = rest[0][r.off:]
	r.rest, r.off = nil, 0
	return rest.WriteTo(w)
}
