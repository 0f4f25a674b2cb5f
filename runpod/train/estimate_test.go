package train

import (
	"math"
	"strings"
	"testing"
	"time"

	"github.com/gopherpod/gopherpod/runpod"
	"github.com/gopherpod/gopherpod/runpod/runpodtest"
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

func TestRate(t *testing.T) {
	for _, name := range []string{"ADA_24", "ada-24"} {
		r, err := FindRate(t.Context(), Place{}, name)
		if err != nil || r.Pool != "ADA_24" || !r.Known() || !strings.HasPrefix(r.Source, "table of ") {
			t.Errorf("%s: %+v, %v", name, r, err)
		}
	}
	if _, err := FindRate(t.Context(), Place{}, "ADA24"); err == nil || !strings.Contains(err.Error(), "did you mean ADA_24?") {
		t.Error(err)
	}
	if r, err := FindRate(t.Context(), Place{Embedded: true}, ""); err != nil || r.Known() {
		t.Errorf("embedded: %+v, %v", r, err)
	}
	r := Rate{Pool: "ADA_80_PRO", GPUs: 2, Hourly: 3.6}
	if c := r.Cost(1500 * time.Millisecond); math.Abs(c-0.004) > 1e-12 {
		t.Errorf("1.5 s cost %v", c)
	}
	if d := r.Affords(0.0505); d != 25*time.Second || r.Cost(d) > 0.0505 {
		t.Errorf("5 cents buy %v", d)
	}
}

// The endpoint's own pool and the catalogue's price come first.
func TestRateOfEndpoint(t *testing.T) {
	endpoint := runpodtest.Step{Method: "GET", Path: "/v2/serverless/ep", Reply: `{"id":"ep","name":"x","gpu":{"pools":["ADA_24","AMPERE_24"],"count":2}}`}
	catalogue := runpodtest.Step{Method: "GET", Path: "/v2/catalog/gpus", Reply: `{"gpus":[{"id":"NVIDIA GeForce RTX 4090","pool":"ADA_24","price":{"serverless":1.2}}]}`}
	down := catalogue
	down.Status, down.Reply = 403, `{"title":"Forbidden"}`
	for _, c := range []struct {
		catalogue runpodtest.Step
		hourly    float64
		source    string
	}{
		{catalogue, 1.2, "catalogue"},
		{down, 0.00031 * 3600, "table of " + runpod.PricesAsOf + ", because the catalogue did not answer"},
	} {
		client, err := runpod.New(runpodtest.New(t, endpoint, c.catalogue).Config())
		if err != nil {
			t.Fatal(err)
		}
		r, err := FindRate(t.Context(), Place{Endpoint: client.Endpoint("ep"), Managed: true}, "")
		if err != nil || r.Pool != "ADA_24" || r.GPUs != 2 || math.Abs(r.Hourly-c.hourly) > 1e-9 || !strings.HasPrefix(r.Source, c.source) {
			t.Errorf("%+v, %v", r, err)
		}
	}
}
