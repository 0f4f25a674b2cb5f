package kernel

import "context"

// A Bundle is one output in several representations: MIME type to content.
// Text types hold a string, image types hold base64 text as the Jupyter
// protocol asks, application/json holds any value that encodes as JSON.
type Bundle map[string]any

// A Display is a display_data message. With Update set it replaces what was
// shown under ID before (update_display_data); an ID without Update starts a
// display that can be replaced later.
type Display struct {
	Data     Bundle
	Metadata map[string]any
	ID       string
	Update   bool
}

// An Output is where one execute_request shows what it does. It stays valid
// after the request has been answered: a goroutine that outlives its cell goes
// on writing to its own cell. All methods may be called from any goroutine and
// keep the order in which they were called.
type Output interface {
	// Stream writes text to "stdout" or "stderr". Text need not end at a line
	// or at a rune: the kernel joins what belongs together.
	Stream(name string, text []byte)
	// Display publishes display_data or update_display_data.
	Display(d Display)
	// Result publishes the execute_result of the cell.
	Result(b Bundle, metadata map[string]any)
	// Clear clears the cell's output; with wait, at the next output.
	Clear(wait bool)
	// Input asks the person at the front end for a line. It blocks until the
	// answer, the interrupt or the end of ctx; it fails with ErrNoStdin where the
	// request does not allow stdin.
	Input(ctx context.Context, prompt string, password bool) (string, error)
}

// A Cell is the source of one execute_request.
type Cell struct {
	Source string
	// Count is the execution count, the N of In[N]. Silent requests repeat a count.
	Count int
	// ID is the cell's id in the notebook, where the front end sends one.
	ID string
	// Interactive says that somebody watches: the request allows stdin.
	Interactive bool
}

// An EvalError is what the person sees when a cell fails: a compile error, a
// panic, an error of a magic, an interrupt, the end of the session process.
type EvalError struct {
	Name      string   // "CompileError", "Panic", "Interrupted", "UsageError", "SessionLost", ...
	Value     string   // one line
	Traceback []string // lines to show, user's positions only; may hold ANSI colour
}

func (e *EvalError) Error() string { return e.Name + ": " + e.Value }

// A Completion answers complete_request. Positions are byte offsets in the code.
type Completion struct {
	Matches    []Match
	Start, End int
}

// A Match is one completion; Type is the front end's word for it: "function",
// "instance", "module", "keyword", "magic", "path", ...
type Match struct{ Text, Type, Signature string }

// An Evaluator runs cells and knows what they defined. The kernel calls Execute
// for one cell at a time; the other methods may be called while a cell runs.
type Evaluator interface {
	// Execute runs one cell and returns when it is over. The error is an
	// *EvalError; the cell's variables survive every error but SessionLost.
	Execute(ctx context.Context, c Cell, out Output) error
	// Interrupt stops the running cell, if any, and returns at once; Execute then
	// returns with an EvalError named "Interrupted".
	Interrupt()
	// Complete lists what may stand at the byte offset pos of code.
	Complete(ctx context.Context, code string, pos int) (Completion, error)
	// Inspect describes what stands at pos; ok is false if nothing is known.
	// Detail is 0, or 1 for more (the source).
	Inspect(ctx context.Context, code string, pos, detail int) (b Bundle, ok bool, err error)
	// IsComplete reports whether code can be run as it is: "complete",
	// "incomplete" (with the indent of the next line), "invalid" or "unknown".
	IsComplete(code string) (status, indent string)
	// Eval evaluates an expression for user_expressions.
	Eval(ctx context.Context, expr string) (Bundle, error)
	// Close ends the session process. With restart, the next Execute starts a new one.
	Close() error
}

// Payloads is what the Output of a cell can do besides showing: it travels in the
// reply. The kernel's Output has it; ask with a type assertion.
type Payloads interface {
	// Page shows a text beside the notebook, as help is shown.
	Page(b Bundle)
	// NextInput puts code into a new cell below, or in place of this one.
	NextInput(code string, replace bool)
}
