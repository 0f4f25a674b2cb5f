package zmtp

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"fmt"
	"io"
	"net"
	"strings"
)

// greeting is what both sides send first (RFC 23, "Greeting"):
//
//	signature (10) FF 0*8 7F | version (2) 3 0 | mechanism (20) "NULL" | as-server (1) | filler (31)
func greeting() []byte {
	b := make([]byte, 64)
	b[0], b[9] = 0xff, 0x7f
	b[10] = 3
	copy(b[12:32], "NULL")
	return b
}

func checkGreeting(b []byte) error {
	switch {
	case b[0] != 0xff || b[9]&1 == 0:
		return fmt.Errorf("%w: no ZMTP signature", ErrProtocol)
	case b[10] < 3:
		return fmt.Errorf("%w: version %d, want 3", ErrProtocol, b[10])
	case string(bytes.TrimRight(b[12:32], "\x00")) != "NULL":
		return fmt.Errorf("%w: mechanism %q, want NULL", ErrProtocol, bytes.TrimRight(b[12:32], "\x00"))
	}
	return nil
}

// SocketType is a name of RFC 23, as peers tell it to each other.
type SocketType string

const (
	Router SocketType = "ROUTER"
	XPub   SocketType = "XPUB"
	Dealer SocketType = "DEALER"
	Req    SocketType = "REQ"
	Sub    SocketType = "SUB"
)

// accepts says which peers a socket may talk to.
func (t SocketType) accepts(peer SocketType) bool {
	switch t {
	case Router:
		return peer == Dealer || peer == Req || peer == Router
	case XPub:
		return peer == Sub || peer == "XSUB"
	case Dealer, Req:
		return peer == Router || peer == "REP" || peer == "DEALER"
	case Sub:
		return peer == XPub || peer == "PUB"
	}
	return false
}

// handshake greets and exchanges READY. It returns a reader that may hold bytes
// which came after, and the identity that the peer chose ("" for none).
func handshake(conn net.Conn, t SocketType, identity string, limit int) (*reader, string, error) {
	hello := append(greeting(), appendCommand(nil, "READY", readyData(t, identity))...)
	// Both go at once: a peer reads no further than it wants.
	if _, err := conn.Write(hello); err != nil {
		return nil, "", err
	}
	r := &reader{r: bufio.NewReaderSize(conn, 64<<10), limit: limit}
	var b [64]byte
	if _, err := io.ReadFull(r.r, b[:]); err != nil {
		return nil, "", err
	}
	if err := checkGreeting(b[:]); err != nil {
		return nil, "", err
	}
	msg, cmd, err := r.next()
	if err != nil {
		return nil, "", err
	}
	if msg != nil {
		return nil, "", fmt.Errorf("%w: a message before READY", ErrProtocol)
	}
	name, data, err := splitCommand(cmd)
	if err != nil {
		return nil, "", err
	}
	if name != "READY" {
		return nil, "", fmt.Errorf("%w: command %q before READY", ErrProtocol, name)
	}
	meta, err := parseMetadata(data)
	if err != nil {
		return nil, "", err
	}
	if peer := SocketType(meta["socket-type"]); !t.accepts(peer) {
		return nil, "", fmt.Errorf("%w: a %s socket does not talk to %q", ErrProtocol, t, peer)
	}
	return r, meta["identity"], nil
}

func readyData(t SocketType, identity string) []byte {
	b := appendProperty(nil, "Socket-Type", string(t))
	if t == Dealer || t == Req {
		b = appendProperty(b, "Identity", identity)
	}
	return b
}

func appendProperty(b []byte, name, value string) []byte {
	b = append(b, byte(len(name)))
	b = append(b, name...)
	b = binary.BigEndian.AppendUint32(b, uint32(len(value)))
	return append(b, value...)
}

// parseMetadata reads properties: name length (1), name, value length (4), value.
// Names are case-insensitive and come back in lower case.
func parseMetadata(b []byte) (map[string]string, error) {
	m := map[string]string{}
	for len(b) > 0 {
		n := int(b[0])
		if len(b) < 1+n+4 {
			return nil, fmt.Errorf("%w: metadata ends inside a name", ErrProtocol)
		}
		name := strings.ToLower(string(b[1 : 1+n]))
		size := binary.BigEndian.Uint32(b[1+n:])
		b = b[1+n+4:]
		if uint64(size) > uint64(len(b)) {
			return nil, fmt.Errorf("%w: metadata ends inside the value of %q", ErrProtocol, name)
		}
		m[name], b = string(b[:size]), b[size:]
	}
	return m, nil
}
