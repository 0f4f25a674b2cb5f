package kerneltest

import (
	"context"
	"strings"
	"sync"

	"github.com/gopherpod/gopherpod/kernel"
)

// A Run is one execution of a cell of a Fake.
type Run struct {
	context.Context
	kernel.Cell
	kernel.Output
	// Interrupted is closed by Fake.Interrupt.
	Interrupted <-chan struct{}
}

// Interrupted is the error of an interrupted cell.
var Interrupted = &kernel.EvalError{Name: "Interrupted", Value: "the cell was interrupted", Traceback: []string{}}

// A Fake is an evaluator whose cells are Go functions, keyed by source. An unknown
// cell fails with an EvalError named "CompileError". The zero value of every field
// works.
type Fake struct {
	Cells       map[string]func(*Run) error
	Completions func(code string, pos int) (kernel.Completion, error)
	Docs        map[string]kernel.Bundle // Inspect, by the word that ends at pos
	Incomplete  map[string]string        // IsComplete: "incomplete" with this indent
	Invalid     map[string]bool          // IsComplete: "invalid"
	Values      map[string]string        // Eval

	mu     sync.Mutex
	stop   chan struct{} // of the running cell
	closed int
	ran    []kernel.Cell
}

var _ kernel.Evaluator = (*Fake)(nil)

// Execute implements kernel.Evaluator.
func (f *Fake) Execute(ctx context.Context, c kernel.Cell, out kernel.Output) error {
	f.mu.Lock()
	stop := make(chan struct{})
	f.stop = stop
	f.ran = append(f.ran, c)
	f.mu.Unlock()
	defer func() {
		f.mu.Lock()
		f.stop = nil
		f.mu.Unlock()
	}()
	run := f.Cells[c.Source]
	if run == nil {
		return &kernel.EvalError{Name: "CompileError", Value: "unknown cell", Traceback: []string{c.Source}}
	}
	return run(&Run{Context: ctx, Cell: c, Output: out, Interrupted: stop})
}

// Ran returns the cells that were executed so far.
func (f *Fake) Ran() []kernel.Cell {
	f.mu.Lock()
	defer f.mu.Unlock()
	return append([]kernel.Cell{}, f.ran...)
}

// Interrupt implements kernel.Evaluator.
func (f *Fake) Interrupt() {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.stop != nil {
		close(f.stop)
		f.stop = nil
	}
}

// Complete implements kernel.Evaluator.
func (f *Fake) Complete(_ context.Context, code string, pos int) (kernel.Completion, error) {
	if f.Completions == nil {
		return kernel.Completion{Start: pos, End: pos}, nil
	}
	return f.Completions(code, pos)
}

// Inspect implements kernel.Evaluator.
func (f *Fake) Inspect(_ context.Context, code string, pos, _ int) (kernel.Bundle, bool, error) {
	words := strings.Fields(code[:pos])
	if len(words) == 0 {
		return nil, false, nil
	}
	b, ok := f.Docs[words[len(words)-1]]
	return b, ok, nil
}

// IsComplete implements kernel.Evaluator.
func (f *Fake) IsComplete(code string) (status, indent string) {
	if indent, ok := f.Incomplete[code]; ok {
		return "incomplete", indent
	}
	if f.Invalid[code] {
		return "invalid", ""
	}
	return "complete", ""
}

// Eval implements kernel.Evaluator.
func (f *Fake) Eval(_ context.Context, expr string) (kernel.Bundle, error) {
	v, ok := f.Values[expr]
	if !ok {
		return nil, &kernel.EvalError{Name: "CompileError", Value: "undefined: " + expr}
	}
	return kernel.Bundle{"text/plain": v}, nil
}

// Close implements kernel.Evaluator.
func (f *Fake) Close() error {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.closed++
	return nil
}

// Closed returns how often Close was called.
func (f *Fake) Closed() int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.closed
}
