package terminal

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
	"golang.org/x/term"

	"github.com/gopherpod/gopherpod/kernel/magic"
	"github.com/gopherpod/gopherpod/magics"
	"github.com/gopherpod/gopherpod/runpod/train"
	"github.com/gopherpod/gopherpod/worker"
)

// magicCommand returns the command that runs a magic.
func (p *Program) magicCommand(m magicCommand) *cobra.Command {
	u := &use{command: m, flags: pflag.NewFlagSet(m.name, pflag.ContinueOnError), vars: &variables{values: map[string]any{}}}
	implementation := magics.Named(m.magic)
	run := implementation.Bind(u.flags)
	c := &cobra.Command{
		Use: strings.TrimSpace(m.name + " " + m.args), Short: m.short, Long: m.long, Example: m.example,
		Args: cobra.ArbitraryArgs, ValidArgsFunction: m.completeArgs,
	}
	c.Flags().SortFlags = false
	c.Flags().SetNormalizeFunc(u.flags.GetNormalizeFunc())
	m.options(c.Flags(), u)
	asJSON := new(bool)
	if m.table {
		c.Flags().BoolVar(asJSON, "json", false, "print JSON on a terminal too")
	}
	for option, words := range implementation.Choices() {
		if c.Flags().Lookup(option) != nil {
			_ = c.RegisterFlagCompletionFunc(option, cobra.FixedCompletions(words, cobra.ShellCompDirectiveNoFileComp))
		}
	}
	c.RunE = func(c *cobra.Command, args []string) error {
		if err := m.refuse(c.Flags()); err != nil {
			return err
		}
		ctx, stop := p.interruptible(c.Context())
		defer stop()
		end, err := p.surround(ctx)
		if err != nil {
			return err
		}
		defer end()
		return p.after(ctx, c, u.run(ctx, p, run, args, m.table && !*asJSON && isTerminal(p.Stdout)))
	}
	return c
}

// options adds the magic's options to a command line, with files instead of
// variables.
func (m magicCommand) options(flags *pflag.FlagSet, u *use) {
	u.flags.VisitAll(func(f *pflag.Flag) {
		_, refused := m.notebook[f.Name]
		switch {
		case refused:
			f.Hidden = true
		case f.Name == "output":
			what := map[string]string{"predictions": "write the predictions to this `FILE`, as JSON"}[m.result]
			if what == "" {
				what = "write the model to this `FILE`: .safetensors, .pt, .onnx or .go"
			}
			flags.StringVarP(&u.out, "output", "o", "", what)
			return
		case f.Name == "from":
			flags.StringVar(&u.from, "from", "", "continue the training of the model in this `FILE` (.safetensors)")
			flags.Lookup("from").Hidden = f.Hidden
			return
		case m.usage[f.Name] != "":
			f.Usage = m.usage[f.Name]
		}
		flags.AddFlag(f)
	})
}

// refuse returns an error for options that only make sense in a notebook.
func (m magicCommand) refuse(flags *pflag.FlagSet) (err error) {
	flags.Visit(func(f *pflag.Flag) {
		if why, ok := m.notebook[f.Name]; ok {
			err = usage("--%s is an option for notebooks: %s", f.Name, why)
		}
	})
	return err
}

// run calls the magic and writes its result.
func (u *use) run(ctx context.Context, p *Program, run func(context.Context, *magic.Call, []string) error, args []string, table bool) error {
	var answer any
	people := p.Stderr
	if table {
		people = p.Stdout
	}
	u.call = &magic.Call{Name: u.command.magic, Vars: u.vars, Out: &output{people}, Again: p.again,
		Result: func(v any) { answer = v }}
	rest, err := u.read(p.Stdin, args)
	if err != nil {
		return err
	}
	u.call.Args = u.typed(rest)
	err = run(ctx, u.call, rest)
	var wrong *magic.UsageError
	if errors.As(err, &wrong) {
		return inTerminal(err)
	}
	if u.command.result != "" {
		var saved error
		if answer, saved = u.command.answer(u.vars, u.out); err == nil {
			err = saved
		}
	}
	if answer != nil && !table {
		enc := json.NewEncoder(p.Stdout)
		enc.SetEscapeHTML(false)
		err = errors.Join(err, enc.Encode(answer))
	}
	switch {
	case errors.As(err, new(*train.InterruptedError)): // the magic has reported it
		return &exitError{Interrupted}
	case err == nil && u.atLimit():
		return &exitError{Overtime}
	}
	return err
}

// atLimit reports whether the command's training ended because its job had no time left.
// The magic has reported that.
func (u *use) atLimit() bool {
	v, ok := u.vars.Lookup("model")
	if !ok || u.command.result != "model" {
		return false
	}
	m, ok := v.Interface().(*train.Model)
	return ok && m.Stopped == worker.StoppedAtLimit
}

// typed returns the call as it would be typed in a notebook, as the run store keeps
// it, so that %runpod_repro can repeat a run of the command line.
func (u *use) typed(args []string) string {
	var words []string
	u.flags.VisitAll(func(f *pflag.Flag) {
		if !f.Changed {
			return
		}
		if values, ok := f.Value.(pflag.SliceValue); ok {
			for _, v := range values.GetSlice() {
				words = append(words, "--"+f.Name, quote(v))
			}
			return
		}
		if f.NoOptDefVal != "" && f.Value.String() == f.NoOptDefVal {
			words = append(words, "--"+f.Name)
			return
		}
		words = append(words, "--"+f.Name, quote(f.Value.String()))
	})
	for _, a := range args {
		words = append(words, quote(a))
	}
	return strings.Join(words, " ")
}

// quote quotes a word so that a magic reads it unchanged.
func quote(word string) string {
	if word != "" && !strings.ContainsAny(word, " \t\n'\"\\$") {
		return word
	}
	return "'" + strings.ReplaceAll(word, "'", `'\''`) + "'"
}

// after prints the error of an interrupted command and turns it into an exit code.
func (p *Program) after(ctx context.Context, c *cobra.Command, err error) error {
	if err == nil || ctx.Err() == nil || errors.As(err, new(*exitError)) {
		return err
	}
	fmt.Fprintf(p.Stderr, "%s: %v\n", c.CommandPath(), err)
	return &exitError{code(ctx, err)}
}

// isTerminal reports whether a person reads what is written to w.
func isTerminal(w io.Writer) bool {
	f, ok := w.(*os.File)
	return ok && term.IsTerminal(int(f.Fd()))
}

// surround starts the services that magics use; end stops them.
func (p *Program) surround(ctx context.Context) (end func(), err error) {
	begin := p.begin
	if begin == nil {
		p.loadKeys(ctx)
		begin = func(context.Context) ([]string, func(), error) { return surroundings(redactor()) }
	}
	env, end, err := begin(context.WithoutCancel(ctx)) // a job is cancelled after the interrupt
	if err != nil {
		return nil, err
	}
	for _, e := range env {
		name, value, _ := strings.Cut(e, "=")
		os.Setenv(name, value)
	}
	return end, nil
}
