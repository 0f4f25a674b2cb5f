package zmtp

import (
	"fmt"
	"net"
	"sync/atomic"
	"time"
)

// If a socket has a limit for unknown peers (Config.MaxUnknown), its peers are unknown
// until the receiver trusts them (Peer.Trust). All unknown peers together may hold a few
// times as much as one message, so that a thousand connections without a key cannot
// exhaust the memory of the machine. Small messages are not counted, so that peers that
// use up the common allowance do not lock others out.
const (
	unknownShare = 4                // messages of the largest size, all unknown peers together
	freeMessage  = 64 << 10         // bytes that a message may have without counting
	unknownTime  = 30 * time.Second // how long a message that counts may take to arrive
)

// An allowance is the share of its socket's limit that one unknown peer uses.
type allowance struct {
	conn  net.Conn
	all   *atomic.Int64 // bytes that the unknown peers of the socket hold
	limit int64         // for all of them together
	size  uint64        // of this message so far
	held  int64
}

// take counts the next frame of a message. It fails if the unknown peers hold too much.
func (a *allowance) take(size uint64, first bool) error {
	if first {
		a.release()
	}
	a.size += size
	if a.size <= freeMessage {
		return nil
	}
	if a.held == 0 {
		a.conn.SetReadDeadline(time.Now().Add(unknownTime))
	}
	more := int64(a.size) - a.held
	if a.all.Add(more) > a.limit {
		a.all.Add(-more)
		return fmt.Errorf("%w: a message of %d bytes; peers that have not shown a key hold %d of %d bytes", ErrTooLarge, a.size, a.all.Load(), a.limit)
	}
	a.held += more
	return nil
}

// release gives back what the peer holds.
func (a *allowance) release() {
	a.size = 0
	if a.held > 0 {
		a.all.Add(-a.held)
		a.held = 0
		a.conn.SetReadDeadline(time.Time{})
	}
}

// Trust lifts the limits for unknown peers (Config.MaxUnknown), because what the peer sent
// shows that it has a key. Only Receive may call it, for the peer that it was called with.
func (p *Peer) Trust() {
	w := &p.guard.watch
	if w.unknown == nil {
		return
	}
	w.unknown.release()
	w.unknown = nil
	w.limit = uint64(p.sock.cfg.MaxMessage)
	w.room = w.limit // Receive runs between two messages
}

// unknown applies the limits to a peer that has just completed its handshake.
func (s *Socket) unknown(p *Peer) {
	if s.cfg.MaxUnknown == 0 || s.cfg.Curve != nil { // on an encrypted socket, the handshake has shown the key
		return
	}
	w := &p.guard.watch
	w.limit = uint64(s.cfg.MaxUnknown)
	w.room = w.limit
	w.unknown = &allowance{conn: p.conn, all: &s.held, limit: unknownShare * int64(s.cfg.MaxUnknown)}
}
