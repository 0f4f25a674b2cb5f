package kernel

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"runtime/debug"
	"strings"

	"github.com/gopherpod/gopherpod/kernel/wire"
	"github.com/gopherpod/gopherpod/kernel/zmtp"
)

// content is the content of an outgoing message.
type content = map[string]any

// A request is one message from a client, with the peer to reply to.
type request struct {
	wire.Message
	peer *zmtp.Peer
	// turn counts the cells that came before this request.
	turn int
	// after runs when the request has been answered.
	after func()
}

// parse reads the content of a request.
func (r *request) parse(into any) error {
	if err := json.Unmarshal(r.Content, into); err != nil {
		return &EvalError{Name: "BadRequest", Value: r.Header.MsgType + ": " + err.Error()}
	}
	return nil
}

// A handler answers one type of message. It returns the content of the reply;
// nil content and no error mean that the type has no reply.
type handler func(ctx context.Context, r *request) (content, error)

func (s *server) handlers() map[string]handler {
	return map[string]handler{
		"kernel_info_request": s.kernelInfo,
		"connect_request":     s.connect,
		"complete_request":    s.complete,
		"inspect_request":     s.inspect,
		"is_complete_request": s.isComplete,
		"history_request":     s.history,
		"comm_info_request":   s.commInfo,
		"comm_open":           s.commOpen,
		"comm_msg":            s.commMsg,
		"comm_close":          s.commClose,
		"interrupt_request":   s.interruptRequest,
		"shutdown_request":    s.shutdownRequest,
	}
}

// receive passes frames from a channel to the goroutine that handles them. It
// runs in the peer's goroutine and must not block.
func (s *server) receive(channel *mailbox[*request], p *zmtp.Peer, frames zmtp.Message) {
	m, err := s.decode(p, frames)
	if err != nil {
		s.drop(err)
		return
	}
	s.stats.Requests.Add(1)
	r := &request{Message: m, peer: p}
	switch m.Header.MsgType {
	case "execute_request":
		s.turns.enter()
		s.cells.push(r)
	case "interrupt_request", "shutdown_request":
		s.control.push(r) // immediately, even if an old client sends it on shell
	default:
		r.turn = s.turns.entered()
		channel.push(r)
	}
}

// ErrReplay is the error for a message that the kernel has received before, or that it
// sent itself: the signature is valid, but the sender may not have the key.
var ErrReplay = errors.New("kernel: replayed message")

// decode reads a message and checks that its signature is valid and was not seen before.
func (s *server) decode(p *zmtp.Peer, frames zmtp.Message) (wire.Message, error) {
	m, err := wire.Decode(frames, s.key)
	if err != nil {
		return m, err
	}
	if m.Header.Session == s.session {
		return m, fmt.Errorf("%w: %s %s, sent by this kernel", ErrReplay, m.Header.MsgType, m.Header.MsgID)
	}
	if !s.seen.First(m.Signature) {
		return m, fmt.Errorf("%w: %s %s", ErrReplay, m.Header.MsgType, m.Header.MsgID)
	}
	p.Trust()
	return m, nil
}

func (s *server) drop(err error) {
	n := s.stats.Dropped.Add(1)
	s.log.Warn("dropped an invalid message or connection", "err", err, "dropped", n)
}

// handle runs a request that is not a cell: busy, reply, idle.
func (s *server) handle(r *request) {
	s.pub.status(r, "busy")
	var reply content
	err := guard(func() (err error) {
		h, ok := s.handler[r.Header.MsgType]
		if !ok {
			return s.unknown(r)
		}
		reply, err = h(s.ctx, r)
		return err
	})
	if err != nil && strings.HasSuffix(r.Header.MsgType, "_request") {
		reply = errorContent(err)
	}
	if reply != nil {
		s.reply(r, reply)
	}
	s.pub.status(r, "idle")
	if r.after != nil {
		r.after()
	}
}

// unknown returns the error for a message of an unknown type, and counts the message as
// dropped if it expects no answer.
func (s *server) unknown(r *request) error {
	if !strings.HasSuffix(r.Header.MsgType, "_request") {
		s.drop(fmt.Errorf("kernel: message of unknown type %q", r.Header.MsgType))
	}
	return &EvalError{Name: "NotSupported", Value: "the Go kernel does not know " + r.Header.MsgType}
}

// reply sends the answer to a request over the channel that the request came from.
func (s *server) reply(r *request, c content) {
	if _, ok := c["status"]; !ok {
		c["status"] = "ok"
	}
	m := s.message(strings.TrimSuffix(r.Header.MsgType, "_request")+"_reply", r.RawHeader, c)
	m.Identities = r.Identities
	if err := r.peer.Send(wire.Encode(m, s.key)); err != nil {
		s.log.Warn("reply could not be sent", "type", m.Header.MsgType, "err", err)
	}
}

// guard calls fn and turns a panic into an error. Every call of the evaluator
// goes through it, so that the kernel survives a broken evaluator.
func guard(fn func() error) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = &EvalError{
				Name:      "KernelPanic",
				Value:     fmt.Sprint(p),
				Traceback: strings.Split(strings.TrimSpace(string(debug.Stack())), "\n"),
			}
		}
	}()
	return fn()
}

// asEvalError converts any error to the type that front ends show.
func asEvalError(err error) *EvalError {
	if e := (*EvalError)(nil); errors.As(err, &e) {
		return e
	}
	return &EvalError{Name: "KernelError", Value: err.Error()}
}

// errorContent returns the content of an error reply and of the error message.
func errorContent(err error) content {
	e := asEvalError(err)
	trace := e.Traceback
	if len(trace) == 0 {
		trace = []string{e.Error()}
	}
	return content{"status": "error", "ename": e.Name, "evalue": e.Value, "traceback": trace}
}
