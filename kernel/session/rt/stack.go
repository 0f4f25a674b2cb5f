package rt

import (
	"fmt"
	"runtime"
	"strings"
	"time"
)

// A Frame is one call of the user's code, innermost first.
type Frame struct {
	Func string // as the compiler names it: nb.f, nb.T.m, nb.f.func1
	File string // In[3]
	Line int
}

// A Failure is why a cell or one of its goroutines ended early.
type Failure struct {
	Err         error   // returned by a magic; nil for a panic
	Interrupted bool    // by Interrupt
	Exit        bool    // by runtime.Goexit
	Exited      *Exited // by os.Exit or log.Fatal
	Value       string  // the panic's value as text, "runtime error: ..." included
	Frames      []Frame // the user's frames
	Omitted     int     // frames left out of Frames
}

// maxFrames bounds a report: a runaway recursion repeats the same frames.
const maxFrames = 40

// failure describes the panic that the calling deferred function has recovered.
func failure(r any) *Failure {
	f := &Failure{}
	switch r := r.(type) {
	case nil:
		f.Exit = true
	case Interrupted:
		f.Interrupted = true
	default:
		f.Value = text(r)
	}
	f.Frames, f.Omitted = userFrames()
	return f
}

// textTime is how long the methods of a panic's value may take.
const textTime = 2 * time.Second

// text returns a panic's value as text. Its Error and String methods are the user's code:
// they may panic, recurse forever or not return, and they must not take the session along.
func text(v any) string {
	if s, ok := v.(string); ok {
		return s
	}
	made := make(chan string, 1)
	if Aside(nil, textTime, nil, func() { made <- valueText(v) }) == NotCut {
		select {
		case s := <-made:
			return s
		default: // it panicked, or exited its goroutine
		}
	}
	return fmt.Sprintf("a %T whose text cannot be shown", v)
}

func valueText(v any) string {
	switch v := v.(type) {
	case error:
		return v.Error()
	case fmt.Stringer:
		return v.String()
	}
	if s := sink().Cycle(v); s != "" {
		return s
	}
	return fmt.Sprintf("%#v", v)
}

// userFrames returns the calls on the stack that come from cells. While a library is
// being initialized, these are the calls of its packages.
func userFrames() (frames []Frame, omitted int) {
	pcs := make([]uintptr, 256)
	n := runtime.Callers(2, pcs)
	it := runtime.CallersFrames(pcs[:n])
	var inLibrary []Frame
	for {
		f, more := it.Next()
		i := strings.LastIndex(f.File, "In[")
		switch {
		case f.Function == libraryInit:
			return inLibrary[:min(len(inLibrary), maxFrames)], max(0, len(inLibrary)-maxFrames)
		case strings.HasPrefix(f.Function, "runtime.") || strings.HasPrefix(f.Function, ownFunctions):
		case i >= 0 && len(frames) == maxFrames:
			omitted++
		case i >= 0:
			frames = append(frames, Frame{Func: f.Function, File: f.File[i:], Line: f.Line})
		default:
			inLibrary = append(inLibrary, Frame{Func: f.Function, File: f.File, Line: f.Line})
		}
		if !more {
			return frames, omitted
		}
	}
}

const (
	ownFunctions = "github.com/gopherpod/gopherpod/kernel/session/rt."
	libraryInit  = ownFunctions + "(*Library).Init"
)
