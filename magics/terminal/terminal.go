// Package terminal does the magics' work from a command line: the same options, the
// same run store, files in the place of variables. Progress goes to stderr, the result
// as one JSON object to stdout, and the exit code says what happened.
//
//	gopherpod train net.yaml -d iris.csv --target species --epochs 50 -o net.safetensors
//	gopherpod sweep net.yaml lr=log(1e-4,1e-1) -d iris.csv --target species -o best.safetensors
//	gopherpod eval net.safetensors -d test.csv --target species
//	gopherpod predict net.safetensors -d new.csv --labels -o labels.json
//	gopherpod runs --state open
//	gopherpod history RUN
//	gopherpod attach RUN -o net.safetensors
//	gopherpod cost --by day
package terminal

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"sync"

	"github.com/gopherpod/gopherpod/kernel/magic"
	"github.com/gopherpod/gopherpod/magics"
	"github.com/gopherpod/gopherpod/magics/render"
	"github.com/gopherpod/gopherpod/runpod"
	"github.com/gopherpod/gopherpod/runpod/train"
)

// Exit codes.
const (
	OK          = 0
	Failed      = 1   // the job failed, or a file could not be written
	Usage       = 2   // the command line, the specification or the data are wrong
	Overtime    = 3   // the server ended the job at its --timeout or --max-cost
	Unreachable = 4   // no endpoint, or it refuses the key
	Interrupted = 130 // the job is cancelled; -o has the weights so far where they could be had
)

// A Command is a word behind "gopherpod".
type Command struct {
	Name, Magic, Args, Summary string
	file                       string // what the first argument is: "spec" or "model"
	result                     string // the variable that the magic leaves
}

// Commands lists them.
func Commands() []Command {
	return []Command{
		{"train", "runpod_train", "SPEC [options]", "train the model of a file (layers, YAML or JSON); -o FILE writes it as safetensors, .pt, .onnx or .go", "spec", "model"},
		{"sweep", "runpod_sweep", "SPEC name=values... [options]", "find the best hyperparameters; -o FILE writes the best model", "spec", "model"},
		{"eval", "runpod_eval", "MODEL -d FILE [options]", "measure a model file on data", "model", "result"},
		{"predict", "runpod_predict", "MODEL -d FILE [options]", "compute a model file's outputs; -o FILE writes them as JSON", "model", "predictions"},
		{"runs", "runpod_runs", "[options]", "list the runs of this machine", "", ""},
		{"history", "runpod_history", "RUN", "show the epochs of a run", "", ""},
		{"attach", "runpod_attach", "RUN [options]", "follow a run to its end; -o FILE writes its model", "", "model"},
		{"cancel", "runpod_cancel", "RUN", "end a run", "", ""},
		{"cost", "runpod_cost", "[options]", "add up what runs cost, beside what RunPod billed", "", ""},
	}
}

// Run does a command and returns the exit code. When ctx ends the job is cancelled and
// what there is of the model is kept; again, closed then, ends the wait for it.
func (c Command) Run(ctx context.Context, args []string, again <-chan struct{}, stdout, stderr io.Writer) int {
	fail := func(err error) int {
		fmt.Fprintf(stderr, "gopherpod %s: %v\n", c.Name, err)
		return code(ctx, err)
	}
	if slices.Contains(args, "--help") || slices.Contains(args, "-h") {
		fmt.Fprintf(stdout, "usage: gopherpod %s %s\n\n%s", c.Name, c.Args, c.help())
		return OK
	}
	v := &variables{values: map[string]any{}}
	call := &magic.Call{Name: c.Magic, Vars: v, Out: &output{stderr: stderr}, Again: again}
	file, args, err := c.read(call, v, args)
	if err != nil {
		return fail(err)
	}
	var words []string
	for _, a := range args {
		words = append(words, quote(a))
	}
	call.Args = strings.Join(words, " ")
	err = c.magic().Run(ctx, call)
	var usage *magic.UsageError
	if errors.As(err, &usage) {
		return fail(&magic.UsageError{Msg: asCommand(usage.Msg)})
	}
	answer, saved := c.answer(v, file)
	if saved != nil && err == nil {
		err = saved
	}
	if answer != nil {
		enc := json.NewEncoder(stdout)
		enc.SetEscapeHTML(false)
		err = errors.Join(err, enc.Encode(answer))
	}
	var cut *train.InterruptedError
	switch {
	case errors.As(err, &cut): // the magic has told it
		return Interrupted
	case err != nil:
		return fail(err)
	}
	return OK
}

func (c Command) magic() magic.Magic {
	all := magics.All()
	return all[slices.IndexFunc(all, func(m magic.Magic) bool { return m.Name() == c.Magic })]
}

// help is the magic's, without its first line.
func (c Command) help() string {
	_, text, _ := strings.Cut(c.magic().Help(), "\n\n")
	return asCommand(text)
}

// asCommand puts the words of a command line in the place of a magic's.
func asCommand(text string) string {
	for _, c := range Commands() {
		text = strings.ReplaceAll(text, "%%"+c.Magic, "gopherpod "+c.Name)
		text = strings.ReplaceAll(text, "%"+c.Magic, "gopherpod "+c.Name)
	}
	return text
}

// read takes the files out of the arguments: the first one, --from and -o.
func (c Command) read(call *magic.Call, v *variables, args []string) (out string, rest []string, err error) {
	if c.result != "" && c.Name != "eval" {
		if out, args, err = cut(args, "-o", "--output"); err != nil {
			return "", nil, err
		}
		if err := c.writable(out); err != nil {
			return "", nil, err
		}
	}
	if c.file == "spec" {
		call.Cell = true
		from := ""
		if from, args, err = cut(args, "--from"); err != nil {
			return "", nil, err
		}
		if from != "" {
			m, err := train.Load(from)
			if err != nil {
				return "", nil, &magic.UsageError{Msg: "--from: " + err.Error()}
			}
			v.values["from"] = m
			args = append(args, "--from", "from")
			if len(args) == 2 || strings.HasPrefix(args[0], "-") {
				return out, args, nil // the layers are those of the model
			}
		}
	}
	if c.file == "" {
		return out, args, nil
	}
	if len(args) == 0 || strings.HasPrefix(args[0], "-") {
		return "", nil, &magic.UsageError{Msg: fmt.Sprintf("a file is wanted first: gopherpod %s %s", c.Name, c.Args)}
	}
	name, args := args[0], args[1:]
	if c.file == "model" {
		m, err := train.Load(name)
		if err != nil {
			return "", nil, &magic.UsageError{Msg: err.Error()}
		}
		v.values["model"] = m
		if c.Name == "eval" {
			args = append(args, "-o", c.result)
		}
		return out, args, nil
	}
	b, err := os.ReadFile(name)
	if err != nil {
		return "", nil, &magic.UsageError{Msg: err.Error()}
	}
	call.Body = string(b)
	return out, args, nil
}

// writable refuses a file that the result could not be written to, before anything is paid for.
func (c Command) writable(file string) error {
	if file == "" {
		return nil
	}
	if c.result == "model" && train.FormatOf(file) == "" {
		return &magic.UsageError{Msg: fmt.Sprintf("-o %s: the file's ending says no format; known are .safetensors, .pt, .onnx and .go", file)}
	}
	if info, err := os.Stat(filepath.Dir(file)); err != nil || !info.IsDir() {
		return &magic.UsageError{Msg: fmt.Sprintf("-o %s: there is no folder %s", file, filepath.Dir(file))}
	}
	return nil
}

// cut takes an option and its value out of the arguments.
func cut(args []string, names ...string) (value string, rest []string, err error) {
	for i := 0; i < len(args); i++ {
		name, given, joined := strings.Cut(args[i], "=")
		switch {
		case !slices.Contains(names, name):
			rest = append(rest, args[i])
		case joined:
			value = given
		case i+1 == len(args):
			return "", nil, &magic.UsageError{Msg: name + " wants a file behind it"}
		default:
			i++
			value = args[i]
		}
	}
	return value, rest, nil
}

// quote writes a word so that the magic reads it as it is.
func quote(word string) string {
	if word != "" && !strings.ContainsAny(word, " \t\n'\"\\$") {
		return word
	}
	return "'" + strings.ReplaceAll(word, "'", `'\''`) + "'"
}

// answer is what goes to stdout; what the magic left is written into file.
func (c Command) answer(v *variables, file string) (any, error) {
	switch x := v.values[c.result].(type) {
	case *train.Model:
		if c.file == "model" {
			break
		}
		a := trained{Receipt: x.Receipt, Parameters: x.Parameters, Stopped: x.Stopped}
		if file == "" || !x.HasWeights() {
			return a, nil
		}
		a.File = file
		err := x.Export(file, "")
		if err != nil && train.FormatOf(file) != train.Safetensors { // it is paid for: kept in the form that holds every model
			kept := strings.TrimSuffix(file, filepath.Ext(file)) + ".safetensors"
			if _, there := os.Stat(kept); there != nil && x.Export(kept, "") == nil {
				a.File, err = kept, fmt.Errorf("%w; the model is kept in %s", err, kept)
			}
		}
		return a, err
	case *train.Evaluation:
		return map[string]any{"samples": x.Samples, "metrics": x.Metrics, "classes": x.ClassNames}, nil
	case nil:
	default:
		p, err := predictions(x)
		if err != nil || file == "" {
			return p, err
		}
		b, err := json.Marshal(p)
		if err != nil {
			return nil, err
		}
		return map[string]any{"rows": reflect.ValueOf(p).Len(), "file": file}, os.WriteFile(file, append(b, '\n'), 0o644)
	}
	return nil, nil
}

type trained struct {
	train.Receipt
	Parameters int    `json:"parameters"`
	Stopped    string `json:"stopped,omitempty"`
	File       string `json:"file,omitempty"`
}

// predictions are rows of numbers, class numbers or their names.
func predictions(x any) (any, error) {
	m, ok := x.(interface {
		Dims() (r, c int)
		At(i, j int) float64
	})
	if !ok {
		return x, nil
	}
	r, c := m.Dims()
	rows := make([][]float64, r)
	for i := range rows {
		rows[i] = make([]float64, c)
		for j := range c {
			if rows[i][j] = m.At(i, j); rows[i][j]-rows[i][j] != 0 {
				return nil, fmt.Errorf("output %d of row %d is %v, for which JSON has no number", j, i, rows[i][j])
			}
		}
	}
	return rows, nil
}

// code is the exit code of an error.
func code(ctx context.Context, err error) int {
	var usage *magic.UsageError
	var cut *train.InterruptedError
	var job *runpod.JobError
	switch {
	case errors.As(err, &usage):
		return Usage
	case ctx.Err() != nil || errors.As(err, &cut):
		return Interrupted
	case errors.Is(err, magics.ErrOvertime):
		return Overtime
	case errors.As(err, &job):
		return Failed
	case errors.Is(err, train.ErrNoEndpoint), errors.Is(err, runpod.ErrUnreachable), errors.Is(err, runpod.ErrUnauthorized), errors.Is(err, runpod.ErrForbidden):
		return Unreachable
	}
	var data *train.DataError
	if errors.As(err, &data) {
		return Usage
	}
	return Failed
}

// variables are a command's: the models that it loaded, and what the magic left.
type variables struct {
	mu     sync.Mutex
	values map[string]any
}

// Lookup is magic.Vars'.
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

// Names is magic.Vars'.
func (v *variables) Names() []string { return nil }

// Define is magic.Vars'.
func (v *variables) Define(name string, value any) error {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.values[name] = value
	return nil
}

// output writes what people read to stderr.
type output struct{ stderr io.Writer }

// Stdout is magic.Output's.
func (o *output) Stdout() io.Writer { return o.stderr }

// Stderr is magic.Output's.
func (o *output) Stderr() io.Writer { return o.stderr }

// Display is magic.Output's: it shows the text.
func (o *output) Display(_ string, _ bool, data, _ map[string]any) {
	if text, ok := data[render.MIMEText].(string); ok && strings.TrimSpace(text) != "" {
		fmt.Fprintln(o.stderr, strings.TrimRight(text, "\n"))
	}
}
