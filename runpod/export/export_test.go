package export

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/gopherpod/gopherpod/tensors"
	"github.com/gopherpod/gopherpod/worker"
	"github.com/gopherpod/gopherpod/worker/engine"
)

// A sample is a model with random weights, and rows for it.
type sample struct {
	Name  string
	model *Model
	Input []int
	Rows  [][]float32
}

// more are networks in addition to those of worker/testdata, which has each kind of layer once.
var more = []struct {
	name, layers string
	input        []int
}{
	{"mlp", "linear 16\nbatchnorm1d\nrelu\ndropout\nlinear 3", []int{4}},
	{"cnn", "conv2d 4 3 padding=same\nbatchnorm2d\nrelu\nmaxpool2d 2\nflatten\nlinear 10", []int{1, 8, 8}},
	{"text", "embedding 10 6\ntransformer_encoder_layer 2 dim_feedforward=8 activation=gelu norm_first=true\nmean\nlinear 2", []int{5}},
	{"tokens", "embedding 10 6\nlstm 4 output=sequence\ngru 3\nlinear 2", []int{5}},
	{"rnn", "rnn 4 num_layers=2 bidirectional=true\nlinear 2", []int{5, 3}},
	{"deep", "residual {\nlinear 6\nbranches {\nlinear 3\n} {\nlinear 3\ntanh\n}\n} {\nlinear 6\n}\nbranches merge=add {\nlinear 2\n} {\nlinear 2\nsigmoid\n}", []int{4}},
	{"activations", "gelu approximate=tanh\nsoftplus beta=2 threshold=1\nhardtanh min_val=-0.5 max_val=2\ncelu alpha=0.7\nelu alpha=1.3\nleaky_relu 0.2\nhardshrink 0.1", []int{6}},
	{"norms", "groupnorm 2\ninstancenorm1d affine=true\nprelu 6\nlayernorm", []int{6, 5}},
	{"ceil", "maxpool1d 3 2 padding=1 ceil_mode=true\navgpool1d 2 3 padding=1 ceil_mode=true", []int{2, 12}},
	{"ceil2", "avgpool2d 3 2 padding=1 ceil_mode=true count_include_pad=false\nmaxpool2d 2 dilation=2 stride=3 ceil_mode=true padding=1", []int{2, 12, 9}},
	{"ceil3", "avgpool2d 4 3 ceil_mode=true\nmaxpool2d 3 2 padding=0 ceil_mode=true", []int{2, 5, 6}},
	{"ceil4", "avgpool1d 4 2 padding=1 ceil_mode=true", []int{2, 1}},
	{"parameterless", "relu\nflatten", []int{3, 2}},
}

func samples(t testing.TB) []sample {
	t.Helper()
	b, err := os.ReadFile("../../worker/testdata/layers.json")
	if err != nil {
		t.Fatal(err)
	}
	var cases []struct {
		Layers []worker.Layer
		Input  []int
	}
	if err := json.Unmarshal(b, &cases); err != nil {
		t.Fatal(err)
	}
	var list []sample
	kinds := map[string]bool{}
	for i, c := range cases {
		var names []string
		for _, l := range c.Layers {
			names = append(names, l.Type)
			kinds[l.Type] = true
		}
		list = append(list, newSample(t, fmt.Sprintf("c%02d_%s", i, strings.Join(names[:min(2, len(names))], "_")), &worker.ModelConfig{Type: "sequential", Layers: c.Layers}, c.Input))
	}
	for _, k := range worker.Kinds() {
		if !kinds[k.Name] {
			t.Errorf("no sample has the layer %s", k.Name)
		}
	}
	for _, m := range more {
		config, err := worker.ParseLayers(m.layers)
		if err != nil {
			t.Fatalf("%s: %v", m.name, err)
		}
		list = append(list, newSample(t, m.name, config, m.input))
	}
	return list
}

func newSample(t testing.TB, name string, config *worker.ModelConfig, input []int) sample {
	t.Helper()
	steps, _, err := config.Steps(input)
	if err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	resolved, _, err := config.Resolve(input)
	if err != nil {
		t.Fatal(err)
	}
	r := rand.New(rand.NewPCG(1, uint64(len(name))))
	state := tensors.Set{}
	for _, s := range worker.StateOf(steps) {
		if s.Int64 {
			state[s.Name] = tensors.Tensor{DType: tensors.Int64, Shape: []int{}, Data: []byte{7, 0, 0, 0, 0, 0, 0, 0}}
			continue
		}
		values := make([]float32, product(s.Shape))
		for i := range values {
			values[i] = float32(r.NormFloat64()) / 2
			if strings.HasSuffix(s.Name, "running_var") {
				values[i] = r.Float32() + 0.5
			}
		}
		v, err := tensors.From(values)
		if err != nil {
			t.Fatal(err)
		}
		if state[s.Name], err = v.Reshape(s.Shape...); err != nil {
			t.Fatal(err)
		}
	}
	rows := make([][]float32, 3)
	for i := range rows {
		rows[i] = make([]float32, product(input))
		for k := range rows[i] {
			rows[i][k] = float32(r.NormFloat64())
			if steps[0].Kind.Name == "embedding" {
				rows[i][k] = float32(r.IntN(10))
			}
		}
	}
	return sample{Name: name, model: &Model{Config: resolved, Input: input, State: state, About: "run " + name}, Input: input, Rows: rows}
}

// batchOnly reports whether the result of a row depends on the other rows.
func (s *sample) batchOnly() bool {
	for _, l := range s.model.Config.Layers {
		if v, ok := l.Params["track_running_stats"].(bool); ok && !v && strings.HasPrefix(l.Type, "batchnorm") {
			return true
		}
	}
	return false
}

// engineOutputs returns what the embedded engine predicts, nil if it does not support a layer.
func (s *sample) engineOutputs(t testing.TB) [][]float32 {
	t.Helper()
	x, err := tensors.From(s.Rows)
	if err == nil {
		x, err = x.Reshape(append([]int{len(s.Rows)}, s.Input...)...)
	}
	if err != nil {
		t.Fatal(err)
	}
	data, err := tensors.EncodeSet(tensors.Set{"X": x}, tensors.CodecMsgpackZstd)
	if err != nil {
		t.Fatal(err)
	}
	state, err := tensors.EncodeState(s.model.State, true)
	if err != nil {
		t.Fatal(err)
	}
	raw, err := json.Marshal(worker.Request{
		Operation: worker.OpPredict, Protocol: worker.Protocol, Model: s.model.Config, ModelState: state, Tensors: &worker.Tensors{Codec: tensors.CodecMsgpackZstd, Data: data},
		InputData: &worker.Dataset{Features: worker.Value{Tensor: "X"}},
	})
	if err != nil {
		t.Fatal(err)
	}
	output, err := engine.Handler(engine.Options{})(context.Background(), worker.Job{ID: "1", Input: raw}, nil)
	if e := new(worker.Error); errors.As(err, &e) && e.Kind == worker.ErrUnsupported {
		return nil
	}
	if err != nil {
		t.Fatalf("%s: %v", s.Name, err)
	}
	var answer worker.Response
	if err := json.Unmarshal(output, &answer); err != nil {
		t.Fatal(err)
	}
	set, err := tensors.DecodeSet(answer.Tensors.Codec, answer.Tensors.Data, 0)
	if err != nil {
		t.Fatal(err)
	}
	for _, v := range set {
		f, err := v.Float32s()
		if err != nil {
			t.Fatal(err)
		}
		rows, n := make([][]float32, len(s.Rows)), len(f)/len(s.Rows)
		for i := range rows {
			rows[i] = f[i*n : (i+1)*n]
		}
		return rows
	}
	t.Fatal("no predictions")
	return nil
}

// compare fails if a number differs by more than 1e-5, relative to its size if that is above 1.
func compare(t *testing.T, what string, got, want [][]float32) {
	t.Helper()
	if len(got) != len(want) {
		t.Errorf("%s: %d rows, want %d", what, len(got), len(want))
		return
	}
	for i := range want {
		if len(got[i]) != len(want[i]) {
			t.Errorf("%s: row %d has %d numbers, want %d", what, i, len(got[i]), len(want[i]))
			return
		}
		for k, w := range want[i] {
			if d := float64(got[i][k] - w); !(d <= 1e-5*max(1, float64(w), -float64(w)) && -d <= 1e-5*max(1, float64(w), -float64(w))) {
				t.Errorf("%s: row %d has at %d %v, want %v", what, i, k, got[i][k], w)
				return
			}
		}
	}
}

// goOutputs compiles a program of all exported files and runs it.
func goOutputs(t *testing.T, list []sample) map[string][][]float32 {
	t.Helper()
	dir := t.TempDir()
	write := func(name string, b []byte) {
		name = filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(name, b, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	write("go.mod", []byte("module exported\n\ngo 1.24\n"))
	var imports, calls strings.Builder
	rows := map[string][][]float32{}
	for _, s := range list {
		b, err := Encode(s.model, Go)
		if s.batchOnly() {
			if !errors.Is(err, ErrUnsupported) || !strings.Contains(err.Error(), "layer 1 (batchnorm2d)") {
				t.Errorf("%s: %v", s.Name, err)
			}
			continue
		}
		if err != nil {
			t.Errorf("%s: %v", s.Name, err)
			continue
		}
		write(s.Name+"/model.go", b)
		fmt.Fprintf(&imports, "\t%s %q\n", s.Name, "exported/"+s.Name)
		fmt.Fprintf(&calls, "\tpredict(%q, %s.Predict)\n", s.Name, s.Name)
		rows[s.Name] = s.Rows
	}
	write("main.go", fmt.Appendf(nil, `package main

import (
	"encoding/json"
	"os"
%s)

func main() {
	var rows map[string][][]float32
	if err := json.NewDecoder(os.Stdin).Decode(&rows); err != nil {
		panic(err)
	}
	outputs := map[string][][]float32{}
	predict := func(name string, f func([][]float32) ([][]float32, error)) {
		y, err := f(rows[name])
		if err != nil {
			panic(name + ": " + err.Error())
		}
		outputs[name] = y
		if _, err := f([][]float32{make([]float32, len(rows[name][0])+1)}); err == nil {
			panic(name + " takes rows of another length")
		}
	}
%s	if err := json.NewEncoder(os.Stdout).Encode(outputs); err != nil {
		panic(err)
	}
}
`, imports.String(), calls.String()))
	in, err := json.Marshal(rows)
	if err != nil {
		t.Fatal(err)
	}
	run := func(stdin []byte, args ...string) []byte {
		cmd := exec.Command("go", args...)
		cmd.Dir, cmd.Stdin = dir, bytes.NewReader(stdin)
		cmd.Env = append(os.Environ(), "GOFLAGS=", "GOWORK=off", "GOPROXY=off")
		var stderr bytes.Buffer
		cmd.Stderr = &stderr
		b, err := cmd.Output()
		if err != nil {
			t.Fatalf("go %v: %v\n%s", args, err, stderr.String())
		}
		return b
	}
	if os.Getenv("GOPHERPOD_E2E") != "" {
		run(nil, "vet", "./...")
	}
	outputs := map[string][][]float32{}
	if err := json.Unmarshal(run(in, "run", "."), &outputs); err != nil {
		t.Fatal(err)
	}
	return outputs
}

func TestGoPredictsAsTheEngine(t *testing.T) {
	list := samples(t)
	outputs := goOutputs(t, list)
	compared := 0
	for _, s := range list {
		want := s.engineOutputs(t)
		if want == nil || s.batchOnly() {
			continue
		}
		compared++
		compare(t, s.Name, outputs[s.Name], want)
	}
	if compared < 40 {
		t.Errorf("compared %d models only", compared)
	}
}

func TestEveryKindCanBeWritten(t *testing.T) {
	for _, k := range worker.Kinds() {
		if !onnxKinds(&k) {
			t.Errorf("ONNX has nothing for %s", k.Name)
		}
		if layersGo[k.Name] == nil && k.Name != "residual" && k.Name != "branches" {
			t.Errorf("Go has nothing for %s", k.Name)
		}
	}
}
