package kernel

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"os"
	"sync"
	"sync/atomic"
	"time"

	"github.com/gopherpod/gopherpod/kernel/history"
	"github.com/gopherpod/gopherpod/kernel/wire"
	"github.com/gopherpod/gopherpod/kernel/zmtp"
)

// Options configure a kernel. The zero value works.
type Options struct {
	// Version is the version of the program, for kernel_info.
	Version string
	// History is the file that keeps cells across sessions, history.DefaultPath()
	// for a user's kernel; empty keeps them in memory.
	History string
	// Redact removes secrets from a string. It is applied to every string that is
	// published or stored, possibly concurrently. Nil changes nothing.
	Redact func(string) string
	// Stream returns a function that removes secrets from a text that arrives in pieces.
	// The function takes the next piece and returns the text that may be published; if last
	// is set, it holds nothing back. Each stream of a cell has its own function. If Stream
	// is nil, only Redact is applied, to each piece.
	Stream func() func(piece string, last bool) string
	// Begin is called with the source of each cell before any of it is published or stored,
	// so that Redact can learn which secrets the cell is about to set. Nil does nothing.
	Begin func(source string)
	// Learn is called before each text is published or stored, so that Redact and Stream can
	// learn which secrets the running cell has set so far. Nil does nothing.
	Learn func()
	// Comms are the targets that front ends can open, by name.
	Comms map[string]CommTarget
	// Signals delivers signals of the process: os.Interrupt interrupts the cell, any
	// other signal stops the kernel. Nil means none.
	Signals <-chan os.Signal
	// ParentPID is the process that started the kernel: JPY_PARENT_PID. The kernel
	// stops when that process is gone. 0 means none.
	ParentPID int
	// Ports are the ports that ConnectionInfo.Listen has bound; Serve then needs the
	// connection info that Listen completed. Serve closes them. If Ports is nil, Serve
	// binds the ports itself.
	Ports *Ports
	// Ready is called when the sockets listen. The ports that were 0 are replaced
	// with the chosen ones.
	Ready func(ConnectionInfo)
	// Stats, if not nil, is updated while the kernel runs.
	Stats *Stats
	// Log receives messages for people debugging the kernel; nil drops them.
	Log *slog.Logger
}

// Stats counts what a kernel has seen.
type Stats struct {
	Requests atomic.Int64 // messages with a good signature
	Dropped  atomic.Int64 // garbage, bad signatures, connections that broke the protocol
	Slow     atomic.Int64 // clients dropped because they did not read
}

type server struct {
	ev      Evaluator
	opts    Options
	conn    ConnectionInfo
	key     wire.Key
	curve   *zmtp.Keys // nil: no encryption
	seen    wire.Seen
	session string
	seq     atomic.Int64
	stats   *Stats
	log     *slog.Logger
	redact  redactor
	handler map[string]handler

	pub     *publisher
	input   *input
	hist    *history.Store
	comms   comms
	cells   *mailbox[*request]
	code    *mailbox[*request] // requests on shell other than cells
	control *mailbox[*request]
	turns   *turns
	// count is the execution count of the next cell; the goroutine that runs cells owns it.
	count int

	ctx  context.Context
	stop context.CancelCauseFunc
}

// The most bytes that a peer may send before it has shown the key: in a message whose
// signature has not been checked yet, and in a heartbeat or a subscription, which have no
// signature.
const (
	maxUnsigned = 16 << 20
	maxBeat     = 64 << 10
)

// How long stopping may take: for cells to return, and for queued messages to be written.
const (
	stopWait = 2 * time.Second
	linger   = time.Second
)

// Serve runs a kernel on the sockets of conn. It returns nil after a
// shutdown_request, or the cause of ctx when ctx is done. It closes ev. If the kernel
// cannot start, the error wraps ErrConnection or comes from listening.
func Serve(ctx context.Context, conn ConnectionInfo, ev Evaluator, opts Options) error {
	key, err := wire.NewKey(conn.Key, conn.SignatureScheme)
	if err != nil {
		return fmt.Errorf("%w: %w", ErrConnection, err)
	}
	curve, err := conn.Curve()
	if err != nil {
		return err
	}
	s := newServer(conn, key, ev, opts)
	s.curve = curve
	if curve == nil && conn.Transport != "ipc" {
		s.log.Info("the connection is not encrypted: set transport_encryption in Jupyter's configuration, or its transport to ipc")
	}
	s.ctx, s.stop = context.WithCancelCause(ctx)
	defer s.stop(ErrClosed)
	s.hist = history.Open(opts.History)
	defer s.hist.Close()
	sockets, err := s.listen()
	defer func() {
		var wg sync.WaitGroup
		for _, sock := range sockets {
			wg.Go(func() { sock.Close(linger) })
		}
		wg.Wait()
	}()
	if err != nil {
		return err
	}
	s.run()
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	return nil
}

func newServer(conn ConnectionInfo, key wire.Key, ev Evaluator, opts Options) *server {
	s := &server{
		ev: ev, opts: opts, conn: conn, key: key,
		session: rand.Text(),
		stats:   opts.Stats,
		log:     opts.Log,
		redact:  redactor{opts.Redact, opts.Learn},
		comms:   comms{byID: map[string]*Comm{}},
		cells:   newMailbox[*request](),
		code:    newMailbox[*request](),
		control: newMailbox[*request](),
		turns:   newTurns(),
		count:   1,
	}
	if s.stats == nil {
		s.stats = &Stats{}
	}
	if s.log == nil {
		s.log = slog.New(slog.DiscardHandler)
	}
	s.handler = s.handlers()
	s.pub = &publisher{s: s}
	s.input = newInput(s)
	return s
}

// listen opens the five sockets. On an error it returns those that it has opened.
func (s *server) listen() (sockets []*zmtp.Socket, err error) {
	ports := s.opts.Ports
	if ports == nil {
		if ports, err = s.conn.Listen(); err != nil {
			return nil, err
		}
	}
	open := func(l net.Listener, cfg zmtp.Config) *zmtp.Socket {
		cfg.Dropped = s.peerDropped
		cfg.Curve = s.curve
		sock := zmtp.Serve(l, cfg)
		sockets = append(sockets, sock)
		return sock
	}
	router := func(receive func(*zmtp.Peer, zmtp.Message)) zmtp.Config {
		return zmtp.Config{Type: zmtp.Router, Receive: receive, MaxUnknown: maxUnsigned}
	}
	// Open iopub and stdin first: a request may need them immediately.
	s.pub.sock = open(ports.iopub, zmtp.Config{Type: zmtp.XPub, Subscribed: s.welcome, MaxMessage: maxBeat})
	s.input.sock = open(ports.stdin, router(s.input.receive))
	channel := func(m *mailbox[*request]) zmtp.Config {
		return router(func(p *zmtp.Peer, f zmtp.Message) { s.receive(m, p, f) })
	}
	open(ports.control, channel(s.control))
	open(ports.hb, zmtp.Config{Type: zmtp.Router, MaxMessage: maxBeat, MaxQueue: 4 * maxBeat, Receive: func(p *zmtp.Peer, f zmtp.Message) { p.Send(f) }})
	open(ports.shell, channel(s.code))
	return sockets, nil
}

func (s *server) peerDropped(_ *zmtp.Peer, err error) {
	if errors.Is(err, zmtp.ErrSlow) {
		s.stats.Slow.Add(1)
		s.log.Warn("client does not read", "err", err)
		return
	}
	s.drop(err)
}

// run handles requests until the kernel stops, and closes the evaluator.
func (s *server) run() {
	if s.opts.Ready != nil {
		s.opts.Ready(s.conn)
	}
	var wg sync.WaitGroup
	loop := func(m *mailbox[*request]) {
		for {
			r, ok := m.pop(s.ctx)
			if !ok {
				return
			}
			s.handle(r)
		}
	}
	wg.Go(s.runCells)
	wg.Go(func() { loop(s.code) })
	wg.Go(func() { loop(s.control) })
	wg.Go(func() { s.watchSignals(s.opts.Signals) })
	wg.Go(func() { s.watchParent(s.opts.ParentPID) })
	<-s.ctx.Done()
	wg.Go(func() {
		if err := guard(s.ev.Close); err != nil {
			s.log.Error("evaluator could not be closed", "err", err)
		}
	})
	ended := make(chan struct{})
	go func() { wg.Wait(); close(ended) }()
	select {
	case <-ended:
	case <-time.After(stopWait):
		s.log.Warn("a cell still runs while the kernel stops")
	}
}
