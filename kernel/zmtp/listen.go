package zmtp

import (
	"errors"
	"fmt"
	"net"
	"slices"
	"strconv"
	"sync"
	"sync/atomic"
	"time"
)

// Config configures a socket. The zero value works for every field except Type.
type Config struct {
	Type SocketType
	// Identity is what a dialing Dealer or Req sends to its peer.
	Identity string
	// Curve encrypts the connections (RFC 26): a listening socket accepts only peers that
	// know its public key, a dialing socket needs the server's. Nil means no encryption.
	Curve *Keys
	// Receive is called for every message, in the goroutine of its peer: it may be
	// called concurrently for several peers, and a slow Receive slows only its peer.
	Receive func(p *Peer, m Message)
	// Subscribed is called for every new subscription (XPub). What it sends to the
	// peer arrives before anything published on the topic. It must not block.
	Subscribed func(p *Peer, topic string)
	// Dropped is called when the connection to a peer ends for any reason except
	// that the peer left; p is nil if there was no handshake.
	Dropped func(p *Peer, err error)
	// MaxMessage is the largest message to accept, in bytes; 0 means 1 GiB.
	MaxMessage int
	// MaxUnknown is the largest message to accept from a peer before Trust, in bytes; 0
	// means MaxMessage. It does not apply to encrypted sockets, whose peers have shown
	// their key.
	MaxUnknown int
	// MaxPeers is how many peers may be connected; 0 means 256.
	MaxPeers int
	// MaxQueue is how many bytes may wait for one peer before it is dropped; 0
	// means 128 MiB.
	MaxQueue int
	// Pace is how many bytes may wait for every subscriber before Pace blocks; 0
	// means 8 MiB.
	Pace int
	// Stall is how long a peer may accept nothing before Pace stops waiting for it;
	// 0 means 1 s.
	Stall time.Duration
}

func (c Config) withDefaults() Config {
	if c.MaxMessage == 0 {
		c.MaxMessage = 1 << 30
	}
	if c.MaxPeers == 0 {
		c.MaxPeers = 256
	}
	if c.MaxQueue == 0 {
		c.MaxQueue = 128 << 20
	}
	if c.Pace == 0 {
		c.Pace = 8 << 20
	}
	if c.Stall == 0 {
		c.Stall = time.Second
	}
	return c
}

func (c Config) dropped(p *Peer, err error) {
	if c.Dropped != nil {
		c.Dropped(p, err)
	}
}

// handshakeTimeout is how long the handshake of a connection may take. No other
// connection waits for it.
const handshakeTimeout = 10 * time.Second

// maxGreets is how many connections may be in their handshake. One more closes the
// oldest: an honest handshake takes milliseconds.
const maxGreets = 64

// handover is how long a peer waits for the previous connection with its identity to end: a
// client may reconnect before the server has seen the end of its first connection.
const handover = time.Second

// ErrFull is the error for a peer of a socket that has Config.MaxPeers.
var ErrFull = errors.New("zmtp: too many peers")

// A Socket is one listening or dialing ZeroMQ socket.
type Socket struct {
	cfg      Config
	listener net.Listener
	moved    chan struct{} // holds a token after a peer has accepted something
	held     atomic.Int64  // bytes of unknown peers, see allowance
	names    atomic.Uint64
	wg       sync.WaitGroup

	mu     sync.Mutex
	peers  map[*Peer]bool
	greets []net.Conn // connections during their handshake, the oldest first
	byName map[string]*Peer
	closed bool
}

func newSocket(cfg Config) *Socket {
	return &Socket{
		cfg:    cfg.withDefaults(),
		moved:  make(chan struct{}, 1),
		peers:  map[*Peer]bool{},
		byName: map[string]*Peer{},
	}
}

// Listen opens a socket on a "tcp" or "unix" address.
func Listen(network, address string, cfg Config) (*Socket, error) {
	l, err := net.Listen(network, address)
	if err != nil {
		return nil, err
	}
	return Serve(l, cfg), nil
}

// Serve opens a socket on a listener, which the socket closes.
func Serve(l net.Listener, cfg Config) *Socket {
	s := newSocket(cfg)
	s.listener = l
	s.wg.Go(s.accept)
	return s
}

// Dial connects a socket of type Dealer, Req or Sub to one peer and returns when
// the handshake is done. The socket does not reconnect.
func Dial(network, address string, cfg Config) (*Socket, *Peer, error) {
	conn, err := net.DialTimeout(network, address, handshakeTimeout)
	if err != nil {
		return nil, nil, err
	}
	s := newSocket(cfg)
	p, err := s.greet(conn)
	if err != nil {
		conn.Close()
		return nil, nil, err
	}
	s.wg.Go(func() { s.serve(p) })
	return s, p, nil
}

// Addr returns the address that the socket listens on.
func (s *Socket) Addr() net.Addr { return s.listener.Addr() }

func (s *Socket) accept() {
	for {
		conn, err := s.listener.Accept()
		if errors.Is(err, net.ErrClosed) {
			return
		}
		if err != nil { // out of file descriptors: wait for others to close theirs
			time.Sleep(50 * time.Millisecond)
			continue
		}
		if err := s.admit(conn); err != nil {
			if errors.Is(err, net.ErrClosed) {
				conn.Close()
				return
			}
			s.cfg.dropped(nil, err)
			conn.Close()
			continue
		}
		s.wg.Go(func() {
			p, err := s.greet(conn)
			if err != nil {
				s.cfg.dropped(nil, err) // before the close, as in serve, so that a client that sees the close can rely on it
				conn.Close()
				return
			}
			s.serve(p)
		})
	}
}

// admit registers a connection that begins its handshake, or refuses it.
func (s *Socket) admit(conn net.Conn) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return net.ErrClosed
	}
	if len(s.peers) >= s.cfg.MaxPeers {
		return fmt.Errorf("%w: %d are connected", ErrFull, len(s.peers))
	}
	if len(s.greets) == maxGreets {
		s.greets[0].Close() // its greet returns with an error
		s.greets = s.greets[1:]
	}
	s.greets = append(s.greets, conn)
	return nil
}

// greet performs the handshake and adds the peer.
func (s *Socket) greet(conn net.Conn) (*Peer, error) {
	conn.SetDeadline(time.Now().Add(handshakeTimeout))
	defer func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.greets = slices.DeleteFunc(s.greets, func(c net.Conn) bool { return c == conn })
	}()
	h, err := handshake(conn, s.cfg, s.listener != nil)
	if err != nil {
		return nil, err
	}
	p := &Peer{
		sock: s, conn: conn, guard: h.guard, in: h.in, identity: h.identity,
		out:     newQueue(s.cfg.MaxQueue),
		written: make(chan struct{}),
		gone:    make(chan struct{}),
		topics:  map[string]bool{},
	}
	if h.curve != nil {
		p.seal = &sealer{curve: h.curve}
	}
	h.guard.post = func(frame []byte) { p.push(item{command: frame}) }
	if err := s.add(p); err != nil {
		return nil, err
	}
	conn.SetDeadline(time.Time{})
	s.unknown(p)
	return p, nil
}

// add registers a peer. A ROUTER refuses a peer whose identity belongs to another one:
// whoever took an identity would get the replies and the questions for its owner.
func (s *Socket) add(p *Peer) error {
	timer := time.NewTimer(handover)
	defer timer.Stop()
	for {
		owner, err := s.tryAdd(p)
		if owner == nil {
			return err
		}
		select {
		case <-owner.gone:
		case <-timer.C:
			return fmt.Errorf("%w: %q belongs to a peer that is connected", ErrIdentity, p.identity)
		}
	}
}

// tryAdd adds a peer, or returns the owner of its identity.
func (s *Socket) tryAdd(p *Peer) (owner *Peer, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return nil, net.ErrClosed
	}
	if s.listener != nil && len(s.peers) >= s.cfg.MaxPeers {
		return nil, fmt.Errorf("%w: %d are connected", ErrFull, len(s.peers))
	}
	if p.identity == "" {
		// A leading zero byte distinguishes generated names from chosen ones (RFC 28).
		p.identity = "\x00" + strconv.FormatUint(s.names.Add(1), 10)
	}
	if owner := s.byName[p.identity]; owner != nil && s.cfg.Type == Router {
		return owner, nil
	}
	s.peers[p] = true
	s.byName[p.identity] = p
	return nil, nil
}

// serve runs a peer until its connection ends.
func (s *Socket) serve(p *Peer) {
	go p.write()
	err := p.read()
	if errors.Is(err, ErrProtocol) || errors.Is(err, ErrTooLarge) || errors.Is(err, ErrKey) {
		s.cfg.dropped(p, err)
	}
	if u := p.guard.watch.unknown; u != nil {
		u.release()
	}
	s.mu.Lock()
	closing := s.closed
	delete(s.peers, p)
	if s.byName[p.identity] == p {
		delete(s.byName, p.identity)
	}
	close(p.gone)
	s.mu.Unlock()
	if !closing { // else Close writes what is queued and closes the connection
		p.kill()
	}
	<-p.written
}

// Lookup returns the connected peer with that identity, or nil.
func (s *Socket) Lookup(identity string) *Peer {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.byName[identity]
}

// Close refuses new peers, writes what is queued for at most linger, and closes
// every connection.
func (s *Socket) Close(linger time.Duration) error {
	s.mu.Lock()
	s.closed = true
	peers := make([]*Peer, 0, len(s.peers))
	for p := range s.peers {
		peers = append(peers, p)
	}
	for _, conn := range s.greets {
		conn.Close()
	}
	s.mu.Unlock()
	var err error
	if s.listener != nil {
		err = s.listener.Close()
	}
	deadline := time.Now().Add(linger)
	for _, p := range peers {
		s.wg.Go(func() { p.finish(deadline) })
	}
	s.wg.Wait()
	return err
}

func (s *Socket) receive(p *Peer, m Message) {
	if s.cfg.Type == XPub {
		s.subscription(p, m)
		return
	}
	if s.cfg.Receive != nil {
		s.cfg.Receive(p, m)
	}
}

// progress wakes a waiting Pace.
func (s *Socket) progress() {
	select {
	case s.moved <- struct{}{}:
	default:
	}
}
