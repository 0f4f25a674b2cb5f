package export

import (
	"bytes"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

// TestOthersReadTheFiles: PyTorch loads .pt files, onnxruntime runs .onnx files, Go files run,
// and all of them predict the same for every kind of layer.
func TestOthersReadTheFiles(t *testing.T) {
	torch, interop := os.Getenv("GOPHERPOD_TORCH_PYTHON"), os.Getenv("GOPHERPOD_INTEROP_PYTHON")
	if os.Getenv("GOPHERPOD_E2E") == "" || torch == "" || interop == "" {
		t.Skip("needs GOPHERPOD_E2E=1, and PyTorch and onnxruntime as ./test.sh installs them")
	}
	list, dir := samples(t), t.TempDir()
	cases := map[string]any{}
	for _, s := range list {
		for _, f := range []Format{PyTorch, ONNX} {
			b, err := Encode(s.model, f)
			if err != nil {
				t.Fatalf("%s: %v", s.Name, err)
			}
			if err := os.WriteFile(filepath.Join(dir, s.Name+"."+string(f)), b, 0o644); err != nil {
				t.Fatal(err)
			}
		}
		cases[s.Name] = map[string]any{"config": s.model.Config, "input": s.Input, "rows": s.Rows}
	}
	in, err := json.Marshal(cases)
	if err != nil {
		t.Fatal(err)
	}
	run := func(args ...string) map[string][][]float32 {
		cmd := exec.Command(args[0], args[1:]...)
		cmd.Stdin = bytes.NewReader(in)
		var stderr bytes.Buffer
		cmd.Stderr = &stderr
		b, err := cmd.Output()
		if err != nil {
			t.Fatalf("%v: %v\n%s", args, err, stderr.String())
		}
		outputs := map[string][][]float32{}
		if err := json.Unmarshal(b, &outputs); err != nil {
			t.Fatal(err)
		}
		return outputs
	}
	want := run(torch, "testdata/torch_outputs.py", dir, "../../worker/pytorch")
	onnx, source := run(interop, "testdata/onnx_outputs.py", dir), goOutputs(t, list)
	for _, s := range list {
		compare(t, "onnxruntime, "+s.Name, onnx[s.Name], want[s.Name])
		if !s.batchOnly() {
			compare(t, "Go, "+s.Name, source[s.Name], want[s.Name])
		}
	}
}
