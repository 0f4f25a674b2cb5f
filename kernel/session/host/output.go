package host

import (
	"context"
	"fmt"
	"html"
	"os"
	"strings"
	"sync"
	"syscall"

	"github.com/gopherpod/gopherpod/kernel/display"
	"github.com/gopherpod/gopherpod/kernel/session/frame"
	"github.com/gopherpod/gopherpod/kernel/session/rt"
)

// An output sends events. Before an event that belongs between pieces of text it
// writes a marker to both streams. It has its own descriptors for that, because a
// cell may close or replace its standard streams.
type output struct {
	token   string
	streams [2]int

	mu     sync.Mutex
	events *os.File
	seq    uint32
}

func newOutput(token string) (*output, error) {
	o := &output{token: token, events: os.NewFile(eventFD, "events")}
	for i := range o.streams {
		fd, err := syscall.Dup(i + 1)
		if err != nil {
			return nil, fmt.Errorf("standard stream %d: %w", i+1, err)
		}
		syscall.CloseOnExec(fd)
		o.streams[i] = fd
	}
	return o, nil
}

func (o *output) send(e frame.Event) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.sendLocked(e)
}

// sendLocked sends the error instead of an event that cannot be sent. It ignores a
// second error: the kernel is then gone, and the process exits.
func (o *output) sendLocked(e frame.Event) {
	if err := frame.Write(o.events, e); err != nil {
		frame.Write(o.events, frame.Event{Op: e.Op, ID: e.ID, Seq: e.Seq, Reply: e.Reply, Err: err.Error()})
	}
}

func (o *output) sendOrdered(e frame.Event) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.seq++
	e.Seq = o.seq
	mark := frame.Mark(o.token, e.Seq)
	for _, fd := range o.streams {
		for b := mark; len(b) > 0; {
			n, err := syscall.Write(fd, b)
			if err == syscall.EINTR || err == syscall.EAGAIN {
				continue
			}
			if err != nil {
				break
			}
			b = b[n:]
		}
	}
	o.sendLocked(e)
}

func id(c *rt.Cell) int {
	if c == nil {
		return 0
	}
	return c.ID
}

// Show publishes the value of a cell's last expression.
func (h *host) Show(c *rt.Cell, values []any) {
	m, cut := h.shown(c, values)
	if cut == rt.CutByUser {
		panic(rt.Interrupted{})
	}
	m = m.Described()
	if len(m.Data) == 0 {
		return
	}
	h.out.sendOrdered(frame.Event{Op: frame.Result, ID: id(c), Message: frame.Pack(m)})
}

// shown returns how to show values. It calls their methods, which are the user's code,
// and stops one that recurses forever.
func (h *host) shown(c *rt.Cell, values []any) (display.Message, rt.Cut) {
	made := make(chan display.Message, 1)
	cut := rt.Aside(c, 0, h.stopValues(c), func() { made <- h.bundle(values...) })
	if cut == rt.NotCut {
		select {
		case m := <-made:
			return m, cut
		default: // it exited its goroutine
		}
	}
	var types []string
	for _, v := range values {
		types = append(types, strings.ReplaceAll(fmt.Sprintf("%T", v), "main.", ""))
	}
	return plain(strings.Join(types, ", ") + " (cannot be shown: its methods call themselves without end)"), cut
}

// stopValues returns the channel that is closed to stop showing values without a cell,
// or nil if there is a cell.
func (h *host) stopValues(c *rt.Cell) <-chan struct{} {
	if c != nil {
		return nil
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.stopShown == nil {
		h.stopShown = make(chan struct{})
	}
	return h.stopShown
}

// Panic reports a panic in a goroutine of the cell.
func (h *host) Panic(c *rt.Cell, f *rt.Failure) {
	h.out.sendOrdered(frame.Event{Op: frame.Panic, ID: id(c), Failure: failure(f)})
}

// Stream sends text from a cell that has finished.
func (h *host) Stream(c *rt.Cell, name string, text []byte) {
	h.out.send(frame.Event{Op: frame.Stream, ID: id(c), Name: name, Text: string(text)})
}

// Cycle returns the text of a value that contains itself, or "" if v does not.
func (h *host) Cycle(v any) string { return cycleText(v) }

// Display publishes a message of package display.
func (h *host) Display(m display.Message) { h.publish(rt.Caller(), m) }

// publish sends a message and, below a picture, the text that describes it, because
// JupyterLab, GitHub and the pages of nbconvert ignore the alt text in the metadata.
// The text/plain of that second message is empty, because the picture's says it already.
func (h *host) publish(c *rt.Cell, m display.Message) {
	caption := m.Alt()
	h.out.sendOrdered(frame.Event{Op: frame.Display, ID: id(c), Message: frame.Pack(m.Described())})
	if caption == "" {
		return
	}
	below := display.Message{ID: m.ID, Update: m.Update, Data: display.MIMEMap{"text/html": "<div>" + html.EscapeString(caption) + "</div>", "text/plain": ""}}
	if m.ID != "" {
		below.ID += "-caption"
	}
	h.out.sendOrdered(frame.Event{Op: frame.Display, ID: id(c), Message: frame.Pack(below)})
}

// Clear clears the output of the caller's cell.
func (h *host) Clear(wait bool) {
	h.out.sendOrdered(frame.Event{Op: frame.Clear, ID: id(rt.Caller()), Update: wait})
}

// Format returns how a value is shown.
func (h *host) Format(v any) display.Message { return h.bundle(v) }

// Context returns the context of the calling cell.
func (h *host) Context() context.Context { return rt.Context() }

// Input asks the user on behalf of the caller's cell.
func (h *host) Input(prompt string, password bool) (string, error) {
	c := rt.Caller()
	text, err := h.ask(rt.Context(), frame.Event{Op: frame.Input, ID: id(c), Text: prompt, Update: password})
	if err != nil && rt.Context().Err() != nil {
		panic(rt.Interrupted{})
	}
	return text, err
}
