package train

import (
	"errors"
	"math"
	"reflect"
	"strings"
	"testing"

	"gonum.org/v1/gonum/mat"

	"github.com/gopherpod/gopherpod/tensors"
	"github.com/gopherpod/gopherpod/worker"
)

const twoLayers = Layers("linear 8\nrelu\nlinear 3")

func TestPrepare(t *testing.T) {
	X, y := blobs(30)
	p, err := Prepare(twoLayers, Data{X: X, Y: y}, Options{ValidationSplit: 0.2, Seed: Seed(7)})
	if err != nil {
		t.Fatal(err)
	}
	if p.Samples != 30 || p.Parameters != 2*8+8+8*3+3 || p.Epochs() != 10 || p.Seed() != 7 {
		t.Errorf("plan %+v", p)
	}
	if err := p.request.Validate(); err != nil {
		t.Errorf("the request is not valid: %v", err)
	}
	if p.Model.Layers[0].Params["in_features"] != 2 {
		t.Errorf("layer 0: %v", p.Model.Layers[0])
	}
	sent, err := p.parcel.Inside()
	if err != nil {
		t.Fatal(err)
	}
	set, err := tensors.DecodeSet(sent.Tensors.Codec, sent.Tensors.Data, 0)
	if err != nil || set["X"].String() != "float32[30 2]" || set["y"].String() != "int64[30]" {
		t.Errorf("sent %v, %v", set, err)
	}
	h := p.Hyperparameters
	if h.Optimizer != "adam" || h.LearningRate != 0.001 || h.BatchSize != 32 || h.LossFunction != "cross_entropy" {
		t.Errorf("defaults %+v", h)
	}
}

func TestPrepareDrawsASeed(t *testing.T) {
	X, y := blobs(30)
	a, _ := Prepare(twoLayers, Data{X: X, Y: y}, Options{})
	b, _ := Prepare(twoLayers, Data{X: X, Y: y}, Options{})
	if a.Seed() == b.Seed() || a.RunID == b.RunID {
		t.Errorf("two runs with seeds %d and %d, ids %s and %s", a.Seed(), b.Seed(), a.RunID, b.RunID)
	}
}

func TestForms(t *testing.T) {
	X, y := blobs(6)
	rows := make([][]float64, 6)
	floats := make([]float64, 6)
	for i := range rows {
		rows[i] = X.RawRowView(i)
		floats[i] = float64(y[i])
	}
	for name, d := range map[string]Data{
		"slices":    {X: rows, Y: y},
		"floats":    {X: X, Y: floats},
		"vector":    {X: X, Y: mat.NewVecDense(6, floats)},
		"column":    {X: X, Y: mat.NewDense(6, 1, floats)},
		"bytes":     {X: X, Y: []uint8{0, 1, 2, 0, 1, 2}},
		"transpose": {X: mat.DenseCopyOf(X.T()).T(), Y: y},
	} {
		want, _ := Prepare(twoLayers, Data{X: X, Y: y}, Options{})
		p, err := Prepare(twoLayers, d, Options{})
		if err != nil {
			t.Errorf("%s: %v", name, err)
		} else if !reflect.DeepEqual(digests(p.parcel), digests(want.parcel)) {
			t.Errorf("%s: other data than the matrix", name)
		}
	}
	for name, spec := range map[string]any{
		"text": string(twoLayers),
		"JSON": `{"type": "sequential", "layers": [{"type": "linear", "out_features": 8}, {"type": "relu"}, {"type": "linear", "out_features": 3}]}`,
	} {
		if p, err := Prepare(spec, Data{X: X, Y: y}, Options{}); err != nil || p.Parameters != 51 {
			t.Errorf("%s: %v", name, err)
		}
	}
	one, err := Prepare(Layers("linear 1"), Data{X: []float64{1, 2, 3}, Y: []float64{2, 4, 6}}, Options{Loss: "mse"})
	if err != nil || one.Input[0] != 1 {
		t.Errorf("a slice as one feature: %v", err)
	}
}

// Each row is a mistake and what the error has to say about it.
func TestBadInput(t *testing.T) {
	X, y := blobs(30)
	nan := mat.DenseCopyOf(X)
	nan.Set(4, 1, math.NaN())
	nan.Set(5, 0, math.Inf(1))
	huge := mat.DenseCopyOf(X)
	huge.Set(0, 0, 1e300)
	half := make([]float64, 30)
	half[3] = 1.5
	with := func(i, class int) []int {
		c := append([]int(nil), y...)
		c[i] = class
		return c
	}
	narrow, _ := blobs(30)
	fromOne, twoClasses, signs, texts := make([]int, 30), make([]int, 30), make([]int, 30), make([]string, 30)
	for i := range fromOne {
		fromOne[i], twoClasses[i], signs[i], texts[i] = i%3+1, i%2, i%2*2-1, string(rune('a'+i%3))
	}
	for _, c := range []struct {
		name string
		spec any
		data Data
		o    Options
		kind error // nil: a *worker.Error
		want string
	}{
		{"lengths", twoLayers, Data{X: X, Y: y[:29], XName: "Xtrain", YName: "ytrain"}, Options{}, tensors.ErrShape, "ytrain has 29 labels and Xtrain has 30 rows; they must be as many"},
		{"NaN", twoLayers, Data{X: nan, Y: y}, Options{}, tensors.ErrNotFinite, "X holds NaN at row 4, column 1 (2 in all); take out or fill in what is missing"},
		{"too large for float32", twoLayers, Data{X: huge, Y: y}, Options{}, tensors.ErrRange, "X does not fit float32"},
		{"NaN label", Layers("linear 1"), Data{X: X, Y: append(make([]float64, 29), math.NaN())}, Options{Loss: "mse"}, tensors.ErrNotFinite, "y holds NaN at row 29"},
		{"empty slice", twoLayers, Data{X: [][]float64{}, Y: y}, Options{}, tensors.ErrEmpty, "X is empty"},
		{"empty matrix", twoLayers, Data{X: &mat.Dense{}, Y: y}, Options{}, tensors.ErrEmpty, "X is empty"},
		{"ragged", twoLayers, Data{X: [][]float64{{1, 2}, {3}}, Y: y[:2]}, Options{}, tensors.ErrRagged, "X cannot be sent: "},
		{"missing", twoLayers, Data{Y: y}, Options{}, tensors.ErrType, "X is missing"},
		{"not numbers", twoLayers, Data{X: []string{"a"}, Y: y}, Options{}, tensors.ErrType, "X is a []string: want a gonum matrix or a slice of numbers"},
		{"fractions as classes", twoLayers, Data{X: X, Y: half}, Options{}, tensors.ErrRange, "y holds 1.5 at 3; cross_entropy wants class numbers 0, 1, 2, ... (for other numbers there is the loss mse)"},
		{"class too high", twoLayers, Data{X: X, Y: with(7, 3)}, Options{}, tensors.ErrRange, "y holds class 3 at 7, and the model has 3 outputs, for the classes 0 to 2; the last layer wants 4 or more outputs"},
		{"classes from 1", twoLayers, Data{X: X, Y: fromOne}, Options{}, tensors.ErrRange, "the classes are counted from 1 here: subtract 1 from each, or give the last layer 4 outputs"},
		{"numbers, and no loss for them", Layers("linear 1"), Data{X: X, Y: fromOne}, Options{}, tensors.ErrRange, "y holds class 1 at 0, and the model has 1 output, for the class 0; for numbers there is the loss mse; for classes the last layer wants 4 or more outputs"},
		{"two classes, one output", Layers("linear 1"), Data{X: X, Y: twoClasses}, Options{}, tensors.ErrRange, "for two classes and one output there is the loss bce_with_logits"},
		{"signs", twoLayers, Data{X: X, Y: signs}, Options{}, tensors.ErrRange, "y holds -1 at 0; class numbers begin at 0; write 0 instead of -1"},
		{"one target for two outputs", Layers("linear 2"), Data{X: X, Y: half}, Options{Loss: "mse"}, tensors.ErrShape, "y has 1 number a row and the model gives 2 numbers; mse wants them equal; the last layer wants 1 for them"},
		{"texts, and a loss for numbers", Layers("linear 1"), Data{X: X, Y: texts}, Options{Loss: "mse"}, tensors.ErrType, "y holds texts, and mse wants numbers; for classes there is the loss cross_entropy"},
		{"class below 0", twoLayers, Data{X: X, Y: with(7, -1)}, Options{}, tensors.ErrRange, "y holds -1 at 7; class numbers begin at 0"},
		{"one-hot", twoLayers, Data{X: X, Y: mat.NewDense(30, 3, nil)}, Options{}, tensors.ErrShape, "y has 3 numbers a row; cross_entropy wants one class number"},
		{"labels of another width", Layers("linear 2"), Data{X: X, Y: mat.NewDense(30, 3, nil)}, Options{Loss: "mse"}, tensors.ErrShape, "y has 3 numbers a row and the model gives 2 numbers; mse wants them equal"},
		{"validation of another width", twoLayers, Data{X: X, Y: y}, Options{Validation: &Data{X: narrow.Slice(0, 30, 0, 1), Y: y, XName: "Xv"}}, tensors.ErrShape, "Xv has 1 number a row and the training data 2 numbers"},
		{"validation label", twoLayers, Data{X: X, Y: y}, Options{Validation: &Data{X: X, Y: with(0, 9), YName: "yv"}}, tensors.ErrRange, "yv holds class 9 at 0"},
		{"split of one row", twoLayers, Data{X: X.Slice(0, 1, 0, 2), Y: y[:1]}, Options{ValidationSplit: 0.5}, tensors.ErrShape, "X has 1 row; a validation split wants at least 2"},
		{"no model", nil, Data{X: X, Y: y}, Options{}, nil, "there is no model"},
		{"model of another type", 7, Data{X: X, Y: y}, Options{}, nil, "got a value of type int"},
		{"unknown layer", Layers("linear 4\nreluu"), Data{X: X, Y: y}, Options{}, nil, `did you mean "relu"?`},
		{"neither list nor JSON", Layers("hello, train something"), Data{X: X, Y: y}, Options{}, nil, "a list of layers"},
		{"sizes", `[{"type": "linear", "in_features": 5, "out_features": 3}]`, Data{X: X, Y: y}, Options{}, nil, "layer 1 (linear)"},
		{"unknown optimizer", twoLayers, Data{X: X, Y: y}, Options{Optimizer: "adma"}, nil, `did you mean "adam"?`},
		{"unknown loss", twoLayers, Data{X: X, Y: y}, Options{Loss: "crossentropy"}, nil, `did you mean "cross_entropy"?`},
		{"learning rate", twoLayers, Data{X: X, Y: y}, Options{LearningRate: -1}, nil, "learning_rate: is -1"},
		{"split", twoLayers, Data{X: X, Y: y}, Options{ValidationSplit: 1.5}, nil, "validation_split: is 1.5"},
		{"split and data", twoLayers, Data{X: X, Y: y}, Options{ValidationSplit: 0.5, Validation: &Data{X: X, Y: y}}, nil, "give one of them"},
	} {
		_, err := Prepare(c.spec, c.data, c.o)
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v\nwant %s", c.name, err, c.want)
			continue
		}
		var data *DataError
		var invalid *worker.Error
		switch {
		case c.kind != nil && (!errors.As(err, &data) || !errors.Is(err, c.kind)):
			t.Errorf("%s: %T is not a DataError of kind %v", c.name, err, c.kind)
		case c.kind == nil && !errors.As(err, &invalid):
			t.Errorf("%s: %T is not a worker.Error", c.name, err)
		}
	}
}

func TestHistory(t *testing.T) {
	acc, val := worker.Number(0.5), worker.Number(0.9)
	worse := worker.Number(1.1)
	h := NewHistory([]worker.Epoch{{Epoch: 1, Loss: 2, Accuracy: &acc, ValLoss: &val}, {Epoch: 2, Loss: 1, Accuracy: &acc, ValLoss: &worse}})
	if h.Len() != 2 || !h.HasAccuracy() || !h.HasValidation() || !math.IsNaN(h.ValAccuracy[0]) || h.Best() != 0 {
		t.Errorf("%+v, best %d", h, h.Best())
	}
	if x, y := h.Points(h.Loss).XY(1); x != 2 || y != 1 {
		t.Errorf("point %v, %v", x, y)
	}
	if (History{}).Best() != -1 {
		t.Error("an empty history has a best epoch")
	}
}

func TestJoin(t *testing.T) {
	a := []worker.Epoch{{Epoch: 1}, {Epoch: 2}, {Epoch: 3}}
	got := join(a, []worker.Epoch{{Epoch: 3, Loss: 9}, {Epoch: 4}})
	if len(got) != 4 || got[2].Loss != 9 || a[2].Loss != 0 {
		t.Errorf("%v", got)
	}
	if got := join(a, nil); len(got) != 3 {
		t.Errorf("%v", got)
	}
}

// One sample as a slice is taken for many samples of one number: the error says how to
// write one row, before anything is sent.
func TestOneRow(t *testing.T) {
	m := &Model{Spec: &worker.ModelConfig{Type: "sequential", Layers: []worker.Layer{{Type: "linear"}}}, Input: []int{3}, state: "x"}
	if spec, err := ParseSpec(Layers("linear 2")); err == nil {
		if full, _, err := spec.Resolve([]int{3}); err == nil {
			m.Spec = full
		}
	}
	_, err := m.Predict([]float64{1, 2, 3})
	if err == nil || !strings.Contains(err.Error(), "X has 1 number a row and the model was trained on 3 numbers; a slice is one number a row: for one row give [][]float64{x}") {
		t.Errorf("%v", err)
	}
	if _, err = m.Predict([]float64{1, 2}); err == nil || strings.Contains(err.Error(), "one row") {
		t.Errorf("%v", err)
	}
}
