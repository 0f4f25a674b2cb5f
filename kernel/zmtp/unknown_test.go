package zmtp

import (
	"errors"
	"net"
	"runtime"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// hello is the handshake of a DEALER without encryption.
func hello(identity string) []byte {
	meta := appendProperty(nil, "Socket-Type", "DEALER")
	if identity != "" {
		meta = appendProperty(meta, "Identity", identity)
	}
	return appendCommand(greeting(), "READY", meta)
}

// send connects to a socket and sends bytes.
func send(t *testing.T, s *Socket, b []byte) net.Conn {
	t.Helper()
	conn, err := net.Dial("tcp", s.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	conn.Write(b)
	return conn
}

// A peer cannot make a socket hold much memory before the handshake, or before it
// has shown a key.
func TestUnknownPeersAreBounded(t *testing.T) {
	dropped := make(chan error, 100)
	got := make(chan int, 100)
	s, err := Listen("tcp", "127.0.0.1:0", Config{
		Type: Router, MaxMessage: 1 << 30, MaxUnknown: 1 << 20,
		Dropped: func(_ *Peer, err error) { dropped <- err },
		Receive: func(p *Peer, m Message) {
			if string(m[0]) == "signed" {
				p.Trust()
			}
			got <- m.Size()
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close(0)
	gib := "\x02\x00\x00\x00\x00\x40\x00\x00\x00"
	for name, c := range map[string]struct {
		bytes []byte
		want  error
	}{
		"1 GiB in the handshake":   {append(greeting(), gib...), ErrProtocol},
		"1 GiB after it":           {append(hello(""), gib...), ErrTooLarge},
		"1 GiB of command":         {append(greeting(), "\x06\x00\x00\x00\x00\x40\x00\x00\x00"...), ErrTooLarge},
		"2 frames over the limit":  {append(hello(""), append(appendFrame(nil, make([]byte, 1<<20), flagMore), 0, 1)...), ErrTooLarge},
		"an identity of 256 bytes": {hello(strings.Repeat("i", 256)), ErrIdentity},
		"a generated identity":     {hello("\x001"), ErrIdentity},
	} {
		send(t, s, c.bytes)
		if err := <-dropped; !errors.Is(err, c.want) {
			t.Errorf("%s: %v, want %v", name, err, c.want)
		}
	}
	// Four of them hold all that unknown peers may hold; a fifth is refused, small messages are not.
	var half []net.Conn
	for range unknownShare {
		half = append(half, send(t, s, append(hello(""), appendFrameHeader(nil, 1<<20, 0)...)))
	}
	for s.held.Load() != unknownShare<<20 {
		runtime.Gosched() // the readers have not seen the headers yet
	}
	send(t, s, append(hello(""), appendFrameHeader(nil, 1<<20, 0)...))
	if err := <-dropped; !errors.Is(err, ErrTooLarge) {
		t.Errorf("the fifth: %v", err)
	}
	p, _ := dial(t, s, Config{Type: Dealer})
	p.Send(Message{make([]byte, freeMessage)})
	if n := <-got; n != freeMessage {
		t.Errorf("%d bytes", n)
	}
	// A peer that has the key is not limited, even if the others use the whole allowance.
	p.Send(Message{[]byte("signed")})
	<-got
	p.Send(Message{make([]byte, 8<<20)})
	if n := <-got; n != 8<<20 {
		t.Errorf("%d bytes", n)
	}
	for _, c := range half {
		c.Close()
	}
	for s.held.Load() != 0 {
		runtime.Gosched()
	}
}

// A peer that has no key and sends a large message slowly is dropped.
func TestSlowUnknownPeerIsDropped(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := &pipes{conns: make(chan net.Conn), done: make(chan struct{})}
		s := Serve(l, Config{Type: Router, MaxUnknown: 1 << 20})
		here, there := net.Pipe()
		l.conns <- there
		go here.Write(append(hello(""), appendFrameHeader(nil, 1<<20, 0)...))
		buf := make([]byte, 1<<10)
		start := time.Now()
		for {
			if _, err := here.Read(buf); err != nil {
				break
			}
		}
		if d := time.Since(start); d != unknownTime {
			t.Errorf("dropped after %v, want %v", d, unknownTime)
		}
		if s.held.Load() != 0 {
			t.Errorf("%d bytes are still counted", s.held.Load())
		}
		s.Close(0)
	})
}

func TestPeersAreBounded(t *testing.T) {
	dropped := make(chan error, 100)
	s := echo(t, "tcp", "127.0.0.1:0", Config{MaxPeers: 2, Dropped: func(_ *Peer, err error) { dropped <- err }})
	p, got := dial(t, s, Config{Type: Dealer, Identity: "a"})
	q, _ := dial(t, s, Config{Type: Dealer, Identity: "b"})
	for s.Lookup("b") == nil {
		runtime.Gosched()
	}
	send(t, s, nil)
	if err := <-dropped; !errors.Is(err, ErrFull) {
		t.Errorf("%v, want ErrFull", err)
	}
	p.Send(Message{[]byte("fine")})
	<-got
	q.kill()
	for s.Lookup("b") != nil {
		runtime.Gosched()
	}
	_, _ = dial(t, s, Config{Type: Dealer, Identity: "c"})
}

// If too many connections never complete their handshake, the oldest of them
// are closed; connected peers stay.
func TestSilentConnectionsAreBounded(t *testing.T) {
	dropped := make(chan error, 100)
	s := echo(t, "tcp", "127.0.0.1:0", Config{Dropped: func(_ *Peer, err error) { dropped <- err }})
	p, got := dial(t, s, Config{Type: Dealer})
	for range maxGreets + 10 {
		send(t, s, nil)
	}
	for range 10 {
		<-dropped
	}
	p.Send(Message{[]byte("fine")})
	<-got
	q, got := dial(t, s, Config{Type: Dealer})
	q.Send(Message{[]byte("fine")})
	<-got
}

// A second peer with the same identity is refused, because it would get what is
// meant for the first.
func TestIdentityIsNotTaken(t *testing.T) {
	dropped := make(chan error, 10)
	s := echo(t, "tcp", "127.0.0.1:0", Config{Dropped: func(_ *Peer, err error) { dropped <- err }})
	p, got := dial(t, s, Config{Type: Dealer, Identity: "owner"})
	p.Send(Message{[]byte("one")})
	<-got
	send(t, s, hello("owner"))
	if err := <-dropped; !errors.Is(err, ErrIdentity) {
		t.Errorf("%v, want ErrIdentity", err)
	}
	s.Lookup("owner").Send(Message{[]byte("a question")})
	if m := <-got; string(m[0]) != "a question" {
		t.Errorf("%q", m)
	}
	// The owner may connect again as soon as its connection has ended, or just before.
	p.conn.Close()
	again, got := dial(t, s, Config{Type: Dealer, Identity: "owner"})
	again.Send(Message{[]byte("two")})
	if m := <-got; string(m[0]) != "two" {
		t.Errorf("%q", m)
	}
}

func TestTopicsAreBounded(t *testing.T) {
	s, err := Listen("tcp", "127.0.0.1:0", Config{Type: XPub, Subscribed: func(p *Peer, topic string) { p.Send(Message{[]byte("subscribed")}) }})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close(0)
	p, got := dial(t, s, Config{Type: Sub})
	p.Subscribe(strings.Repeat("a", maxTopicBytes))
	<-got
	p.Subscribe("more") // is ignored
	p.Send(Message{append([]byte{0}, strings.Repeat("a", maxTopicBytes)...)})
	p.Subscribe("b")
	<-got
	s.mu.Lock()
	defer s.mu.Unlock()
	for p := range s.peers {
		p.mu.Lock()
		if len(p.topics) != 1 || !p.topics["b"] {
			t.Errorf("%d topics", len(p.topics))
		}
		p.mu.Unlock()
	}
}
