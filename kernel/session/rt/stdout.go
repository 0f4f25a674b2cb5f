package rt

import (
	"fmt"
	"os"
	"sync"
	"sync/atomic"
)

// A Sink receives what cells show. All methods may be called from any goroutine.
type Sink interface {
	// Show displays the value of a cell's last expression.
	Show(c *Cell, values []any)
	// Panic reports a panic in a goroutine that the cell started.
	Panic(c *Cell, f *Failure)
	// Stream writes text of a cell other than the running one.
	Stream(c *Cell, name string, text []byte)
	// Cycle returns the text of a value that contains itself, or "" if v does not: package
	// fmt would print it until the stack overflows.
	Cycle(v any) string
}

var theSink atomic.Pointer[Sink]

// SetSink says where output goes. The session process calls it once, at start.
func SetSink(s Sink) { theSink.Store(&s) }

func sink() Sink {
	if s := theSink.Load(); s != nil {
		return *s
	}
	return stderrSink{}
}

// stderrSink is used until SetSink is called.
type stderrSink struct{}

func (stderrSink) Show(_ *Cell, values []any)            { fmt.Fprintln(os.Stderr, values...) }
func (stderrSink) Panic(_ *Cell, f *Failure)             { fmt.Fprintln(os.Stderr, f.Value) }
func (stderrSink) Stream(_ *Cell, _ string, text []byte) { os.Stderr.Write(text) }
func (stderrSink) Cycle(any) string                      { return "" }

// Show displays the value of a cell's last expression.
func Show(values ...any) { sink().Show(Caller(), values) }

// Ninth returns its ninth argument, which amd64 passes in R11, a register that
// jump tables of some linkers overwrite. The self-test of fast mode calls it.
//
//go:noinline
func Ninth(_, _, _, _, _, _, _, _, ninth int) int { return ninth }

// ShowError shows an error, and nothing for nil.
func ShowError(err error) {
	if err != nil {
		Show(err)
	}
}

// detached holds the streams of a cell that has ended: pipes, because os.Stdout must be
// a file. The running cell writes to the real streams, from which the kernel process
// also reads what C code and children write, all in order.
type detached struct {
	mu    sync.Mutex
	files map[string]*os.File
}

func (d *detached) file(c *Cell, name string, real *os.File) *os.File {
	d.mu.Lock()
	defer d.mu.Unlock()
	if f := d.files[name]; f != nil {
		return f
	}
	r, w, err := os.Pipe()
	if err != nil {
		return real
	}
	go func() {
		defer r.Close()
		b := make([]byte, 8<<10)
		for {
			n, err := r.Read(b)
			if n > 0 {
				sink().Stream(c, name, b[:n])
			}
			if err != nil {
				return
			}
		}
	}()
	if d.files == nil {
		d.files = map[string]*os.File{}
	}
	d.files[name] = w
	return w
}

func (d *detached) close() {
	d.mu.Lock()
	defer d.mu.Unlock()
	for _, f := range d.files {
		f.Close()
	}
	d.files = nil
}

func stream(name string, real *os.File) *os.File {
	c := labelled()
	if c == nil || real == nil {
		return real
	}
	if c = c.root(); current.Load() == c {
		return real
	}
	return c.out.file(c, name, real)
}

// Stdout replaces os.Stdout in cells: a goroutine that outlives its
// cell keeps writing to its own cell.
func Stdout() *os.File { return stream("stdout", os.Stdout) }

// Stderr replaces os.Stderr in cells.
func Stderr() *os.File { return stream("stderr", os.Stderr) }

// Print replaces fmt.Print.
func Print(a ...any) (int, error) { return fmt.Fprint(Stdout(), a...) }

// Printf replaces fmt.Printf.
func Printf(format string, a ...any) (int, error) { return fmt.Fprintf(Stdout(), format, a...) }

// Println replaces fmt.Println.
func Println(a ...any) (int, error) { return fmt.Fprintln(Stdout(), a...) }
