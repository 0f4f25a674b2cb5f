package zmtp

import (
	"bytes"
	"crypto/ecdh"
	"crypto/rand"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"sync"

	"github.com/go-zeromq/zmq4"
	"golang.org/x/crypto/nacl/box"
)

// ErrKey is the error for a peer that does not have the keys of an encrypted socket.
var ErrKey = errors.New("zmtp: the peer does not have the key")

// Keys are one side's long-term keys of an encrypted connection (CURVE: RFC 26). They
// are X25519 keys.
type Keys struct {
	Public, Secret [32]byte
	// Server is the public key of the socket that a dialing socket connects to. Nobody can
	// connect without it; in Jupyter, whoever can read the connection file has it.
	Server [32]byte
}

// NewKeys returns random keys, whose Server is zero.
func NewKeys() (Keys, error) {
	public, secret, err := box.GenerateKey(rand.Reader)
	if err != nil {
		return Keys{}, fmt.Errorf("zmtp: %w", err)
	}
	return Keys{Public: *public, Secret: *secret}, nil
}

// PairOf returns the key pair of a secret key. Server is zero.
func PairOf(secret [32]byte) (Keys, error) {
	private, err := ecdh.X25519().NewPrivateKey(secret[:])
	if err != nil {
		return Keys{}, fmt.Errorf("zmtp: %w", err)
	}
	return Keys{Public: [32]byte(private.PublicKey().Bytes()), Secret: secret}, nil
}

// A curve is the CURVE mechanism of one connection. During the handshake it is zmq4's
// Security. After it, opener and sealer (curve_frames.go) translate between boxes on the
// wire and plain frames, and zmq4 believes that the connection has no security.
type curve struct {
	keys Keys
	open bool // the handshake is done

	session *[32]byte // the key that both sides derive from their short-term keys
	sent    uint64    // the last short nonce that we used
	seen    uint64    // the last one that the peer used; each has to be larger
	ours    string    // prefix of the nonces of our messages
	theirs  string
}

// Type implements zmq4.Security.
func (c *curve) Type() zmq4.SecurityType {
	if c.open {
		return zmq4.NullSecurity
	}
	return zmq4.CurveSecurity
}

// Encrypt and Decrypt pass on the commands of the handshake, which already contain boxes.
func (*curve) Encrypt(w io.Writer, b []byte) (int, error) { return w.Write(b) }

// Decrypt implements zmq4.Security.
func (*curve) Decrypt(w io.Writer, b []byte) (int, error) { return w.Write(b) }

// Handshake implements zmq4.Security.
func (c *curve) Handshake(conn *zmq4.Conn, server bool) error {
	fn := c.client
	if server {
		fn = c.server
	}
	if err := fn(conn); err != nil {
		return err
	}
	c.open = true
	return nil
}

// Sizes of the parts of the commands, without the commands' names (RFC 26, "Grammar"):
//
//	HELLO     version (2) | zeros (72) | C' (32) | nonce (8) | Box[64 zeros](C'->S)
//	WELCOME   nonce (16) | Box[S' (32) | cookie (96)](S->C')
//	INITIATE  cookie (96) | nonce (8) | Box[C (32) | nonce (16) | vouch (80) | metadata](C'->S')
//	READY     nonce (8) | Box[metadata](S'->C')
//
// where vouch is Box[C' | S](C->S'). C and S are the long-term keys of client and
// server, C' and S' those of this connection.
const (
	keySize    = 32
	helloSize  = 2 + 72 + keySize + 8 + 64 + box.Overhead
	cookieSize = 96
	vouchSize  = 2*keySize + box.Overhead
)

const (
	toServer = "CurveZMQMESSAGEC"
	toClient = "CurveZMQMESSAGES"
)

// server runs the handshake of the listening side.
func (c *curve) server(conn *zmq4.Conn) error {
	c.ours, c.theirs = toClient, toServer
	// HELLO: its box shows that the client knows our public key.
	hello, err := command(conn, "HELLO")
	if err != nil {
		return err
	}
	if len(hello) != helloSize || hello[0] != 1 {
		return fmt.Errorf("%w: a HELLO of %d bytes, want %d of version 1", ErrProtocol, len(hello), helloSize)
	}
	client := [keySize]byte(hello[74:])
	c.seen = binary.BigEndian.Uint64(hello[106:])
	known, err := agree(&client, &c.keys.Secret)
	if err != nil {
		return err
	}
	if zeros, ok := box.OpenAfterPrecomputation(nil, hello[114:], shortNonce("CurveZMQHELLO---", c.seen), known); !ok || !bytes.Equal(zeros, make([]byte, 64)) {
		return fmt.Errorf("%w: its HELLO was not made with our public key", ErrKey)
	}
	// WELCOME. The cookie lets a server forget the client until INITIATE; ours keeps its
	// state, so the cookie is random.
	public, secret, err := box.GenerateKey(rand.Reader)
	if err != nil {
		return err
	}
	cookie := random(cookieSize)
	nonce := random(16)
	welcome := box.SealAfterPrecomputation(nonce, append(public[:], cookie...), longNonce("WELCOME-", nonce), known)
	if err := conn.SendCmd("WELCOME", welcome); err != nil {
		return err
	}
	// INITIATE
	initiate, err := command(conn, "INITIATE")
	if err != nil {
		return err
	}
	if len(initiate) < cookieSize+8+box.Overhead+keySize+16+vouchSize || !bytes.Equal(initiate[:cookieSize], cookie) {
		return fmt.Errorf("%w: an INITIATE of %d bytes, or with another cookie", ErrProtocol, len(initiate))
	}
	if c.session, err = agree(&client, secret); err != nil {
		return err
	}
	plain, err := c.unbox("CurveZMQINITIATE", initiate[cookieSize:])
	if err != nil {
		return err
	}
	long := [keySize]byte(plain)
	vouch, metadata := plain[keySize:keySize+16+vouchSize], plain[keySize+16+vouchSize:]
	vouched, err := agree(&long, secret)
	if err != nil {
		return err
	}
	both, ok := box.OpenAfterPrecomputation(nil, vouch[16:], longNonce("VOUCH---", vouch[:16]), vouched)
	if !ok || !bytes.Equal(both, append(client[:], c.keys.Public[:]...)) {
		return fmt.Errorf("%w: its vouch is not for this connection", ErrKey)
	}
	if err := conn.Peer.Meta.UnmarshalZMTP(metadata); err != nil {
		return err
	}
	// READY
	ours, err := conn.Meta.MarshalZMTP()
	if err != nil {
		return err
	}
	return conn.SendCmd("READY", c.box("CurveZMQREADY---", ours))
}

// client runs the handshake of the dialing side.
func (c *curve) client(conn *zmq4.Conn) error {
	c.ours, c.theirs = toServer, toClient
	public, secret, err := box.GenerateKey(rand.Reader)
	if err != nil {
		return err
	}
	known, err := agree(&c.keys.Server, secret)
	if err != nil {
		return err
	}
	c.sent = 1
	hello := make([]byte, 2+72, helloSize)
	hello[0] = 1
	hello = binary.BigEndian.AppendUint64(append(hello, public[:]...), c.sent)
	hello = box.SealAfterPrecomputation(hello, make([]byte, 64), shortNonce("CurveZMQHELLO---", c.sent), known)
	if err := conn.SendCmd("HELLO", hello); err != nil {
		return err
	}
	welcome, err := command(conn, "WELCOME")
	if err != nil {
		return err
	}
	if len(welcome) != 16+keySize+cookieSize+box.Overhead {
		return fmt.Errorf("%w: a WELCOME of %d bytes", ErrProtocol, len(welcome))
	}
	plain, ok := box.OpenAfterPrecomputation(nil, welcome[16:], longNonce("WELCOME-", welcome[:16]), known)
	if !ok {
		return fmt.Errorf("%w: its WELCOME was not made with the server's key", ErrKey)
	}
	server, cookie := [keySize]byte(plain), plain[keySize:]
	if c.session, err = agree(&server, secret); err != nil {
		return err
	}
	vouched, err := agree(&server, &c.keys.Secret)
	if err != nil {
		return err
	}
	nonce := random(16)
	vouch := box.SealAfterPrecomputation(bytes.Clone(nonce), append(public[:], c.keys.Server[:]...), longNonce("VOUCH---", nonce), vouched)
	metadata, err := conn.Meta.MarshalZMTP()
	if err != nil {
		return err
	}
	body := append(append(c.keys.Public[:len(c.keys.Public):len(c.keys.Public)], vouch...), metadata...)
	if err := conn.SendCmd("INITIATE", append(cookie, c.box("CurveZMQINITIATE", body)...)); err != nil {
		return err
	}
	ready, err := command(conn, "READY")
	if err != nil {
		return err
	}
	theirs, err := c.unbox("CurveZMQREADY---", ready)
	if err != nil {
		return err
	}
	return conn.Peer.Meta.UnmarshalZMTP(theirs)
}

// command receives a command of the handshake.
func command(conn *zmq4.Conn, want string) ([]byte, error) {
	cmd, err := conn.RecvCmd()
	if err != nil {
		return nil, err
	}
	if cmd.Name != want {
		return nil, fmt.Errorf("%w: command %q, want %s", ErrProtocol, cmd.Name, want)
	}
	return cmd.Body, nil
}

// box returns the next short nonce and the box of plain.
func (c *curve) box(prefix string, plain []byte) []byte {
	c.sent++
	return box.SealAfterPrecomputation(binary.BigEndian.AppendUint64(nil, c.sent), plain, shortNonce(prefix, c.sent), c.session)
}

// unbox opens a short nonce and its box. A nonce that is not larger than the last is a
// replay.
func (c *curve) unbox(prefix string, b []byte) ([]byte, error) {
	plain, err := c.unboxTo(nil, prefix, b)
	return plain, err
}

func (c *curve) unboxTo(dst []byte, prefix string, b []byte) ([]byte, error) {
	if len(b) < 8+box.Overhead {
		return nil, fmt.Errorf("%w: a box of %d bytes", ErrProtocol, len(b))
	}
	n := binary.BigEndian.Uint64(b)
	if n <= c.seen {
		return nil, fmt.Errorf("%w: nonce %d after %d, as in a replay", ErrProtocol, n, c.seen)
	}
	c.seen = n
	plain, ok := box.OpenAfterPrecomputation(dst, b[8:], shortNonce(prefix, n), c.session)
	if !ok {
		return nil, fmt.Errorf("%w: a box that was changed or made with another key", ErrKey)
	}
	return plain, nil
}

// agree returns the key that a public and a secret key share. It refuses public keys of
// low order, which share the same key with every secret key: otherwise a client could
// send a HELLO without our public key.
func agree(public, secret *[keySize]byte) (*[keySize]byte, error) {
	shared := new([keySize]byte)
	box.Precompute(shared, public, secret)
	if *shared == weak() {
		return nil, fmt.Errorf("%w: it sent a public key of low order", ErrKey)
	}
	return shared, nil
}

// weak returns the key that every secret key shares with a public key of low order.
var weak = sync.OnceValue(func() [keySize]byte {
	var shared, zero [keySize]byte
	box.Precompute(&shared, &zero, &[keySize]byte{1})
	return shared
})

// shortNonce returns a nonce of a prefix of 16 bytes and a counter.
func shortNonce(prefix string, n uint64) *[24]byte {
	nonce := new([24]byte)
	copy(nonce[:16], prefix)
	binary.BigEndian.PutUint64(nonce[16:], n)
	return nonce
}

// longNonce returns a nonce of a prefix of 8 bytes and 16 random ones.
func longNonce(prefix string, tail []byte) *[24]byte {
	nonce := new([24]byte)
	copy(nonce[:8], prefix)
	copy(nonce[8:], tail)
	return nonce
}

func random(n int) []byte {
	b := make([]byte, n)
	rand.Read(b) // never fails
	return b
}
