package magics

import (
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"gonum.org/v1/gonum/mat"

	"github.com/gopherpod/gopherpod/runpod/sweep"
	"github.com/gopherpod/gopherpod/runpod/train"
	"github.com/gopherpod/gopherpod/worker"
)

// flowers writes a file of three kinds that two numbers tell apart, and returns it as a
// struct of slices.
func flowers(t *testing.T, name string, n int) any {
	t.Helper()
	random := rand.New(rand.NewPCG(1, 2))
	var frame struct {
		Length, Width []float64
		Species       []string
	}
	var b strings.Builder
	b.WriteString("length,width,note,species\n")
	for i := range n {
		k := i % 3
		l, w := float64(k)+0.2*random.NormFloat64(), float64(-k*k)+0.2*random.NormFloat64()
		frame.Length, frame.Width = append(frame.Length, l), append(frame.Width, w)
		frame.Species = append(frame.Species, []string{"setosa", "versicolor", "virginica"}[k])
		fmt.Fprintf(&b, "%v,%v,seen,%s\n", l, w, frame.Species[i])
	}
	if err := os.WriteFile(name, []byte(b.String()), 0o600); err != nil {
		t.Fatal(err)
	}
	return frame
}

// A model trained from a file with class names predicts class names.
func TestTrainFromAFile(t *testing.T) {
	numpy, err := filepath.Abs("../runpod/dataset/testdata")
	if err != nil {
		t.Fatal(err)
	}
	embedded(t)
	vars := newVars(map[string]any{"frame": flowers(t, "flowers.csv", 150), "spec": &worker.ModelConfig{Type: "sequential", Layers: []worker.Layer{{Type: "linear", Params: map[string]any{"out_features": 3}}}}})
	body := "layers:\n  - {type: linear, out_features: 16}\n  - {type: relu}\n  - {type: linear, out_features: 3}"
	if _, err := run(t, "runpod_train", "-d flowers.csv --target species --columns width,length --val-split 0.2 --epochs 30 --lr 0.05 --seed 1 --gpus 1", body, vars, false); err != nil {
		t.Fatal(err)
	}
	m := got(vars, "model").(*train.Model)
	if !reflect.DeepEqual(m.ClassNames, []string{"setosa", "versicolor", "virginica"}) || !reflect.DeepEqual(m.Columns, []string{"width", "length"}) {
		t.Fatalf("%q %q", m.ClassNames, m.Columns)
	}
	out, err := run(t, "runpod_eval", "-d flowers.csv -l species -o e", "", vars, false) // the model's columns
	if err != nil || !strings.Contains(out.text(), "versicolor") || got(vars, "e").(*train.Evaluation).Accuracy < 0.9 {
		t.Fatalf("%v\n%s", err, out.text())
	}
	if _, err := run(t, "runpod_predict", "-d flowers.csv --labels -o names", "", vars, false); err != nil {
		t.Fatal(err)
	}
	if names := got(vars, "names").([]string); len(names) != 150 || names[0] != "setosa" {
		t.Error(names)
	}
	if _, err := run(t, "runpod_predict", "-d flowers.csv --proba -o P", "", vars, false); err != nil {
		t.Fatal(err)
	}
	if r, c := got(vars, "P").(mat.Matrix).Dims(); r != 150 || c != 3 {
		t.Error(r, c)
	}
	// A struct of slices has columns too, and --model is a variable. Columns are found by
	// name, in any case.
	if _, err := run(t, "runpod_train", "-d frame --label Species --model spec --epochs 2 --val flowers.csv -q -o m2", "", vars, false); err != nil {
		t.Error(err)
	}
	renamed := filepath.Join(t.TempDir(), "renamed.csv")
	if err := os.WriteFile(renamed, []byte("species,w,length\nsetosa,0.2,1.4\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for line, want := range map[string]string{
		"runpod_eval -d " + renamed + " -l species":                      "renamed.csv: has no column width; the model was trained on the columns width, length, and the file has species, w, length",
		"runpod_predict -d " + renamed:                                   "renamed.csv: has no column width; the model was trained on the columns width, length, and the file has species, w, length",
		"runpod_train -d frame -l Species --model spec --val " + renamed: "renamed.csv: has no column Width; the model was trained on",
	} {
		name, args, _ := strings.Cut(line, " ")
		if _, err := run(t, name, args, "", vars, false); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", line, err)
		}
	}
	if _, err := run(t, "runpod_train", "-d frame --label Species --model spec --epochs 2 -q -o m2", "", vars, false); err != nil {
		t.Error(err)
	}
	if m := got(vars, "m2").(*train.Model); !reflect.DeepEqual(m.Columns, []string{"Length", "Width"}) || m.Epochs != 2 {
		t.Error(m, m.Columns)
	}
	if _, err := run(t, "runpod_train", "-d "+numpy+"/packed.npz -l y --epochs 1 -q", "linear 2", vars, false); err != nil {
		t.Error(err)
	}
	if _, err := run(t, "runpod_train", "-d "+numpy+"/f8.npy,"+numpy+"/texts.npy --epochs 1 -q", "linear 2", vars, false); err != nil {
		t.Error(err)
	}
	for args, want := range map[string]string{
		"-d flowers.csv":                                          "which column of flowers.csv holds the labels? --target NAME; it has length, width, note, species",
		"-d flowers.csv -l species":                               `line 2, column note holds the text "seen", and samples are numbers; choose the columns of numbers with --columns`,
		"-d flowers.csv -l kind":                                  "flowers.csv: has no column kind; it has length, width, note, species",
		"-d missing.csv -l kind":                                  "there is no file missing.csv here",
		"-d flowers.csv -l species --columns length --gpus 0":     "--gpus 0: want 1 to 64, or all",
		"-d " + numpy + "/hole.csv -l species":                    "hole.csv: line 4, column width holds no number (empty, NA or NaN); fill it in, or take the row or the column out",
		"-d frame.Length,frame.Species --columns a":               "--columns: want a file or a struct with columns, got frame.Length",
		"-d flowers.csv -l species --columns length --model spec": "--model spec and a body exclude each other",
	} {
		if _, err := run(t, "runpod_train", args, "linear 3", vars, false); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v\nwant %s", args, err, want)
		}
	}
}

// A search with all its options continues from its journal, stops trials early, and is
// quiet.
func TestSweepOptions(t *testing.T) {
	embedded(t)
	vars := newVars(map[string]any{})
	flowers(t, "flowers.csv", 90)
	args := "lr=log(1e-4,1e-1) hidden=[4,8] optimizer=[adam,sgd] -d flowers.csv -l species --columns length,width --epochs 9 --val-split 0.3 --trials 16 --workers 2 --method tpe --halving 3 --seed 2 --journal s.jsonl --results all"
	body := "linear $hidden\nrelu\nlinear 3"
	out, err := run(t, "runpod_sweep", args, body, vars, false)
	if err != nil || !strings.Contains(out.text(), "ended after epoch 1") || !strings.Contains(out.text(), "and one more trial") {
		t.Fatalf("%v\n%s", err, out.text())
	}
	before := got(vars, "all").(*sweep.Result)
	if before.BestModel() == nil || !before.BestModel().HasWeights() || len(before.BestModel().ClassNames) != 3 {
		t.Error(before.BestModel())
	}
	out, err = run(t, "runpod_sweep", args, body, vars, false)
	if err != nil || !strings.Contains(out.stdout.String(), "16 read from s.jsonl") {
		t.Fatalf("%v\n%s", err, out.stdout.String())
	}
	after := got(vars, "all").(*sweep.Result)
	for i, trial := range after.Trials {
		if b := before.Trials[i]; !trial.Again || trial.Value != b.Value || trial.Stopped != b.Stopped || !reflect.DeepEqual(trial.Point, b.Point) {
			t.Errorf("%+v, before %+v", trial, b)
		}
	}
	if out, err = run(t, "runpod_sweep", args+" --quiet", body, vars, true); err != nil || out.stdout.String() != "" {
		t.Errorf("%v, %q", err, out.stdout.String())
	}
	for more, want := range map[string]string{
		" --halving 1":    "--halving: want FACTOR or FACTOR,min_epochs=N with FACTOR >= 2, such as 3 or 3,min_epochs=2, got 1",
		" --halving x":    "--halving: want FACTOR or FACTOR,min_epochs=N with FACTOR >= 2, such as 3 or 3,min_epochs=2, got x",
		" --method cmaes": "cmaes wants numbers; tpe takes words too",
		" --seed 3":       "s.jsonl belongs to another sweep",
		" --noblock":      "--from, --model and --noblock belong to a single training",
		" --track none":   "--track none: ",
		" --endpoint abc": "--endpoint abc: RUNPOD_API_KEY is not set",
	} {
		if _, err := run(t, "runpod_sweep", args+more, body, vars, false); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", more, err)
		}
	}
}

// A dry run shows what a sweep would need and sends nothing; each trial is a run of the
// trackers, grouped by sweep.
func TestSweepDryAndTracked(t *testing.T) {
	embedded(t)
	vars := newVars(map[string]any{})
	flowers(t, "flowers.csv", 90)
	args := "lr=log(1e-4,1e-1) hidden=[4,8] -d flowers.csv -l species --columns length,width --epochs 2 --trials 3 --workers 2 --seed 2 --results all --gpu ADA_24 --max-cost 1"
	body := "linear $hidden\nrelu\nlinear 3"
	out, err := run(t, "runpod_sweep", args+" --dry-run", body, vars, false)
	for _, want := range []string{"random over lr from 0.0001 to 0.1, logarithmic, hidden of [4 8], not sent", "3, 2 at once", "27 to 51", "most that all can cost"} {
		if err != nil || !strings.Contains(out.text(), want) {
			t.Errorf("%v, no %q in\n%s", err, want, out.text())
		}
	}
	if _, sent := vars.Lookup("all"); sent {
		t.Error("a dry run was sent")
	}
	if _, err = run(t, "runpod_sweep", args+" --track tensorboard,wandb --tag x", body, vars, false); err != nil {
		t.Fatal(err)
	}
	r := got(vars, "all").(*sweep.Result)
	for _, trial := range r.Trials {
		events, _ := filepath.Glob("tensorboard/" + trial.Model.RunID + "/events*")
		files, _ := filepath.Glob("wandb/offline-run-*-" + trial.Model.RunID + "/run-*.wandb")
		if len(events) != 1 || len(files) != 1 {
			t.Fatalf("trial %d: %q %q", trial.Number, events, files)
		}
		b, err := os.ReadFile(files[0])
		if err != nil || r.ID == "" || !strings.Contains(string(b), r.ID) {
			t.Errorf("trial %d is not of the group %q: %v", trial.Number, r.ID, err)
		}
	}
}

func got(vars *fakeVars, name string) any {
	v, _ := vars.Lookup(name)
	return v.Interface()
}

// A hyperparameter without an option of its own is set by name, and a continued
// training keeps it.
func TestSet(t *testing.T) {
	embedded(t)
	vars := newVars(map[string]any{"frame": flowers(t, "flowers.csv", 60)})
	line := "-d flowers.csv --target species --columns width,length --epochs 1 --seed 1 --optimizer sgd --momentum 0.9 "
	if _, err := run(t, "runpod_train", line+"--set class_weights=1,2,0.5 --set label_smoothing=0.1 --set nesterov=true --set checkpoint.epochs=5 --set checkpoint.seconds=30 --set on_oom=halve --set shuffle=false", "linear 3", vars, false); err != nil {
		t.Fatal(err)
	}
	if _, err := run(t, "runpod_train", "-d flowers.csv --target species --epochs 1 --from model -o more", "", vars, false); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"model", "more"} {
		h := got(vars, name).(*train.Model).Hyperparameters
		if !reflect.DeepEqual(h.ClassWeights, []float64{1, 2, 0.5}) || h.LabelSmoothing != 0.1 || !h.Nesterov || h.Momentum != 0.9 || h.OnOOM != "halve" || *h.Shuffle ||
			h.Checkpoint == nil || *h.Checkpoint != (worker.Checkpoint{Epochs: 5, Seconds: 30}) {
			t.Errorf("%s: %+v", name, h)
		}
	}
}

// What a continued training takes over from its model is turned off by name.
func TestFromIsTurnedOff(t *testing.T) {
	embedded(t)
	vars := newVars(map[string]any{})
	flowers(t, "flowers.csv", 60)
	line := "-d flowers.csv --target species --columns width,length --epochs 1 --seed 1 "
	if _, err := run(t, "runpod_train", line+"--optimizer adamw --weight-decay 0.1 --clip-norm 2 --scheduler cosine", "linear 3", vars, false); err != nil {
		t.Fatal(err)
	}
	if _, err := run(t, "runpod_train", "-d flowers.csv --target species --epochs 1 --from model --weight-decay 0 --clip-norm 0 --scheduler none -o plain", "", vars, false); err != nil {
		t.Fatal(err)
	}
	if h := got(vars, "plain").(*train.Model).Hyperparameters; h.Optimizer != "adamw" || h.WeightDecay != 0 || h.ClipNorm != 0 || h.Scheduler != nil {
		t.Errorf("%+v; want weight decay, clipping and scheduler off", h)
	}
}
