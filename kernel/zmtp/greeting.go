package zmtp

import (
	"fmt"
	"net"

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

// handshake exchanges greetings and READY. It returns the connection to receive
// messages from, and the identity that the peer chose ("" for none).
func handshake(conn net.Conn, t SocketType, identity string, server bool, limit int) (g *guard, in *zmq4.Conn, name string, err error) {
	// zmq4 indexes into metadata without looking at its length.
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("%w: %v", ErrProtocol, r)
		}
	}()
	g = newGuard(conn, limit)
	in, err = zmq4.Open(g, null.Security(), t, zmq4.SocketIdentity(identity), server, nil)
	if err != nil {
		return nil, nil, "", err
	}
	return g, in, in.Peer.Meta["Identity"], nil
}
