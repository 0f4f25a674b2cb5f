package local

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"strings"
	"sync"
	"time"
)

// A Server serves an endpoint with RunPod's job API, and those that the
// management API creates. Use it as an http.Handler, or let Start listen.
type Server struct {
	opt        Options
	guard      *guard
	key, token func() string // workers present token instead of the key
	ep         *endpoint

	ctx    context.Context // done after Close
	cancel context.CancelCauseFunc
	hooks  chan struct{} // limits concurrent webhooks
	faults faults

	account      account
	manageLimits *limiter

	mu        sync.Mutex
	closed    bool
	endpoints map[string]*endpoint // ep, and those that the management API created
	tasks     sync.WaitGroup       // tasks are added under mu, and only until closed is set

	http *http.Server // nil without a listener
	url  string
}

// An endpoint is a queue and its workers.
type endpoint struct {
	id     string
	q      *queue
	srv    *Server
	limits *limiter
	pool   *pool // nil: only attached workers
	logs   *workerLogs
	end    context.CancelCauseFunc // stops its workers; nil for the server's own endpoint

	// These are what the management API reports; the server's mu guards them.
	spec     endpointSpec
	version  int
	created  time.Time
	releases []release
}

// newEndpoint starts an endpoint; its workers stop when ctx is done.
func (s *Server) newEndpoint(ctx context.Context, id string, opt Options) (*endpoint, error) {
	e := &endpoint{id: id, q: newQueue(opt), srv: s, logs: newWorkerLogs(opt.Clock)}
	e.q.ended = s.notify
	e.q.fault = s.faults.onJob
	if opt.StateDir != "" {
		if err := openJournal(opt.StateDir, id, e.q); err != nil {
			return nil, err
		}
	}
	e.limits = newLimiter(opt.Clock, opt.Limits, e.q.runningWorkers)
	if opt.Handler != nil || opt.Runner != nil {
		e.pool = &pool{srv: s, ep: e, handler: opt.Handler, scaling: *opt.Scaling, cancels: map[string]context.CancelFunc{}}
		if opt.Handler == nil {
			e.pool.runner = opt.Runner
		}
		s.spawn(func() { e.pool.run(ctx) })
	}
	return e, nil
}

// New returns a Server without a listener; call Close to stop its workers.
func New(opt Options) (*Server, error) {
	opt, err := opt.withDefaults()
	if err != nil {
		return nil, err
	}
	return build(opt, nil)
}

// build returns a Server that is reached through ln or, if ln is nil, through
// ServeHTTP only. It may start workers, so it has to know its address.
func build(opt Options, ln net.Listener) (s *Server, err error) {
	key, token := opt.Key, workerToken(opt.Key)
	opt.Key = "" // from here on both are in closures, so that printing a Server does not show them
	s = &Server{opt: opt, guard: newGuard(key, token), key: func() string { return key }, token: func() string { return token }, hooks: make(chan struct{}, webhookAtOne)}
	if ln != nil {
		addr := ln.Addr().(*net.TCPAddr)
		s.guard.loopback = addr.IP.IsLoopback()
		s.url = "http://" + reachable(addr)
	}
	if err := s.Inject(opt.Faults...); err != nil {
		return nil, err
	}
	s.account = newAccount()
	s.manageLimits = newLimiter(opt.Clock, opt.Limits, func() int { return 0 })
	s.ctx, s.cancel = context.WithCancelCause(context.Background())
	if s.ep, err = s.newEndpoint(s.ctx, opt.EndpointID, opt); err != nil {
		s.cancel(err)
		return nil, err
	}
	s.ep.describe(opt)
	s.endpoints = map[string]*endpoint{s.ep.id: s.ep}
	return s, nil
}

// describe sets what the management API reports about the server's own endpoint.
func (e *endpoint) describe(opt Options) {
	e.version, e.created = 1, opt.Clock.Now()
	e.spec = endpointSpec{Name: e.id, Type: "QUEUE", containerSpec: containerSpec{Image: "local"}, Timeout: opt.ExecutionTimeout.Milliseconds(),
		Scaling: &scalingSpec{Type: "QUEUE_DELAY", QueueDelay: 4}, GPU: &gpuSpec{Pools: []string{"ADA_24"}}}
	if opt.Scaling != nil {
		e.spec.Workers = &workersSpec{Min: &opt.Scaling.Min, Max: &opt.Scaling.Max}
		if seconds := int(opt.Scaling.IdleTimeout / time.Second); seconds > 0 {
			e.spec.Workers.IdleTimeout = &seconds
		}
	}
	e.spec.complete()
}

// Start returns a Server that listens on opt.Listener or opt.Addr, until ctx is
// done or Close is called.
func Start(ctx context.Context, opt Options) (*Server, error) {
	opt, err := opt.withDefaults()
	if err != nil {
		return nil, err
	}
	ln := opt.Listener
	if ln == nil {
		var lc net.ListenConfig
		if ln, err = lc.Listen(ctx, "tcp", opt.Addr); err != nil {
			return nil, fmt.Errorf("local: %w", err)
		}
	}
	s, err := build(opt, ln)
	if err != nil {
		ln.Close()
		return nil, err
	}
	s.http = &http.Server{Handler: s, ReadHeaderTimeout: 10 * time.Second, IdleTimeout: idleTime,
		MaxHeaderBytes: 64 << 10, ErrorLog: log.New(io.Discard, "", 0),
		BaseContext: func(net.Listener) context.Context { return s.ctx }}
	s.spawn(func() {
		if err := s.http.Serve(ln); !errors.Is(err, http.ErrServerClosed) {
			s.opt.Log.Error("listener ended", "err", err)
		}
	})
	context.AfterFunc(ctx, func() { s.Close() })
	return s, nil
}

// idleTime is how long a connection is kept between two requests. It has to be longer than the
// 15 s after which the SDK's HTTP client (aiohttp) drops an idle connection itself: a worker
// sends a result once, and one that it sends into a closed connection is lost.
const idleTime = 2 * time.Minute

// reachable returns an address that a client on this machine can dial.
func reachable(a *net.TCPAddr) string {
	if a.IP.IsUnspecified() {
		return fmt.Sprintf("127.0.0.1:%d", a.Port)
	}
	return a.String()
}

// URL returns the server's root, such as "http://127.0.0.1:40123"; it is empty without a
// listener.
func (s *Server) URL() string { return s.url }

// BaseURL returns the counterpart of "https://api.runpod.ai/v2": the endpoint's
// operations are under BaseURL() + "/" + EndpointID().
func (s *Server) BaseURL() string { return s.url + "/v2" }

// Key returns what clients and workers present: "Authorization: Bearer <key>".
func (s *Server) Key() string { return s.key() }

// EndpointID returns the endpoint's name in paths.
func (s *Server) EndpointID() string { return s.opt.EndpointID }

// Health returns what GET /health answers.
func (s *Server) Health() Health { return s.ep.q.health() }

// LastResult returns when the last job that streamed something, as trainings do, ended; zero
// if there was none. Clients may still ask for its result, or collect what it left.
func (s *Server) LastResult() time.Time {
	q := s.ep.q
	q.mu.Lock()
	defer q.mu.Unlock()
	return q.lastResult
}

// closeTime is how long Close waits for handlers to stop.
const closeTime = 10 * time.Second

// Close closes the listener and the connections and cancels the contexts of the
// handlers with the cause ErrClosed. It waits 10 s at most for the handlers to
// return. It can be called more than once.
func (s *Server) Close() error {
	s.mu.Lock()
	s.closed = true
	s.mu.Unlock()
	for _, e := range s.all() { // first, so that reports of handlers that are stopping are dropped
		e.q.close()
	}
	s.cancel(ErrClosed)
	var err error
	if s.http != nil {
		err = s.http.Close()
	}
	done := make(chan struct{})
	go func() { s.tasks.Wait(); close(done) }()
	select {
	case <-done:
		return err
	case <-time.After(closeTime):
		return fmt.Errorf("local: a handler still runs %v after the server was closed", closeTime)
	}
}

// ServeHTTP serves clients and workers. It checks the key before it reveals
// anything.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	switch {
	case s.guard.foreign(r):
		writeError(w, http.StatusForbidden, "requests from other sites' pages are refused")
		return
	case !s.guard.authorised(r) && !s.guard.worker(r):
		w.Header().Set("WWW-Authenticate", "Bearer")
		if rest, ok := strings.CutPrefix(r.URL.Path, "/v2/"); ok && isManageRoot(strings.Split(rest, "/")[0]) {
			writeProblem(w, newProblem(http.StatusUnauthorized, "missing or unknown bearer token"))
			return
		}
		writeError(w, http.StatusUnauthorized, "unauthorized")
		return
	}
	if what, ok := strings.CutPrefix(r.URL.Path, "/twin/"); ok {
		s.serveTwin(w, r, what)
		return
	}
	rest, ok := strings.CutPrefix(r.URL.Path, "/v2/")
	if !ok {
		writeError(w, http.StatusNotFound, "not found")
		return
	}
	parts := strings.Split(rest, "/")
	if isManageRoot(parts[0]) {
		s.manage(w, r, parts)
		return
	}
	e := s.endpoint(parts[0])
	if e == nil {
		writeError(w, http.StatusNotFound, "endpoint not found")
		return
	}
	e.serve(w, r, parts[1:])
}
