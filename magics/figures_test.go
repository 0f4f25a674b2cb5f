package magics

import (
	"encoding/json"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"gonum.org/v1/gonum/mat"

	"github.com/gopherpod/gopherpod/runpod/runs"
	"github.com/gopherpod/gopherpod/runpod/train"
)

// labelled are samples with two labels, which both may apply: x > 0 and y > 0.
func labelled(n int) (X, Y *mat.Dense) {
	X, Y = mat.NewDense(n, 2, nil), mat.NewDense(n, 2, nil)
	for i := range n {
		for j, v := range []float64{float64(i*37%101)/50 - 1.01, float64(i*53%89)/44 - 1.01} {
			X.Set(i, j, v)
			if v > 0 {
				Y.Set(i, j, 1)
			}
		}
	}
	return X, Y
}

// A model with several labels per sample predicts a 0 or 1 for each, in cells and in Go,
// and is not measured like a classifier.
func TestMultiLabel(t *testing.T) {
	X, Y := labelled(200)
	vars := newVars(map[string]any{"X": X, "Y": Y})
	embedded(t)
	if _, err := run(t, "runpod_train", "-d X,Y --loss bce_with_logits --epochs 60 --lr 0.05 --seed 1 --val-split 0.2", "linear 16\ntanh\nlinear 2\n", vars, false); err != nil {
		t.Fatal(err)
	}
	out, err := run(t, "runpod_predict", "-d X --labels -o said", "", vars, false)
	if err != nil {
		t.Fatal(err)
	}
	v, _ := vars.Lookup("said")
	said, ok := v.Interface().([][]int)
	if !ok || len(said) != 200 || len(said[0]) != 2 || !strings.Contains(out.text(), "200 rows of 2 labels, 0 or 1, [][]int") {
		t.Fatalf("%T: %s", v.Interface(), out.text())
	}
	right, both := 0, 0
	for i, row := range said {
		if row[0] == int(Y.At(i, 0)) && row[1] == int(Y.At(i, 1)) {
			right++
		}
		if row[0] == 1 && row[1] == 1 {
			both++
		}
	}
	if right < 190 || both < 20 {
		t.Errorf("%d of 200 rows right, %d with both labels", right, both)
	}
	out, err = run(t, "runpod_eval", "-d X,Y -o result", "", vars, false)
	if err != nil {
		t.Fatal(err)
	}
	v, _ = vars.Lookup("result")
	e := v.Interface().(*train.Evaluation)
	if got := float64(right) / 200; e.ExactMatch != got || e.Confusion != nil || len(e.PerClass) != 2 {
		t.Errorf("%+v, want an exact match of %v", e, got)
	}
	if text := out.text(); !strings.Contains(text, "right labels") || !strings.Contains(text, "all labels right") || strings.Contains(text, "confusion") || !strings.Contains(text, "label ") {
		t.Errorf("%s", text)
	}
	m := held[*train.Model](t, vars, "model")
	for _, call := range []func() error{
		func() error { _, err := m.Classes(X); return err },
		func() error { _, err := m.Labels(X); return err },
	} {
		if err := call(); err == nil || !strings.Contains(err.Error(), "it decides 2 labels a row, each yes or no; Indicators gives them") {
			t.Errorf("classes: %v", err)
		}
	}
}

func held[T any](t *testing.T, vars *fakeVars, name string) T {
	t.Helper()
	v, ok := vars.Lookup(name)
	if !ok {
		t.Fatalf("no %s", name)
	}
	return v.Interface().(T)
}

// A single number is neither a class nor a probability.
func TestNumbersAreNoClasses(t *testing.T) {
	X, Y := labelled(40)
	vars := newVars(map[string]any{"X": X, "y": mat.Col(nil, 0, Y)})
	embedded(t)
	if _, err := run(t, "runpod_train", "-d X,y --loss mse --epochs 1 --seed 1", "linear 1\n", vars, false); err != nil {
		t.Fatal(err)
	}
	for args, want := range map[string]string{"-d X --labels": "it was trained with mse and gives one number; Predict returns it", "-d X --proba": "--proba: the model was trained with mse"} {
		if _, err := run(t, "runpod_predict", args, "", vars, false); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %s", args, err, want)
		}
	}
}

// Models whose losses measure different things are ranked by a metric that the output names.
func TestCompareOtherLosses(t *testing.T) {
	vars := session(t)
	embedded(t)
	for _, args := range []string{"-o plain --epochs 12", "-o smooth --epochs 2 --set label_smoothing=1", "-o weighted --epochs 1 --set class_weights=9,1,1,1,1,1,1,1,1,1"} {
		if _, err := run(t, "runpod_train", args+" -d Xtrain,ytrain --val-split 0.2 --lr 0.01 --seed 7", digitsNet, vars, false); err != nil {
			t.Fatal(err)
		}
	}
	smooth, plain := held[*train.Model](t, vars, "weighted").History, held[*train.Model](t, vars, "plain").History
	if smooth.ValLoss[smooth.Best()] > plain.ValLoss[plain.Best()] {
		t.Logf("the better model has the lower loss too: %v, %v", smooth.ValLoss, plain.ValLoss)
	}
	for args, want := range map[string]string{
		"weighted smooth plain":                "Best: plain, by validation accuracy; their losses are not comparable (class_weights, label_smoothing differ).",
		"weighted smooth plain -d Xtest,ytest": "Best: plain, by test accuracy; their losses are not comparable",
	} {
		out, err := run(t, "runpod_compare", args, "", vars, false)
		if err != nil || !strings.Contains(out.text(), want) {
			t.Errorf("%s: %v\n%s", args, err, out.text())
		}
	}
	X, Y := labelled(60)
	if err := vars.Define("X", X); err != nil {
		t.Fatal(err)
	}
	if err := vars.Define("y", mat.Col(nil, 0, Y)); err != nil {
		t.Fatal(err)
	}
	for _, loss := range []string{"mse", "l1"} {
		if _, err := run(t, "runpod_train", "-d X,y --epochs 3 --seed 1 --loss "+loss+" -o "+loss, "linear 1\n", vars, false); err != nil {
			t.Fatal(err)
		}
	}
	for args, want := range map[string]string{
		"mse l1":        "Not ranked: their losses are not comparable (loss_function differ), and they have no metric in common; -d X,y measures them on the same data.",
		"mse l1 -d X,y": ", by test RMSE; their losses",
	} {
		out, err := run(t, "runpod_compare", args, "", vars, false)
		if err != nil || !strings.Contains(out.text(), want) {
			t.Errorf("%s: %v\n%s", args, err, out.text())
		}
	}
}

// A sweep over label smoothing finds the most accurate trial, and says what it
// compares by.
func TestSweepOverSmoothing(t *testing.T) {
	vars := session(t)
	embedded(t)
	out, err := run(t, "runpod_sweep", "label_smoothing=[1,0] -d Xtrain,ytrain --val-split 0.2 --epochs 6 --lr 0.01 --seed 7 --method grid --workers 1", digitsNet, vars, false)
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"label_smoothing 1  validation accuracy ", "label_smoothing 0  validation accuracy ", "model: the best of 2 trials by validation accuracy, in "} {
		if !strings.Contains(out.text(), want) {
			t.Errorf("no %q in\n%s", want, out.text())
		}
	}
	if m := held[*train.Model](t, vars, "model"); m.Hyperparameters.LabelSmoothing != 0 {
		t.Errorf("the best has smoothing %v", m.Hyperparameters.LabelSmoothing)
	}
	for args, want := range map[string]string{
		"label_smoothing=[1,0] --objective loss": "label_smoothing changes what the loss measures",
		"lr=[0.1,0.2] --objective f1":            "want one of loss, accuracy",
		"loss=[mse,l1]":                          "loss cannot vary: it changes what the loss measures",
	} {
		if _, err := run(t, "runpod_sweep", args+" -d Xtrain,ytrain", digitsNet, vars, false); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %s", args, err, want)
		}
	}
}

// Runs of several losses are listed with the names of the losses.
func TestLossesInTheList(t *testing.T) {
	record := func(loss string) []byte {
		return []byte(`{"model_config": {"type": "sequential", "layers": [{"type": "relu"}]}, "hyperparameters": {"loss_function": "` + loss + `"}}`)
	}
	list := []runs.Run{{Loss: 0.5, Record: record("mse")}, {Loss: 0.25, Record: record("l1")}, {Record: record("l1")}}
	if got := lossesOf(list); !slices.Equal(got, []string{"0.5 mse", "0.25 l1", ""}) {
		t.Errorf("%q", got)
	}
	if got := lossesOf(list[1:]); !slices.Equal(got, []string{"0.25", ""}) {
		t.Errorf("%q", got)
	}
}

// Without shuffling the last samples are held out, and the output says which.
func TestSplitInOrder(t *testing.T) {
	n := 50
	X, y := mat.NewDense(n, 1, nil), make([]float64, n)
	for i := range n {
		X.Set(i, 0, float64(i%5))
		if i >= 40 {
			y[i] = 100 // the held-out part is unlike the rest
		}
	}
	vars := newVars(map[string]any{"X": X, "y": y})
	embedded(t)
	out, err := run(t, "runpod_train", "-d X,y --loss mse --epochs 2 --seed 1 --val-split 0.2 --set shuffle=false", "linear 1\n", vars, false)
	if err != nil {
		t.Fatal(err)
	}
	m := held[*train.Model](t, vars, "model")
	if m.History.Loss[0] > 10 || m.History.ValLoss[0] < 5000 {
		t.Errorf("losses %v, of what was held out %v", m.History.Loss, m.History.ValLoss)
	}
	for _, want := range []string{"(the last 10 to validate)", "samples in their order"} {
		if !strings.Contains(out.text(), want) {
			t.Errorf("no %q in\n%s", want, out.text())
		}
	}
}

func TestDropLast(t *testing.T) {
	X, Y := labelled(33)
	vars := newVars(map[string]any{"X": X, "y": mat.Col(nil, 0, Y)})
	embedded(t)
	const line, body = "-d X,y --loss bce_with_logits --epochs 2 --seed 1", "linear 4\nbatchnorm1d\nrelu\nlinear 1\n"
	_, err := run(t, "runpod_train", line, body, vars, false)
	if want := "--batch-size 32 leaves a batch of 1 sample of 33, of which batch norm cannot take the variance; choose another, or leave that batch out with --drop-last"; err == nil || err.Error() != want {
		t.Errorf("%v\nwant %s", err, want)
	}
	out, err := run(t, "runpod_train", line+" --drop-last", body, vars, false)
	if err != nil {
		t.Fatal(err)
	}
	m := held[*train.Model](t, vars, "model")
	if m.History.Records[0].Samples != 32 || !m.Receipt.Hyperparameters.DropLast || !strings.Contains(out.text(), "without a smaller last batch") {
		t.Errorf("%d samples an epoch\n%s", m.History.Records[0].Samples, out.text())
	}
	// A continued training does the same, unless it is told not to.
	for option, want := range map[string]int{"": 32, "--drop-last=false --batch-size 11": 33} {
		if _, err := run(t, "runpod_train", "--from model -o more -d X,y --epochs 1 "+option, "", vars, false); err != nil {
			t.Fatal(err)
		}
		records := held[*train.Model](t, vars, "more").History.Records
		if got := records[len(records)-1].Samples; got != want {
			t.Errorf("%q: %d samples, want %d", option, got, want)
		}
	}
}

// Advice about wasted money comes before anything is sent, also for a dry run; even -q
// reports what the worker did not do.
func TestAdviceInCells(t *testing.T) {
	vars := session(t)
	embedded(t)
	for _, option := range []string{"", "--dry-run", "-q"} {
		out, err := run(t, "runpod_train", "-d Xtrain,ytrain --epochs 1 --seed 1 "+option, digitsNet+"softmax\n", vars, false)
		if err != nil || strings.Count(out.stderr.String()+out.text(), "advice: cross_entropy applies softmax itself") != 1 {
			t.Errorf("%q: %v\n%s", option, err, out.stderr.String()+out.text())
		}
	}
	out, err := run(t, "runpod_sweep", "lr=[0.01,0.02] -d Xtrain,ytrain --epochs 1 --seed 1 --method grid", digitsNet+"softmax\n", vars, false)
	if err != nil || strings.Count(out.stderr.String()+out.text(), "advice: cross_entropy applies softmax itself") != 1 {
		t.Errorf("sweep: %v\n%s", err, out.stderr.String()+out.text())
	}
	for option, want := range map[string]string{
		"-q --precision fp16": "precision fp16 was asked for, and cpu", "--precision fp16": "precision fp16 is for GPUs; the engine on the CPU computes in fp32",
		"-q --gpus 2": "2 GPUs were asked for, and the training ran on cpu", "--gpus 2": "gpus is for GPUs; the engine on the CPU has no use for it",
		"--set on_oom=halve": "on_oom is for GPUs", "": "", "-q": "", "--gpus 1": "", "--precision fp32": "",
	} {
		out, err := run(t, "runpod_train", "-d Xtrain,ytrain --epochs 1 --seed 1 "+option, digitsNet, vars, false)
		if err != nil || want != "" && strings.Count(out.stderr.String()+out.text(), want) != 1 || want == "" && (strings.Contains(out.stderr.String()+out.text(), "asked for") || strings.Contains(out.stderr.String()+out.text(), "GPUs") || strings.Contains(out.stderr.String()+out.text(), "advice")) {
			t.Errorf("%q: %v\n%s", option, err, out.stderr.String()+out.text())
		}
	}
}

// The trainings of the shared notebooks are good: none gets advice. Their data are
// digits scaled to 1, or columns scaled to a spread of 1.
func TestNotebooksGetNoAdvice(t *testing.T) {
	files, err := filepath.Glob("../notebooks/*.ipynb")
	if err != nil || len(files) == 0 {
		t.Fatal("no notebooks", err)
	}
	data, err := filepath.Abs("../notebooks/data")
	if err != nil {
		t.Fatal(err)
	}
	type cell struct{ name, line, body string }
	var cells []cell
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		var nb struct {
			Cells []struct {
				Source   any
				Metadata struct{ Tags []string }
			}
		}
		if err := json.Unmarshal(text, &nb); err != nil {
			t.Fatal(err)
		}
		for _, c := range nb.Cells {
			if slices.Contains(c.Metadata.Tags, "raises-exception") {
				continue // it trains nothing
			}
			source := fmt.Sprint(c.Source)
			if list, ok := c.Source.([]any); ok {
				source = ""
				for _, line := range list {
					source += line.(string)
				}
			}
			for _, magic := range []string{"runpod_train", "runpod_sweep"} {
				line, body, _ := strings.Cut(source, "\n")
				if args, ok := strings.CutPrefix(line, "%%"+magic); ok && !strings.Contains(args, "--from") {
					cells = append(cells, cell{magic, strings.ReplaceAll(args, "data/", data+"/"), body})
				}
			}
		}
	}
	if len(cells) < 10 {
		t.Fatalf("%d cells", len(cells))
	}
	X, y := digits(t, 1500)
	columns, numbers := mat.NewDense(60, 10, nil), make([]float64, 60)
	for i := range 60 {
		for j := range 10 {
			columns.Set(i, j, math.Sin(float64(7*i+j))*2)
		}
		numbers[i] = 150 + 100*math.Sin(float64(i))
	}
	embedded(t)
	withPython(t, "") // the bodies in Python are right
	for _, c := range cells {
		vars := newVars(map[string]any{"width": 16, "Xtrain": X, "ytrain": y, "X": mat.NewDense(4, 2, []float64{0, 0, 0, 1, 1, 0, 1, 1}), "y": []int{0, 1, 1, 0}})
		if strings.Contains(c.line, "--loss mse") {
			vars = newVars(map[string]any{"Xtrain": columns, "ytrain": numbers})
		}
		line := strings.NewReplacer("--noblock", "", "--quiet", "").Replace(c.line) + " --dry-run"
		out, err := run(t, c.name, line, c.body, vars, false)
		if err != nil || strings.Contains(out.stderr.String(), "advice") {
			t.Errorf("%s %s: %v\n%s", c.name, c.line, err, out.stderr.String())
		}
	}
}
