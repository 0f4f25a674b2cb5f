package kernel

import (
	"context"
	"encoding/json"
	"errors"
	"time"

	"github.com/gopherpod/gopherpod/kernel/wire"
	"github.com/gopherpod/gopherpod/kernel/zmtp"
)

// The reasons why Input returns no answer.
var (
	// ErrNoStdin: the request does not allow stdin, or its client has no stdin channel.
	ErrNoStdin = errors.New("kernel: the front end does not allow input")
	// ErrInterrupted: the user interrupted the kernel instead of answering.
	ErrInterrupted = errors.New("kernel: interrupted while waiting for input")
	// ErrClosed: the kernel is shutting down.
	ErrClosed = errors.New("kernel: shut down")
)

// stdinRoute is the route to the user who runs a cell. A client opens its stdin
// channel with the identity of its shell channel.
type stdinRoute struct {
	allowed    bool
	identity   string
	identities [][]byte
	cell       string // msg_id of the request
}

// stdinWait is how long the kernel waits for a stdin channel: a client may run a
// cell before it has connected all its channels.
const stdinWait = 2 * time.Second

// answer is one input_reply. Its parent is the question, if the client sets it.
type answer struct {
	identity string
	parent   string
	value    string
}

// answers reports whether a answers the question of a cell. Some clients set no
// parent, others set the request of the cell.
func (a answer) answers(identity, question, cell string) bool {
	return a.identity == identity && (a.parent == "" || a.parent == question || a.parent == cell)
}

// input is the stdin channel: one question at a time.
type input struct {
	s       *server
	sock    *zmtp.Socket
	turn    chan struct{} // holds a token while no question is open
	answers chan answer
	stop    chan struct{} // a token is an interrupt
}

func newInput(s *server) *input {
	in := &input{s: s, turn: make(chan struct{}, 1), answers: make(chan answer, 16), stop: make(chan struct{})}
	in.turn <- struct{}{}
	return in
}

// receive takes an input_reply, and drops it if no question is open.
func (in *input) receive(p *zmtp.Peer, frames zmtp.Message) {
	m, err := in.s.decode(p, frames)
	if err != nil {
		in.s.drop(err)
		return
	}
	var c struct {
		Value string `json:"value"`
	}
	var parent wire.Header
	if m.Header.MsgType != "input_reply" || json.Unmarshal(m.Content, &c) != nil || json.Unmarshal(m.Parent, &parent) != nil {
		in.s.drop(errors.New("kernel: want an input_reply on the stdin channel"))
		return
	}
	select {
	case in.answers <- answer{p.Identity(), parent.MsgID, c.Value}:
	default:
	}
}

// interrupt cancels the open question, if any.
func (in *input) interrupt() {
	select {
	case in.stop <- struct{}{}:
	default:
	}
}

// Input implements Output.
func (o *output) Input(ctx context.Context, prompt string, password bool) (string, error) {
	if !o.stdin.allowed {
		return "", ErrNoStdin
	}
	o.flush() // output written before the question is shown before it
	return o.s.input.ask(ctx, o, content{"prompt": prompt, "password": password})
}

func (in *input) ask(ctx context.Context, o *output, question content) (string, error) {
	if err := in.wait(ctx, in.turn); err != nil {
		return "", err
	}
	defer func() { in.turn <- struct{}{} }()
	peer, err := in.peer(ctx, o.stdin.identity)
	if err != nil {
		return "", err
	}
	for drained := false; !drained; { // drop answers to abandoned questions
		select {
		case <-in.answers:
		default:
			drained = true
		}
	}
	m := in.s.message("input_request", o.parent, question)
	m.Identities = o.stdin.identities
	if err := peer.Send(wire.Encode(m, in.s.key)); err != nil {
		return "", ErrNoStdin
	}
	for {
		select {
		case a := <-in.answers:
			if a.answers(o.stdin.identity, m.Header.MsgID, o.stdin.cell) {
				return a.value, nil
			}
		case <-in.stop:
			return "", ErrInterrupted
		case <-ctx.Done():
			return "", context.Cause(ctx)
		case <-in.s.ctx.Done():
			return "", ErrClosed
		}
	}
}

// peer waits for the stdin channel of a client.
func (in *input) peer(ctx context.Context, identity string) (*zmtp.Peer, error) {
	for deadline := time.Now().Add(stdinWait); time.Now().Before(deadline); {
		if p := in.sock.Lookup(identity); p != nil {
			return p, nil
		}
		pause := make(chan struct{})
		timer := time.AfterFunc(10*time.Millisecond, func() { close(pause) })
		err := in.wait(ctx, pause)
		timer.Stop()
		if err != nil {
			return nil, err
		}
	}
	return nil, ErrNoStdin
}

// wait waits for c, or for an event that cancels every wait.
func (in *input) wait(ctx context.Context, c <-chan struct{}) error {
	select {
	case <-c:
		return nil
	case <-in.stop:
		return ErrInterrupted
	case <-ctx.Done():
		return context.Cause(ctx)
	case <-in.s.ctx.Done():
		return ErrClosed
	}
}
