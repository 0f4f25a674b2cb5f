package kernel

import (
	"encoding/json"
	"fmt"
	"sync"
	"time"

	"github.com/gopherpod/gopherpod/kernel/wire"
	"github.com/gopherpod/gopherpod/kernel/zmtp"
)

// message makes a message of this kernel. If the content cannot be encoded, which
// is a bug in the caller, the encodable part of it is sent.
func (s *server) message(msgType string, parent json.RawMessage, c content) wire.Message {
	body, err := wire.Marshal(s.redact.content(c))
	if err != nil {
		s.log.Error("content cannot be encoded", "type", msgType, "err", err)
		body, _ = wire.Marshal(encodable(c))
	}
	return wire.Message{
		Header: wire.Header{
			MsgID:    fmt.Sprintf("%s_%d", s.session, s.seq.Add(1)),
			Session:  s.session,
			Username: "kernel",
			Date:     time.Now().UTC().Format("2006-01-02T15:04:05.000000Z"),
			MsgType:  msgType,
			Version:  wire.Version,
		},
		Parent:  parent,
		Content: body,
	}
}

// encodable drops every value, at any depth of maps, that JSON cannot represent: a
// NaN in a bundle costs that entry, not the whole message.
func encodable(m map[string]any) map[string]any {
	out := map[string]any{}
	for k, v := range m {
		switch v := v.(type) {
		case map[string]any:
			out[k] = encodable(v)
		default:
			if _, err := json.Marshal(v); err == nil {
				out[k] = v
			}
		}
	}
	return out
}

// A publisher broadcasts on iopub.
type publisher struct {
	s    *server
	sock *zmtp.Socket

	mu sync.Mutex
	// cell is the request whose cell is running.
	cell *request
}

// send publishes one message. Messages from one goroutine keep their order.
func (p *publisher) send(parent json.RawMessage, msgType string, c content) {
	m := p.s.message(msgType, parent, c)
	m.Identities = [][]byte{[]byte("kernel." + p.s.session + "." + msgType)}
	p.sock.Publish(wire.Encode(m, p.s.key))
}

// status publishes busy or idle for a request. Front ends show the last status
// they saw, whatever its parent. When a request ends while a cell still runs, busy
// is therefore published again.
func (p *publisher) status(r *request, state string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.statusLocked(r, state)
	if state == "idle" && p.cell != nil {
		p.statusLocked(p.cell, "busy")
	}
}

// cellStatus is status for a cell.
func (p *publisher) cellStatus(r *request, state string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.cell = nil
	if state == "busy" {
		p.cell = r
	}
	p.statusLocked(r, state)
}

func (p *publisher) statusLocked(r *request, state string) {
	p.send(r.RawHeader, "status", content{"execution_state": state})
}

// welcome tells a new subscriber that it will miss nothing from now on (JEP 65).
func (s *server) welcome(peer *zmtp.Peer, topic string) {
	m := s.message("iopub_welcome", nil, content{"subscription": topic})
	m.Identities = [][]byte{[]byte(topic)}
	peer.Send(wire.Encode(m, s.key))
}
