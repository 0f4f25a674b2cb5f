package zmtp

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"io"
	"net"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"golang.org/x/crypto/nacl/box"
)

func keys(t testing.TB) *Keys {
	t.Helper()
	k, err := NewKeys()
	if err != nil {
		t.Fatal(err)
	}
	return &k
}

// knowing returns a client's keys for a server.
func knowing(t testing.TB, server *Keys) *Keys {
	k := keys(t)
	k.Server = server.Public
	return k
}

func TestCurveEchoes(t *testing.T) {
	server := keys(t)
	s := echo(t, "tcp", "127.0.0.1:0", Config{Curve: server, MaxUnknown: 10})
	p, got := dial(t, s, Config{Type: Dealer, Identity: "me", Curve: knowing(t, server)})
	for _, want := range []Message{{[]byte("a")}, {{}, []byte("b"), {}}, {[]byte("c"), make([]byte, 3<<20), make([]byte, 255)}} {
		p.Send(want)
		m := <-got
		if len(m) != len(want) || !bytes.Equal(bytes.Join(m, []byte("|")), bytes.Join(want, []byte("|"))) {
			t.Errorf("%d frames of %d bytes came back, want %d of %d", len(m), m.Size(), len(want), want.Size())
		}
	}
	if s.Lookup("me") == nil {
		t.Error("the identity is not known")
	}
}

func TestCurvePublishes(t *testing.T) {
	server := keys(t)
	s, err := Listen("tcp", "127.0.0.1:0", Config{Type: XPub, Curve: server, Subscribed: func(p *Peer, topic string) { p.Send(Message{[]byte("welcome " + topic)}) }})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close(0)
	p, got := dial(t, s, Config{Type: Sub, Curve: knowing(t, server)})
	p.Subscribe("a")
	if m := <-got; string(m[0]) != "welcome a" {
		t.Errorf("%q", m)
	}
	s.Publish(Message{[]byte("abc"), []byte("x")})
	if m := <-got; len(m) != 2 || string(m[1]) != "x" {
		t.Errorf("%q", m)
	}
}

// Nothing is sent in plain text.
func TestCurveHidesMessages(t *testing.T) {
	server := keys(t)
	s := echo(t, "tcp", "127.0.0.1:0", Config{Curve: server})
	conn, err := net.Dial("tcp", s.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	tap := &tapped{Conn: conn}
	c := newSocket(Config{Type: Dealer, Identity: "my identity", Curve: knowing(t, server), Receive: func(*Peer, Message) {}})
	got := make(chan Message, 1)
	c.cfg.Receive = func(_ *Peer, m Message) { got <- m }
	p, err := c.greet(tap)
	if err != nil {
		t.Fatal(err)
	}
	go c.serve(p)
	p.Send(Message{[]byte("a secret of the user")})
	if m := <-got; string(m[0]) != "a secret of the user" {
		t.Errorf("%q", m)
	}
	for _, secret := range []string{"a secret of the user", "my identity", "DEALER", string(server.Public[:])} {
		if strings.Contains(tap.out.String()+tap.in.String(), secret) {
			t.Errorf("%q can be read on the wire", secret)
		}
	}
}

type tapped struct {
	net.Conn
	in, out bytes.Buffer
}

func (c *tapped) Read(p []byte) (int, error) {
	n, err := c.Conn.Read(p)
	c.in.Write(p[:n])
	return n, err
}

func (c *tapped) Write(p []byte) (int, error) {
	c.out.Write(p)
	return c.Conn.Write(p)
}

// refusing returns an encrypted socket and the reasons why it drops connections.
func refusing(t *testing.T, cfg Config) (*Socket, chan error) {
	dropped := make(chan error, 10)
	cfg.Dropped = func(_ *Peer, err error) { dropped <- err }
	return echo(t, "tcp", "127.0.0.1:0", cfg), dropped
}

func TestCurveRefusesPeersWithoutTheKey(t *testing.T) {
	server := keys(t)
	s, dropped := refusing(t, Config{Curve: server})
	for name, c := range map[string]struct {
		curve *Keys
		want  error
	}{
		"no encryption":         {nil, nil},
		"another server's key":  {knowing(t, keys(t)), ErrKey},
		"a key of zeros":        {&Keys{}, nil}, // refused by the client itself
		"its own key as server": {func() *Keys { k := keys(t); k.Server = k.Public; return k }(), ErrKey},
	} {
		_, _, err := Dial("tcp", s.Addr().String(), Config{Type: Dealer, Curve: c.curve})
		if err == nil {
			t.Errorf("%s: connected", name)
		}
		if err := <-dropped; c.want != nil && !errors.Is(err, c.want) {
			t.Errorf("%s: %v, want %v", name, err, c.want)
		}
	}
	// A client with keys also refuses a server without keys, which may be an impostor.
	plain := echo(t, "tcp", "127.0.0.1:0", Config{})
	if _, _, err := Dial("tcp", plain.Addr().String(), Config{Type: Dealer, Curve: knowing(t, server)}); err == nil {
		t.Error("a client with keys connected to a server without encryption")
	}
	impostor := echo(t, "tcp", "127.0.0.1:0", Config{Curve: keys(t)})
	if _, _, err := Dial("tcp", impostor.Addr().String(), Config{Type: Dealer, Curve: knowing(t, server)}); err == nil {
		t.Error("a client connected to a server with another key")
	}
}

// A HELLO whose public key is of low order can be made without the server's key, because
// the shared key is the same whatever the server's key is.
func TestCurveRefusesKeysOfLowOrder(t *testing.T) {
	s, dropped := refusing(t, Config{Curve: keys(t)})
	for _, point := range []string{
		strings.Repeat("00", 32),
		"01" + strings.Repeat("00", 31),
		"e0eb7a7c3b41b8ae1656e3faf19fc46ada098deb9c32b1fd866205165f49b800",
		"ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
	} {
		public, err := hex.DecodeString(point)
		if err != nil {
			t.Fatal(err)
		}
		shared := weak()
		hello := make([]byte, 74)
		hello[0] = 1
		hello = binary.BigEndian.AppendUint64(append(hello, public...), 1)
		hello = box.SealAfterPrecomputation(hello, make([]byte, 64), shortNonce("CurveZMQHELLO---", 1), &shared)
		conn, err := net.Dial("tcp", s.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		conn.Write(appendCommand(curveGreeting(), "HELLO", hello))
		if err := <-dropped; !errors.Is(err, ErrKey) {
			t.Errorf("%s: %v, want ErrKey", point, err)
		}
		conn.Close()
	}
}

func curveGreeting() []byte {
	b := greeting()
	copy(b[12:], "CURVE")
	return b
}

// boxes returns the two ends of an encrypted connection after the handshake: the opener
// of one and the sealer of the other.
func boxes(limit uint64, wire io.Reader) (*opener, *sealer) {
	var session [32]byte
	copy(session[:], "the key of a session, 32 bytes..")
	in := &curve{session: &session, ours: toClient, theirs: toServer, seen: 2}
	out := &curve{session: &session, ours: toServer, theirs: toClient, sent: 2}
	return &opener{curve: in, in: bufio.NewReader(wire), limit: limit}, &sealer{curve: out}
}

func TestCurveRefusesReplaysAndChanges(t *testing.T) {
	_, seal := boxes(100, nil)
	first := bytes.Clone(seal.batch([]item{{msg: Message{[]byte("first")}}}))
	second := bytes.Clone(seal.batch([]item{{msg: Message{[]byte("second")}}}))
	large := bytes.Clone(seal.batch([]item{{msg: Message{make([]byte, 101)}}}))
	changed := bytes.Clone(first)
	changed[len(changed)-1] ^= 1
	backwards := &sealer{curve: &curve{session: seal.curve.session, ours: toClient, sent: 2}}
	reflected := bytes.Clone(backwards.batch([]item{{msg: Message{[]byte("first")}}}))
	short := []byte{0, 16, 7}
	short = append(append(short, "MESSAGE"...), make([]byte, 8)...)
	for name, c := range map[string]struct {
		wire []byte
		want error
	}{
		"in order":              {append(bytes.Clone(first), second...), io.EOF},
		"one twice":             {append(bytes.Clone(first), first...), ErrProtocol},
		"in the wrong order":    {append(bytes.Clone(second), first...), ErrProtocol},
		"changed":               {changed, ErrKey},
		"the kernel's own":      {reflected, ErrKey},
		"not encrypted":         {frames(Message{make([]byte, 60)}), ErrProtocol},
		"over the limit":        {large, ErrTooLarge},
		"2^62 bytes":            {[]byte("\x02\x40\x00\x00\x00\x00\x00\x00\x00"), ErrTooLarge},
		"2^64-1 bytes":          {[]byte("\x02\xff\xff\xff\xff\xff\xff\xff\xff"), ErrTooLarge},
		"shorter than a box":    {short, ErrProtocol},
		"outer flags with more": {append([]byte{1}, first[1:]...), ErrProtocol},
		"ends in a box":         {first[:20], io.ErrUnexpectedEOF},
	} {
		open, _ := boxes(100, bytes.NewReader(c.wire))
		_, err := io.ReadAll(open)
		if c.want == io.EOF && err == nil {
			continue
		}
		if !errors.Is(err, c.want) {
			t.Errorf("%s: %v, want %v", name, err, c.want)
		}
	}
}

func FuzzOpener(f *testing.F) {
	_, seal := boxes(1000, nil)
	f.Add(bytes.Clone(seal.batch([]item{{msg: Message{[]byte("a"), make([]byte, 300)}}})))
	f.Add([]byte("\x02\x40\x00\x00\x00\x00\x00\x00\x00"))
	f.Fuzz(func(t *testing.T, b []byte) {
		open, _ := boxes(1000, bytes.NewReader(b))
		io.ReadAll(open)
	})
}

func TestZ85(t *testing.T) {
	// The key pair of RFC 26's test, in the encoding of RFC 32.
	const text = "rq:rM>}U?@Lns47E1%kR.o@n%FcmmsL/@{H8]yf7"
	key, err := ParseKey(text)
	if err != nil || hex.EncodeToString(key[:4]) != "54fcba24" || FormatKey(key) != text {
		t.Errorf("%x, %v", key, err)
	}
	for _, bad := range []string{"", "short", text + " ", strings.Repeat("~", 40), strings.Repeat("#", 40), strings.Repeat("é", 20)} {
		if _, err := ParseKey(bad); !errors.Is(err, ErrZ85) || bad != "" && strings.Contains(err.Error(), bad) {
			t.Errorf("%q: %v", bad, err)
		}
	}
}

// pyzmq, which uses libzmq, talks to our socket, and gets no answer without the key.
func TestCurveInterop(t *testing.T) {
	python := pyzmq(t)
	server := keys(t)
	s := echo(t, "tcp", "127.0.0.1:0", Config{Curve: server})
	cmd := exec.CommandContext(t.Context(), python, "-c", `
import os, sys, traceback, zmq
def fail(kind, value, trace): # without waiting for sockets
    traceback.print_exception(kind, value, trace)
    os._exit(1)
sys.excepthook = fail
address, public = sys.argv[1], sys.argv[2].encode()
ctx = zmq.Context()
def dealer(server, identity):
    s = ctx.socket(zmq.DEALER)
    s.linger, s.rcvtimeo, s.identity = 0, 20000, identity
    if server:
        s.curve_publickey, s.curve_secretkey = zmq.curve_keypair()
        s.curve_serverkey = server
    s.connect(address)
    return s
s = dealer(public, b"libzmq")
for frames in ([b"a"], [b"", b"b" * 300, b""], [b"c" * (5 << 20)]):
    s.send_multipart(frames)
    assert s.recv_multipart() == frames
for server in (None, zmq.curve_keypair()[0]):
    s = dealer(server, b"thief")
    s.rcvtimeo = s.sndtimeo = 500
    try:
        s.send(b"x") # waits if libzmq has already given up the connection
        s.recv()
        raise SystemError("an answer without the key")
    except zmq.Again:
        pass
print("fine")
`, "tcp://"+s.Addr().String(), FormatKey(server.Public))
	out, err := cmd.CombinedOutput()
	if err != nil || string(out) != "fine\n" {
		t.Errorf("%v: %s", err, out)
	}
}

// Our dialing side talks to libzmq.
func TestCurveInteropClient(t *testing.T) {
	python := pyzmq(t)
	server := keys(t)
	cmd := exec.CommandContext(t.Context(), python, "-u", "-c", `
import sys, zmq
s = zmq.Context().socket(zmq.ROUTER)
s.linger = 0
s.curve_server, s.curve_publickey, s.curve_secretkey = True, sys.argv[1].encode(), sys.argv[2].encode()
print(s.bind_to_random_port("tcp://127.0.0.1"), flush=True)
while True:
    s.send_multipart(s.recv_multipart())
`, FormatKey(server.Public), FormatKey(server.Secret))
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	defer cmd.Wait()
	defer cmd.Process.Kill()
	port := make([]byte, 10)
	n, err := stdout.Read(port)
	if err != nil {
		t.Fatal(err)
	}
	got := make(chan Message, 1)
	c, p, err := Dial("tcp", "127.0.0.1:"+strings.TrimSpace(string(port[:n])), Config{
		Type: Dealer, Identity: "go", Curve: knowing(t, server), Receive: func(_ *Peer, m Message) { got <- m },
	})
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close(0)
	p.Send(Message{[]byte("a"), make([]byte, 1000)})
	select {
	case m := <-got:
		if len(m) != 2 || len(m[1]) != 1000 {
			t.Errorf("%d frames", len(m))
		}
	case <-time.After(10 * time.Second):
		t.Error("no answer from libzmq")
	}
}

// pyzmq returns a Python that has pyzmq. ./test.sh names one.
func pyzmq(t *testing.T) string {
	t.Helper()
	python := os.Getenv("GOPHERPOD_ZMQ_PYTHON")
	if python == "" {
		t.Skip("GOPHERPOD_ZMQ_PYTHON names no Python with pyzmq")
	}
	return python
}
