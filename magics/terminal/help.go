package terminal

import (
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/gopherpod/gopherpod/kernel/magic"
	"github.com/gopherpod/gopherpod/magics"
	"github.com/gopherpod/gopherpod/worker"
)

// helpWidth is the width of help in columns.
const helpWidth = 90

// help writes the help of a command to stdout.
func help(c *cobra.Command, _ []string) { io.WriteString(c.OutOrStdout(), Help(c)) }

// Help returns the help of a command: usage, what it does, examples, options.
func Help(c *cobra.Command) string {
	var b strings.Builder
	if !c.HasParent() {
		b.WriteString("Gopherpod: " + c.Short + "\n\nusage: gopherpod COMMAND [options]\n")
		for _, g := range c.Groups() {
			b.WriteString("\n" + g.Title + ":\n")
			for _, sub := range c.Commands() {
				if sub.GroupID == g.ID && !sub.Hidden {
					fmt.Fprintf(&b, "  %-11s %s\n", sub.Name(), sub.Short)
				}
			}
		}
		b.WriteString("\ngopherpod help COMMAND shows the options of a command, with examples.\n")
		return b.String()
	}
	fmt.Fprintf(&b, "usage: gopherpod %s\n\n%s.\n", c.Use, c.Short)
	if c.Long != "" {
		b.WriteString("\n" + strings.TrimSpace(c.Long) + "\n")
	}
	if c.Example != "" {
		b.WriteString("\nExamples:\n  " + strings.ReplaceAll(strings.TrimSpace(c.Example), "\n", "\n  ") + "\n")
	}
	if options := Options(c, helpWidth); options != "" {
		b.WriteString("\nOptions:\n" + options)
	}
	return b.String()
}

// Options returns the lines that describe a command's options.
func Options(c *cobra.Command, width int) string {
	c.InitDefaultHelpFlag()
	if f := c.Flags().Lookup("help"); f != nil {
		f.Usage = "show this help"
	}
	// A word of a boolean option says nothing.
	const noise = "[=true|false]"
	return strings.ReplaceAll(c.LocalFlags().FlagUsagesWrapped(width), noise, strings.Repeat(" ", len(noise)))
}

func helpCommand() *cobra.Command {
	return &cobra.Command{
		Use: "help [COMMAND]", Short: "Show the help of a command",
		Example: "gopherpod help train",
		Args:    atMost(1),
		RunE: func(c *cobra.Command, args []string) error {
			if len(args) == 0 {
				return c.Root().Help()
			}
			for _, sub := range c.Root().Commands() {
				if sub.Name() == args[0] {
					return sub.Help()
				}
			}
			return unknownCommand(c.Root(), args[0])
		},
		ValidArgsFunction: func(c *cobra.Command, _ []string, _ string) ([]string, cobra.ShellCompDirective) {
			return names(c.Root()), cobra.ShellCompDirectiveNoFileComp
		},
	}
}

// names returns the commands that help lists.
func names(root *cobra.Command) (list []string) {
	for _, c := range root.Commands() {
		if !c.Hidden {
			list = append(list, c.Name())
		}
	}
	return list
}

func unknownCommand(root *cobra.Command, word string) error {
	if near := worker.Nearest(word, names(root)); near != "" {
		return usage("unknown command %q; did you mean %s?", word, near)
	}
	return usage("unknown command %q; gopherpod help lists the commands", word)
}

// optionError explains an error in the options.
func optionError(c *cobra.Command, err error) error {
	if errors.Is(err, pflag.ErrHelp) {
		return err
	}
	return magics.OptionError(c.Flags(), strings.TrimSpace("gopherpod help "+nameBelowRoot(c)), err)
}

func nameBelowRoot(c *cobra.Command) string {
	if c.HasParent() {
		return c.Name()
	}
	return ""
}

// exactly returns a check for n arguments, whose error has the usage line.
func exactly(n int) cobra.PositionalArgs {
	return func(c *cobra.Command, args []string) error {
		if len(args) < n {
			return usage("want gopherpod %s", c.Use)
		}
		return atMost(n)(c, args)
	}
}

func atMost(n int) cobra.PositionalArgs {
	return func(c *cobra.Command, args []string) error {
		if len(args) > n {
			return usage("unexpected argument %q; want gopherpod %s", args[n], c.Use)
		}
		return nil
	}
}

// asCommand replaces the words of a magic with those of a command line.
func asCommand(text string) string {
	if !strings.Contains(text, "%runpod_") {
		return text
	}
	for _, c := range magicCommands() {
		text = strings.ReplaceAll(text, "%%"+c.magic, "gopherpod "+c.name)
		text = strings.ReplaceAll(text, "%"+c.magic, "gopherpod "+c.name)
	}
	return text
}

// inTerminal rewrites an error in the words of a command line.
func inTerminal(err error) error {
	var wrong *magic.UsageError
	if errors.As(err, &wrong) {
		return &magic.UsageError{Msg: asCommand(wrong.Msg)}
	}
	return err
}
