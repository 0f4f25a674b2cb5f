package kernel

import (
	"context"

	"github.com/gopherpod/gopherpod/kernel/display"
)

// A Bundle is one output in several representations, without metadata. Inspect and
// Eval return it.
type Bundle = display.MIMEMap

// An Output shows what one execute_request does. It stays valid after the request
// has been answered: a goroutine that outlives its cell continues to write to its
// own cell. All methods may be called from any goroutine and keep the order in
// which they were called.
type Output interface {
	// Stream writes text to "stdout" or "stderr". Text need not end at a line or
	// rune boundary: the kernel joins the pieces.
	Stream(name string, text []byte)
	// Display publishes display_data or update_display_data.
	Display(m display.Message)
	// Result publishes the execute_result of the cell.
	Result(m display.Message)
	// Clear clears the cell's output: immediately or, with wait, at the next output.
	Clear(wait bool)
	// Input asks the user at the front end for a line. It blocks until the answer,
	// an interrupt or the end of ctx. It returns ErrNoStdin if the request does not
	// allow stdin.
	Input(ctx context.Context, prompt string, password bool) (string, error)
}

// A Cell is the source of one execute_request.
type Cell struct {
	Source string
	// Count is the execution count, the N of In[N]. Silent requests repeat a count.
	Count int
	// ID is the cell's id in the notebook, if the front end sends one.
	ID string
	// Interactive is set if a user is present: the request allows stdin.
	Interactive bool
}

// An EvalError is what the user sees when a cell fails: a compile error, a panic,
// an error of a magic, an interrupt, the death of the session process.
type EvalError struct {
	Name      string   // "CompileError", "Panic", "Interrupted", "UsageError", "SessionLost", ...
	Value     string   // one line
	Traceback []string // lines to show, with only the user's positions; may contain ANSI colours
}

func (e *EvalError) Error() string { return e.Name + ": " + e.Value }

// A Completion answers complete_request. Positions are byte offsets in the code.
type Completion struct {
	Matches    []Match
	Start, End int
}

// A Match is one completion. Type is the front end's word for its kind: "function",
// "instance", "module", "keyword", "magic", "path", ...
type Match struct{ Text, Type, Signature string }

// An Evaluator runs cells and knows what they defined. The kernel calls Execute
// for one cell at a time. It may call the other methods while a cell runs.
type Evaluator interface {
	// Execute runs one cell and returns when it has finished. The error is an
	// *EvalError; the cell's variables survive every error except SessionLost.
	Execute(ctx context.Context, c Cell, out Output) error
	// Interrupt stops the running cell, if any, and returns at once; Execute then
	// returns with an EvalError named "Interrupted".
	Interrupt()
	// Complete lists the completions at the byte offset pos of code.
	Complete(ctx context.Context, code string, pos int) (Completion, error)
	// Inspect describes the name at pos; ok is false if nothing is known about it.
	// Detail is 0, or 1 to include the source.
	Inspect(ctx context.Context, code string, pos, detail int) (b Bundle, ok bool, err error)
	// IsComplete reports whether code can be run as it is: "complete",
	// "incomplete" (with the indent of the next line), "invalid" or "unknown".
	IsComplete(code string) (status, indent string)
	// Eval evaluates an expression for user_expressions.
	Eval(ctx context.Context, expr string) (Bundle, error)
	// Close stops the session process. After a restart, the next Execute starts a new one.
	Close() error
}

// Payloads is implemented by an Output that can also send payloads, which travel
// in the reply. The kernel's Output does; check with a type assertion.
type Payloads interface {
	// Page shows a text in the pager, where front ends show help.
	Page(b Bundle)
	// NextInput puts code into a new cell below this one or, with replace, into this one.
	NextInput(code string, replace bool)
}
