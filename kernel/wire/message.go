package wire

import "encoding/json"

// Version is the protocol version that the package speaks.
const Version = "5.5"

// A Header identifies a message and its sender.
type Header struct {
	MsgID    string `json:"msg_id"`
	Session  string `json:"session"`
	Username string `json:"username"`
	Date     string `json:"date"` // ISO 8601
	MsgType  string `json:"msg_type"`
	Version  string `json:"version"`
}

// A Message is one Jupyter message. The four JSON parts are kept as received or as
// they will be sent: a reply repeats the header of its request byte for byte,
// including keys that later protocols add.
type Message struct {
	Identities [][]byte
	Header     Header
	// RawHeader is the header as received; it is empty in a message that was made
	// here.
	RawHeader json.RawMessage
	Parent    json.RawMessage // {} when empty
	Metadata  json.RawMessage // {} when empty
	Content   json.RawMessage // {} when empty
	Buffers   [][]byte
	// Signature is the signature as received; Encode ignores it and computes a new one.
	Signature []byte
}
