package kernel

import (
	"context"
	"encoding/json"
	"sync"
)

// A CommTarget is called when a front end opens a comm with its name. It may set
// c.OnMessage and c.OnClose; if it returns an error, the comm is closed.
type CommTarget func(c *Comm, data json.RawMessage) error

// A Comm is a channel of JSON between a front end and the kernel.
type Comm struct {
	ID     string
	Target string
	// OnMessage and OnClose are called in the order of the messages.
	OnMessage func(data json.RawMessage, buffers [][]byte)
	OnClose   func(data json.RawMessage)

	s      *server
	mu     sync.Mutex
	parent json.RawMessage // header of the message that is being handled
}

// Send sends a message to every front end.
func (c *Comm) Send(data any) { c.publish("comm_msg", data) }

// Close closes the comm on both sides.
func (c *Comm) Close() {
	if c.s.comms.remove(c.ID) != nil {
		c.publish("comm_close", content{})
	}
}

func (c *Comm) publish(msgType string, data any) {
	c.mu.Lock()
	parent := c.parent
	c.mu.Unlock()
	c.s.pub.send(parent, msgType, content{"comm_id": c.ID, "data": data})
}

func (c *Comm) handling(r *request) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.parent = r.RawHeader
}

// comms holds the open comms.
type comms struct {
	mu   sync.Mutex
	byID map[string]*Comm
}

func (cs *comms) add(c *Comm) {
	cs.mu.Lock()
	defer cs.mu.Unlock()
	cs.byID[c.ID] = c
}

func (cs *comms) get(id string) *Comm {
	cs.mu.Lock()
	defer cs.mu.Unlock()
	return cs.byID[id]
}

func (cs *comms) remove(id string) *Comm {
	cs.mu.Lock()
	defer cs.mu.Unlock()
	c := cs.byID[id]
	delete(cs.byID, id)
	return c
}

// commContent is the content of the three comm messages.
type commContent struct {
	ID     string          `json:"comm_id"`
	Target string          `json:"target_name"`
	Data   json.RawMessage `json:"data"`
}

// commInfo answers comm_info_request, for one target or for all.
func (s *server) commInfo(_ context.Context, r *request) (content, error) {
	var in commContent
	if err := r.parse(&in); err != nil {
		return nil, err
	}
	s.comms.mu.Lock()
	defer s.comms.mu.Unlock()
	open := content{}
	for id, c := range s.comms.byID {
		if in.Target == "" || in.Target == c.Target {
			open[id] = content{"target_name": c.Target}
		}
	}
	return content{"comms": open}, nil
}

// commOpen opens a comm, or closes it again if its target is unknown.
func (s *server) commOpen(_ context.Context, r *request) (content, error) {
	var in commContent
	if err := r.parse(&in); err != nil {
		return nil, err
	}
	c := &Comm{ID: in.ID, Target: in.Target, s: s}
	c.handling(r)
	target := s.opts.Comms[in.Target]
	if target == nil {
		s.log.Warn("comm for an unknown target", "target", in.Target)
		c.publish("comm_close", content{})
		return nil, nil
	}
	s.comms.add(c)
	if err := guard(func() error { return target(c, in.Data) }); err != nil {
		s.log.Error("comm could not be opened", "target", in.Target, "err", err)
		c.Close()
	}
	return nil, nil
}

func (s *server) commMsg(_ context.Context, r *request) (content, error) {
	var in commContent
	if err := r.parse(&in); err != nil {
		return nil, err
	}
	if c := s.comms.get(in.ID); c != nil && c.OnMessage != nil {
		c.handling(r)
		c.OnMessage(in.Data, r.Buffers)
	}
	return nil, nil
}

func (s *server) commClose(_ context.Context, r *request) (content, error) {
	var in commContent
	if err := r.parse(&in); err != nil {
		return nil, err
	}
	if c := s.comms.remove(in.ID); c != nil && c.OnClose != nil {
		c.handling(r)
		c.OnClose(in.Data)
	}
	return nil, nil
}
