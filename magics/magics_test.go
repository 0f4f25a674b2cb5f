package magics

import (
	"bytes"
	"errors"
	"io"
	"maps"
	"slices"
	"strings"
	"sync"
	"testing"

	"gonum.org/v1/gonum/mat"

	"github.com/gopherpod/gopherpod/kernel/display"
	"github.com/gopherpod/gopherpod/kernel/magic"
)

// A recorder is the output area of a cell.
type recorder struct {
	mu             sync.Mutex
	stdout, stderr bytes.Buffer
	shown          []shown
	onDisplay      func(shown)
}

type shown struct {
	id       string
	update   bool
	data     map[string]any
	metadata map[string]any
}

func (r *recorder) Stdout() io.Writer { return &lockedWriter{r, &r.stdout} }
func (r *recorder) Stderr() io.Writer { return &lockedWriter{r, &r.stderr} }

type lockedWriter struct {
	r *recorder
	b *bytes.Buffer
}

func (w *lockedWriter) Write(p []byte) (int, error) {
	w.r.mu.Lock()
	defer w.r.mu.Unlock()
	return w.b.Write(p)
}

func (r *recorder) Display(m display.Message) {
	s := shown{m.ID, m.Update, maps.Clone(m.Data), m.Metadata}
	r.mu.Lock()
	r.shown = append(r.shown, s)
	r.mu.Unlock()
	if r.onDisplay != nil {
		r.onDisplay(s)
	}
}

// text returns everything that a text-only viewer shows in the end.
func (r *recorder) text() string {
	r.mu.Lock()
	defer r.mu.Unlock()
	last := map[string]string{}
	var order []string
	for i, s := range r.shown {
		id := s.id
		if id == "" {
			id = "#" + strings.Repeat("i", i)
		}
		if _, ok := last[id]; !ok {
			order = append(order, id)
		}
		last[id], _ = s.data["text/plain"].(string)
	}
	out := []string{r.stdout.String()}
	for _, id := range order {
		out = append(out, last[id])
	}
	return strings.Join(out, "\n")
}

func find(t *testing.T, name string) magic.Magic {
	t.Helper()
	for _, m := range All() {
		if m.Name() == name {
			return m
		}
	}
	t.Fatalf("no magic %s", name)
	return nil
}

func TestAll(t *testing.T) {
	seen := map[string]bool{}
	for _, m := range All() {
		if seen[m.Name()] || m.Summary() == "" || m.Kind() == 0 {
			t.Errorf("%q: twice, without summary or form", m.Name())
		}
		seen[m.Name()] = true
		if !strings.HasPrefix(m.Help(), "%") || !strings.Contains(m.Help(), "--help") {
			t.Errorf("%s: help is\n%s", m.Name(), m.Help())
		}
		if _, ok := m.(magic.Completer); !ok {
			t.Errorf("%s does not complete", m.Name())
		}
		for _, line := range strings.Split(m.Help(), "\n") {
			if len(line) > 120 {
				t.Errorf("%s: long line of help: %s", m.Name(), line)
			}
		}
	}
}

func TestHelpByOption(t *testing.T) {
	var out recorder
	m := find(t, "runpod_train")
	err := m.Run(t.Context(), &magic.Call{Args: "--help", Vars: newVars(nil), Out: &out})
	if err != nil || !strings.Contains(out.text(), "%%runpod_train -d X,y [options]") {
		t.Errorf("%v, %s", err, out.text())
	}
}

// Each mistake in a call gives one line that says what is wrong.
func TestUsageErrors(t *testing.T) {
	vars := newVars(map[string]any{
		"Xtrain": mat.NewDense(4, 2, nil), "y": []int{0, 1, 0, 1}, "short": []int{0}, "none": []float64(nil), "word": "hello",
	})
	const layers = "linear 2"
	for _, c := range []struct{ magic, args, body, want string }{
		{"runpod_train", "", layers, "-d X,y is missing: the variables with samples and labels, or a file and --target"},
		{"runpod_train", "-d Xtrain", layers, "-d wants two variables, samples and labels: -d X,y (without a blank), or a file and --target"},
		{"runpod_train", "-d Xtrian,y", layers, "there is no variable Xtrian; did you mean Xtrain?"},
		{"runpod_train", "-d Xtrain,none", layers, "none is nil (a []float64 without a value)"},
		{"runpod_train", "-d Xtrain,y --epoch 3", layers, "unknown option --epoch; did you mean --epochs?"},
		{"runpod_train", "-d Xtrain,y --learning_rate -3", layers, "--lr is -3, wants 0 or more, in the range of float32"},
		{"runpod_train", "-d Xtrain,y --batch 3", layers, "unknown option --batch; did you mean --batch-size?"},
		{"runpod_train", "-d Xtrain,y --momentum 0.9", layers, "--momentum: adam does not use it; sgd and rmsprop do"},
		{"runpod_train", "-d Xtrain,y --zzzzzz 3", layers, "unknown option --zzzzzz; %%runpod_train? lists the options"},
		{"runpod_train", "-d Xtrain,y --set label_smothing=0.1", layers, "--set label_smothing: unknown name; want one of " + strings.Join(otherHyperparameters(), ", ") + "; did you mean label_smoothing?"},
		{"runpod_train", "-d Xtrain,y --set nesterov", layers, "--set nesterov: want name=value, as in --set label_smoothing=0.1"},
		{"runpod_train", "-d Xtrain,y --set clip_value=much", layers, "--set clip_value=much: wants a number, not a text"},
		{"runpod_train", "-d Xtrain,y --set accelerate=fast", layers, "unknown accelerate \"fast\"; known: auto, off, graph, compile"},
		{"runpod_train", "-d Xtrain,y --epochs many", layers, "--epochs: want a whole number, got many"},
		{"runpod_train", "-d Xtrain,y --epochs 0", layers, "--epochs is 0, wants 1 to 1e+09"},
		{"runpod_train", "-d Xtrain,y --lr", layers, "--lr: want a number after it"},
		{"runpod_train", "-d Xtrain,y --seed x", layers, "--seed: want a whole number, got x"},
		{"runpod_train", "-d Xtrain,y --lr -1", layers, "--lr is -1, wants 0 or more, in the range of float32"},
		{"runpod_train", "-d Xtrain,y --optimizer adma", layers, `unknown optimizer "adma"; did you mean "adam"?`},
		{"runpod_train", "-d Xtrain,y --val Xtrain,y --val-split 0.2", layers, "--val and --val-split exclude each other: give the validation data, or the share to hold out"},
		{"runpod_train", "-d Xtrain,y -o 3x", layers, "-o 3x: not a valid variable name"},
		{"runpod_train", "-d Xtrain,y more", layers, `unexpected argument "more"; the model belongs in the cell's body, the data after -d`},
		{"runpod_train", "-d Xtrain,y", " \n", `the cell has no model: write the layers below the first line, one a line, as in "linear 64"`},
		{"runpod_train", "-d Xtrain,y", "linaer 2", `line 1: unknown layer "linaer"; did you mean "linear"?`},
		{"runpod_train", "-d Xtrain,y", "linear $hidden", "there is no variable hidden; define it in a cell before"},
		{"runpod_train", "-d Xtrain,short", layers, "short has 1 labels and Xtrain has 4 rows; they must be as many"},
		{"runpod_train", "-d Xtrain,word", layers, "word is a string: want a gonum matrix or a slice of numbers"},
		{"runpod_train", "-d Xtrain,y --early-stop soon", layers, "--early-stop soon: patience: wants a whole number, not a text"},
		{"runpod_train", "-d Xtrain,y --early-stop 5,delta=1", layers, `--early-stop 5,delta=1: delta: early_stopping has no such field; known: patience, min_delta, monitor`},
		{"runpod_train", "-d Xtrain,y --scheduler cosin", layers, `unknown scheduler "cosin"; did you mean "cosine"?`},
		{"runpod_train", "-d Xtrain,y --scheduler step,5", layers, `--scheduler step,5: "5" wants a name, as in type,name=value`},
		{"runpod_train", "-d Xtrain,y --max-cost 0", layers, "--max-cost: want more than 0, got 0; without the option there is no such limit"},
		{"runpod_train", "-d Xtrain,y --timeout 0", layers, "--timeout: want more than 0, got 0s; without the option there is no such limit"},
		{"runpod_train", "-d Xtrain,y --queue-timeout 0s", layers, "--queue-timeout: want more than 0, got 0s; without the option there is no such limit"},
		{"runpod_sweep", "lr=[1,2] -d Xtrain,y --max-cost 0", layers, "--max-cost: want more than 0, got 0; without the option there is no such limit"},
		{"runpod_train", "-d Xtrain,y --max-cost 1", layers, "--max-cost: cannot find the price of a second; name the GPU, as in --gpu ADA_24"},
		{"runpod_train", "-d Xtrain,y --max-cost 0.001 --gpu ADA_80_PRO", layers, "--max-cost 0.001 is less than the shortest job costs: 5 s on ADA_80_PRO are $0.0058"},
		{"runpod_train", "-d Xtrain,y --gpu ADA24x", layers, `unknown kind of GPU "ADA24x"; did you mean ADA_24?`},
		{"runpod_train", "-d Xtrain,y --from y", layers, "y is a []int and not a trained model; %%runpod_train makes one"},
		{"runpod_cancel", "", "", "which job? %runpod_cancel wants a model's variable, the beginning of a run's id, or a job's id"},
		{"runpod_status", "", "", "there is no variable model; train one with %%runpod_train, or name another"},
		{"runpod_save", "", "", "want a file, as in %runpod_save model net.safetensors"},
		{"runpod_save", "net", "", "there is no variable model; train one with %%runpod_train, or name another"},
		{"runpod_train", "-d 'Xtrain,y", layers, "a ' is not closed"},
		{"runpod_eval", "-d Xtrain,y", "", "there is no variable model; train one with %%runpod_train, or name another"},
		{"runpod_eval", "y -d Xtrain,y", "", "y is a []int and not a trained model; %%runpod_train makes one"},
		{"runpod_predict", "y z", "", `unexpected argument "z": only the model's name may be given without an option`},
	} {
		var out recorder
		m := find(t, c.magic)
		err := m.Run(t.Context(), &magic.Call{Args: c.args, Body: c.body, Cell: m.Kind()&magic.Cell != 0, Vars: vars, Out: &out})
		var u *magic.UsageError
		if !errors.As(err, &u) || u.Msg != c.want {
			t.Errorf("%s %s: %T %v\nwant %s", c.magic, c.args, err, err, c.want)
		}
	}
}

func TestWrongForm(t *testing.T) {
	err := find(t, "runpod_train").Run(t.Context(), &magic.Call{Args: "-d X,y", Vars: newVars(nil), Out: &recorder{}})
	if err == nil || !strings.Contains(err.Error(), "the cell magic %%runpod_train does") {
		t.Error(err)
	}
	err = find(t, "runpod_eval").Run(t.Context(), &magic.Call{Cell: true, Vars: newVars(nil), Out: &recorder{}})
	if err == nil || !strings.Contains(err.Error(), "the line magic %runpod_eval does") {
		t.Error(err)
	}
}

func TestComplete(t *testing.T) {
	vars := newVars(map[string]any{"Xtrain": 1, "Xtest": 1, "ytrain": 1})
	m := find(t, "runpod_train").(magic.Completer)
	for _, c := range []struct {
		line  string
		want  []string
		start int
	}{
		{"-d X", []string{"Xtest", "Xtrain"}, 3},
		{"-d Xtrain,y", []string{"ytrain"}, 10},
		{"--data=Xt", []string{"Xtest", "Xtrain"}, 7},
		{"-d Xtrain,ytrain --ep", []string{"--epochs"}, 17},
		{"--optimizer ada", []string{"adam", "adamw", "adagrad"}, 12},
		{"--loss=m", []string{"mse"}, 7},
		{"--quiet X", []string{"Xtest", "Xtrain"}, 8},
		{"", []string{"Xtest", "Xtrain", "ytrain"}, 0},
		{"--nothing", nil, 0},
	} {
		got, start := m.Complete(c.line, len(c.line), vars)
		if !slices.Equal(got, c.want) || start != c.start {
			t.Errorf("%q: %q from %d, want %q from %d", c.line, got, start, c.want, c.start)
		}
	}
}
