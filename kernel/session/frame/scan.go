package frame

import (
	"bytes"
	"strconv"
)

// A Scanner finds the markers in a stream of text that arrives in pieces.
type Scanner struct {
	Token string
	// Text is called with the text between markers and Mark with each marker, in
	// order. Text's argument is valid only during the call.
	Text func([]byte)
	Mark func(seq uint32)

	held []byte // what may be the start of a marker
}

// Write scans the next piece. It holds back only what may be the start of a marker.
func (s *Scanner) Write(b []byte) (int, error) {
	n := len(b)
	if len(s.held) > 0 {
		b = append(s.held, b...)
		s.held = nil
	}
	prefix := []byte(MarkPrefix(s.Token))
	for {
		i := bytes.Index(b, prefix)
		if i < 0 {
			i = len(b) - overlap(b, prefix)
			s.text(b[:i])
			s.hold(b[i:])
			return n, nil
		}
		s.text(b[:i])
		if len(b)-i < MarkSize {
			s.hold(b[i:])
			return n, nil
		}
		seq, err := strconv.ParseUint(string(b[i+len(prefix):i+MarkSize]), 16, 32)
		if err != nil { // somebody printed the prefix
			s.text(b[i : i+1])
			b = b[i+1:]
			continue
		}
		s.Mark(uint32(seq))
		b = b[i+MarkSize:]
	}
}

// Close passes on what was held back at the end of the stream.
func (s *Scanner) Close() error {
	s.text(s.held)
	s.held = nil
	return nil
}

func (s *Scanner) text(b []byte) {
	if len(b) > 0 {
		s.Text(b)
	}
}

func (s *Scanner) hold(b []byte) { s.held = append([]byte(nil), b...) }

// overlap returns the length of the longest suffix of b that prefix starts with.
func overlap(b, prefix []byte) int {
	for n := min(len(b), len(prefix)-1); n > 0; n-- {
		if bytes.HasSuffix(b, prefix[:n]) {
			return n
		}
	}
	return 0
}
