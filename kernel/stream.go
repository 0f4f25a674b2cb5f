package kernel

import (
	"bytes"
	"time"
	"unicode/utf8"
)

// Text is collected before it is published, because one message per line would cost the
// front end more than the cell. It is published when streamDelay has passed since the first
// byte, when streamChunk bytes have arrived, and before any other output of its cell.
const (
	streamDelay = 40 * time.Millisecond
	streamChunk = 1 << 20
)

// Stream implements Output.
func (o *output) Stream(name string, text []byte) {
	if o.silent || len(text) == 0 {
		return
	}
	if name != "stderr" {
		name = "stdout"
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.stream != name {
		o.flushLocked(false)
		o.stream = name
	}
	for len(text) > 0 {
		n := min(len(text), streamChunk-len(o.pending[name]))
		o.pending[name] = append(o.pending[name], text[:n]...)
		text = text[n:]
		if len(o.pending[name]) >= streamChunk {
			o.flushLocked(false)
			o.s.pub.sock.Pace()
		}
	}
	if len(o.pending[name]) > 0 && !o.ticking {
		o.ticking = true
		time.AfterFunc(streamDelay, o.tick)
	}
}

func (o *output) tick() {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.ticking = false
	o.flushLocked(false)
}

// flush publishes all text, including an incomplete rune.
func (o *output) flush() {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.flushLocked(true)
}

// flushLocked publishes the text of the current stream. It keeps an incomplete
// rune for later unless all is set.
func (o *output) flushLocked(all bool) {
	o.publishText(o.stream, all)
	if all {
		for name := range o.pending {
			o.publishText(name, true)
		}
	}
}

func (o *output) publishText(name string, all bool) {
	b := o.pending[name]
	n := len(b)
	if !all {
		n = wholeRunes(b)
		if n >= streamChunk/2 {
			// Split a large piece at a line end, so that anything within a line is
			// redacted and searched as a whole.
			if i := bytes.LastIndexByte(b[:n], '\n'); i >= 0 {
				n = i + 1
			}
		}
	}
	if n == 0 && !all {
		return
	}
	text := o.redact(name, string(b[:n]), all)
	o.pending[name] = append(b[:0], b[n:]...)
	if text == "" {
		return
	}
	o.s.pub.send(o.parent, "stream", content{"name": name, "text": text})
}

// redact removes secrets from the next piece of a stream. It may keep the end of it for the
// next piece, unless all is set.
func (o *output) redact(name, text string, all bool) string {
	if o.s.opts.Stream == nil {
		return text
	}
	o.s.redact.learned()
	if o.clean[name] == nil {
		o.clean[name] = o.s.opts.Stream()
	}
	return o.clean[name](text, all)
}

// wholeRunes returns the length of b without an incomplete rune at its end.
func wholeRunes(b []byte) int {
	for i := 1; i < utf8.UTFMax && i <= len(b); i++ {
		c := b[len(b)-i]
		if utf8.RuneStart(c) {
			if c >= utf8.RuneSelf && !utf8.FullRune(b[len(b)-i:]) {
				return len(b) - i
			}
			break
		}
	}
	return len(b)
}
