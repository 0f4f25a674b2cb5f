package store

import (
	"crypto/sha256"
	"encoding/hex"
	"io"
)

// A Content is bytes that can be read from any offset, and more than once.
type Content interface {
	io.ReaderAt
	Size() int64
}

// Bytes returns the concatenation of the pieces as Content, without a copy.
func Bytes(pieces ...[]byte) Content {
	m := &memory{}
	for _, b := range pieces {
		if len(b) > 0 {
			m.pieces = append(m.pieces, b)
			m.size += int64(len(b))
		}
	}
	return m
}

type memory struct {
	pieces [][]byte
	size   int64
}

func (m *memory) Size() int64 { return m.size }

func (m *memory) ReadAt(p []byte, off int64) (n int, err error) {
	for _, b := range m.pieces {
		if off >= int64(len(b)) {
			off -= int64(len(b))
			continue
		}
		n += copy(p[n:], b[off:])
		if off = 0; n == len(p) {
			return n, nil
		}
	}
	return n, io.EOF
}

// digestOf reads a section of content and returns its sha256.
func digestOf(c Content, from, size int64) (string, error) {
	h := sha256.New()
	// Copying to a buffer is faster than letting sha256 wait for memory.
	if _, err := io.Copy(h, io.NewSectionReader(c, from, size)); err != nil {
		return "", err
	}
	return hex.EncodeToString(h.Sum(nil)), nil
}

// each calls do for each piece of a section.
func (m *memory) each(from, size int64, do func([]byte)) {
	for _, b := range m.pieces {
		if from >= int64(len(b)) {
			from -= int64(len(b))
			continue
		}
		b = b[from:]
		from = 0
		if int64(len(b)) > size {
			b = b[:size]
		}
		if size -= int64(len(b)); len(b) > 0 {
			do(b)
		}
		if size == 0 {
			return
		}
	}
}
