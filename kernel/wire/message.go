package wire

import "encoding/json"

// Version is the protocol version that the package speaks.
const Version = "5.5"

// A Header tells what a message is and where it comes from.
type Header struct {
	MsgID    string `json:"msg_id"`
	Session  string `json:"session"`
	Username string `json:"username"`
	Date     string `json:"date"` // ISO 8601
	MsgType  string `json:"msg_type"`
	Version  string `json:"version"`
}

// A Message is one Jupyter message. The four parts in JSON are kept as they came
// or as they will go: a reply repeats the header of its request byte for byte,
// with the keys that later protocols add.
type Message struct {
	Identities [][]byte
	Header     Header
	// RawHeader is the header as it came; it is empty in a message that was made
	// here.
	RawHeader json.RawMessage
	Parent    json.RawMessage // {} when empty
	Metadata  json.RawMessage // {} when empty
	Content   json.RawMessage // {} when empty
	Buffers   [][]byte
}
