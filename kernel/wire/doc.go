// Package wire is the format of Jupyter messages
// (https://jupyter-client.readthedocs.io/en/stable/messaging.html): functions on
// bytes, without sockets.
//
// On a socket a message is a list of frames:
//
//	identities...        the client, added by ROUTER sockets; kept for the reply
//	<IDS|MSG>            delimiter
//	signature            HMAC-SHA256 over the next four, in hex; empty without a key
//	header               {"msg_id", "session", "username", "date", "msg_type", "version"}
//	parent_header        the header of the request, {} if there is none
//	metadata
//	content
//	buffers...           raw bytes
//
// Files: message.go the message, decode.go and encode.go its two directions,
// sign.go the signature, seen.go the signatures of earlier messages.
//
//	m, err := wire.Decode(frames, key)
//	reply := wire.Encode(m.Reply("kernel_info_reply", content), key)
package wire
