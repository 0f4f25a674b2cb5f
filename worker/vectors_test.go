package worker

import (
	"encoding/json"
	"errors"
	"os"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/gopherpod/gopherpod/worker/contract"
)

func readVectors(t *testing.T, name string, v any) {
	t.Helper()
	text, err := os.ReadFile("testdata/" + name)
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(text, v); err != nil {
		t.Fatal(err)
	}
}

// TestShapesArePyTorchs: sizes and states of every layer type, as PyTorch has
// them (testdata/make_layers.py).
func TestShapesArePyTorchs(t *testing.T) {
	var cases []struct {
		Layers     []Layer
		Input      []int
		Output     []int
		State      [][3]any
		Parameters int
	}
	readVectors(t, "layers.json", &cases)
	seen := map[string]bool{}
	for _, c := range cases {
		m := &ModelConfig{Type: "sequential", Layers: c.Layers}
		for _, l := range c.Layers {
			seen[l.Type] = true
		}
		text, _ := json.Marshal(m)
		resolved, out, err := m.Resolve(c.Input)
		if err != nil {
			t.Errorf("%s: %v", text, err)
			continue
		}
		if !slices.Equal(out, c.Output) {
			t.Errorf("%s: output %v, PyTorch has %v", text, out, c.Output)
		}
		if n, err := resolved.Parameters(); err != nil || n != c.Parameters {
			t.Errorf("%s: %d parameters (%v), PyTorch has %d", text, n, err, c.Parameters)
		}
		checkState(t, text, resolved, c.State)
		again, _, err := resolved.Resolve(c.Input)
		if err != nil || !reflect.DeepEqual(again, resolved) {
			t.Errorf("%s: resolving twice changes something: %v", text, err)
		}
	}
	for _, name := range contract.LayerNames() {
		if !seen[name] {
			t.Errorf("testdata/layers.json has no %s", name)
		}
	}
}

func checkState(t *testing.T, text []byte, m *ModelConfig, want [][3]any) {
	t.Helper()
	state, err := m.State()
	if err != nil || len(state) != len(want) {
		t.Errorf("%s: state of %d tensors (%v), PyTorch has %d", text, len(state), err, len(want))
		return
	}
	for i, s := range state {
		shape := []int{}
		for _, n := range want[i][1].([]any) {
			shape = append(shape, int(n.(float64)))
		}
		if s.Name != want[i][0] || !slices.Equal(s.Shape, shape) || s.Buffer == want[i][2].(bool) {
			t.Errorf("%s: state %d is %+v, PyTorch has %v", text, i, s, want[i])
		}
	}
}

// TestRequestVectors: what the file has is read, written, and read again as
// the same.
func TestRequestVectors(t *testing.T) {
	var cases []struct {
		Name  string
		Input json.RawMessage
	}
	readVectors(t, "requests.json", &cases)
	if len(cases) == 0 {
		t.Fatal("no vectors")
	}
	for _, c := range cases {
		r, err := DecodeRequest(c.Input)
		if err != nil {
			t.Errorf("%s: %v", c.Name, err)
			continue
		}
		text, err := json.Marshal(r)
		if err != nil {
			t.Errorf("%s: %v", c.Name, err)
			continue
		}
		again, err := DecodeRequest(text)
		if err != nil {
			t.Errorf("%s: written as %s: %v", c.Name, text, err)
		}
		compact(t, r, again, c.Name)
	}
}

// compact compares two requests except for the white space of their lists.
func compact(t *testing.T, a, b *Request, name string) {
	t.Helper()
	x, _ := json.Marshal(a)
	y, _ := json.Marshal(b)
	if string(x) != string(y) {
		t.Errorf("%s: %s became %s", name, x, y)
	}
}

// TestRejectionVectors: refused with this field by Go and by Python.
func TestRejectionVectors(t *testing.T) {
	var cases []struct {
		Field string
		Input json.RawMessage
	}
	readVectors(t, "rejected.json", &cases)
	if len(cases) == 0 {
		t.Fatal("no vectors")
	}
	for _, c := range cases {
		_, err := DecodeRequest(c.Input)
		var e *Error
		if !errors.As(err, &e) || e.Kind != ErrInvalid || e.Field != c.Field {
			t.Errorf("%s: %v, want an ErrInvalid at %q", c.Input, err, c.Field)
		}
	}
}

// TestBoundaryVectors: at every bound of package contract, Go gives the verdict in the
// file, and names the field. Python runs the same file.
func TestBoundaryVectors(t *testing.T) {
	var cases []struct {
		Name, Field, Wants string
		Valid              bool
		Input              json.RawMessage
	}
	readVectors(t, "vectors.json", &cases)
	if len(cases) < 150 {
		t.Fatalf("only %d vectors", len(cases))
	}
	for _, c := range cases {
		_, err := DecodeRequest(c.Input)
		var e *Error
		switch {
		case c.Valid && err != nil:
			t.Errorf("%s: %v", c.Name, err)
		case !c.Valid && (!errors.As(err, &e) || e.Kind != ErrInvalid || e.Field != c.Field):
			t.Errorf("%s: %v, want an ErrInvalid at %q", c.Name, err, c.Field)
		case !c.Valid && !strings.HasSuffix(e.Message, c.Wants):
			t.Errorf("%s: %q does not end with %q", c.Name, e.Message, c.Wants)
		}
	}
}
