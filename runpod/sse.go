package runpod

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"iter"
)

// An event of a text/event-stream.
type sseEvent struct {
	id, kind string
	data     []byte
}

// maxEvent is the largest event, and the longest line, in bytes.
const maxEvent = 1 << 20

// events reads an event stream to its end. It drops an incomplete last event, as the
// specification requires.
//
// Source: WHATWG HTML, 9.2 server-sent events.
func events(r io.Reader) iter.Seq2[sseEvent, error] {
	return func(yield func(sseEvent, error) bool) {
		lines := bufio.NewScanner(r)
		lines.Buffer(make([]byte, 0, 4096), maxEvent)
		lines.Split(splitLine)
		var e sseEvent
		for first := true; lines.Scan(); first = false {
			line := lines.Bytes()
			if first {
				line = bytes.TrimPrefix(line, []byte("\ufeff"))
			}
			if len(line) == 0 {
				if e.data != nil {
					e.data = bytes.TrimSuffix(e.data, []byte("\n"))
					if !yield(e, nil) {
						return
					}
				}
				e = sseEvent{id: e.id}
				continue
			}
			field, value, _ := bytes.Cut(line, []byte(":"))
			value = bytes.TrimPrefix(value, []byte(" "))
			switch string(field) {
			case "data":
				if len(e.data)+len(value) > maxEvent {
					yield(sseEvent{}, fmt.Errorf("%w: an event of more than %d bytes", ErrTooLarge, maxEvent))
					return
				}
				e.data = append(append(e.data, value...), '\n')
			case "event":
				e.kind = string(value)
			case "id":
				if !bytes.ContainsRune(value, 0) {
					e.id = string(value)
				}
			}
		}
		if err := lines.Err(); err != nil {
			if errors.Is(err, bufio.ErrTooLong) {
				err = fmt.Errorf("%w: a line of more than %d bytes", ErrTooLarge, maxEvent)
			}
			yield(sseEvent{}, err)
		}
	}
}

// splitLine ends lines at LF, CR and CR LF.
func splitLine(data []byte, atEOF bool) (advance int, token []byte, err error) {
	i := bytes.IndexAny(data, "\r\n")
	switch {
	case i < 0 && atEOF:
		return len(data), nil, nil
	case i < 0:
		return 0, nil, nil
	case data[i] == '\n' || i+1 < len(data) && data[i+1] != '\n':
		return i + 1, data[:i], nil
	case i+1 < len(data):
		return i + 2, data[:i], nil
	case atEOF:
		return i + 1, data[:i], nil
	}
	return 0, nil, nil // a CR at the end of the data: wait whether a LF follows
}
