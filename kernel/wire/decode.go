package wire

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
)

var delimiter = []byte("<IDS|MSG>")

// The reasons why Decode refuses a message.
var (
	ErrDelimiter = errors.New("wire: no <IDS|MSG> delimiter")
	ErrFrames    = errors.New("wire: fewer frames than a message has")
	ErrSignature = errors.New("wire: signature does not match")
	ErrJSON      = errors.New("wire: not a JSON object")
	ErrHeader    = errors.New("wire: header lacks a field")
)

// Decode reads a message from its frames and checks its signature. The message
// refers to the frames without copying. Decode checks that the four JSON parts are
// objects, but not what the content holds.
func Decode(frames [][]byte, key Key) (Message, error) {
	at := -1
	for i, f := range frames {
		if bytes.Equal(f, delimiter) {
			at = i
			break
		}
	}
	if at < 0 {
		return Message{}, ErrDelimiter
	}
	rest := frames[at+1:]
	if len(rest) < 5 {
		return Message{}, fmt.Errorf("%w: %d after the delimiter, want 5", ErrFrames, len(rest))
	}
	signature, parts := rest[0], rest[1:5]
	// Parse nothing before the signature is verified.
	if !key.verify(signature, parts...) {
		return Message{}, ErrSignature
	}
	m := Message{
		Identities: frames[:at:at],
		RawHeader:  parts[0],
		Parent:     parts[1],
		Metadata:   parts[2],
		Content:    parts[3],
		Buffers:    rest[5:],
		Signature:  signature,
	}
	for i, name := range [...]string{"header", "parent_header", "metadata", "content"} {
		if !isObject(parts[i]) {
			return Message{}, fmt.Errorf("%w: %s", ErrJSON, name)
		}
	}
	if err := json.Unmarshal(parts[0], &m.Header); err != nil {
		return Message{}, fmt.Errorf("%w: header: %w", ErrJSON, err)
	}
	if m.Header.MsgID == "" || m.Header.MsgType == "" {
		return Message{}, fmt.Errorf("%w: msg_id %q, msg_type %q", ErrHeader, m.Header.MsgID, m.Header.MsgType)
	}
	return m, nil
}

func isObject(b []byte) bool {
	t := bytes.TrimLeft(b, " \t\r\n")
	return len(t) > 0 && t[0] == '{' && json.Valid(b)
}
