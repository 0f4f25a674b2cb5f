package kerneltest

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/gopherpod/gopherpod/kernel"
	"github.com/gopherpod/gopherpod/kernel/wire"
	"github.com/gopherpod/gopherpod/kernel/zmtp"
)

// A Channel is one of the sockets that take requests.
type Channel int

// The channels of a client.
const (
	Shell Channel = iota
	Control
	Stdin
)

// A Message is a message of the kernel, its content decoded.
type Message struct {
	wire.Message
	Content map[string]any
	// ParentID is the msg_id of the request that it belongs to, "" for none.
	ParentID string
}

// Type returns the msg_type.
func (m Message) Type() string { return m.Header.MsgType }

// A Client is a front end. Its methods fail the test instead of returning errors,
// and wait at most Timeout.
type Client struct {
	// Timeout is how long to wait for a message; Start sets it to 30 s.
	Timeout time.Duration
	// Stats are the statistics of the kernel.
	Stats *kernel.Stats
	// Conn is where the kernel listens.
	Conn kernel.ConnectionInfo

	t       testing.TB
	key     wire.Key
	session string
	socks   []*zmtp.Socket
	peers   map[Channel]*zmtp.Peer
	ended   chan struct{}
	err     error // of Serve, once ended is closed

	mu      sync.Mutex
	iopub   []Message            // everything that was published
	cells   map[string][]Message // the same, by msg_id of the request
	replies map[string]Message   // by msg_id of the request
	asked   []Message            // input_requests
	answer  func(prompt string, password bool) string
	changed chan struct{} // closed and replaced when a message has arrived
}

// Start runs a kernel over unix sockets until the test ends and connects a client
// to it. Change adapts the kernel's options.
func Start(t testing.TB, ev kernel.Evaluator, change ...func(*kernel.Options)) *Client {
	t.Helper()
	dir, err := os.MkdirTemp("", "kt") // t.TempDir may be too long for a socket
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	return StartAt(t, kernel.ConnectionInfo{
		Transport: "ipc", IP: filepath.Join(dir, "s"),
		ShellPort: 1, IOPubPort: 2, StdinPort: 3, ControlPort: 4, HBPort: 5,
		Key: rand.Text(), SignatureScheme: "hmac-sha256",
	}, ev, change...)
}

// StartAt is Start with a given connection.
func StartAt(t testing.TB, conn kernel.ConnectionInfo, ev kernel.Evaluator, change ...func(*kernel.Options)) *Client {
	t.Helper()
	ready := make(chan kernel.ConnectionInfo, 1)
	opts := kernel.Options{Version: "test", Stats: &kernel.Stats{}, Ready: func(c kernel.ConnectionInfo) { ready <- c }}
	for _, f := range change {
		f(&opts)
	}
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan struct{})
	var serveErr error
	go func() {
		defer close(ended)
		serveErr = kernel.Serve(ctx, conn, ev, opts)
	}()
	t.Cleanup(func() { cancel(); <-ended })
	select {
	case conn = <-ready:
	case <-ended:
		t.Fatal(serveErr)
	}
	c := Connect(t, conn)
	c.Stats, c.ended = opts.Stats, ended
	go func() { <-ended; c.mu.Lock(); c.err = serveErr; c.mu.Unlock() }()
	return c
}

// Connect connects another client to a kernel and returns when it is subscribed.
func Connect(t testing.TB, conn kernel.ConnectionInfo) *Client {
	t.Helper()
	c := &Client{
		Timeout: 30 * time.Second, Conn: conn,
		t: t, key: wire.Key(conn.Key), session: rand.Text(),
		peers:   map[Channel]*zmtp.Peer{},
		cells:   map[string][]Message{},
		replies: map[string]Message{},
		changed: make(chan struct{}),
	}
	t.Cleanup(func() { c.Close() })
	c.dial(conn.IOPubPort, zmtp.Sub, c.onIOPub).Subscribe("")
	c.peers[Shell] = c.dial(conn.ShellPort, zmtp.Dealer, c.onReply)
	c.peers[Control] = c.dial(conn.ControlPort, zmtp.Dealer, c.onReply)
	c.peers[Stdin] = c.dial(conn.StdinPort, zmtp.Dealer, c.onInput)
	c.Published("iopub_welcome", func(m Message) bool { return m.Type() == "iopub_welcome" })
	return c
}

func (c *Client) dial(port int, kind zmtp.SocketType, receive func(Message)) *zmtp.Peer {
	c.t.Helper()
	network, address, err := c.Conn.Address(port)
	if err != nil {
		c.t.Fatal(err)
	}
	curve, err := c.Conn.Curve()
	if err != nil {
		c.t.Fatal(err)
	}
	sock, peer, err := zmtp.Dial(network, address, zmtp.Config{
		Type: kind, Identity: c.session, Curve: curve,
		Receive: func(_ *zmtp.Peer, frames zmtp.Message) { receive(c.decode(frames)) },
	})
	if err != nil {
		c.t.Fatal(err)
	}
	c.socks = append(c.socks, sock)
	return peer
}

// Close disconnects the client; the kernel keeps running.
func (c *Client) Close() {
	for _, s := range c.socks {
		s.Close(0)
	}
}

func (c *Client) decode(frames [][]byte) Message {
	m, err := wire.Decode(frames, c.key)
	if err != nil {
		c.t.Errorf("the kernel sent an invalid message: %v", err)
		return Message{}
	}
	out := Message{Message: m}
	var parent wire.Header
	if err := json.Unmarshal(m.Content, &out.Content); err != nil {
		c.t.Errorf("content of %s: %v", m.Header.MsgType, err)
	}
	if err := json.Unmarshal(m.Parent, &parent); err != nil {
		c.t.Errorf("parent of %s: %v", m.Header.MsgType, err)
	}
	out.ParentID = parent.MsgID
	return out
}

// update changes the client's state and wakes the goroutines that wait for it.
func (c *Client) update(change func()) {
	c.mu.Lock()
	defer c.mu.Unlock()
	change()
	close(c.changed)
	c.changed = make(chan struct{})
}

func (c *Client) onIOPub(m Message) {
	c.update(func() {
		c.iopub = append(c.iopub, m)
		c.cells[m.ParentID] = append(c.cells[m.ParentID], m)
	})
}

func (c *Client) onReply(m Message) {
	c.update(func() {
		if _, twice := c.replies[m.ParentID]; twice {
			c.t.Errorf("a second %s for one request", m.Type())
		}
		c.replies[m.ParentID] = m
	})
}

func (c *Client) onInput(m Message) {
	c.update(func() { c.asked = append(c.asked, m) })
	if answer := c.answers(); answer != nil {
		prompt, _ := m.Content["prompt"].(string)
		password, _ := m.Content["password"].(bool)
		c.SendAs(Stdin, "input_reply", m.RawHeader, map[string]any{"value": answer(prompt, password)})
	}
}

// Answer sets the function that answers input_request; Execute then allows stdin. Nil,
// the initial value, means no answer.
func (c *Client) Answer(fn func(prompt string, password bool) string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.answer = fn
}

func (c *Client) answers() func(string, bool) string {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.answer
}

// wait waits until done, which is called with the lock held, returns true.
func (c *Client) wait(what string, done func() bool) {
	c.t.Helper()
	timer := time.NewTimer(c.Timeout)
	defer timer.Stop()
	for {
		c.mu.Lock()
		ok, changed := done(), c.changed
		c.mu.Unlock()
		if ok {
			return
		}
		select {
		case <-changed:
		case <-timer.C:
			c.t.Fatalf("%v went by without %s", c.Timeout, what)
		}
	}
}

// Send sends a message and returns its msg_id. It encodes content as JSON.
func (c *Client) Send(ch Channel, msgType string, content any) string {
	c.t.Helper()
	return c.SendAs(ch, msgType, nil, content)
}

// SendAs is Send with the header of the message that it answers.
func (c *Client) SendAs(ch Channel, msgType string, parent json.RawMessage, content any) string {
	c.t.Helper()
	id := rand.Text()
	body, err := wire.Marshal(content)
	if err != nil {
		c.t.Fatal(err)
	}
	m := wire.Message{
		Header: wire.Header{
			MsgID: id, Session: c.session, Username: "test", MsgType: msgType, Version: wire.Version,
			Date: time.Now().UTC().Format(time.RFC3339Nano),
		},
		Parent:  parent,
		Content: body,
	}
	c.SendFrames(ch, wire.Encode(m, c.key))
	return id
}

// SendFrames sends raw frames.
func (c *Client) SendFrames(ch Channel, frames [][]byte) {
	c.t.Helper()
	if err := c.peers[ch].Send(frames); err != nil {
		c.t.Fatal(err)
	}
}

// Reply waits for the reply to a request.
func (c *Client) Reply(id string) Message {
	c.t.Helper()
	var m Message
	c.wait("a reply", func() (ok bool) { m, ok = c.replies[id]; return ok })
	return m
}

// Replied reports whether the reply to a request has arrived.
func (c *Client) Replied(id string) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	_, ok := c.replies[id]
	return ok
}

// Request sends a request and waits for its reply.
func (c *Client) Request(ch Channel, msgType string, content any) Message {
	c.t.Helper()
	return c.Reply(c.Send(ch, msgType, content))
}

// Published waits for an iopub message for which fits returns true, and returns
// the first one.
func (c *Client) Published(what string, fits func(Message) bool) Message {
	c.t.Helper()
	return c.find(what, fits, func() []Message { return c.iopub })
}

// Output waits for an iopub message of a type that belongs to a request.
func (c *Client) Output(id, msgType string) Message {
	c.t.Helper()
	fits := func(m Message) bool { return m.Type() == msgType }
	return c.find(msgType, fits, func() []Message { return c.cells[id] })
}

// Idle waits until a request has been handled.
func (c *Client) Idle(id string) {
	c.t.Helper()
	fits := func(m Message) bool { return m.Content["execution_state"] == "idle" }
	c.find("idle", fits, func() []Message { return c.cells[id] })
}

// find waits for a message to appear in a growing list.
func (c *Client) find(what string, fits func(Message) bool, list func() []Message) (found Message) {
	c.t.Helper()
	seen := 0
	c.wait(what, func() bool {
		all := list()
		for ; seen < len(all); seen++ {
			if fits(all[seen]) {
				found = all[seen]
				return true
			}
		}
		return false
	})
	return found
}

// Asked waits for an input_request of a cell.
func (c *Client) Asked(id string) Message {
	c.t.Helper()
	var found Message
	c.wait("an input_request", func() bool {
		for _, m := range c.asked {
			if m.ParentID == id {
				found = m
				return true
			}
		}
		return false
	})
	return found
}

// IOPub returns everything published so far, in order.
func (c *Client) IOPub() []Message {
	c.mu.Lock()
	defer c.mu.Unlock()
	return append([]Message{}, c.iopub...)
}

// Ended waits until the kernel has stopped and returns the result of Serve.
func (c *Client) Ended() error {
	c.t.Helper()
	select {
	case <-c.ended:
	case <-time.After(c.Timeout):
		c.t.Fatal("the kernel has not ended")
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.err
}
