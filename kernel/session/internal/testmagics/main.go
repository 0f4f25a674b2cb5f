// Command testmagics is the session program for the tests of package session: its magics
// do what magics may do, and what they should not do.
package main

import (
	"context"
	"errors"
	"fmt"

	"strings"
	"syscall"
	"time"

	"gonum.org/v1/gonum/mat"

	"github.com/gopherpod/gopherpod/kernel/display"
	"github.com/gopherpod/gopherpod/kernel/magic"
	"github.com/gopherpod/gopherpod/kernel/session/host"
)

type command struct {
	name string
	run  func(ctx context.Context, c *magic.Call) error
}

func (m command) Name() string                                 { return m.name }
func (m command) Kind() magic.Kind                             { return magic.Line | magic.Cell }
func (m command) Summary() string                              { return "tests " + m.name }
func (m command) Help() string                                 { return "help of " + m.name }
func (m command) Run(ctx context.Context, c *magic.Call) error { return m.run(ctx, c) }

// Complete offers the variables as completions.
func (m command) Complete(line string, pos int, vars magic.Vars) ([]string, int) {
	start := strings.LastIndexByte(line[:pos], ' ') + 1
	var out []string
	for _, n := range vars.Names() {
		if strings.HasPrefix(n, line[start:pos]) {
			out = append(out, n)
		}
	}
	return out, start
}

func main() {
	host.Main(host.Options{Magics: []magic.Magic{
		command{"make", func(_ context.Context, c *magic.Call) error {
			values := map[string]any{"int": 7, "text": "seven", "matrix": mat.NewDense(2, 3, nil), "durations": []time.Duration{time.Second},
				"hidden": struct{ x int }{1}, "nil": nil, "func": strings.ToUpper}
			name, kind, _ := strings.Cut(c.Args, " ")
			if err := c.Vars.Define(name, values[kind]); err != nil {
				return err
			}
			v, ok := c.Vars.Lookup(name)
			fmt.Fprintln(c.Out.Stdout(), name, v.IsValid() && v.CanSet(), ok)
			return nil
		}},
		command{"double", func(_ context.Context, c *magic.Call) error {
			v, ok := c.Vars.Lookup(c.Args)
			if !ok {
				return &magic.UsageError{Msg: "there is no variable " + c.Args}
			}
			v.SetInt(2 * v.Int())
			return nil
		}},
		command{"echo", func(_ context.Context, c *magic.Call) error {
			fmt.Fprintf(c.Out.Stdout(), "%q %q %v\n", c.Args, c.Body, c.Cell)
			c.Out.Display(display.Message{ID: "d", Data: display.MIMEMap{"text/plain": "shown", "image/png": []byte("png")}})
			fmt.Fprintln(c.Out.Stderr(), "end")
			return nil
		}},
		command{"fail", func(context.Context, *magic.Call) error { return errors.New("it failed\nin two lines") }},
		command{"panic", func(context.Context, *magic.Call) error { panic("a bug") }},
		command{"wait", func(ctx context.Context, c *magic.Call) error {
			fmt.Fprintln(c.Out.Stdout(), "waiting")
			<-ctx.Done()
			fmt.Fprintln(c.Out.Stdout(), "cleaned up")
			return context.Cause(ctx)
		}},
		command{"hold", func(ctx context.Context, c *magic.Call) error { // an interrupt does not end it, a second one does
			fmt.Fprintln(c.Out.Stdout(), "waiting")
			<-ctx.Done()
			c.Hold()
			fmt.Fprintln(c.Out.Stdout(), "held")
			<-c.Again
			fmt.Fprintln(c.Out.Stdout(), "stopped")
			return context.Cause(ctx)
		}},
		command{"exit", func(context.Context, *magic.Call) error { syscall.Exit(5); return nil }},
	}})
}
