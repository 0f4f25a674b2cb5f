package magic_test

import (
	"context"
	"fmt"
	"io"
	"os"
	"reflect"
	"strings"

	"github.com/gopherpod/gopherpod/kernel/display"
	"github.com/gopherpod/gopherpod/kernel/magic"
)

// upper is %upper NAME: it prints the variable in capitals.
type upper struct{}

func (upper) Name() string     { return "upper" }
func (upper) Kind() magic.Kind { return magic.Line }
func (upper) Summary() string  { return "print a text in capitals" }
func (upper) Help() string     { return "%upper NAME" }

func (upper) Run(_ context.Context, c *magic.Call) error {
	v, ok := c.Vars.Lookup(c.Args)
	if !ok || v.Kind() != reflect.String {
		return &magic.UsageError{Msg: fmt.Sprintf("%%upper: want the name of a string variable, got %q", c.Args)}
	}
	fmt.Fprintln(c.Out.Stdout(), strings.ToUpper(v.String()))
	return nil
}

// vars and output stand in for those of a notebook.
type vars map[string]string

func (v vars) Lookup(name string) (reflect.Value, bool) {
	s, ok := v[name]
	return reflect.ValueOf(s), ok
}
func (v vars) Names() []string          { return nil }
func (v vars) Define(string, any) error { return nil }

type output struct{}

func (output) Stdout() io.Writer       { return os.Stdout }
func (output) Stderr() io.Writer       { return os.Stdout }
func (output) Display(display.Message) {}

func Example() {
	var m magic.Magic = upper{}
	for _, args := range []string{"city", "town"} {
		err := m.Run(context.Background(), &magic.Call{Name: m.Name(), Args: args, Vars: vars{"city": "Bern"}, Out: output{}})
		if err != nil {
			fmt.Println(err)
		}
	}
	// Output:
	// BERN
	// %upper: want the name of a string variable, got "town"
}
