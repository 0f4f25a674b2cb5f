// Package magic is the interface between the notebook kernel and its magics,
// as net/http is between a server and its handlers. The kernel finds the lines
// that call a magic and never learns what a magic does; a magic runs inside the
// session process, on the variables themselves, and never learns how a cell is
// compiled.
//
//	%name arguments          a line magic: one line
//	%%name arguments         a cell magic: the rest of the cell is its body
//	%name? or %name --help   shows Magic.Help
//
// The only package of this module that it imports is display. Implementations
// are in magics.
package magic

import (
	"context"
	"io"
	"reflect"

	"github.com/gopherpod/gopherpod/kernel/display"
)

// A Magic is one command.
type Magic interface {
	// Name is the word after the percent signs.
	Name() string
	// Kind returns which of the two forms exist.
	Kind() Kind
	// Summary is one line for %lsmagic.
	Summary() string
	// Help is the text for %name?, options with their defaults included.
	Help() string
	// Run does the work. It blocks; an interrupt cancels ctx, and Run then
	// returns context.Cause(ctx) when it has cleaned up. An error of type
	// *UsageError is shown as one line without a trace.
	Run(ctx context.Context, c *Call) error
}

// A Completer is a Magic that completes its own arguments. Line is the text of
// the magic line after the name, pos the byte offset of the cursor in it. The
// matches replace line[start:pos].
type Completer interface {
	Complete(line string, pos int, vars Vars) (matches []string, start int)
}

// Kind is a set of forms.
type Kind uint8

const (
	Line Kind = 1 << iota // %name
	Cell                  // %%name
)

// A Call is one use of a magic.
type Call struct {
	Name string
	Args string // the rest of the line, not yet split
	Body string // cell magics: the cell without its first line
	Cell bool   // called as %%name
	// Interactive is set if a user is watching (the front end allows stdin). If it
	// is false, print a line per step instead of redrawing.
	Interactive bool
	// Count is the execution count of the cell.
	Count int
	// Again is closed by a second interrupt. Run should then skip what it still
	// does for the user's sake after the first.
	Again <-chan struct{}
	// Hold, if it is not nil, says after an interrupt that Run still does something for the
	// user's sake that may take long. Run then has time until Again is closed, and should
	// tell the user what it waits for. Without it, an interrupted Run has a few seconds.
	Hold func()
	Vars Vars
	Out  Output
	// Result, if it is not nil, receives what the magic found, for a program to read:
	// a value that encoding/json can write.
	Result func(value any)
}

// Vars are the variables of the session.
type Vars interface {
	// Lookup returns the variable of that name as an addressable value.
	Lookup(name string) (v reflect.Value, ok bool)
	// Names lists the variables, sorted.
	Names() []string
	// Define makes value a variable that later cells (and the rest of this one)
	// see with its Go type. A variable of that name is replaced. The type must
	// be one that Go source outside its package can name.
	Define(name string, value any) error
}

// Output is the output area of the cell that called the magic.
type Output interface {
	// Stdout and Stderr write to the cell's streams.
	Stdout() io.Writer
	Stderr() io.Writer
	// Display shows a message, or replaces what its ID shows.
	Display(m display.Message)
}

// A UsageError is a mistake of the caller. It is shown as one line that begins
// with "UsageError".
type UsageError struct{ Msg string }

func (e *UsageError) Error() string { return e.Msg }
