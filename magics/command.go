package magics

import (
	"context"
	"slices"
	"strings"

	"github.com/spf13/pflag"

	"github.com/gopherpod/gopherpod/kernel/display"
	"github.com/gopherpod/gopherpod/kernel/magic"
	"github.com/gopherpod/gopherpod/magics/render"
)

// A command is a magic whose options are the fields of an O.
type command[O any] struct {
	name    string
	kind    magic.Kind
	args    string // what follows the name, in the usage line
	summary string
	about   string // further help: the body, examples
	// define adds the options to fs and sets their defaults.
	define func(fs *pflag.FlagSet, o *O)
	// choices are the words that an option takes, for completion.
	choices map[string][]string
	run     func(ctx context.Context, c *magic.Call, o *O, args []string) error
}

func (m *command[O]) Name() string     { return m.name }
func (m *command[O]) Kind() magic.Kind { return m.kind }
func (m *command[O]) Summary() string  { return m.summary }

func (m *command[O]) sign() string {
	if m.kind&magic.Cell != 0 {
		return "%%" + m.name
	}
	return "%" + m.name
}

func (m *command[O]) flags(o *O) *pflag.FlagSet {
	fs := pflag.NewFlagSet(m.name, pflag.ContinueOnError)
	fs.Usage = func() {}
	m.options(fs, o)
	fs.BoolP("help", "h", false, "show this help")
	return fs
}

// options adds the options to fs; parsing fs sets o.
func (m *command[O]) options(fs *pflag.FlagSet, o *O) {
	fs.SortFlags = false
	fs.SetNormalizeFunc(commonName)
	if m.define != nil {
		m.define(fs, o)
	}
}

// Help returns the usage line, the options with their defaults, and examples.
func (m *command[O]) Help() string {
	var o O
	var b strings.Builder
	b.WriteString(strings.TrimSpace(m.sign()+" "+m.args) + "\n\n" + strings.ToUpper(m.summary[:1]) + m.summary[1:] + ".\n")
	const noise = "[=true|false]"
	options := m.flags(&o).FlagUsagesWrapped(100)
	b.WriteString("\nOptions:\n" + strings.ReplaceAll(options, noise, strings.Repeat(" ", len(noise))))
	if m.about != "" {
		b.WriteString("\n" + strings.TrimSpace(m.about) + "\n")
	}
	return b.String()
}

func (m *command[O]) Run(ctx context.Context, c *magic.Call) error {
	if err := m.form(c); err != nil {
		return err
	}
	ws, err := words(c.Args, c.Vars)
	if err != nil {
		return err
	}
	var o O
	fs := m.flags(&o)
	args, err := parse(fs, m.sign(), ws)
	if help, _ := fs.GetBool("help"); help {
		c.Out.Display(display.Message{Data: display.MIMEMap{render.MIMEText: m.Help()}})
		return nil
	}
	if err != nil {
		return err
	}
	return explain(m.run(ctx, c, &o, args))
}

// form returns an error if the magic does not have the form, line or cell, in which
// it was called. Help for a cell magic can be asked for on a line.
func (m *command[O]) form(c *magic.Call) error {
	switch {
	case c.Cell && m.kind&magic.Cell == 0:
		return usage("%%%%%s does not exist, the line magic %%%s does", m.name, m.name)
	case !c.Cell && m.kind&magic.Line == 0 && !asksHelp(c.Args):
		return usage("%%%s does not exist, the cell magic %%%%%s does: it wants the first line of a cell", m.name, m.name)
	}
	return nil
}

func asksHelp(args string) bool {
	return slices.ContainsFunc(strings.Fields(args), func(w string) bool { return w == "-h" || w == "--help" })
}

// Complete completes options, their values, and variables.
func (m *command[O]) Complete(line string, pos int, vars magic.Vars) ([]string, int) {
	pos = min(max(pos, 0), len(line))
	start := strings.LastIndexAny(line[:pos], " \t") + 1
	word := line[start:pos]
	before := strings.Fields(line[:start])
	fs := m.flags(new(O))
	if name, _, ok := strings.Cut(word, "="); ok && strings.HasPrefix(name, "--") {
		start += len(name) + 1
		return m.values(strings.TrimPrefix(name, "--"), line[start:pos], start, vars)
	}
	if strings.HasPrefix(word, "-") {
		var options []string
		fs.VisitAll(func(f *pflag.Flag) { options = append(options, "--"+f.Name) })
		return withPrefix(options, word), start
	}
	if len(before) > 0 {
		if f := flagOf(fs, before[len(before)-1]); f != nil && f.Value.Type() != "bool" {
			return m.values(f.Name, word, start, vars)
		}
	}
	return withPrefix(vars.Names(), word), start
}

// values completes the value of an option: one of its choices, or variables
// separated by commas.
func (m *command[O]) values(option, word string, start int, vars magic.Vars) ([]string, int) {
	if c := m.choices[option]; c != nil {
		return withPrefix(c, word), start
	}
	if i := strings.LastIndexByte(word, ','); i >= 0 {
		start += i + 1
		word = word[i+1:]
	}
	return withPrefix(vars.Names(), word), start
}

func flagOf(fs *pflag.FlagSet, word string) *pflag.Flag {
	switch {
	case strings.HasPrefix(word, "--"):
		return fs.Lookup(word[2:])
	case len(word) == 2 && word[0] == '-':
		return fs.ShorthandLookup(word[1:])
	}
	return nil
}

func withPrefix(words []string, prefix string) []string {
	var out []string
	for _, w := range words {
		if strings.HasPrefix(w, prefix) {
			out = append(out, w)
		}
	}
	return out
}

// noOptions is the option type of a magic without options.
type noOptions struct{}
