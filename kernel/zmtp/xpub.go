package zmtp

import "time"

// Publish queues a message, whose first frame is its topic, for every peer that
// subscribed to it, and does not block. A peer whose queue runs full is dropped.
func (s *Socket) Publish(m Message) {
	for _, p := range s.all() {
		if p.subscribed(m[0]) {
			p.push(item{msg: m})
		}
	}
}

func (s *Socket) all() []*Peer {
	s.mu.Lock()
	defer s.mu.Unlock()
	peers := make([]*Peer, 0, len(s.peers))
	for p := range s.peers {
		peers = append(peers, p)
	}
	return peers
}

// Pace blocks while more than Config.Pace bytes wait for every subscriber, so
// that the publisher is no faster than the fastest of them. It stops waiting
// for a subscriber that accepts nothing for Config.Stall. So a cell that prints
// without end is slowed to the speed of its fastest reader, and a client that
// never reads slows nobody down.
func (s *Socket) Pace() {
	for {
		wait := s.behind(time.Now())
		if wait <= 0 {
			return
		}
		timer := time.NewTimer(wait)
		select {
		case <-s.moved:
		case <-timer.C:
		}
		timer.Stop()
	}
}

// behind returns how long Pace may wait for the next progress: zero if some
// subscriber keeps up or if all have stalled.
func (s *Socket) behind(now time.Time) time.Duration {
	wait := time.Duration(0)
	for _, p := range s.all() {
		if !p.subscriber() {
			continue
		}
		bytes, moved := p.out.load()
		left := s.cfg.Stall - now.Sub(moved)
		if left <= 0 && bytes > 0 {
			continue // stalled
		}
		if bytes <= s.cfg.Pace {
			return 0
		}
		wait = max(wait, left)
	}
	return wait
}

// subscription reads a subscriber's message: 1 or 0, and the topic.
func (s *Socket) subscription(p *Peer, m Message) {
	if len(m) != 1 || len(m[0]) == 0 || m[0][0] > 1 {
		return
	}
	s.subscribe(p, string(m[0][1:]), m[0][0] == 1)
}

// The most topics that one peer may subscribe to, and the most bytes that they may have
// together.
const (
	maxTopics     = 1024
	maxTopicBytes = 64 << 10
)

func (s *Socket) subscribe(p *Peer, topic string, on bool) {
	if s.cfg.Type != XPub {
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if !on {
		delete(p.topics, topic)
		return
	}
	size := len(topic)
	for t := range p.topics {
		size += len(t)
	}
	if len(p.topics) == maxTopics || size > maxTopicBytes {
		return
	}
	p.topics[topic] = true
	// With the lock held, Publish sees the topic only after Subscribed has run.
	if s.cfg.Subscribed != nil {
		s.cfg.Subscribed(p, topic)
	}
}

// Subscribe asks a peer that publishes for the messages whose topic begins with topic.
func (p *Peer) Subscribe(topic string) error {
	return p.Send(Message{append([]byte{1}, topic...)})
}

func (p *Peer) subscriber() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return len(p.topics) > 0
}
