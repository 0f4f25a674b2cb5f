package runpod

import (
	"cmp"
	"context"
	"sync"
	"time"
)

// A TimeLimit is how long an endpoint lets a job run whose Policy has no ExecutionTimeout.
type TimeLimit struct {
	Time time.Duration // MaxTimeout if the endpoint sets no limit of its own
	// Known is false if the management API did not say. Time is then DefaultTimeout, the
	// documented default of endpoints.
	Known bool
}

// Policy returns p with a TTL long enough for a job that runs as long as the limit allows, if
// p sets none itself.
func (l TimeLimit) Policy(p Policy) Policy {
	if run := cmp.Or(p.ExecutionTimeout, l.Time); p.TTL == 0 && run+time.Hour > DefaultTTL {
		p.TTL = min(run+time.Hour, MaxTimeout)
	}
	return p
}

// TimeLimit returns how long the endpoint lets a job run that is submitted without an
// ExecutionTimeout: what Config.Policy says or, if that says nothing, what the management API
// says about the endpoint. See Info for how often it is asked. No answer is not an error.
func (e *Endpoint) TimeLimit(ctx context.Context) TimeLimit {
	if t := e.client.config.Policy.ExecutionTimeout; t > 0 {
		return TimeLimit{t, true}
	}
	unknown := TimeLimit{Time: DefaultTimeout}
	info, err := e.Info(ctx)
	switch {
	case err != nil:
		return unknown
	case info.Timeout <= 0:
		return TimeLimit{MaxTimeout, true}
	}
	return TimeLimit{min(time.Duration(info.Timeout)*time.Millisecond, MaxTimeout), true}
}

// Info returns what the management API says about the endpoint. Unlike
// Management.Endpoint it waits for 3 s at most, because a run must not wait for it, and it
// returns an answer, or an error, again for 15 s, because each training of a sweep asks. If the
// job API is on this machine and no management API is given, it asks at the same address, where
// the local endpoint has both.
func (e *Endpoint) Info(ctx context.Context) (*EndpointInfo, error) {
	c := e.client
	if c.local && c.config.ManagementURL == DefaultManagementURL {
		own := *c
		own.config.ManagementURL = c.config.BaseURL
		c = &own
	}
	if !c.managesOwn() {
		return nil, invalid(opManage, e.ID, "%s has no management API that we know", c.config.BaseURL)
	}
	return c.infos.of(ctx, c.Management(), e.ID)
}

const (
	infoAge     = 15 * time.Second
	infoTimeout = 3 * time.Second
)

// infos are the answers of Info.
type infos struct {
	mu   sync.Mutex
	last map[EndpointID]knownInfo
}

type knownInfo struct {
	at   time.Time
	info *EndpointInfo
	err  error
}

func (s *infos) of(ctx context.Context, m *Management, id EndpointID) (*EndpointInfo, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if k, ok := s.last[id]; ok && time.Since(k.at) < infoAge {
		return k.info, k.err
	}
	asking, cancel := context.WithTimeout(ctx, infoTimeout)
	defer cancel()
	k := knownInfo{}
	k.info, k.err = m.Endpoint(asking, id)
	if ctx.Err() != nil {
		return k.info, k.err // says nothing about the service
	}
	k.at = time.Now()
	if s.last == nil {
		s.last = map[EndpointID]knownInfo{}
	}
	s.last[id] = k
	return k.info, k.err
}
