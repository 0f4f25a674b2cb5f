package session

import (
	"errors"
	"fmt"
	"net/url"
	"regexp"
	"strconv"
	"strings"

	"github.com/gopherpod/gopherpod/kernel"
	"github.com/gopherpod/gopherpod/kernel/cell"
	"github.com/gopherpod/gopherpod/kernel/cgo"
	"github.com/gopherpod/gopherpod/kernel/session/frame"
)

// Names of EvalErrors.
const (
	nameCompile     = "CompileError"
	namePanic       = "Panic"
	nameInterrupted = "Interrupted"
	nameUsage       = "UsageError"
	nameMagic       = "Error"
	nameLost        = "SessionLost"
	nameInternal    = "InternalError"
	nameExit        = "Exit"
)

// errExitedOK stops a cell that called os.Exit(0), which is not a failure.
var errExitedOK = errors.New("os.Exit(0)")

func evalError(name, value string, more ...string) *kernel.EvalError {
	lines := append(strings.Split(strings.TrimRight(value, "\n"), "\n"), more...)
	first, _, _ := strings.Cut(value, "\n")
	return &kernel.EvalError{Name: name, Value: first, Traceback: lines}
}

// usage returns a one-line error for a mistake of the caller.
func usage(format string, args ...any) *kernel.EvalError {
	msg := fmt.Sprintf(format, args...)
	return &kernel.EvalError{Name: nameUsage, Value: msg, Traceback: []string{nameUsage + ": " + msg}}
}

// compileError converts the errors of package cell.
func compileError(es cell.Errors) *kernel.EvalError {
	if len(es) == 0 {
		return evalError(nameCompile, "the cell does not compile")
	}
	return &kernel.EvalError{Name: nameCompile, Value: es[0].String(), Traceback: es.Render(true)}
}

// failed converts the failure that the session process reported into an error.
func (s *Session) failed(f *frame.Failure) error {
	switch f.Kind {
	case frame.FailedInterrupted:
		return evalError(nameInterrupted, "interrupted", s.frames(f)...)
	case frame.FailedAbandoned:
		return evalError(nameInterrupted, "interrupted (abandoned: the cell would not stop; it ends when it comes back to the notebook's code)",
			"Interrupt again to end it with the session process.")
	case frame.FailedExited:
		if f.Code == 0 {
			return errExitedOK
		}
		value := fmt.Sprintf("os.Exit(%d)", f.Code)
		if f.Text != "" {
			value = fmt.Sprintf("%s (exit code %d)", cell.Clean(strings.TrimRight(f.Text, "\n")), f.Code)
		}
		return evalError(nameExit, value, append(s.frames(f), "The cell ended; variables are kept.")...)
	case frame.FailedExit:
		return evalError(namePanic, "runtime.Goexit was called", s.frames(f)...)
	case frame.FailedUsage:
		return usage("%s", f.Text)
	case frame.FailedError:
		return evalError(nameMagic, f.Text)
	case frame.FailedLoad:
		return evalError(nameInternal, f.Text)
	}
	value := "panic: " + cell.Clean(f.Text)
	return evalError(namePanic, value, s.frames(f)...)
}

// frames lists the user's calls, innermost first, each with its source line:
//
//	In[3]:5 in fib: return fib(n-1) + xs[n]
func (s *Session) frames(f *frame.Failure) (lines []string) {
	repeated := 0
	last := ""
	flush := func() {
		if repeated > 0 {
			lines = append(lines, fmt.Sprintf("    … %d more of the same", repeated))
		}
		repeated = 0
	}
	for _, fr := range f.Frames {
		l := "    " + fr.File + ":" + strconv.Itoa(fr.Line)
		if n := funcName(fr.Func); n != "" {
			l += " in " + n
		}
		if src := s.sources.line(cellCount(fr.File), fr.Line); src != "" {
			l += ": " + src
		} else if name := cgo.Function(funcName(fr.Func)); name != "" {
			l = "    in " + name
		}
		if l == last {
			repeated++
			continue
		}
		flush()
		lines = append(lines, l)
		last = l
	}
	flush()
	if f.Omitted > 0 {
		lines = append(lines, fmt.Sprintf("    … %d more calls", f.Omitted))
	}
	return lines
}

var (
	cellEntry = regexp.MustCompile(`^(nbcell\w*\.main|nb\.nbCell\w*)`)
	cellFile  = regexp.MustCompile(`In\[(\d+)\]`)
)

// funcName returns a function's name as the user wrote it, or "" for the
// statements of a cell.
func funcName(n string) string {
	if i := strings.LastIndexByte(n, '/'); i >= 0 {
		n = n[i+1:]
	}
	if cellEntry.MatchString(n) {
		if strings.Contains(n, ".func") {
			return "func literal"
		}
		return ""
	}
	n = cell.Clean(strings.TrimPrefix(n, "nb."))
	n = strings.ReplaceAll(n, "[...]", "")
	if i := strings.Index(n, ".func"); i >= 0 {
		return "func literal in " + n[:i]
	}
	return n
}

// cellCount returns the 3 of "In[3]", or 0 for other files.
func cellCount(file string) (n int) {
	if m := cellFile.FindStringSubmatch(file); m != nil {
		n, _ = strconv.Atoi(m[1])
	}
	return n
}

var crashFrame = regexp.MustCompile(`(?m)^(.*)\((?:[^()\n]*)\)\n\t(?:\S*/)?(In\[\d+\]):(\d+)`)

// crashFrames finds the user's calls in the output of a crashed process.
func crashFrames(crash string) *frame.Failure {
	f := &frame.Failure{}
	for _, m := range crashFrame.FindAllStringSubmatch(crash, -1) {
		n, _ := strconv.Atoi(m[3])
		if len(f.Frames) == 40 {
			f.Omitted++
			continue
		}
		f.Frames = append(f.Frames, frame.Frame{Func: m[1], File: m[2], Line: n})
	}
	return f
}

var crashCall = regexp.MustCompile(`(?m)^(?:created by )?(\S+?)(?:\(.*\)| in goroutine \d+)$`)

// crashPackages returns the packages whose functions the goroutine that panicked was in, or
// was started by. It returns none if that goroutine ran code of a cell, because then the
// packages may be innocent.
func crashPackages(crash string) (paths []string) {
	_, crash, _ = strings.Cut(crash, "\ngoroutine ")
	crash, _, _ = strings.Cut(crash, "\n\n")
	if crashFrame.MatchString(crash) {
		return nil
	}
	for _, m := range crashCall.FindAllStringSubmatch(crash, -1) {
		slash := strings.LastIndexByte(m[1], '/') + 1
		name, _, ok := strings.Cut(m[1][slash:], ".")
		path, err := url.PathUnescape(m[1][:slash] + name) // the compiler writes dots as %2e
		if ok && err == nil {
			paths = append(paths, path)
		}
	}
	return paths
}
