package magics

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/gopherpod/gopherpod/kernel/magic"
	"github.com/gopherpod/gopherpod/magics/render"
	"github.com/gopherpod/gopherpod/runpod"
	"github.com/gopherpod/gopherpod/runpod/train"
	"github.com/gopherpod/gopherpod/tensors/printable"
	"github.com/gopherpod/gopherpod/worker"
)

// A live view shows a training while it runs: one display that is redrawn at most
// four times a second, or a line per epoch if nobody watches.
type live struct {
	out     magic.Output
	id      string // of the display
	watched bool
	every   int               // epochs per line
	lines   func(runpod.Wait) // writes why the job waits, if nobody watches
	rate    train.Rate
	warm    func() string // what a warm worker costs beside the run

	mu      sync.Mutex
	p       render.Progress
	started time.Time
	queued  time.Time // when the job was in the queue
	first   time.Time // when the training began: the first event of the worker
	status  runpod.Status
	shown   bool
	changed chan struct{} // holds one token while there is something new to draw
	stop    chan struct{}
	stopped chan struct{}
}

// A subject is the run that a view shows.
type subject struct {
	id      string // of its display
	epochs  int    // number of the last epoch
	planned int    // how many of them this run trains
	loss    string
	history []worker.Epoch // before it
}

// newView starts the view of a run. The caller must call end.
func newView(ctx context.Context, c *magic.Call, s subject, title string, rate train.Rate) *live {
	l := &live{
		lines: waitLines(c),
		warm:  func() string { return warmCost(ctx) },
		rate:  rate, out: c.Out, id: s.id, watched: c.Interactive,
		every:   render.LineEvery(s.planned),
		started: time.Now(), changed: make(chan struct{}, 1), stop: make(chan struct{}), stopped: make(chan struct{}),
	}
	l.p.Epochs, l.p.Loss, l.p.Title = s.epochs, s.loss, title
	l.p.State = sending
	l.p.History = slices.Clip(s.history)
	if !l.watched {
		close(l.stopped)
		return l
	}
	l.draw()
	go l.redraw()
	return l
}

const sending = "sending the data"

// wait shows why the job waits for a worker; see runpod.Queue.
func (l *live) wait(w runpod.Wait) {
	if !l.watched {
		l.lines(w)
		return
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	switch {
	case w.Why != "":
		l.p.State = w.Why
	case l.status == "": // a job before the run's own
		l.p.State = sending
	}
	l.change()
}

// clockEvery is how often the view is redrawn if nothing else changes, because it
// shows the elapsed time.
const clockEvery = time.Second

// redraw draws what has changed, immediately if the previous frame is old enough.
func (l *live) redraw() {
	defer close(l.stopped)
	last := l.started
	for {
		clock := time.NewTimer(clockEvery)
		select {
		case <-l.stop:
			clock.Stop()
			return
		case <-clock.C:
		case <-l.changed:
			clock.Stop()
			select {
			case <-l.stop:
				return
			case <-time.After(time.Until(last.Add(render.FrameEvery))):
			}
		}
		last = time.Now()
		l.draw()
	}
}

// change notes that there is something new to draw.
func (l *live) change() {
	select {
	case l.changed <- struct{}{}:
	default:
	}
}

// event is called for each event of the training; see train.Observer.
func (l *live) event(e train.Event) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.change()
	if e.Type != "" && e.JobID != "" && l.first.IsZero() {
		l.first = time.Now()
	}
	switch e.Type {
	case "":
		if e.Notice != "" {
			fmt.Fprintln(l.out.Stdout(), e.Notice)
			return
		}
		l.status, l.p.State = e.Status, stateInWords(e.Status)
		if l.queued.IsZero() {
			l.queued = time.Now()
		}
	case worker.EventEpoch:
		l.p.History = append(l.p.History, *e.Epoch) // a frame being drawn reads only the earlier elements
		l.p.Batch = nil
		if !l.watched {
			l.line(*e.Epoch)
		}
	case worker.EventBatch:
		l.p.Batch = e.Batch
	case worker.EventLog:
		fmt.Fprintln(l.out.Stdout(), printable.Text(e.Message))
	}
}

func (l *live) line(e worker.Epoch) {
	n := len(l.p.History)
	if n == 1 || e.Epoch == l.p.Epochs || e.Epoch%l.every == 0 {
		fmt.Fprintln(l.out.Stdout(), render.EpochLine(e))
	}
}

func (l *live) draw() {
	l.mu.Lock()
	l.p.Elapsed = time.Since(l.started)
	l.p.Left = l.left()
	if l.rate.Known() && !l.first.IsZero() {
		l.p.Cost = money(l.cost(time.Now())) + l.warm()
	}
	p, update := l.p, l.shown
	l.shown = true
	l.mu.Unlock()
	frame := p.Frame()
	frame.ID, frame.Update = l.id, update
	l.out.Display(frame)
}

// quick is a wait for a worker that is up; a longer one may have been for its start.
const quick = time.Second

// cost returns what the run costs if it ends now: the start of a worker, if the job waited, the
// time that it has run, and the time that the worker stays up. The bill at the end is exact; a
// wait for other jobs is taken for a start here, up to Rate.Start.
func (l *live) cost(now time.Time) float64 {
	start := time.Duration(0)
	if waited := l.first.Sub(l.queued); !l.queued.IsZero() && waited > quick {
		start = min(waited, l.rate.Start)
	}
	return l.rate.Cost(start + now.Sub(l.first) + l.rate.Idle)
}

// left estimates the remaining time from the speed so far.
func (l *live) left() time.Duration {
	if l.first.IsZero() {
		return 0
	}
	from := 0.0
	if l.p.Epochs > 0 && len(l.p.History) > 0 {
		from = float64(l.p.History[0].Epoch-1) / float64(l.p.Epochs)
	}
	done := l.p.Done()
	if done-from < 0.02 || done >= 1 {
		return 0
	}
	spent := time.Since(l.first)
	return time.Duration(float64(spent) * (1 - done) / (done - from))
}

// end stops the drawing and replaces the last frame with the finished run.
func (l *live) end(t render.Training) {
	if l.watched {
		close(l.stop)
	}
	<-l.stopped
	if !l.watched && len(t.History) == 0 {
		return // the error says everything
	}
	table := t.Table()
	id := ""
	if l.watched {
		id = l.id
	}
	table.ID, table.Update = id, l.watched && l.shown
	l.out.Display(table)
	if len(t.History) > 0 {
		l.out.Display(t.Curve())
	}
}

// stateInWords describes what a job waits for.
func stateInWords(s runpod.Status) string {
	switch s {
	case runpod.StatusInQueue:
		return "in the queue, waiting for a worker"
	case runpod.StatusInProgress:
		return "a worker has the job"
	}
	return string(s)
}
