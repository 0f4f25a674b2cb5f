// Package pytorch_test drives the PyTorch worker as RunPod does: through RunPod's
// own SDK, attached to the endpoint of worker/local.
//
// The tests run with GOPHERPOD_E2E=1 and GOPHERPOD_PYTHON naming a Python that
// has torch, numpy, runpod, msgpack and zstandard.
package pytorch_test

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"math/rand/v2"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/gopherpod/gopherpod/tensors"
	"github.com/gopherpod/gopherpod/worker"
	"github.com/gopherpod/gopherpod/worker/local"
)

func python(t *testing.T) string {
	t.Helper()
	if os.Getenv("GOPHERPOD_E2E") != "1" {
		t.Skip("GOPHERPOD_E2E=1 runs the PyTorch worker against the endpoint")
	}
	p := os.Getenv("GOPHERPOD_PYTHON")
	if p == "" {
		t.Fatal("GOPHERPOD_PYTHON is not set: it names a Python that has torch, numpy, runpod, msgpack and zstandard")
	}
	return p
}

// An endpoint of the test's own, and the folder that its workers share.
type endpoint struct {
	*local.Server
	t      *testing.T
	python string
	store  string
}

func newEndpoint(t *testing.T, opt local.Options) *endpoint {
	t.Helper()
	py := python(t)
	s, err := local.Start(t.Context(), opt)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return &endpoint{s, t, py, t.TempDir()}
}

// attach starts a worker; kill ends it as a lost machine does.
func (e *endpoint) attach(id string) (kill func()) {
	e.t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	cmd := exec.CommandContext(ctx, e.python, "handler.py")
	cmd.Env = append(os.Environ(), e.WorkerEnv(id)...)
	cmd.Env = append(cmd.Env, "HOME="+e.t.TempDir(), "GOPHERPOD_STORE="+e.store, "PYTHONDONTWRITEBYTECODE=1", "OMP_NUM_THREADS=1")
	cmd.WaitDelay = time.Second
	// The SDK's heartbeat is a process of its own; on a lost machine it dies too.
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) }
	var out lockedBuffer
	cmd.Stdout, cmd.Stderr = &out, &out
	if err := cmd.Start(); err != nil {
		e.t.Fatal(err)
	}
	done := make(chan struct{})
	go func() { cmd.Wait(); close(done) }()
	kill = func() { cancel(); <-done }
	e.t.Cleanup(func() {
		kill()
		if e.t.Failed() {
			e.t.Logf("worker %s:\n%s", id, out.String())
		}
	})
	return kill
}

type lockedBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *lockedBuffer) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *lockedBuffer) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

func (e *endpoint) do(method, path string, body any) []byte {
	e.t.Helper()
	var r io.Reader
	if body != nil {
		b, err := json.Marshal(body)
		if err != nil {
			e.t.Fatal(err)
		}
		r = bytes.NewReader(b)
	}
	req, err := http.NewRequestWithContext(e.t.Context(), method, e.BaseURL()+"/"+e.EndpointID()+path, r)
	if err != nil {
		e.t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer "+e.Key())
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		e.t.Fatal(err)
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	if err != nil {
		e.t.Fatal(err)
	}
	return b
}

type job struct {
	ID     string          `json:"id"`
	Status string          `json:"status"`
	Output json.RawMessage `json:"output"`
	Error  string          `json:"error"`
}

func (e *endpoint) submit(input any) string {
	e.t.Helper()
	var j job
	b := e.do("POST", "/run", map[string]any{"input": input})
	if err := json.Unmarshal(b, &j); err != nil || j.ID == "" {
		e.t.Fatalf("%s: %v", b, err)
	}
	return j.ID
}

// ended waits for the end of a job.
func (e *endpoint) ended(id string) job {
	e.t.Helper()
	for deadline := time.Now().Add(120 * time.Second); time.Now().Before(deadline); {
		var j job
		b := e.do("GET", "/status-sync/"+id+"?wait=5000", nil)
		if err := json.Unmarshal(b, &j); err != nil {
			e.t.Fatalf("%s: %v", b, err)
		}
		if !slices.Contains([]string{"IN_QUEUE", "IN_PROGRESS"}, j.Status) {
			return j
		}
	}
	e.t.Fatal("the job did not end")
	return job{}
}

// call runs a job to its end and decodes its output.
func (e *endpoint) call(input, output any) {
	e.t.Helper()
	j := e.ended(e.submit(input))
	if j.Status != "COMPLETED" {
		e.t.Fatalf("%s: %s", j.Status, j.Error)
	}
	if err := json.Unmarshal(j.Output, output); err != nil {
		e.t.Fatalf("%.300s: %v", j.Output, err)
	}
}

// stream reads what is there of a job's stream.
func (e *endpoint) stream(id string) []worker.Event {
	e.t.Helper()
	var got struct {
		Stream []struct{ Output worker.Event }
	}
	b := e.do("GET", "/stream/"+id, nil)
	if err := json.Unmarshal(b, &got); err != nil {
		e.t.Fatalf("%.300s: %v", b, err)
	}
	var events []worker.Event
	for _, c := range got.Stream {
		events = append(events, c.Output)
	}
	return events
}

func (e *endpoint) collect(events []worker.Event) *worker.TrainResult {
	e.t.Helper()
	var c worker.Collector
	for _, ev := range events {
		if _, err := c.Add(ev); err != nil {
			e.t.Fatal(err)
		}
	}
	r, err := c.Result()
	if err != nil {
		e.t.Fatal(err)
	}
	return r
}

func (e *endpoint) result(j job) *worker.TrainResult {
	e.t.Helper()
	var events []worker.Event
	if err := json.Unmarshal(j.Output, &events); err != nil {
		e.t.Fatalf("%s %.300s%s: %v", j.Status, j.Output, j.Error, err)
	}
	return e.collect(events)
}

// points are three clouds in four dimensions.
func points(n int) (x [][]float64, y []int) {
	r := rand.New(rand.NewPCG(1, 2))
	for i := range n {
		row := make([]float64, 4)
		for j := range row {
			row[j] = r.NormFloat64() * 0.7
		}
		row[i%3] += 2
		x, y = append(x, row), append(y, i%3)
	}
	return x, y
}

func request(t *testing.T, op worker.Operation, h *worker.Hyperparameters) *worker.Request {
	t.Helper()
	x, y := points(120)
	set := tensors.Set{}
	for name, v := range map[string]any{"X": x, "y": y} {
		tensor, err := tensors.From(v)
		if err != nil {
			t.Fatal(err)
		}
		set[name] = tensor
	}
	data, err := tensors.EncodeSet(set, "msgpack+zstd")
	if err != nil {
		t.Fatal(err)
	}
	model, err := worker.ParseModel("linear 16\nbatchnorm1d\nrelu\ndropout 0.2\nlinear 3")
	if err != nil {
		t.Fatal(err)
	}
	r := &worker.Request{Operation: op, Protocol: worker.Protocol, Model: model, Hyperparameters: h, Tensors: &worker.Tensors{Codec: "msgpack+zstd", Data: data}}
	both := &worker.Dataset{Features: worker.Value{Tensor: "X"}, Labels: worker.Value{Tensor: "y"}}
	switch op {
	case worker.OpTrain, worker.OpTrainEpoch:
		r.TrainingData = both
	case worker.OpEvaluate:
		r.EvaluationData = both
	case worker.OpPredict:
		r.InputData = &worker.Dataset{Features: worker.Value{Tensor: "X"}}
	}
	return r
}

func TestTableIsTheContracts(t *testing.T) {
	out, err := exec.Command(python(t), filepath.Join("tests", "table.py")).Output()
	if err != nil {
		t.Fatal(err)
	}
	var got struct {
		Layers map[string]struct {
			Module string
			Params map[string]struct {
				Default            any
				Required, Inferred bool
				Alias              string
				Words              []string
			}
		}
		Optimizers, Losses, Schedulers, Precisions, Operations []string
	}
	if err := json.Unmarshal(out, &got); err != nil {
		t.Fatal(err)
	}
	var operations []string
	for _, o := range worker.Operations() {
		operations = append(operations, string(o))
	}
	for _, l := range []struct {
		what      string
		got, want []string
	}{
		{"optimizers", got.Optimizers, worker.Optimizers()}, {"losses", got.Losses, worker.Losses()}, {"schedulers", got.Schedulers, worker.Schedulers()},
		{"precisions", got.Precisions, worker.Precisions()}, {"operations", got.Operations, operations},
	} {
		slices.Sort(l.got)
		slices.Sort(l.want)
		if !slices.Equal(l.got, l.want) {
			t.Errorf("%s: %v, the contract has %v", l.what, l.got, l.want)
		}
	}
	kinds := 0
	for _, k := range worker.Kinds() {
		if k.Name == "residual" || k.Name == "branches" {
			continue
		}
		kinds++
		g, ok := got.Layers[k.Name]
		if !ok {
			t.Errorf("no layer %s", k.Name)
			continue
		}
		if g.Module != k.Module {
			t.Errorf("%s: class %q, the contract has %q", k.Name, g.Module, k.Module)
		}
		if len(g.Params) != len(k.Params) {
			t.Errorf("%s: %d parameters, the contract has %d", k.Name, len(g.Params), len(k.Params))
		}
		for _, p := range k.Params {
			v, ok := g.Params[p.Name]
			want, _ := json.Marshal(p.Default)
			have, _ := json.Marshal(v.Default)
			if !ok || v.Required != p.Required || v.Inferred != p.Inferable() || v.Alias != p.Alias || string(want) != string(have) || !slices.Equal(sorted(v.Words), sorted(p.Values)) {
				t.Errorf("%s.%s: %+v, the contract has %+v", k.Name, p.Name, v, p)
			}
		}
	}
	if kinds != len(got.Layers) {
		t.Errorf("%d layers, the contract has %d", len(got.Layers), kinds)
	}
}

func sorted(s []string) []string { return slices.Sorted(slices.Values(s)) }

// TestOperations drives one worker through everything that it can do.
func TestOperations(t *testing.T) {
	t.Parallel()
	e := newEndpoint(t, local.Options{})
	e.attach("w1")
	seed := int64(7)
	h := &worker.Hyperparameters{Epochs: 12, BatchSize: 16, Seed: &seed, LearningRate: 0.02, ValidationSplit: 0.2}
	r := request(t, worker.OpTrain, h)
	r.RunID = "run-1"
	id := e.submit(r)
	j := e.ended(id)
	trained := e.result(j)
	if streamed := e.collect(e.stream(id)); !reflect.DeepEqual(streamed, trained) {
		t.Error("stream and output differ")
	}
	if trained.Status != "success" || len(trained.History) != 12 || trained.History[11].ValAccuracy == nil || float64(*trained.History[11].ValAccuracy) < 0.8 {
		t.Fatalf("%+v", trained.History)
	}
	state, err := tensors.DecodeState(trained.ModelState, 1<<20)
	if err != nil {
		t.Fatal(err)
	}
	want, err := trained.Model.State()
	if err != nil || len(want) != len(state) {
		t.Fatalf("%v, %v: %v", want, state.Names(), err)
	}
	for _, s := range want {
		if g, ok := state[s.Name]; !ok || !slices.Equal(g.Shape, s.Shape) || (g.DType == tensors.Int64) != s.Int64 {
			t.Errorf("%s: %v, the contract has %+v", s.Name, g, s)
		}
	}
	if opt, err := tensors.DecodeState(trained.OptimizerState, 1<<20); err != nil || opt["0.weight.exp_avg"].DType != tensors.Float32 || opt["step"].Len() != 1 {
		t.Errorf("%v: %v", opt.Names(), err)
	}

	ask := request(t, worker.OpEvaluate, nil)
	ask.ModelState = trained.ModelState
	var evaluated worker.Response
	e.call(ask, &evaluated)
	if m := evaluated.Metrics; m == nil || m.Accuracy == nil || float64(*m.Accuracy) < 0.8 || len(m.Confusion) != 3 || len(m.PerClass) != 3 || m.SamplesProcessed != 120 {
		t.Errorf("%+v", evaluated)
	}

	ask = request(t, worker.OpPredict, nil)
	ask.ModelState = trained.ModelState
	var predicted worker.Response
	e.call(ask, &predicted)
	out, err := tensors.DecodeSet(predicted.Tensors.Codec, predicted.Tensors.Data, 1<<20)
	if err != nil || !slices.Equal(out["predictions"].Shape, []int{120, 3}) || !bytes.Contains(predicted.Predictions, []byte(`"predictions"`)) {
		t.Errorf("%s %v %v", predicted.Predictions, out.Names(), err)
	}

	// Both sides give a tensor the same name.
	x, _ := points(120)
	tensor, _ := tensors.From(x)
	stored := struct{ Stored map[string]string }{}
	put := request(t, worker.OpTrain, nil)
	e.call(map[string]any{"operation": "store", "protocol": 1, "tensors": put.Tensors}, &stored)
	if stored.Stored["X"] != tensor.Digest() {
		t.Errorf("%v, want %s", stored.Stored, tensor.Digest())
	}
	byDigest := request(t, worker.OpTrain, h)
	byDigest.Tensors = nil
	byDigest.TrainingData = &worker.Dataset{Features: worker.Value{SHA256: stored.Stored["X"]}, Labels: worker.Value{SHA256: stored.Stored["y"]}}
	if again := e.result(e.ended(e.submit(byDigest))); again.ModelState != trained.ModelState {
		t.Error("the same data by digest gave another model")
	}

	var info worker.Response
	e.call(map[string]any{"operation": "gpu_info"}, &info)
	if info.GPUInfo["device_name"] == "" || info.BenchmarkResults["gflops"] == nil {
		t.Errorf("%+v", info)
	}
	var both struct{ Results []worker.Response }
	e.call(map[string]any{"operation": "batch", "requests": []any{map[string]any{"operation": "capabilities"}, ask}}, &both)
	if len(both.Results) != 2 || both.Results[1].Operation != worker.OpPredict {
		t.Errorf("%+v", both)
	}

	// The same run again, as a client sends it that lost its answer.
	repeat := e.result(e.ended(e.submit(r)))
	if !reflect.DeepEqual(repeat, trained) {
		t.Error("the same run again gave another result")
	}

	e.hostile()
}

// hostile sends what no client sends; each job fails with an error of its kind, and the worker goes on.
func (e *endpoint) hostile() {
	e.t.Helper()
	data := map[string]any{"features": [][]float64{{1, 2}}, "labels": []int{0}}
	model := map[string]any{"type": "sequential", "layers": []any{map[string]any{"type": "linear", "out_features": 2}}}
	for _, c := range []struct {
		input map[string]any
		kind  worker.ErrorKind
		field string
	}{
		{map[string]any{"operation": "rm"}, worker.ErrInvalid, "operation"},
		{map[string]any{"operation": "train", "model_config": map[string]any{"layers": []any{map[string]any{"type": "linear", "out_features": 1 << 40}}}, "training_data": data}, worker.ErrInvalid, "model_config.layers[0].out_features"},
		{map[string]any{"operation": "train", "model_config": map[string]any{"layers": []any{map[string]any{"type": "linear", "out_features": 1 << 31}, map[string]any{"type": "linear", "out_features": 1 << 31}}}, "training_data": data}, worker.ErrMemory, "model_config.layers[0]"},
		{map[string]any{"operation": "train", "model_config": model, "training_data": map[string]any{"features": map[string]any{"url": "http://169.254.169.254/latest"}, "labels": []int{0}}}, worker.ErrUnsupported, "training_data.features.url"},
		{map[string]any{"operation": "evaluate", "model_config": model, "evaluation_data": data, "model_state": "gASVAAAAAAAAAIwFcG9zaXiUjAZzeXN0ZW2Uk5SMAmlklIWUUpQu"}, worker.ErrInvalid, "model_state"},
		{map[string]any{"operation": "predict", "model_config": map[string]any{"type": "python", "source": "import os", "class": "X"}, "input_data": [][]float64{{1}}, "model_state": "AA=="}, worker.ErrUnsupported, "model_config.type"},
		{map[string]any{"operation": "train", "model_config": model, "training_data": map[string]any{"features": map[string]any{"sha256": strings.Repeat("0", 64)}, "labels": []int{0}}}, worker.ErrMissing, "training_data.features.sha256"},
		{map[string]any{"operation": "train", "model_config": model, "training_data": data, "hyperparameters": map[string]any{"loss_function": "mse", "learning_rate": 1e6, "optimizer": "sgd", "epochs": 100}}, worker.ErrInvalid, "training_data.labels"},
	} {
		j := e.ended(e.submit(c.input))
		var got worker.Error
		if err := json.Unmarshal([]byte(j.Error), &got); err != nil || j.Status != "FAILED" || got.Kind != c.kind || got.Field != c.field {
			e.t.Errorf("%v: %s %s", c.input["operation"], j.Status, j.Error)
		}
		if strings.Contains(j.Error, "Traceback") || strings.Contains(j.Error, e.Key()) {
			e.t.Errorf("an error tells too much: %s", j.Error)
		}
	}
}

// TestPredecessor sends the requests of the system before, and wants the objects that it documented.
func TestPredecessor(t *testing.T) {
	t.Parallel()
	e := newEndpoint(t, local.Options{})
	e.attach("w1")
	x, y := points(60)
	model := map[string]any{"type": "sequential", "layers": []any{
		map[string]any{"type": "linear", "in_features": 4, "out_features": 16}, map[string]any{"type": "relu"},
		map[string]any{"type": "dropout", "rate": 0.1}, map[string]any{"type": "linear", "in_features": 16, "out_features": 3}}}
	hyper := map[string]any{"optimizer": "adam", "learning_rate": 0.05, "loss_function": "cross_entropy", "seed": 0}
	data := map[string]any{"features": x, "labels": y}
	var first, last worker.Response
	state := ""
	for i := range 5 {
		input := map[string]any{"operation": "train_epoch", "model_config": model, "training_data": data, "hyperparameters": hyper}
		if state != "" {
			input["model_state"] = state
		}
		last = worker.Response{}
		e.call(input, &last)
		if i == 0 {
			first = last
		}
		state = last.ModelState
	}
	if first.Metrics.SamplesProcessed != 60 || last.Status != "success" || float64(last.Metrics.Loss) >= float64(first.Metrics.Loss) {
		t.Errorf("%+v, then %+v", first.Metrics, last.Metrics)
	}
	var raw struct {
		Predictions []int `json:"predictions"`
		Metrics     map[string]any
	}
	e.call(map[string]any{"operation": "predict", "model_config": model, "model_state": state, "input_data": x}, &raw)
	right := 0
	for i, class := range raw.Predictions {
		if int64(class) == int64(y[i]) {
			right++
		}
	}
	if len(raw.Predictions) != 60 || right < 30 {
		t.Errorf("%d predictions, %d of them right", len(raw.Predictions), right)
	}
	e.call(map[string]any{"operation": "evaluate", "model_config": model, "model_state": state, "evaluation_data": data}, &raw)
	for _, name := range []string{"loss", "accuracy", "samples_processed", "device_used"} {
		if raw.Metrics[name] == nil {
			t.Errorf("evaluate: no %s in %v", name, raw.Metrics)
		}
	}

	// What the predecessor took besides: no operation, a name in another case, no labels, benchmark.
	last = worker.Response{}
	e.call(map[string]any{"model_config": model, "training_data": data, "hyperparameters": map[string]any{"optimizer": "Adam"}}, &last)
	if m := last.Metrics; last.Operation != worker.OpTrainEpoch || m == nil || m.CUDAAvailable == nil {
		t.Errorf("without an operation: %+v", last)
	}
	e.call(map[string]any{"operation": "evaluate", "model_config": model, "model_state": state, "evaluation_data": map[string]any{"features": x}}, &raw)
	if found, _ := raw.Metrics["predictions"].([]any); len(found) != 60 {
		t.Errorf("evaluate without labels: %v", raw.Metrics)
	}
	last = worker.Response{}
	e.call(map[string]any{"operation": "benchmark"}, &last)
	if last.BenchmarkResults["benchmark_status"] != "COMPLETED" {
		t.Errorf("benchmark: %+v", last)
	}
}

func long(epochs int) *worker.Hyperparameters {
	seed := int64(3)
	return &worker.Hyperparameters{Epochs: epochs, BatchSize: 8, Seed: &seed, Optimizer: "adamw"}
}

// seen waits until a job has streamed an epoch after the given one.
func (e *endpoint) seen(id string, epoch int) {
	e.t.Helper()
	for deadline := time.Now().Add(60 * time.Second); time.Now().Before(deadline); {
		for _, ev := range e.stream(id) {
			if ev.Epoch != nil && ev.Epoch.Epoch > epoch {
				return
			}
		}
	}
	e.t.Fatal("no epoch came")
}

func TestCancelled(t *testing.T) {
	t.Parallel()
	e := newEndpoint(t, local.Options{})
	e.attach("w1")
	r := request(t, worker.OpTrain, long(1_000_000))
	r.RunID = "cancelled"
	id := e.submit(r)
	e.seen(id, 3)
	e.do("POST", "/cancel/"+id, nil)
	start := time.Now()
	var caps map[string]any
	e.call(map[string]any{"operation": "capabilities"}, &caps)
	if d := time.Since(start); d > 10*time.Second {
		t.Errorf("the worker took its next job after %v", d)
	}
	files, err := filepath.Glob(filepath.Join(e.store, "runs", "*", "checkpoint.safetensors"))
	if err != nil || len(files) != 1 {
		t.Errorf("%v %v: what there was is not saved", files, err)
	}
}

// TestLost kills a worker at a random point of its training; another one takes the run up from the volume that they
// share, and ends where one that was never interrupted ends, to the bit.
func TestLost(t *testing.T) {
	t.Parallel()
	e := newEndpoint(t, local.Options{HeartbeatTimeout: 3 * time.Second})
	kill := e.attach("first")
	input := map[string]any{}
	b, _ := json.Marshal(request(t, worker.OpTrain, long(400)))
	json.Unmarshal(b, &input)
	input["hyperparameters"].(map[string]any)["checkpoint"] = map[string]any{"epochs": 5}
	want := e.result(e.ended(e.submit(input)))
	input["run_id"] = "lost"
	id := e.submit(input)
	e.seen(id, 20+rand.IntN(200))
	kill()
	e.attach("second")
	j := e.ended(id)
	got := e.result(j)
	if got.ModelState != want.ModelState || got.OptimizerState != want.OptimizerState || len(got.History) != 400 {
		t.Errorf("%d epochs; taken up again the run ended elsewhere", len(got.History))
	}
	for i := range want.History {
		if got.History[i].Loss != want.History[i].Loss {
			t.Fatalf("epoch %d: %v, want %v", i+1, got.History[i].Loss, want.History[i].Loss)
		}
	}
	if !bytes.Contains(j.Output, []byte("taken up again")) {
		t.Errorf("the second worker began anew: %.300s", j.Output)
	}
}
