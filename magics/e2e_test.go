package magics

import (
	"bytes"
	"context"
	"encoding/csv"
	"errors"
	"math"
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"gonum.org/v1/gonum/mat"

	"github.com/gopherpod/gopherpod/kernel/magic"
	"github.com/gopherpod/gopherpod/magics/render"
	"github.com/gopherpod/gopherpod/runpod/runs"
	"github.com/gopherpod/gopherpod/runpod/sweep"
	"github.com/gopherpod/gopherpod/runpod/train"
	"github.com/gopherpod/gopherpod/worker"
	"github.com/gopherpod/gopherpod/worker/engine"
	"github.com/gopherpod/gopherpod/worker/local"
)

// embedded starts the embedded endpoint as the kernel does, and points the
// environment at it.
func embedded(t testing.TB) {
	t.Helper()
	s, err := local.Start(context.Background(), local.Options{Handler: engine.Handler(engine.Options{})})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	dir := t.TempDir() // has no .env
	t.(interface{ Chdir(string) }).Chdir(dir)
	for _, name := range []string{"RUNPOD_API_KEY", "RUNPOD_ENDPOINT_ID", "RUNPOD_ENDPOINT_BASE_URL"} {
		t.Setenv(name, "")
	}
	t.Setenv(train.EnvLocalURL, s.URL())
	t.Setenv(train.EnvLocalKey, s.Key())
}

// digits reads the first n images of the data set of the quickstart.
func digits(t testing.TB, n int) (*mat.Dense, []int) {
	t.Helper()
	f, err := os.Open("../notebooks/data/digits.csv")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	records, err := csv.NewReader(f).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	n = min(n, len(records))
	X, y := mat.NewDense(n, 64, nil), make([]int, n)
	for i := range n {
		for j, field := range records[i] {
			v, err := strconv.Atoi(field)
			if err != nil {
				t.Fatal(err)
			}
			if j == 64 {
				y[i] = v
			} else {
				X.Set(i, j, float64(v)/16)
			}
		}
	}
	return X, y
}

func session(t testing.TB) *fakeVars {
	X, y := digits(t, 800)
	return newVars(map[string]any{
		"Xtrain": mat.DenseCopyOf(X.Slice(0, 600, 0, 64)), "ytrain": y[:600],
		"Xtest": mat.DenseCopyOf(X.Slice(600, 800, 0, 64)), "ytest": y[600:],
	})
}

const digitsNet = "linear 32\nrelu\ndropout 0.1\nlinear 10\n"

func run(t testing.TB, name, args, body string, vars magic.Vars, interactive bool) (*recorder, error) {
	t.Helper()
	var m magic.Magic
	for _, all := range All() {
		if all.Name() == name {
			m = all
		}
	}
	out := &recorder{}
	err := m.Run(context.Background(), &magic.Call{
		Name: name, Args: args, Body: body, Cell: m.Kind()&magic.Cell != 0, Interactive: interactive, Vars: vars, Out: out,
	})
	return out, err
}

func TestTrainEvalPredict(t *testing.T) {
	vars := session(t)
	embedded(t)
	out, err := run(t, "runpod_train", "-d Xtrain,ytrain --val-split 0.1 --epochs 15 --lr 0.01 --seed 7", digitsNet, vars, false)
	if err != nil {
		t.Fatal(err)
	}
	text := out.text()
	t.Log("\n" + text)
	for _, want := range []string{
		"On the embedded endpoint: 600 samples of 64 (60 to validate), 2,410 parameters, 15 epochs, ",
		"epoch  1/15  loss ", "epoch 15/15  loss ", "val accuracy", "seed 7",
		"model: trained in ", "Training loss ", "over 15 epochs",
	} {
		if !strings.Contains(text, want) {
			t.Errorf("no %q in\n%s", want, text)
		}
	}
	v, _ := vars.Lookup("model")
	model := v.Interface().(*train.Model)
	if model.History.Len() != 15 || !model.HasWeights() {
		t.Errorf("model %v", model)
	}
	out, err = run(t, "runpod_eval", "-d Xtest,ytest -o result", "", vars, false)
	if err != nil {
		t.Fatal(err)
	}
	t.Log("\n" + out.text())
	v, _ = vars.Lookup("result")
	if result := v.Interface().(*train.Evaluation); result.Accuracy < 0.85 || result.Samples != 200 || len(result.Confusion) != 10 {
		t.Errorf("result %v", result)
	}
	if _, err = run(t, "runpod_predict", "-d Xtest --labels -o classes", "", vars, false); err != nil {
		t.Fatal(err)
	}
	if _, err = run(t, "runpod_predict", "-d Xtest --proba -o P", "", vars, false); err != nil {
		t.Fatal(err)
	}
	v, _ = vars.Lookup("P")
	if sum := mat.Sum(v.Interface().(*mat.Dense).RowView(0)); math.Abs(sum-1) > 1e-6 {
		t.Errorf("probabilities sum to %v", sum)
	}
	for _, name := range []string{"runpod_health", "runpod_status", "runpod_gpu", "runpod_gpu --prices"} {
		name, args, _ := strings.Cut(name, " ")
		if out, err = run(t, name, args, "", vars, false); err != nil {
			t.Errorf("%s: %v", name, err)
		} else {
			t.Log(out.text())
		}
	}
}

// The magic is the typed call plus rendering: the same numbers.
func TestMagicEqualsCall(t *testing.T) {
	vars := session(t)
	embedded(t)
	if _, err := run(t, "runpod_train", "-d Xtrain,ytrain --epochs 3 --batch-size 16 --lr 0.05 --optimizer sgd --seed 3 --val Xtest,ytest -o net", digitsNet, vars, false); err != nil {
		t.Fatal(err)
	}
	get := func(name string) any { v, _ := vars.Lookup(name); return v.Interface() }
	byCall, err := train.Fit(t.Context(), train.Layers(digitsNet), train.Data{X: get("Xtrain"), Y: get("ytrain")}, train.Options{
		Epochs: 3, BatchSize: 16, LearningRate: 0.05, Optimizer: "sgd", Seed: train.Seed(3),
		Validation: &train.Data{X: get("Xtest"), Y: get("ytest")},
	})
	if err != nil {
		t.Fatal(err)
	}
	byMagic := get("net").(*train.Model)
	if !slices.Equal(byMagic.History.Loss, byCall.History.Loss) || !slices.Equal(byMagic.History.ValLoss, byCall.History.ValLoss) {
		t.Errorf("magic %v\ncall  %v", byMagic.History.Loss, byCall.History.Loss)
	}
	a, _ := byMagic.StateDict()
	b, _ := byCall.StateDict()
	for name := range a {
		if !a[name].Equal(b[name]) {
			t.Errorf("%s differs", name)
		}
	}
}

// The stored output repeats byte for byte, except for the line with the times.
func TestOutputRepeats(t *testing.T) {
	vars := session(t)
	embedded(t)
	const args = "-d Xtrain,ytrain --epochs 4 --val-split 0.2 --seed 11"
	a, err := run(t, "runpod_train", args, digitsNet, vars, false)
	if err != nil {
		t.Fatal(err)
	}
	b, err := run(t, "runpod_train", args, digitsNet, vars, false)
	if err != nil {
		t.Fatal(err)
	}
	took := regexp.MustCompile(`(?m)^model: trained in .*$`)
	if x, y := took.ReplaceAllString(a.stdout.String(), ""), took.ReplaceAllString(b.stdout.String(), ""); x != y {
		t.Errorf("printed\n%s\nthen\n%s", x, y)
	}
	if len(a.shown) != len(b.shown) {
		t.Fatalf("%d displays, then %d", len(a.shown), len(b.shown))
	}
	for i := range a.shown {
		for mime, v := range a.shown[i].data {
			w := b.shown[i].data[mime]
			if p, ok := v.([]byte); ok {
				if !bytes.Equal(p, w.([]byte)) {
					t.Errorf("display %d: %s differs", i, mime)
				}
			} else if v != w {
				t.Errorf("display %d: %s\n%v\nthen\n%v", i, mime, v, w)
			}
		}
	}
}

// If somebody watches, one display is replaced again and again, and the last frame
// is the finished table; the curve follows.
func TestLive(t *testing.T) {
	vars := session(t)
	embedded(t)
	out, err := run(t, "runpod_train", "-d Xtrain,ytrain --epochs 60 --seed 1", digitsNet, vars, true)
	if err != nil {
		t.Fatal(err)
	}
	if strings.Contains(out.stdout.String(), "epoch  1/60") {
		t.Error("lines are printed beside the live view")
	}
	n := len(out.shown)
	if n < 4 {
		t.Fatalf("%d displays", n)
	}
	id := out.shown[0].id
	for i, s := range out.shown[:n-2] {
		if s.id != id || s.update != (i > 0) {
			t.Errorf("display %d: id %q, update %v", i, s.id, s.update)
		}
		if s.data[render.MIMEText] == "" || s.data[render.MIMEHTML] == "" {
			t.Errorf("display %d is not whole", i)
		}
	}
	last := out.shown[n-3].data[render.MIMEHTML].(string)
	if strings.Contains(last, "progress") || !strings.Contains(last, "training loss") {
		t.Errorf("the last frame is %s", last)
	}
	if out.shown[n-2].id != "" || out.shown[n-2].data[render.MIMEPNG] == nil {
		t.Errorf("the curve is %v", out.shown[n-2])
	}
	r, ok := out.shown[n-1].metadata[render.MIMEReceipt].(map[string]any)
	if !ok || r["run_id"] == "" || len(r["data"].([]any)) != 2 {
		t.Errorf("the receipt is %v", out.shown[n-1])
	}
}

func TestInterrupted(t *testing.T) {
	vars := session(t)
	embedded(t)
	ctx, cancel := context.WithCancelCause(context.Background())
	why := errors.New("stop")
	out := &recorder{onDisplay: func(s shown) {
		if text, _ := s.data[render.MIMEText].(string); strings.Contains(text, "training loss") {
			cancel(why)
		}
	}}
	err := find(t, "runpod_train").Run(ctx, &magic.Call{
		Args: "-d Xtrain,ytrain --epochs 1000000", Body: digitsNet, Cell: true, Interactive: true, Vars: vars, Out: out,
	})
	if !errors.Is(err, why) {
		t.Fatalf("error %v", err)
	}
	if !strings.Contains(out.stderr.String(), "is cancelled") {
		t.Errorf("stderr %q", out.stderr.String())
	}
	if !strings.Contains(out.text(), "Interrupted after epoch ") {
		t.Errorf("shown\n%s", out.text())
	}
	v, ok := vars.Lookup("model")
	if !ok || v.Interface().(*train.Model).History.Len() == 0 {
		t.Fatal("the variable does not hold the epochs so far")
	}
	model := v.Interface().(*train.Model)
	if !model.HasWeights() || !strings.Contains(out.stderr.String(), "the model has the weights so far") {
		t.Errorf("no weights: %s", out.stderr.String())
	}
	if _, err := run(t, "runpod_train", "-d Xtrain,ytrain --from model --epochs 1 -q", "", vars, false); err != nil {
		t.Errorf("going on: %v", err)
	}
}

// TestInterruptedTwice: after a second interrupt the cell does not wait for the weights.
// %runpod_attach fetches them later, and all the counts of epochs agree.
func TestInterruptedTwice(t *testing.T) {
	vars := session(t)
	embedded(t)
	store := kept(t)
	ctx, cancel := context.WithCancelCause(context.Background())
	why, again := errors.New("stop"), make(chan struct{})
	close(again)
	out := &recorder{onDisplay: func(s shown) {
		if text, _ := s.data[render.MIMEText].(string); strings.Contains(text, "training loss") {
			cancel(why)
		}
	}}
	err := find(t, "runpod_train").Run(ctx, &magic.Call{
		Args: "-d Xtrain,ytrain --epochs 1000000", Body: digitsNet, Cell: true, Interactive: true, Vars: vars, Out: out, Again: again,
	})
	if !errors.Is(err, why) || !strings.Contains(out.stderr.String(), "is cancelled") || !strings.Contains(out.stderr.String(), "its worker finishes the batch and keeps the weights; attach to run ") {
		t.Errorf("%v, %s", err, out.stderr.String())
	}
	if v, ok := vars.Lookup("model"); !ok || v.Interface().(*train.Model).HasWeights() {
		t.Error("weights, or no variable")
	}
	if _, err := run(t, "runpod_attach", "last -o whole", "", vars, false); err != nil {
		t.Fatal(err)
	}
	v, ok := vars.Lookup("whole")
	if !ok || !v.Interface().(*train.Model).HasWeights() {
		t.Fatal("no weights after %runpod_attach")
	}
	model := v.Interface().(*train.Model)
	list, _, err := store.List(t.Context(), runs.Filter{})
	if err != nil || len(list) != 1 {
		t.Fatal(list, err)
	}
	if n := model.Epochs; n != model.History.Len() || n != model.Receipt.Epochs || n != list[0].Epochs {
		t.Errorf("model %d, history %d, receipt %d, store %d epochs", n, model.History.Len(), model.Receipt.Epochs, list[0].Epochs)
	}
}

// The variable holds the model before the result is shown, whatever showing it does.
func TestVariableBeforePictures(t *testing.T) {
	vars := session(t)
	embedded(t)
	out := &recorder{onDisplay: func(s shown) {
		if s.data[render.MIMEPNG] != nil {
			panic("no picture here")
		}
	}}
	func() {
		defer func() {
			if recover() == nil {
				t.Error("no picture was shown")
			}
		}()
		err := find(t, "runpod_train").Run(context.Background(), &magic.Call{
			Args: "-d Xtrain,ytrain --epochs 3", Body: digitsNet, Cell: true, Vars: vars, Out: out,
		})
		t.Errorf("the training returned %v", err)
	}()
	if v, ok := vars.Lookup("model"); !ok || !v.Interface().(*train.Model).HasWeights() {
		t.Error("the model is lost with its picture")
	}
}

func TestEndpointErrors(t *testing.T) {
	vars := session(t)
	embedded(t)
	const args = "-d Xtrain,ytrain --epochs 1"
	key := os.Getenv(train.EnvLocalKey)
	t.Setenv(train.EnvLocalKey, "wrong")
	if _, err := run(t, "runpod_train", args, digitsNet, vars, false); err == nil || !strings.Contains(err.Error(), "refuses the key; check RUNPOD_API_KEY") {
		t.Errorf("wrong key: %v", err)
	}
	t.Setenv(train.EnvLocalKey, key)
	if _, err := run(t, "runpod_cancel", "nosuchjob", "", vars, false); err == nil || !strings.Contains(err.Error(), "the endpoint knows no job nosuchjob") {
		t.Errorf("cancel: %v", err)
	}
	t.Setenv(train.EnvLocalURL, "http://127.0.0.1:1")
	if _, err := run(t, "runpod_train", args, digitsNet, vars, false); err == nil || !strings.Contains(err.Error(), "cannot be reached: ") {
		t.Errorf("unreachable: %v", err)
	}
	t.Setenv(train.EnvLocalURL, "")
	if _, err := run(t, "runpod_train", args, digitsNet, vars, false); err == nil || !strings.Contains(err.Error(), "there is no endpoint: set RUNPOD_ENDPOINT_ID") {
		t.Errorf("no endpoint: %v", err)
	}
}

// Five epochs and five more equal ten: the weights and the optimizer's state carry
// over.
func TestGoOn(t *testing.T) {
	vars := session(t)
	embedded(t)
	for _, args := range []string{
		"-d Xtrain,ytrain --epochs 6 --lr 0.02 --optimizer adamw --batch-size 50 --seed 4 -o whole",
		"-d Xtrain,ytrain --epochs 2 --lr 0.02 --optimizer adamw --batch-size 50 --seed 4 -o part",
	} {
		if _, err := run(t, "runpod_train", args, digitsNet, vars, false); err != nil {
			t.Fatal(err)
		}
	}
	out, err := run(t, "runpod_train", "-d Xtrain,ytrain --from part --epochs 4 -o more", "", vars, false)
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(out.stdout.String(), "epoch 3/6") || !strings.Contains(out.text(), "over 6 epochs") {
		t.Errorf("shown\n%s", out.text())
	}
	get := func(name string) *train.Model { v, _ := vars.Lookup(name); return v.Interface().(*train.Model) }
	whole, more := get("whole"), get("more")
	if !slices.Equal(whole.History.Loss, more.History.Loss) || more.Receipt.From != get("part").RunID {
		t.Errorf("whole %v\nparts %v", whole.History.Loss, more.History.Loss)
	}
	a, _ := whole.StateDict()
	b, _ := more.StateDict()
	for name := range a {
		if !a[name].Equal(b[name]) {
			t.Errorf("%s differs", name)
		}
	}
}

func TestDryRun(t *testing.T) {
	vars := session(t)
	embedded(t)
	out, err := run(t, "runpod_train", "-d Xtrain,ytrain --dry-run --epochs 20 --gpu ada-24 --max-cost 0.05 --seed 1", digitsNet, vars, false)
	if err != nil {
		t.Fatal(err)
	}
	squeezed := regexp.MustCompile(` +`).ReplaceAllString(out.text(), " ")
	for _, want := range []string{
		"not sent", "parameters 2,410", "operations in all 170 MFLOP", "price $0.00031 a second on ADA_24 (table of ", "a minute $0.0186",
		"most that the job can cost $0.0499",
	} {
		if !strings.Contains(squeezed, want) {
			t.Errorf("no %q in\n%s", want, out.text())
		}
	}
	if _, ok := vars.Lookup("model"); ok {
		t.Error("a dry run trains")
	}
}

func TestSaveAndLoad(t *testing.T) {
	vars := session(t)
	embedded(t)
	for _, c := range []struct{ magic, args, body string }{
		{"runpod_train", "-d Xtrain,ytrain --epochs 2 --early-stop 3 --scheduler step,step_size=1,gamma=0.5", digitsNet},
		{"runpod_save", "model net.safetensors", ""},
		{"runpod_load", "net.safetensors -o back", ""},
		{"runpod_predict", "model -d Xtest -o P", ""},
		{"runpod_predict", "back -d Xtest -o Q", ""},
	} {
		if _, err := run(t, c.magic, c.args, c.body, vars, false); err != nil {
			t.Fatalf("%s %s: %v", c.magic, c.args, err)
		}
	}
	get := func(name string) any { v, _ := vars.Lookup(name); return v.Interface() }
	if !mat.Equal(get("P").(*mat.Dense), get("Q").(*mat.Dense)) {
		t.Error("the model predicts otherwise after save and load")
	}
	if rate := get("model").(*train.Model).History.LearningRate; rate[0] == rate[1] {
		t.Errorf("the scheduler does nothing: %v", rate)
	}
	if _, err := run(t, "runpod_save", "net.safetensors", "", vars, false); err == nil || err.Error() != "net.safetensors is there already; -f replaces it" {
		t.Error(err)
	}
	for _, c := range []struct{ args, want string }{
		{"model net.pt", ""}, {"model net.onnx", ""}, {"model net.go", ""}, {"model weights.bin --format pt", ""},
		{"model net.onnx", "net.onnx is there already; -f replaces it"},
		{"model net.onnx -f", ""},
		{"model net", "the ending of net says no format: .safetensors, .pt, .onnx and .go do, or --format"},
		{"model net.bin --format pickle", "--format pickle is unknown; safetensors, pt, onnx and go are known"},
	} {
		if _, err := run(t, "runpod_save", c.args, "", vars, false); c.want == "" && err != nil || c.want != "" && (err == nil || err.Error() != c.want) {
			t.Errorf("runpod_save %s: %v", c.args, err)
		}
	}
	if _, err := run(t, "runpod_load", "net.pt", "", vars, false); err == nil || !strings.Contains(err.Error(), "a .pt file is a pickle") {
		t.Error(err)
	}
	if _, err := run(t, "runpod_load", "none.safetensors", "", vars, false); err == nil || !strings.Contains(err.Error(), "no such file") {
		t.Error(err)
	}
}

func TestCompare(t *testing.T) {
	vars := session(t)
	embedded(t)
	for _, c := range []struct{ args, body string }{
		{"--val-split 0.2 -o small", "linear 10"},
		{"--val-split 0.2 -o large", "linear 64\nrelu\nlinear 10"},
	} {
		if _, err := run(t, "runpod_train", "-d Xtrain,ytrain --epochs 8 --lr 0.01 --seed 2 "+c.args, c.body, vars, false); err != nil {
			t.Fatal(err)
		}
	}
	out, err := run(t, "runpod_compare", "small large -d Xtest,ytest", "", vars, false)
	if err != nil {
		t.Fatal(err)
	}
	t.Log("\n" + out.text())
	if len(out.shown) != 2 || !strings.Contains(out.text(), "Best: large.") || !strings.Contains(out.text(), "2 trainings compared; small best validation loss") {
		t.Errorf("shown\n%s", out.text())
	}
	if dir := os.Getenv("GOPHERPOD_LOOK"); dir != "" {
		os.WriteFile(dir+"/compare.png", out.shown[1].data[render.MIMEPNG].([]byte), 0o644)
	}
}

func TestSweep(t *testing.T) {
	vars := session(t)
	vars.Define("classes", 10)
	embedded(t)
	const args = "lr=log(1e-4,1e-1) hidden=[8,32] dropout=0..0.5 -d Xtrain,ytrain --val-split 0.2 --epochs 4 --trials 8 --seed 3 --results all"
	const body = "linear $hidden\nrelu\ndropout $dropout\nlinear $classes"
	var texts [2]string
	for i := range texts {
		out, err := run(t, "runpod_sweep", args, body, vars, i == 1)
		if err != nil {
			t.Fatal(err)
		}
		t.Log("\n" + out.text())
		v, _ := vars.Lookup("all")
		all := v.Interface().(*sweep.Result)
		v, _ = vars.Lookup("model")
		if len(all.Trials) != 8 || v.Interface() != all.BestModel() || !all.BestModel().HasWeights() {
			t.Errorf("results %+v", all)
		}
		last := out.shown[len(out.shown)-1]
		texts[i] = last.data[render.MIMEText].(string)
		if dir := os.Getenv("GOPHERPOD_LOOK"); dir != "" {
			os.WriteFile(dir+"/sweep.png", last.data[render.MIMEPNG].([]byte), 0o644)
		}
	}
	if texts[0] != texts[1] || !strings.HasPrefix(texts[0], "8 trials; the best validation loss is ") {
		t.Errorf("the same sweep gives\n%s\nthen\n%s", texts[0], texts[1])
	}
	out, err := run(t, "runpod_sweep", "optimizer=[adam,sgd] --momentum 0.5 --set nesterov=true --method grid -d Xtrain,ytrain --epochs 1 --seed 3", "linear $classes", vars, false)
	if err != nil || !strings.Contains(out.text(), "\n--momentum is left out of trials with adam, which do not use it\n--set nesterov is left out of trials with adam, which do not use it\n") {
		t.Errorf("a fixed option that adam does not use: %v\n%s", err, out.text())
	}
	for _, c := range []struct{ args, want string }{
		{"optimizer=[adam,adagrad] hidden=[1] dropout=0.1 --momentum 0.5 -d Xtrain,ytrain", "--momentum: none of the optimizers adam, adagrad uses it; want one of sgd, rmsprop among them"},
		{"-d Xtrain,ytrain", "nothing varies: write name=values"},
		{"lr -d Xtrain,ytrain", "wants a name and its values"},
		{"hiden=[8] -d Xtrain,ytrain", "there is no variable hidden"},
		{"foo=[8] hidden=[1] dropout=0.1 -d Xtrain,ytrain", "foo is no option that can vary, and the model has no $foo"},
	} {
		if _, err := run(t, "runpod_sweep", c.args, body, vars, false); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v", c.args, err)
		}
	}
}

func TestEvalOfNumbersAndTwoClasses(t *testing.T) {
	n := 200
	X, y, c := mat.NewDense(n, 2, nil), make([]float64, n), make([]int, n)
	for i := range n {
		a, b := math.Sin(float64(i)), math.Cos(float64(i)*1.7)
		X.SetRow(i, []float64{a, b})
		y[i] = 2*a - b + 0.5
		if a+0.3*b > 0 {
			c[i] = 1
		}
	}
	vars := newVars(map[string]any{"X": X, "y": y, "c": c})
	embedded(t)
	for _, k := range []struct{ train, body, data, want string }{
		{"-d X,y --loss mse --epochs 60 --lr 0.05 --seed 1", "linear 1", "X,y", "Predicted over true values of 200 samples"},
		{"-d X,c --epochs 30 --lr 0.05 --seed 1", "linear 2", "X,c", "ROC curve of 200 samples, area under it "},
		{"-d X,c --loss bce_with_logits --epochs 30 --lr 0.05 --seed 1", "linear 1", "X,c", "ROC curve of 200 samples, area under it "},
	} {
		if _, err := run(t, "runpod_train", k.train, k.body, vars, false); err != nil {
			t.Fatal(err)
		}
		out, err := run(t, "runpod_eval", "-d "+k.data+" -o r", "", vars, false)
		if err != nil {
			t.Fatal(err)
		}
		if !strings.Contains(out.text(), k.want) {
			t.Errorf("no %q in\n%s", k.want, out.text())
		}
	}
	v, _ := vars.Lookup("r")
	t.Log(v.Interface())
}

// A model may come from a variable, and data from the fields of one.
func TestSpecAndFields(t *testing.T) {
	X, y := digits(t, 100)
	vars := newVars(map[string]any{
		"ds":     struct{ Images, Digits any }{X, y},
		"spec":   &worker.ModelConfig{Type: "sequential", Layers: []worker.Layer{{Type: "linear", Params: map[string]any{"out_features": 10}}}},
		"text":   "linear 12\nrelu\nlinear 10",
		"hidden": 7,
	})
	embedded(t)
	for _, c := range []struct {
		body       string
		parameters int
	}{
		{"$spec", 650},
		{"$text", 64*12 + 12 + 12*10 + 10},
		{"linear $hidden\nlinear 10", 64*7 + 7 + 7*10 + 10},
		{`{"type": "sequential", "layers": [{"type": "linear", "out_features": 10}]}`, 650},
	} {
		if _, err := run(t, "runpod_train", "-d ds.Images,ds.Digits --epochs 1 -o m", c.body, vars, false); err != nil {
			t.Errorf("%s: %v", c.body, err)
			continue
		}
		v, _ := vars.Lookup("m")
		if got := v.Interface().(*train.Model).Parameters; got != c.parameters {
			t.Errorf("%s: %d parameters, want %d", c.body, got, c.parameters)
		}
	}
}

// For another endpoint, named by RunPod's variables, the price is shown before the
// run and the cost after it.
func TestEndpointElsewhere(t *testing.T) {
	vars := session(t)
	embedded(t)
	t.Setenv("RUNPOD_ENDPOINT_BASE_URL", os.Getenv(train.EnvLocalURL)+"/v2")
	t.Setenv("RUNPOD_ENDPOINT_ID", "local")
	t.Setenv("RUNPOD_API_KEY", os.Getenv(train.EnvLocalKey))
	for _, c := range []struct{ args, want string }{
		{"", "; --gpu NAME would show the cost"},
		{" --gpu ADA_24 --max-cost 0.01", "; $0.0003 at $0.00031 a second on ADA_24 (table of "},
	} {
		out, err := run(t, "runpod_train", "-d Xtrain,ytrain --epochs 2"+c.args, digitsNet, vars, true)
		if err != nil {
			t.Fatal(err)
		}
		text := out.stdout.String()
		if !strings.HasPrefix(text, "On endpoint local at 127.0.0.1:") || !strings.Contains(text, c.want) || strings.Contains(text, os.Getenv("RUNPOD_API_KEY")) {
			t.Errorf("printed\n%s", text)
		}
	}
}
