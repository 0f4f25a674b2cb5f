package magics

import (
	"context"

	"github.com/spf13/pflag"

	"github.com/gopherpod/gopherpod/kernel/magic"
)

// A Command is a magic that a command line can call too: with options that it has
// parsed itself, instead of a line for the magic to split.
type Command interface {
	magic.Magic
	// Bind adds the magic's options to flags and returns a function that runs the magic
	// with the values that flags then hold. Args are the words that are not options.
	Bind(flags *pflag.FlagSet) func(ctx context.Context, c *magic.Call, args []string) error
	// Choices returns the words that an option takes, by the option's name.
	Choices() map[string][]string
}

// Named returns the magic with that name, or nil.
func Named(name string) Command {
	for _, m := range All() {
		if c, ok := m.(Command); ok && m.Name() == name {
			return c
		}
	}
	return nil
}

// Bind implements Command.
func (m *command[O]) Bind(flags *pflag.FlagSet) func(ctx context.Context, c *magic.Call, args []string) error {
	o := new(O)
	m.options(flags, o)
	return func(ctx context.Context, c *magic.Call, args []string) error {
		if err := noZero(flags); err != nil {
			return err
		}
		return explain(m.run(ctx, c, o, args))
	}
}

// Choices implements Command.
func (m *command[O]) Choices() map[string][]string { return m.choices }

// give passes result to the calling program, if it asked for one.
func give(c *magic.Call, result any) {
	if c.Result != nil {
		c.Result(result)
	}
}
