package host

import (
	"context"
	"fmt"
	"io"
	"os"
	"reflect"
	"runtime/debug"

	"github.com/gopherpod/gopherpod/kernel/display"
	"github.com/gopherpod/gopherpod/kernel/magic"
	"github.com/gopherpod/gopherpod/kernel/session/frame"
	"github.com/gopherpod/gopherpod/kernel/session/rt"
)

// magic starts a magic as an execution.
func (h *host) magic(c frame.Command) {
	m := h.magics[c.Name]
	again := make(chan struct{})
	e := &execution{patience: magicPatience, again: again}
	h.start(c, e, func(ctx context.Context) (err error) {
		if m == nil {
			return &magic.UsageError{Msg: "there is no magic " + c.Name}
		}
		defer func() {
			if r := recover(); r != nil {
				if _, ok := r.(rt.Interrupted); ok {
					err = rt.Interrupted{}
					return
				}
				err = fmt.Errorf("%%%s panicked: %v\n%s", c.Name, r, debug.Stack())
			}
		}()
		return m.Run(ctx, &magic.Call{Name: c.Name, Args: c.Text, Body: c.Body, Cell: c.IsCell, Interactive: c.Interactive, Count: c.Count, Again: again,
			Hold: func() {
				if !e.held.Swap(true) {
					h.out.send(frame.Event{Op: frame.Held, ID: c.ID})
				}
			},
			Vars: &variables{h, ctx, c.ID}, Out: &cellOutput{h, rt.Caller()}})
	})
}

// complete asks a magic to complete its arguments.
func (h *host) complete(c frame.Command) {
	e := frame.Event{Start: c.Pos}
	defer func() {
		if r := recover(); r != nil {
			e = frame.Event{Err: fmt.Sprint(r)}
		}
		h.reply(c, e)
	}()
	if m, ok := h.magics[c.Name].(magic.Completer); ok && c.Pos <= len(c.Text) {
		e.Matches, e.Start = m.Complete(c.Text, c.Pos, &variables{h, h.ctx, 0})
	}
}

// A variables gives a magic access to the session's variables.
type variables struct {
	h   *host
	ctx context.Context
	id  int
}

var _ magic.Vars = (*variables)(nil)

func (v *variables) Lookup(name string) (reflect.Value, bool) { return rt.Lookup(name) }
func (v *variables) Names() []string                          { return rt.Names() }

// Define sets the variable if one of that type exists. Otherwise the kernel
// compiles a cell that declares the variable and fetches the value.
func (v *variables) Define(name string, value any) error {
	t := reflect.TypeOf(value)
	if t == nil {
		return fmt.Errorf("define %s: nil has no type", name)
	}
	if old, ok := rt.Lookup(name); ok && old.Type() == t {
		old.Set(reflect.ValueOf(value))
		return nil
	}
	imports := map[string]string{}
	typ, err := typeText(t, imports)
	if err != nil {
		return fmt.Errorf("define %s: %w", name, err)
	}
	// One at a time: the value is kept under its name until the cell has fetched it.
	// An interrupted magic can still define what it has.
	v.h.defineMu.Lock()
	defer v.h.defineMu.Unlock()
	rt.Put(name, value)
	_, err = v.h.ask(context.WithoutCancel(v.ctx), frame.Event{Op: frame.Define, ID: v.id, Name: name, Text: typ, Imports: imports})
	if err != nil {
		return fmt.Errorf("define %s: %w", name, err)
	}
	return nil
}

// A cellOutput is the output area of the cell that called a magic.
type cellOutput struct {
	h *host
	c *rt.Cell
}

var _ magic.Output = (*cellOutput)(nil)

// Stdout returns the process's own stream, so that the text is in order with the
// output of child processes.
func (o *cellOutput) Stdout() io.Writer { return os.Stdout }
func (o *cellOutput) Stderr() io.Writer { return os.Stderr }

// Display shows a message in the cell that called the magic.
func (o *cellOutput) Display(m display.Message) { o.h.publish(o.c, m) }
