package terminal

import (
	"fmt"
	"io"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"sync"

	"github.com/spf13/pflag"

	"github.com/gopherpod/gopherpod/kernel/display"
	"github.com/gopherpod/gopherpod/kernel/magic"
	"github.com/gopherpod/gopherpod/magics"
	"github.com/gopherpod/gopherpod/runpod/dataset"
	"github.com/gopherpod/gopherpod/runpod/train"
)

// A use is one call of a magic from a command line.
type use struct {
	command magicCommand
	call    *magic.Call
	vars    *variables
	flags   *pflag.FlagSet // of the magic
	out     string         // the file of -o
	from    string         // the file of --from
}

// read loads the files that the arguments name and returns the other arguments.
func (u *use) read(stdin io.Reader, args []string) ([]string, error) {
	if err := u.writable(); err != nil {
		return nil, err
	}
	if err := u.onlyFiles("data", "-d"); err != nil {
		return nil, err
	}
	if err := u.onlyFiles("val", "--val"); err != nil {
		return nil, err
	}
	if u.from != "" {
		m, err := train.Load(u.from)
		if err != nil {
			return nil, usage("--from: %v", err)
		}
		u.vars.values["from"] = m
		if err := u.flags.Set("from", "from"); err != nil {
			return nil, err
		}
	}
	switch u.command.first {
	case specFile:
		return u.readSpec(stdin, args)
	case modelFile:
		if len(args) == 0 {
			return nil, usage("want a model file first: gopherpod %s %s", u.command.name, u.command.args)
		}
		m, err := train.Load(args[0])
		if err != nil {
			return nil, usage("%v", err)
		}
		u.vars.values["model"] = m
		if u.command.name == "eval" {
			err = u.flags.Set("output", u.command.result)
		}
		return args[1:], err
	}
	return args, nil
}

// readSpec reads the model to train, which is optional with --from and --code.
func (u *use) readSpec(stdin io.Reader, args []string) ([]string, error) {
	u.call.Cell = true
	if len(args) == 0 || u.command.name == "sweep" && strings.Contains(args[0], "=") {
		if code := u.flags.Lookup("code"); u.from != "" || code != nil && code.Changed {
			return args, nil
		}
		return nil, usage("want a file with the model first: gopherpod %s %s", u.command.name, u.command.args)
	}
	name, from := args[0], io.Reader(nil)
	if name == "-" {
		name, from = "stdin", stdin
	}
	b, err := magics.ReadModel(name, from)
	if err != nil {
		return nil, usage("%v", err)
	}
	u.call.Body = string(b)
	return args[1:], nil
}

// onlyFiles returns an error if a data option names a variable, because a terminal
// has none.
func (u *use) onlyFiles(name, option string) error {
	f := u.flags.Lookup(name)
	if f == nil || !f.Changed {
		return nil
	}
	for _, word := range strings.Split(f.Value.String(), ",") {
		if word = strings.TrimSpace(word); !dataset.IsFile(word) {
			return usage("%s: want a file (%s), got %q", option, strings.Join(dataset.Extensions(), ", "), word)
		}
	}
	return nil
}

// writable returns an error if the result cannot be written to the file, before
// anything is paid for.
func (u *use) writable() error {
	file := u.out
	if file == "" {
		return nil
	}
	if u.command.result == "model" && train.FormatOf(file) == "" {
		return usage("-o %s: want a file that ends in .safetensors, .pt, .onnx or .go", file)
	}
	if info, err := os.Stat(filepath.Dir(file)); err != nil || !info.IsDir() {
		return usage("-o %s: there is no folder %s", file, filepath.Dir(file))
	}
	return nil
}

// variables are those of a command: the models that it loaded, and the result of
// the magic.
type variables struct {
	mu     sync.Mutex
	values map[string]any
}

// Lookup implements magic.Vars.
func (v *variables) Lookup(name string) (reflect.Value, bool) {
	v.mu.Lock()
	defer v.mu.Unlock()
	x, ok := v.values[name]
	if !ok {
		return reflect.Value{}, false
	}
	p := reflect.New(reflect.TypeOf(x))
	p.Elem().Set(reflect.ValueOf(x))
	return p.Elem(), true
}

// Names implements magic.Vars.
func (v *variables) Names() []string { return nil }

// Define implements magic.Vars.
func (v *variables) Define(name string, value any) error {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.values[name] = value
	return nil
}

// output writes what a magic says to where people read it.
type output struct{ people io.Writer }

func (o *output) Write(b []byte) (int, error) {
	_, err := io.WriteString(o.people, asCommand(string(b)))
	return len(b), err
}

// Stdout implements magic.Output.
func (o *output) Stdout() io.Writer { return o }

// Stderr implements magic.Output.
func (o *output) Stderr() io.Writer { return o }

// Display implements magic.Output. It shows the text.
func (o *output) Display(m display.Message) {
	if text := m.Text(); strings.TrimSpace(text) != "" {
		fmt.Fprintln(o, strings.TrimRight(text, "\n"))
	}
}
