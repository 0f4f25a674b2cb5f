package train

import (
	"reflect"
	"testing"

	"github.com/gopherpod/gopherpod/tensors"
)

// Prepared data gives the same plan and the same errors as the data itself.
func TestPrepareData(t *testing.T) {
	X, y := blobs(30)
	words := make([]string, len(y))
	for i, c := range y {
		words[i] = []string{"red", "green", "blue"}[c]
	}
	for name, d := range map[string]Data{
		"numbers": {X: X, Y: y}, "words": {X: X, Y: words}, "X is nil": {Y: y}, "y is nil": {X: X}, "too few labels": {X: X, Y: y[:3]}, "no classes": {X: X, Y: []float64{0.5}},
	} {
		for _, o := range []Options{{Seed: Seed(1)}, {Seed: Seed(1), Loss: "mse"}} {
			o.Validation = &d
			plain, want := Prepare(twoLayers, d, o)
			shared := PrepareData(d)
			o.Validation = &shared
			for range 2 { // made, then remembered
				p, err := Prepare(twoLayers, shared, o)
				if (err == nil) != (want == nil) || err != nil && err.Error() != want.Error() {
					t.Errorf("%s: %v, want %v", name, err, want)
				}
				if err == nil && (!reflect.DeepEqual(p.Data(), plain.Data()) || !reflect.DeepEqual(p.ClassNames, plain.ClassNames)) {
					t.Errorf("%s: %v, want %v", name, p.Data(), plain.Data())
				}
			}
		}
	}
	a := PrepareData(Data{X: X, Y: y})
	p, _ := Prepare(twoLayers, a, Options{})
	q, _ := Prepare(twoLayers, PrepareData(a), Options{})
	if x := func(p *Plan) *byte { return &p.parcel.Set["X"].Data[0] }; x(p) != x(q) {
		t.Error("it was converted twice")
	}
	embedding, err := Prepare("embedding 100 4\nflatten\nlinear 3", PrepareData(Data{X: [][]float64{{1}, {2}, {3}}, Y: []int{0, 1, 2}}), Options{})
	if err != nil || embedding.parcel.Set["X"].DType != tensors.Int64 {
		t.Error(embedding, err)
	}
}
