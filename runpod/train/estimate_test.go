package train

import (
	"testing"
	"time"
)

func TestEstimate(t *testing.T) {
	X, y := blobs(30)
	p, err := Prepare(twoLayers, Data{X: X, Y: y}, Options{Epochs: 2, BatchSize: 10, ValidationSplit: 0.2})
	if err != nil {
		t.Fatal(err)
	}
	e, err := p.Estimate()
	// 2*8+8*3 weights, twice each forward; 24 samples three times, 6 once, 2 epochs.
	if want := 2.0 * (16 + 24) * (3*24 + 6) * 2; err != nil || e.FLOPs != want {
		t.Errorf("%v FLOP, want %v, %v", e.FLOPs, want, err)
	}
	// Weights, gradients and Adam's two; outputs of 8, 8 and 3 and their gradients.
	if want := int64(4 * (51*4 + 2*19*10)); e.Memory != want {
		t.Errorf("%d bytes, want %d", e.Memory, want)
	}
	conv, err := Prepare(Layers("reshape 1x4x4\nconv2d 5 3\nflatten\nlinear 2"), Data{X: make4x4(3), Y: []int{0, 1, 0}}, Options{Epochs: 1})
	if err != nil {
		t.Fatal(err)
	}
	e, _ = conv.Estimate()
	// 5x1x3x3 weights at 2x2 places, and 20 by 2.
	if want := 2.0 * (45*4 + 40) * 9; e.FLOPs != want {
		t.Errorf("convolution: %v FLOP, want %v", e.FLOPs, want)
	}
}

func make4x4(n int) [][]float64 {
	rows := make([][]float64, n)
	for i := range rows {
		rows[i] = make([]float64, 16)
	}
	return rows
}

func TestGPUs(t *testing.T) {
	for _, name := range []string{"ADA_24", "ada-24", "RTX 4090", "4090"} {
		if g, err := FindGPU(name); err != nil || g.Pool != "ADA_24" {
			t.Errorf("%s: %v, %v", name, g, err)
		}
	}
	if _, err := FindGPU("Voodoo2"); err == nil {
		t.Error("an unknown card has a price")
	}
	g, _ := FindGPU("H100")
	if c := g.Cost(1500 * time.Millisecond); c != 2*g.PerSecond {
		t.Errorf("1.5 s cost %v", c)
	}
	if d := g.Affords(0.05); d != 43*time.Second || g.Cost(d) > 0.05 {
		t.Errorf("5 cents buy %v", d)
	}
	for i, g := range GPUs()[1:] {
		if g.PerSecond < GPUs()[i].PerSecond {
			t.Errorf("%s stands behind a dearer one", g.Pool)
		}
	}
}
