package zmtp

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"path/filepath"
	"runtime"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/go-zeromq/zmq4"
)

// echo returns a ROUTER that sends back what it gets.
func echo(t *testing.T, network, addr string, cfg Config) *Socket {
	t.Helper()
	cfg.Type = Router
	cfg.Receive = func(p *Peer, m Message) { p.Send(m) }
	s, err := Listen(network, addr, cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close(0) })
	return s
}

// dial connects and returns what the peer sends.
func dial(t *testing.T, s *Socket, cfg Config) (*Peer, chan Message) {
	t.Helper()
	got := make(chan Message, 1000)
	cfg.Receive = func(_ *Peer, m Message) { got <- m }
	c, p, err := Dial(s.Addr().Network(), s.Addr().String(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close(0) })
	return p, got
}

func TestRouterEchoes(t *testing.T) {
	for _, at := range [][2]string{{"tcp", "127.0.0.1:0"}, {"unix", filepath.Join(t.TempDir(), "s")}} {
		s := echo(t, at[0], at[1], Config{})
		p, got := dial(t, s, Config{Type: Dealer, Identity: "me"})
		want := Message{[]byte("a"), {}, make([]byte, 3<<20)}
		p.Send(want)
		if m := <-got; len(m) != 3 || !bytes.Equal(m[2], want[2]) {
			t.Errorf("%s: %d frames came back", at[0], len(m))
		}
		if s.Lookup("me") == nil || s.Lookup("you") != nil {
			t.Errorf("%s: lookup by identity", at[0])
		}
	}
}

func TestZmq4Interop(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	s := echo(t, "tcp", "127.0.0.1:0", Config{})
	d := zmq4.NewDealer(ctx, zmq4.WithID(zmq4.SocketIdentity("zmq4")))
	defer d.Close()
	if err := d.Dial("tcp://" + s.Addr().String()); err != nil {
		t.Fatal(err)
	}
	if err := d.SendMulti(zmq4.NewMsgFrom([]byte("a"), make([]byte, 1000))); err != nil {
		t.Fatal(err)
	}
	if m, err := d.Recv(); err != nil || len(m.Frames) != 2 || len(m.Frames[1]) != 1000 {
		t.Errorf("%d frames, %v", len(m.Frames), err)
	}
	if s.Lookup("zmq4") == nil {
		t.Error("identity is not known")
	}

	subscribed := make(chan string, 1)
	pub, err := Listen("tcp", "127.0.0.1:0", Config{Type: XPub, Subscribed: func(_ *Peer, topic string) { subscribed <- topic }})
	if err != nil {
		t.Fatal(err)
	}
	defer pub.Close(0)
	sub := zmq4.NewSub(ctx)
	defer sub.Close()
	if err := sub.Dial("tcp://" + pub.Addr().String()); err != nil {
		t.Fatal(err)
	}
	sub.SetOption(zmq4.OptionSubscribe, "a")
	if topic := <-subscribed; topic != "a" {
		t.Errorf("topic %q", topic)
	}
	pub.Publish(Message{[]byte("b"), []byte("no")})
	pub.Publish(Message{[]byte("ab"), []byte("yes")})
	if m, err := sub.Recv(); err != nil || string(m.Frames[1]) != "yes" {
		t.Errorf("%v, %v", m, err)
	}
}

// Bytes that are not ZMTP end their connection and nothing else; a silent
// connection does not delay others.
func TestGarbageConnections(t *testing.T) {
	var dropped atomic.Int32
	s := echo(t, "tcp", "127.0.0.1:0", Config{MaxMessage: 1 << 20, Dropped: func(*Peer, error) { dropped.Add(1) }})
	silent, err := net.Dial("tcp", s.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer silent.Close()
	ready := append(greeting(), appendCommand(nil, "READY", appendProperty(nil, "Socket-Type", "DEALER"))...)
	garbage := [][]byte{
		[]byte("GET / HTTP/1.1\r\nHost: somebody\r\nAccept: text/html,application/xhtml+xml\r\n\r\n"),
		append(greeting(), appendCommand(nil, "HELLO", nil)...),
		append(greeting(), frames(Message{[]byte("early")})...),
		append(greeting(), appendCommand(nil, "READY", appendProperty(nil, "Socket-Type", "PULL"))...),
		append(ready, "\x02\x7f\xff\xff\xff\xff\xff\xff\xff"...),
		append(ready, "\xff\xff"...),
	}
	for i, g := range garbage {
		c, err := net.Dial("tcp", s.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		c.Write(g)
		c.SetReadDeadline(time.Now().Add(5 * time.Second))
		buf := make([]byte, 1<<10)
		for err == nil {
			_, err = c.Read(buf)
		}
		if ne := net.Error(nil); errors.As(err, &ne) && ne.Timeout() {
			t.Errorf("garbage %d: connection stays open", i)
		}
		c.Close()
	}
	p, got := dial(t, s, Config{Type: Dealer})
	p.Send(Message{[]byte("fine")})
	<-got
	if n := int(dropped.Load()); n != len(garbage) {
		t.Errorf("%d dropped, want %d", n, len(garbage))
	}
}

func TestPingIsAnswered(t *testing.T) {
	s := echo(t, "tcp", "127.0.0.1:0", Config{})
	c, err := net.Dial("tcp", s.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	c.SetDeadline(time.Now().Add(5 * time.Second))
	h, err := handshake(c, Config{Type: Dealer, MaxMessage: 100}, false)
	if err != nil {
		t.Fatal(err)
	}
	c.Write(appendCommand(nil, "PING", []byte("\x00\x0actx")))
	cmd, err := h.in.RecvCmd()
	if err != nil || cmd.Name != "PONG" {
		t.Errorf("%q, %v", cmd.Name, err)
	}
}

func TestReplyFollowsIdentity(t *testing.T) {
	peers := make(chan *Peer, 1)
	s, err := Listen("tcp", "127.0.0.1:0", Config{Type: Router, Receive: func(p *Peer, _ Message) { peers <- p }})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close(0)
	c, first, err := Dial("tcp", s.Addr().String(), Config{Type: Dealer, Identity: "me"})
	if err != nil {
		t.Fatal(err)
	}
	first.Send(Message{[]byte("request")})
	p := <-peers
	c.Close(0)
	again, got := dial(t, s, Config{Type: Dealer, Identity: "me"})
	again.Send(Message{[]byte("request")})
	<-peers
	for p.Send(Message{[]byte("reply")}) != nil { // until the server has seen that the first client is gone
		runtime.Gosched()
	}
	if m := <-got; string(m[0]) != "reply" {
		t.Errorf("%q", m)
	}
}

// One subscriber reads nothing at all; the other gets everything at once, and the
// publisher is not delayed. The stuck one is dropped when its queue is full.
func TestStuckSubscriber(t *testing.T) {
	dropped := make(chan error, 10)
	subscribed := make(chan bool, 2)
	s, err := Listen("tcp", "127.0.0.1:0", Config{
		Type: XPub, MaxQueue: 32 << 20, Pace: 4 << 20, Stall: time.Minute,
		Subscribed: func(*Peer, string) { subscribed <- true },
		Dropped:    func(_ *Peer, err error) { dropped <- err },
	})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close(0)
	stuck, err := net.Dial("tcp", s.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer stuck.Close()
	if _, err := handshake(stuck, Config{Type: Sub, MaxMessage: 1 << 20}, false); err != nil {
		t.Fatal(err)
	}
	stuck.Write(frames(Message{{1}}))
	p, got := dial(t, s, Config{Type: Sub})
	p.Subscribe("")
	<-subscribed
	<-subscribed
	const n = 1000
	go func() {
		for i := range n {
			s.Publish(Message{[]byte("t"), fmt.Append(nil, i), make([]byte, 100<<10)})
			s.Pace()
		}
	}()
	for i := range n {
		if m := <-got; string(m[1]) != fmt.Sprint(i) {
			t.Fatalf("message %d is %q", i, m[1])
		}
	}
	if err := <-dropped; !errors.Is(err, ErrSlow) {
		t.Error(err)
	}
}

// pipes is a listener over net.Pipe, for tests on virtual time.
type pipes struct {
	conns chan net.Conn
	done  chan struct{}
}

func (p *pipes) Accept() (net.Conn, error) {
	select {
	case c := <-p.conns:
		return c, nil
	case <-p.done:
		return nil, net.ErrClosed
	}
}
func (p *pipes) Close() error   { close(p.done); return nil }
func (p *pipes) Addr() net.Addr { return &net.UnixAddr{} }

func TestPaceGivesUpOnAStalledSubscriber(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := &pipes{conns: make(chan net.Conn), done: make(chan struct{})}
		s := Serve(l, Config{Type: XPub, Pace: 1000, Stall: time.Second, MaxQueue: 1 << 20})
		here, there := net.Pipe()
		l.conns <- there
		if err := handshakeInTurns(here); err != nil {
			t.Fatal(err)
		}
		here.Write(frames(Message{{1}}))
		synctest.Wait()
		start := time.Now()
		s.Publish(Message{make([]byte, 2000)})
		s.Pace()
		if d := time.Since(start); d != time.Second {
			t.Errorf("waited %v for a subscriber that reads nothing, want 1s", d)
		}
		start = time.Now()
		s.Publish(Message{make([]byte, 2000)})
		s.Pace()
		if d := time.Since(start); d != 0 {
			t.Errorf("waited %v a second time, want 0", d)
		}
		here.Close()
		s.Close(0)
	})
}

// handshakeInTurns runs a subscriber's handshake over a pipe without a buffer: both
// sides write first, so one of them has to do it in the background.
func handshakeInTurns(c net.Conn) error {
	hello := appendCommand(greeting(), "READY", appendProperty(nil, "Socket-Type", "SUB"))
	wrote := make(chan error, 1)
	go func() { _, err := c.Write(hello); wrote <- err }()
	head := make([]byte, greetingSize+2)
	if _, err := io.ReadFull(c, head); err != nil {
		return err
	}
	if _, err := io.CopyN(io.Discard, c, int64(head[greetingSize+1])); err != nil {
		return err
	}
	return <-wrote
}

func TestSilentConnectionIsDropped(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := &pipes{conns: make(chan net.Conn), done: make(chan struct{})}
		dropped := make(chan error, 1)
		s := Serve(l, Config{Type: Router, Dropped: func(_ *Peer, err error) { dropped <- err }})
		here, there := net.Pipe()
		defer here.Close()
		l.conns <- there
		start := time.Now()
		<-dropped
		if d := time.Since(start); d != handshakeTimeout {
			t.Errorf("dropped after %v", d)
		}
		s.Close(0)
	})
}

func TestCloseWritesWhatIsQueued(t *testing.T) {
	s, err := Listen("tcp", "127.0.0.1:0", Config{Type: Router, Receive: func(p *Peer, m Message) {
		for range 100 {
			p.Send(m)
		}
	}})
	if err != nil {
		t.Fatal(err)
	}
	p, got := dial(t, s, Config{Type: Dealer})
	p.Send(Message{make([]byte, 100<<10)})
	<-got
	s.Close(5 * time.Second)
	for range 99 {
		select {
		case <-got:
		case <-time.After(5 * time.Second):
			t.Fatal("messages are missing")
		}
	}
}
