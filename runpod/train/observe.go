package train

import (
	"slices"
	"sync"

	"github.com/gopherpod/gopherpod/runpod"
	"github.com/gopherpod/gopherpod/worker"
)

// An Observer follows a run: a view that draws it, or a tracker that logs it elsewhere. Its
// methods are called in order and never at the same time. They should return soon, because
// the run waits for them.
type Observer interface {
	// Begin is called before anything is sent. If there is a run store, the run is in it
	// by then, so that other processes can find it.
	Begin(p *Plan)
	// Event is called for each event of the run.
	Event(e Event)
	// End is called when the run is over, with what Run returns.
	End(m *Model, err error)
}

// Funcs is an Observer made of functions, each of which may be nil.
type Funcs struct {
	OnBegin func(p *Plan)
	OnEvent func(e Event)
	OnEnd   func(m *Model, err error)
}

var _ Observer = Funcs{}

// Begin calls OnBegin.
func (f Funcs) Begin(p *Plan) {
	if f.OnBegin != nil {
		f.OnBegin(p)
	}
}

// Event calls OnEvent.
func (f Funcs) Event(e Event) {
	if f.OnEvent != nil {
		f.OnEvent(e)
	}
}

// End calls OnEnd.
func (f Funcs) End(m *Model, err error) {
	if f.OnEnd != nil {
		f.OnEnd(m, err)
	}
}

// An Event is one of three things: an event of the worker, if Type is set; a line from this
// side, if Notice is set; or else a new status of the job.
type Event struct {
	JobID  runpod.JobID
	Status runpod.Status
	worker.Event
	Notice Notice
}

// A Notice is a line from this side and not from the worker, such as
// "X: 9f3c41d2a0b7 40.0 MB, already there, 0 B sent".
type Notice string

// observers are the observers of a run, in the order in which they are called. A nil
// pointer has none.
type observers struct {
	mu   sync.Mutex // needed because notices about the run store come from another goroutine
	list []Observer
}

func (w *observers) each(call func(Observer)) {
	if w == nil {
		return
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, o := range w.list {
		call(o)
	}
}

func (w *observers) begin(p *Plan)           { w.each(func(o Observer) { o.Begin(p) }) }
func (w *observers) event(e Event)           { w.each(func(o Observer) { o.Event(e) }) }
func (w *observers) notice(line string)      { w.event(Event{Notice: Notice(line)}) }
func (w *observers) end(m *Model, err error) { w.each(func(o Observer) { o.End(m, err) }) }

// observe sets the observers of the run to those of the options.
func (p *Plan) observe() {
	p.observers = &observers{list: slices.Clone(p.options.Observers)}
	if f := p.options.OnEvent; f != nil {
		p.observers.list = append([]Observer{Funcs{OnEvent: f}}, p.observers.list...)
	}
}

// Observe adds an observer to Options.Observers.
func (p *Plan) Observe(o Observer) {
	p.options.Observers = append(slices.Clip(p.options.Observers), o)
}
