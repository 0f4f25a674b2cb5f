package worker

import (
	"slices"
	"strings"
	"testing"
)

// TestMisfits: which layer, which sizes.
func TestMisfits(t *testing.T) {
	rows := []struct {
		lines string
		in    []int
		want  string
	}{
		{"linear 64\nrelu\nlinear 10 in_features=128", []int{30}, `model_config.layers[2].in_features: layer 3 (linear): in_features 128, but layer 2 (relu) gives 64`},
		{"linear 64 in_features=30", []int{31}, `layer 1 (linear): in_features 30, but the data gives 31`},
		{"conv2d 8 3", []int{64}, `layer 1 (conv2d): wants [channels, height, width], but the data gives [64]; a reshape before it helps`},
		{"conv2d 8 3", []int{1, 2, 2}, `layer 1 (conv2d): a window of 3 does not fit into 2; the data gives [2, 2]`},
		{"conv2d 8 3 groups=3", []int{3, 8, 8}, `layer 1 (conv2d): groups 3 does not divide both in_channels 3 and out_channels 8`},
		{"conv2d 8 3 stride=2 padding=same", []int{3, 8, 8}, `padding "same" wants stride 1`},
		{"maxpool2d 2 padding=2", []int{3, 8, 8}, `padding 2 is more than half of the window 2`},
		{"batchnorm2d", []int{8}, `layer 1 (batchnorm2d): wants [channels, height, width]`},
		{"reshape 3,5", []int{16}, `layer 1 (reshape): shape [3, 5] does not hold the 16 numbers of [16]`},
		{"softmax dim=3", []int{16}, `dim 3 is not a dimension of [16] after the batch`},
		{"glu", []int{3}, `wants an even size to halve, but the data gives [3]`},
		{"transformer_encoder_layer 3", []int{5, 8}, `nhead 3 does not divide d_model 8`},
		{"lstm 4", []int{8}, `layer 1 (lstm): wants [steps, features], but the data gives [8]`},
		{"residual {\nlinear 4\n}", []int{3}, `layer 1 (residual): its layers give [4], but its input is [3]; a shortcut can fit them`},
		{"relu\nresidual {\nrelu\nlinear 4 in_features=9\n}", []int{3}, `model_config.layers[1].layers[1].in_features: layer 2.2 (linear): in_features 9, but layer 2.1 (relu) gives 3`},
		{"branches {\nlinear 4\n} {\nconv1d 3 1\n}", []int{3}, `layer 1.2.1 (conv1d)`},
		{"branches merge=add {\nlinear 4\n} {\nlinear 5\n}", []int{3}, `branch 1 gives [4] and branch 2 [5], which do not add`},
		{"linear 4", nil, `in_features is not given, and the size of the input is not known`},
		{"linear 4", []int{0}, `there is nothing to compute`},
		{"linear 2147483648 in_features=2147483648", nil, `is too large`},
	}
	for _, r := range rows {
		m, err := ParseLayers(r.lines)
		if err != nil {
			t.Errorf("%q: %v", r.lines, err)
			continue
		}
		_, out, err := m.Resolve(r.in)
		if err == nil || !strings.Contains(err.Error(), r.want) {
			t.Errorf("%q on %v: %v, %v; want %s", r.lines, r.in, out, err, r.want)
		}
	}
}

// TestPoolWindowsLargerThanTheInput: in ceil_mode, a window may be larger than the input. The sizes are
// PyTorch's.
func TestPoolWindowsLargerThanTheInput(t *testing.T) {
	for _, c := range []struct {
		layer    string
		in, want []int
	}{
		{"maxpool1d 3 2", []int{1, 2}, nil},
		{"maxpool1d 3 2 ceil_mode=true", []int{1, 2}, []int{1, 1}},
		{"avgpool1d 3 2 ceil_mode=true", []int{1, 2}, []int{1, 1}},
		{"avgpool2d 4 3 ceil_mode=true", []int{1, 2, 3}, []int{1, 1, 1}},
	} {
		m, err := ParseLayers(c.layer)
		if err != nil {
			t.Fatal(err)
		}
		_, got, err := m.Resolve(c.in)
		if (err == nil) != (c.want != nil) || !slices.Equal(got, c.want) {
			t.Errorf("%s on %v: got %v, %v, want %v", c.layer, c.in, got, err, c.want)
		}
	}
}

func TestResolveLeavesTheReceiver(t *testing.T) {
	m, _ := ParseLayers("residual {\nlinear 4\n}\nlinear 2")
	if _, _, err := m.Resolve([]int{4}); err != nil {
		t.Fatal(err)
	}
	inner := m.Layers[0].Params["layers"].([]Layer)
	if len(inner[0].Params) != 1 || len(m.Layers[1].Params) != 1 {
		t.Error("Resolve wrote into its receiver")
	}
}

func TestResolveChecksGoTypes(t *testing.T) {
	for _, l := range []Layer{
		{Type: "linear", Params: map[string]any{"out_features": "4"}},
		{Type: "linear", Params: map[string]any{"out_features": int64(4)}},
		{Type: "dropout", Params: map[string]any{"rate": 0.5}},
		{Type: "nothing"},
		{Type: "residual"},
	} {
		if _, _, err := (&ModelConfig{Layers: []Layer{l}}).Resolve([]int{4}); err == nil {
			t.Errorf("%+v is accepted", l)
		}
	}
}
