package zmtp

import (
	"errors"
	"fmt"
	"net"
	"sync"
	"time"

	"github.com/go-zeromq/zmq4"
)

// A Peer is one connection to a socket. Its methods may be called from any
// goroutine.
type Peer struct {
	sock     *Socket
	conn     net.Conn
	guard    *guard
	in       *zmq4.Conn
	seal     *sealer // of the writer; nil if the connection is not encrypted
	out      *queue
	identity string
	written  chan struct{} // closed when the writer has returned
	gone     chan struct{} // closed when the socket has removed the peer

	mu     sync.Mutex
	topics map[string]bool
}

// Identity returns the name that the peer chose, or a generated one.
func (p *Peer) Identity() string { return p.identity }

// Send queues a message to the peer and does not block. If the peer has reconnected
// under its identity, the message goes to the new connection. A peer whose queue is
// full is dropped, and Send returns ErrSlow.
func (p *Peer) Send(m Message) error {
	err := p.push(item{msg: m})
	if errors.Is(err, net.ErrClosed) {
		if again := p.sock.Lookup(p.identity); again != nil && again != p {
			return again.push(item{msg: m})
		}
	}
	return err
}

func (p *Peer) push(it item) error {
	err := p.out.push(it)
	if errors.Is(err, ErrSlow) {
		p.kill()
		p.sock.cfg.dropped(p, err)
	}
	return err
}

// kill closes the connection and drops the peer's queue.
func (p *Peer) kill() {
	p.out.drop()
	p.conn.Close()
}

// read passes every message of the peer to the socket, until the connection ends.
// zmq4 answers PING.
func (p *Peer) read() (err error) {
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("%w: %v", ErrProtocol, r)
		}
	}()
	for {
		msg, err := p.in.RecvMsg()
		if err != nil {
			return err
		}
		if msg.Type != zmq4.CmdMsg {
			p.sock.receive(p, msg.Frames)
		}
	}
}

// write sends what is queued until the queue closes or the connection breaks.
func (p *Peer) write() {
	defer close(p.written)
	var head []byte
	var bufs net.Buffers
	for {
		batch, bytes, ok := p.out.pop()
		if !ok {
			return
		}
		if p.seal != nil {
			bufs = append(bufs[:0], p.seal.batch(batch))
		} else {
			bufs, head = appendItems(bufs[:0], head[:0], batch)
		}
		rest := bufs // WriteTo consumes its receiver
		if _, err := rest.WriteTo(p.conn); err != nil {
			p.kill()
			return
		}
		clear(bufs)
		p.out.written(bytes)
		p.sock.progress()
	}
}

// appendItems frames a batch for one writev. Small frames are copied after their
// headers; large ones are not copied.
func appendItems(bufs net.Buffers, head []byte, batch []item) (net.Buffers, []byte) {
	const copyUpTo = 4 << 10
	start := 0
	flush := func() {
		if len(head) > start {
			bufs = append(bufs, head[start:len(head):len(head)])
			start = len(head)
		}
	}
	for _, it := range batch {
		head = append(head, it.command...)
		for i, f := range it.msg {
			var flags byte
			if i < len(it.msg)-1 {
				flags = flagMore
			}
			if len(f) <= copyUpTo {
				head = appendFrame(head, f, flags)
				continue
			}
			head = appendFrameHeader(head, len(f), flags)
			flush()
			bufs = append(bufs, f)
		}
	}
	flush()
	return bufs, head
}

// finish closes the connection when the queue has been written, or at the deadline.
func (p *Peer) finish(deadline time.Time) {
	p.conn.SetWriteDeadline(deadline)
	p.out.close()
	<-p.written
	if half, ok := p.conn.(interface{ CloseWrite() error }); ok {
		half.CloseWrite()
	}
	p.conn.Close()
}

// subscribed reports whether the peer wants messages of that topic.
func (p *Peer) subscribed(topic []byte) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	for t := range p.topics {
		if len(t) <= len(topic) && string(topic[:len(t)]) == t {
			return true
		}
	}
	return false
}
