package session

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/gopherpod/gopherpod/kernel"
	"github.com/gopherpod/gopherpod/kernel/session/frame"
	"github.com/gopherpod/gopherpod/kernel/session/supervisor"
)

// An execution is one call of Execute.
type execution struct {
	ctx    context.Context
	cancel context.CancelCauseFunc
	cell   kernel.Cell
	out    kernel.Output
	// again is not nil while a magic runs: a second interrupt closes it, and a third
	// one kills the process. Guarded by Session.mu.
	again chan struct{}
}

// progress shows in the cell what is being fetched or compiled for it.
func (x *execution) progress(line string) { x.out.Stream("stderr", []byte(line+"\n")) }

// A run is one command to the session process that has output: a compiled
// segment, a magic, or the cell that declares a magic's variable. It outlives its
// call of Execute, because its goroutines may.
type run struct {
	out     kernel.Output
	x       *execution
	started func()           // called when it is loaded, before it runs; then set to nil
	done    chan frame.Event // receives the done event
	held    chan struct{}    // holds a token when a magic goes on until it is interrupted again
}

// keepRuns is how many runs are remembered for goroutines that outlive them.
const keepRuns = 2000

// A second interrupt kills the session process if the first one was answered but
// the cell goes on, or if there was no answer for secondInterrupt. An earlier one
// counts as part of the first: people press twice. forgetAbandoned is how long an
// interrupt while no cell runs still refers to the cell that did not stop.
const (
	secondInterrupt = time.Second
	forgetAbandoned = 10 * time.Second
)

const diedInterrupted = "it was interrupted twice and did not stop"

// stuck is how long the session may take to answer an interrupt. It answers
// after 8 s at most, even if the cell does not stop, unless a magic is held: then the
// time begins with the second interrupt.
const stuck = 12 * time.Second

// Execute runs one cell.
func (s *Session) Execute(ctx context.Context, c kernel.Cell, out kernel.Output) error {
	s.execMu.Lock()
	defer s.execMu.Unlock()
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	x := &execution{ctx: ctx, cancel: cancel, cell: c, out: out}
	s.mu.Lock()
	if s.closed {
		s.mu.Unlock()
		return evalError(nameInternal, supervisor.ErrClosed.Error())
	}
	s.current = x
	s.mu.Unlock()
	s.sources.add(c.Count, c.Source)
	defer func() {
		s.mu.Lock()
		s.current = nil
		s.mu.Unlock()
	}()
	for _, seg := range split(c.Source) {
		if ctx.Err() != nil {
			return s.wrap(context.Cause(ctx))
		}
		if err := s.segment(x, seg); err != nil {
			if errors.Is(err, errExitedOK) {
				return nil
			}
			return s.wrap(err)
		}
	}
	return nil
}

func (s *Session) segment(x *execution, seg segment) error {
	switch seg.kind {
	case helpFor:
		return s.help(x, seg.name)
	case goCode:
		return s.goSegment(x, seg.code)
	}
	return s.magic(x, seg)
}

// wrap converts any error to one that is fit to show to the user.
func (s *Session) wrap(err error) error {
	var ee *kernel.EvalError
	switch {
	case errors.As(err, &ee):
		return ee
	case errors.Is(err, supervisor.ErrInterrupted) || errors.Is(err, context.Canceled):
		return evalError(nameInterrupted, "interrupted")
	}
	return evalError(nameInternal, err.Error())
}

// Interrupt stops the running cell. A second interrupt kills the session process if
// the cell has not stopped by then, see secondInterrupt. While a magic runs, the
// second one notifies the magic, which may be cleaning up, and the third one kills
// the process.
func (s *Session) Interrupt() {
	s.mu.Lock()
	defer s.mu.Unlock()
	now := time.Now()
	x := s.current
	switch {
	case x == nil:
		if !s.abandoned.IsZero() && now.Sub(s.abandoned) < forgetAbandoned {
			s.abandoned = time.Time{}
			s.kill(diedInterrupted)
		}
	case x.ctx.Err() == nil:
		s.again, s.abandoned = now, time.Time{}
		x.cancel(supervisor.ErrInterrupted)
	case x.again != nil:
		close(x.again)
		x.again = nil
		s.again = now
	case now.Sub(s.again) >= secondInterrupt:
		s.kill(diedInterrupted)
	}
}

// kill kills the session process.
func (s *Session) kill(why string) {
	if p := s.super.Process(); p != nil {
		p.Kill(why)
	}
}

// start sends a command as a run and waits until it is done.
func (s *Session) start(x *execution, p *supervisor.Process, c frame.Command, started func()) (frame.Event, error) {
	r := &run{out: x.out, x: x, started: started, done: make(chan frame.Event, 1), held: make(chan struct{}, 1)}
	s.mu.Lock()
	s.lastRun++
	c.ID, c.Count = s.lastRun, x.cell.Count
	s.runs[c.ID] = r
	delete(s.runs, c.ID-keepRuns)
	s.mu.Unlock()
	s.super.Connect(p, x.cell.Interactive)
	if err := p.Send(c); err != nil {
		<-p.Exited()
		return frame.Event{}, s.buried(p)
	}
	if x.cell.Interactive {
		ctx, cancel := context.WithCancel(x.ctx)
		defer cancel()
		go s.super.ServeStdin(ctx, p, func(ctx context.Context) (string, error) { return x.out.Input(ctx, "", false) })
	}
	return s.await(x, p, r, c.ID)
}

// await waits until a run is done, and passes an interrupt on.
func (s *Session) await(x *execution, p *supervisor.Process, r *run, id int) (frame.Event, error) {
	interrupt := x.ctx.Done()
	s.mu.Lock()
	again := x.again
	s.mu.Unlock()
	var late <-chan time.Time
	held := false
	cut := false // the interrupt has aborted a read: the cell may finish without noticing
	over := func(e frame.Event) (frame.Event, error) {
		if e.Failure != nil {
			if e.Failure.Kind == frame.FailedAbandoned {
				s.mu.Lock()
				s.abandoned = time.Now()
				s.mu.Unlock()
			}
			return e, s.failed(e.Failure)
		}
		if cut {
			return e, supervisor.ErrInterrupted
		}
		return e, nil
	}
	for {
		select {
		case e := <-r.done:
			return over(e)
		case <-p.Exited():
			select {
			case e := <-r.done: // sent before the process exited
				return over(e)
			default:
			}
			return frame.Event{}, s.buried(p)
		case <-interrupt:
			interrupt = nil
			p.Send(frame.Command{Op: frame.Interrupt, ID: id})
			cut = s.super.CutRead(p)
			if !held {
				late = time.After(stuck)
			}
		case <-r.held:
			held, late = true, nil
		case <-again:
			again = nil
			p.Send(frame.Command{Op: frame.Interrupt, ID: id})
			late = time.After(stuck)
		case <-late:
			p.Kill(fmt.Sprintf("it did not answer an interrupt within %v", stuck))
		}
	}
}

// setAgain sets the channel that a second interrupt closes.
func (s *Session) setAgain(x *execution, again chan struct{}) {
	s.mu.Lock()
	x.again = again
	s.mu.Unlock()
}

// event handles the events of the session process, one at a time.
func (s *Session) event(p *supervisor.Process, e frame.Event) {
	s.mu.Lock()
	r := s.runs[e.ID]
	s.mu.Unlock()
	if r == nil {
		s.log("event %s of unknown execution %d", e.Op, e.ID)
		return
	}
	switch e.Op {
	case frame.Started:
		p.SetTarget(r.out.Stream)
		r.started()
		r.started = nil // it refers to the unit, and so to all that the notebook defined then
	case frame.Done:
		r.started = nil
		s.super.SetDir(e.Name)
		s.super.Note(e.Env)
		r.done <- e
	case frame.Held:
		select {
		case r.held <- struct{}{}:
		default:
		}
	case frame.Result:
		r.out.Result(e.Unpack())
	case frame.Display:
		r.out.Display(e.Unpack())
	case frame.Clear:
		r.out.Clear(e.Update)
	case frame.Stream:
		r.out.Stream(e.Name, []byte(e.Text))
	case frame.Panic:
		ee, ok := s.failed(e.Failure).(*kernel.EvalError)
		if !ok { // os.Exit(0)
			return
		}
		r.out.Stream("stderr", []byte("in a goroutine: "+strings.Join(ee.Traceback, "\n")+"\n"))
	case frame.Define:
		go s.define(p, r, e)
	case frame.Input:
		go s.input(p, r, e)
	}
}

// input asks the user for a line on behalf of the session process.
func (s *Session) input(p *supervisor.Process, r *run, e frame.Event) {
	text, err := r.out.Input(r.x.ctx, e.Text, e.Update)
	c := frame.Command{Op: frame.Answer, Reply: e.Reply, Text: text}
	if err != nil {
		c.Err = err.Error()
	}
	p.Send(c)
}
