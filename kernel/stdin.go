package kernel

import (
	"context"
	"encoding/json"
	"errors"
	"time"

	"github.com/gopherpod/gopherpod/kernel/wire"
	"github.com/gopherpod/gopherpod/kernel/zmtp"
)

// Why Input has no answer.
var (
	// ErrNoStdin: the request does not allow stdin, or its client has no stdin channel.
	ErrNoStdin = errors.New("kernel: nobody can be asked: the front end does not allow input")
	// ErrInterrupted: the person interrupted the kernel instead.
	ErrInterrupted = errors.New("kernel: interrupted while waiting for input")
	// ErrClosed: the kernel shuts down.
	ErrClosed = errors.New("kernel: shut down")
)

// stdinRoute is the way to the person who runs a cell. A client opens its stdin
// channel under the identity of its shell channel.
type stdinRoute struct {
	allowed    bool
	identity   string
	identities [][]byte
	cell       string // msg_id of the request
}

// stdinWait is how long the kernel waits for a stdin channel: a client may run a
// cell before it has connected all its channels.
const stdinWait = 2 * time.Second

// answer is one input_reply. Its parent is the question, where the client says so.
type answer struct {
	identity string
	parent   string
	value    string
}

// answers reports whether it is the answer to a question for a cell. Some clients
// name no parent, some the cell.
func (a answer) answers(identity, question, cell string) bool {
	return a.identity == identity && (a.parent == "" || a.parent == question || a.parent == cell)
}

// input is the stdin channel: one question at a time.
type input struct {
	s       *server
	sock    *zmtp.Socket
	turn    chan struct{} // holds a token while nobody is asked
	answers chan answer
	stop    chan struct{} // a token is an interrupt
}

func newInput(s *server) *input {
	in := &input{s: s, turn: make(chan struct{}, 1), answers: make(chan answer, 16), stop: make(chan struct{})}
	in.turn <- struct{}{}
	return in
}

// receive takes an input_reply. One that nobody waits for is dropped.
func (in *input) receive(p *zmtp.Peer, frames zmtp.Message) {
	m, err := wire.Decode(frames, in.s.key)
	if err != nil {
		in.s.drop(err)
		return
	}
	var c struct {
		Value string `json:"value"`
	}
	var parent wire.Header
	if m.Header.MsgType != "input_reply" || json.Unmarshal(m.Content, &c) != nil || json.Unmarshal(m.Parent, &parent) != nil {
		in.s.drop(errors.New("kernel: no input_reply on the stdin channel"))
		return
	}
	select {
	case in.answers <- answer{p.Identity(), parent.MsgID, c.Value}:
	default:
	}
}

// interrupt ends the question that is open, if any.
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
	o.flush() // what the program said comes before what it asks
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
	for drained := false; !drained; { // answers to questions that were given up
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

// wait waits for c, and for what ends every wait.
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
