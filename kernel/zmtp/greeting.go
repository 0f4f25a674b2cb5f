package zmtp

import (
	"bufio"
	"errors"
	"fmt"
	"net"
	"strings"

	"github.com/go-zeromq/zmq4"
	"github.com/go-zeromq/zmq4/security/null"
)

// SocketType is a socket type of RFC 23, which peers announce to each other.
type SocketType = zmq4.SocketType

// The socket types of a kernel and its clients.
const (
	Router = zmq4.Router
	XPub   = zmq4.XPub
	Dealer = zmq4.Dealer
	Req    = zmq4.Req
	Sub    = zmq4.Sub
)

// ErrIdentity is the error for a peer whose identity is not allowed or belongs to another
// peer.
var ErrIdentity = errors.New("zmtp: identity refused")

// maxIdentity is the longest identity, in bytes (RFC 28, "Identity").
const maxIdentity = 255

// A greeted is a connection after its handshake.
type greeted struct {
	guard    *guard
	in       *zmq4.Conn
	identity string // what the peer chose, "" for none
	curve    *curve // nil if the connection is not encrypted
}

// handshake exchanges greetings and READY, and keys if cfg.Curve is set. The other side has to
// use the same mechanism: a client without the keys is refused.
func handshake(conn net.Conn, cfg Config, server bool) (h greeted, err error) {
	// zmq4 indexes into metadata without looking at its length.
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("%w: %v", ErrProtocol, r)
		}
	}()
	h.guard = newGuard(conn, cfg.MaxMessage)
	security := null.Security()
	if cfg.Curve != nil {
		h.curve = &curve{keys: *cfg.Curve}
		security = h.curve
	}
	h.in, err = zmq4.Open(h.guard, security, cfg.Type, zmq4.SocketIdentity(cfg.Identity), server, nil)
	if err != nil {
		return greeted{}, err
	}
	h.identity = h.in.Peer.Meta["Identity"]
	if len(h.identity) > maxIdentity || strings.HasPrefix(h.identity, "\x00") {
		return greeted{}, fmt.Errorf("%w: want at most %d bytes that do not begin with 0, got %d bytes", ErrIdentity, maxIdentity, len(h.identity))
	}
	h.guard.watch.greeting = false
	if h.curve != nil {
		h.guard.in = &opener{curve: h.curve, in: h.guard.in.(*bufio.Reader), limit: uint64(cfg.MaxMessage)}
	}
	return h, nil
}
