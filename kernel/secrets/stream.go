package secrets

import (
	"strings"
)

// maxHeld bounds what a Stream holds back, in bytes: a longer run of letters is not a
// token.
const maxHeld = 4 << 10

// maxToken is how many of the last published bytes are searched for the beginning of a
// token.
const maxToken = 64

// minHeld is how many bytes of a secret have to be at the end of a text before they are
// held back: with fewer, nearly every text ends as some secret begins.
const minHeld = 3

// A Stream masks secrets in a text that arrives in pieces, wherever it is cut and however
// far apart the pieces arrive. The end of a piece that may be the beginning of a secret is
// held back until the next piece. If it is only a letter or two, it is published, and the
// rest of the secret is masked when it arrives.
type Stream struct {
	set  *Set
	held string // not published yet
	past string // the end of what was published unmasked
}

// Stream returns a stream for one of the outputs of a cell.
func (s *Set) Stream() *Stream { return &Stream{set: s} }

// Next takes the next piece and returns what may now be published of all pieces so far.
// If last is set, it holds nothing back.
func (s *Stream) Next(text string, last bool) string {
	text = s.held + text
	s.held = ""
	s.set.mu.RLock()
	forms := s.set.forms
	s.set.mu.RUnlock()
	if !last {
		n := len(text) - min(len(text), heldBack(s.past+text, forms))
		n = afterWhole(s.past+text, len(s.past)+n, forms) - len(s.past)
		text, s.held = text[:n], text[n:]
	}
	if text == "" {
		return ""
	}
	n, mask := s.begun(text, forms), ""
	if n > 0 {
		text, s.past, mask = text[n:], "", Mask
	}
	out := s.set.Redact(text)
	if out != text { // what was masked cannot be the beginning of another secret
		end := 0
		for _, w := range append(formSpans(text, forms), tokenSpans(text)...) {
			end = max(end, w.to)
		}
		s.past, text = "", text[end:]
	}
	s.past += text
	if longest := max(longestForm(forms), maxToken); len(s.past) > longest {
		s.past = strings.Clone(s.past[len(s.past)-longest:])
	}
	return mask + out
}

// begun returns the length of the rest of a secret whose first letters were published.
func (s *Stream) begun(text string, forms []string) int {
	for _, form := range forms {
		for n := min(len(s.past), len(form)-1); n > 0; n-- {
			if strings.HasSuffix(s.past, form[:n]) && strings.HasPrefix(text, form[n:]) {
				return len(form) - n
			}
		}
	}
	for _, f := range tokenSpans(s.past + text) {
		if f.from < len(s.past) && len(s.past) < f.to {
			return f.to - len(s.past)
		}
	}
	return 0
}

// heldBack returns the length of the end of text that may be the beginning of a secret.
func heldBack(text string, forms []string) int {
	hold := 0
	for _, form := range forms {
		for n := min(len(text), len(form)-1); n >= minHeld && n > hold; n-- {
			if strings.HasSuffix(text, form[:n]) {
				hold = n
			}
		}
	}
	// The token of a service may continue in the next piece.
	end := text[max(0, len(text)-maxHeld):]
	for _, t := range tokens {
		for _, prefix := range t.prefixes {
			at := strings.LastIndex(end, prefix)
			for ; at >= 0; at = strings.LastIndex(end[:at], prefix) {
				if at > 0 && wordByte(end[at-1]) {
					continue
				}
				if strings.IndexFunc(end[at+len(prefix):], func(r rune) bool { return !tokenRune(r) }) < 0 {
					hold = max(hold, len(end)-at)
				}
			}
			for n := len(prefix) - 1; n >= minHeld; n-- {
				if strings.HasSuffix(end, prefix[:n]) {
					hold = max(hold, n)
				}
			}
		}
	}
	return hold
}

// afterWhole moves a cut of text behind every secret that it would divide: a secret that ends
// as it begins looks at its end like the beginning of another.
func afterWhole(text string, cut int, forms []string) int {
	if cut == len(text) {
		return cut
	}
	whole := formSpans(text, forms)
	for _, t := range tokenSpans(text) {
		if t.to < len(text) { // a token at the end may continue
			whole = append(whole, t)
		}
	}
	for moved := true; moved; {
		moved = false
		for _, w := range whole {
			if w.from < cut && cut < w.to {
				cut, moved = w.to, true
			}
		}
	}
	return cut
}

// formSpans finds what Redact masks: the first secret in s, the longest of those that begin
// there, then the first one after it.
func formSpans(s string, forms []string) (found []span) {
	next := make([]int, len(forms)) // where each form begins next
	for i := range next {
		next[i] = -1
	}
	for at := 0; ; {
		first := span{len(s), len(s)}
		for i, form := range forms { // the longest first
			if next[i] < at {
				if n := strings.Index(s[at:], form); n >= 0 {
					next[i] = at + n
				} else {
					next[i] = len(s)
				}
			}
			if next[i] < first.from {
				first = span{next[i], next[i] + len(form)}
			}
		}
		if first.from == len(s) {
			return found
		}
		found = append(found, first)
		at = first.to
	}
}

// tokenRune reports whether a rune can be part of a token.
func tokenRune(r rune) bool { return r == '-' || r < 0x80 && wordByte(byte(r)) }

func longestForm(forms []string) int {
	if len(forms) == 0 {
		return 0
	}
	return len(forms[0])
}
