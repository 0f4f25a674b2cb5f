package local

import (
	"encoding/binary"
	"encoding/json"
	"fmt"
	"strings"
	"unicode/utf8"
)

// maxDepth bounds the nesting of JSON from outside, because this package checks
// values by recursion and other programs read them later.
const maxDepth = 512

// A syntaxError is a JSON error and its position.
type syntaxError struct {
	offset int
	what   string
}

func (e *syntaxError) Error() string {
	return fmt.Sprintf("invalid JSON at byte %d: %s", e.offset, e.what)
}

// A field is a member of an object; its value is not copied.
type field struct {
	key string
	raw json.RawMessage
}

// splitObject checks that b is one JSON object and returns its members in order.
// Values are slices of b. It makes one pass over b, even over ten megabytes of
// base64 in a string.
func splitObject(b []byte) ([]field, error) {
	if !utf8.Valid(b) {
		return nil, &syntaxError{0, "the text is not UTF-8"}
	}
	i := space(b, 0)
	if i == len(b) || b[i] != '{' {
		return nil, &syntaxError{i, "expected an object"}
	}
	var fields []field
	end, err := object(b, i, 0, func(key string, raw []byte) {
		fields = append(fields, field{key, raw})
	})
	if err != nil {
		return nil, err
	}
	if end = space(b, end); end != len(b) {
		return nil, &syntaxError{end, "text after the value"}
	}
	return fields, nil
}

// checkValue checks that b is one JSON value and nothing else.
func checkValue(b []byte) error {
	if !utf8.Valid(b) {
		return &syntaxError{0, "the text is not UTF-8"}
	}
	end, err := value(b, space(b, 0), 0)
	if err != nil {
		return err
	}
	if end = space(b, end); end != len(b) {
		return &syntaxError{end, "text after the value"}
	}
	return nil
}

// value returns the end of the value that begins at b[i].
func value(b []byte, i, depth int) (int, error) {
	if depth > maxDepth {
		return i, &syntaxError{i, "nested too deeply"}
	}
	if i >= len(b) {
		return i, &syntaxError{i, "the text ends"}
	}
	switch c := b[i]; {
	case c == '"':
		return str(b, i)
	case c == '{':
		return object(b, i, depth, nil)
	case c == '[':
		return array(b, i, depth)
	case c == '-' || '0' <= c && c <= '9':
		return number(b, i)
	case c == 't':
		return word(b, i, "true")
	case c == 'f':
		return word(b, i, "false")
	case c == 'n':
		return word(b, i, "null")
	default:
		return i, &syntaxError{i, fmt.Sprintf("unexpected %q", c)}
	}
}

// object returns the end of the object at b[i]; member, if not nil, is called for
// each member.
func object(b []byte, i, depth int, member func(key string, raw []byte)) (int, error) {
	i = space(b, i+1)
	if i < len(b) && b[i] == '}' {
		return i + 1, nil
	}
	for {
		if i >= len(b) || b[i] != '"' {
			return i, &syntaxError{i, "expected a member's name"}
		}
		end, err := str(b, i)
		if err != nil {
			return end, err
		}
		name := b[i:end]
		if i = space(b, end); i >= len(b) || b[i] != ':' {
			return i, &syntaxError{i, "expected a colon"}
		}
		i = space(b, i+1)
		if end, err = value(b, i, depth+1); err != nil {
			return end, err
		}
		if member != nil {
			var key string
			if err := json.Unmarshal(name, &key); err != nil {
				return i, &syntaxError{i, err.Error()}
			}
			member(key, b[i:end:end])
		}
		var closed bool
		if i, closed, err = next(b, end, '}'); closed || err != nil {
			return i, err
		}
	}
}

func array(b []byte, i, depth int) (int, error) {
	i = space(b, i+1)
	if i < len(b) && b[i] == ']' {
		return i + 1, nil
	}
	for {
		end, err := value(b, i, depth+1)
		if err != nil {
			return end, err
		}
		var closed bool
		if i, closed, err = next(b, end, ']'); closed || err != nil {
			return i, err
		}
	}
}

// next skips the comma or the closing bracket after an element.
func next(b []byte, i int, bracket byte) (end int, closed bool, err error) {
	i = space(b, i)
	switch {
	case i >= len(b):
		return i, false, &syntaxError{i, "the text ends"}
	case b[i] == ',':
		return space(b, i+1), false, nil
	case b[i] == bracket:
		return i + 1, true, nil
	}
	return i, false, &syntaxError{i, fmt.Sprintf("expected a comma or %q", bracket)}
}

// str returns the end of the string at b[i]. It reads eight bytes at a time if
// none of them is special.
func str(b []byte, i int) (int, error) {
	const (
		ones = 0x0101010101010101
		high = 0x8080808080808080
	)
	for i++; i < len(b); {
		for i+8 <= len(b) {
			w := binary.LittleEndian.Uint64(b[i:])
			quote := w ^ ones*'"'
			slash := w ^ ones*'\\'
			special := (quote-ones)&^quote | (slash-ones)&^slash | (w-ones*0x20)&^w
			if special&high != 0 {
				break
			}
			i += 8
		}
		for stop := min(i+8, len(b)); i < stop; i++ {
			switch c := b[i]; {
			case c == '"':
				return i + 1, nil
			case c < 0x20:
				return i, &syntaxError{i, "a control character in a string"}
			case c == '\\':
				end, err := escape(b, i)
				if err != nil {
					return end, err
				}
				i = end - 1
			}
		}
	}
	return i, &syntaxError{len(b), "the text ends in a string"}
}

func escape(b []byte, i int) (int, error) {
	if i+1 < len(b) {
		switch b[i+1] {
		case '"', '\\', '/', 'b', 'f', 'n', 'r', 't':
			return i + 2, nil
		case 'u':
			if i+6 <= len(b) && hex4(b[i+2:i+6]) {
				return i + 6, nil
			}
		}
	}
	return i, &syntaxError{i, "a wrong escape in a string"}
}

func hex4(b []byte) bool {
	for _, c := range b {
		if !('0' <= c && c <= '9' || 'a' <= c|0x20 && c|0x20 <= 'f') {
			return false
		}
	}
	return true
}

func number(b []byte, i int) (int, error) {
	if b[i] == '-' {
		i++
	}
	first := i
	if i = digits(b, i); i == first {
		return i, &syntaxError{i, "expected a digit"}
	}
	if b[first] == '0' && i > first+1 {
		return first, &syntaxError{first, "a number with a leading zero"}
	}
	if i < len(b) && b[i] == '.' {
		first = i + 1
		if i = digits(b, first); i == first {
			return i, &syntaxError{i, "expected a digit"}
		}
	}
	if i < len(b) && b[i]|0x20 == 'e' {
		if i++; i < len(b) && (b[i] == '+' || b[i] == '-') {
			i++
		}
		first = i
		if i = digits(b, first); i == first {
			return i, &syntaxError{i, "expected a digit"}
		}
	}
	return i, nil
}

func digits(b []byte, i int) int {
	for i < len(b) && '0' <= b[i] && b[i] <= '9' {
		i++
	}
	return i
}

func word(b []byte, i int, w string) (int, error) {
	if !strings.HasPrefix(string(b[i:min(i+len(w), len(b))]), w) {
		return i, &syntaxError{i, "expected " + w}
	}
	return i + len(w), nil
}

func space(b []byte, i int) int {
	for i < len(b) && (b[i] == ' ' || b[i] == '\n' || b[i] == '\t' || b[i] == '\r') {
		i++
	}
	return i
}
