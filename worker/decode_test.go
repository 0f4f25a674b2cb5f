package worker

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"
)

// request is a train request with one part replaced.
func request(old, new string) string {
	const text = `{"operation": "train", "model_config": {"layers": [{"type": "linear", "out_features": 2}]}, "training_data": {"features": [[1, 2]], "labels": [0]}, "hyperparameters": {"epochs": 3}}`
	return strings.Replace(text, old, new, 1)
}

// TestDecodeRejects has one row for each rule; want is the error's text.
func TestDecodeRejects(t *testing.T) {
	layers := func(l string) string { return request(`[{"type": "linear", "out_features": 2}]`, l) }
	rows := []struct{ input, want string }{
		{``, `no valid JSON: line 1, column 1: unexpected end of JSON input`},
		{`{"operation": train}`, `no valid JSON: line 1, column 17: invalid character 'a' in literal true (expecting 'u')`},
		{`[]`, `the input is a JSON object, not a list`},
		{`{"operation": "capabilities", "operation": "train"}`, `operation: is there twice`},
		{`{"operation": 7}`, `operation: wants a text, not a number`},
		{`{"operation": "trian"}`, `operation: unknown operation "trian"; did you mean "train"?`},
		{`{"operation": "capabilities", "protocol": 9}`, `protocol: unknown protocol 9; known: 0 (none, plain JSON) and 1`},
		{request(`"epochs"`, `"epoch"`), `hyperparameters.epoch: hyperparameters has no such field; did you mean "epochs"?`},
		{request(`"epochs": 3`, `"lr": 3`), `hyperparameters.lr: hyperparameters has no such field; did you mean "learning_rate"?`},
		{request(`"epochs": 3`, `"epochs": 3.5`), `hyperparameters.epochs: is 3.5, wants a whole number`},
		{request(`"epochs": 3`, `"epochs": -1`), `hyperparameters.epochs: is -1, wants 1 to 1e+09`},
		{request(`"epochs": 3`, `"optimizer": "Adma"`), `hyperparameters.optimizer: unknown optimizer "Adma"; did you mean "adam"?`},
		{request(`"epochs": 3`, `"loss_function": "mae"`), `hyperparameters.loss_function: unknown loss function "mae"; did you mean "l1"?`},
		{request(`"epochs": 3`, `"nesterov": true`), `hyperparameters.nesterov: requires momentum > 0 and no dampening`},
		{request(`"epochs": 3`, `"class_weights": [0, 0]`), `hyperparameters.class_weights: are all 0 (2 of them): no sample would count`},
		{request(`"epochs": 3`, `"class_weights": [1, -2]`), `hyperparameters.class_weights[1]: is -2, wants 0 or more`},
		{request(`"epochs": 3`, `"loss_function": "mse", "class_weights": [1]`), `hyperparameters.class_weights: mse does not use it; cross_entropy and nll do`},
		{request(`"epochs": 3`, `"gpus": "some"`), `hyperparameters.gpus: is "some", wants 1 to 64, or "all"`},
		{request(`"epochs": 3`, `"validation_split": 0.2}, "validation_data": {"features": [[1, 2]], "labels": [0]}, "hyperparameters": {`), `hyperparameters: is there twice`},
		{request(`"hyperparameters": {`, `"validation_data": {"features": [[1, 2]], "labels": [0]}, "hyperparameters": {"validation_split": 0.5, `), `hyperparameters.validation_split: is there with validation_data; give one`},
		{request(`"labels": [0]`, `"label": [0]`), `training_data.label: a data set has no such field; did you mean "labels"?`},
		{request(`, "labels": [0]`, ``), `training_data.labels: is missing`},
		{request(`"labels": [0]`, `"labels": {"tensor": "y", "url": "z"}`), `training_data.labels: a reference names exactly one of tensor, sha256 and url`},
		{request(`"labels": [0]`, `"labels": "y"`), `training_data.labels: is a text, wants a list, {"tensor": name}, {"sha256": digest} or {"url": address}`},
		{request(`"train"`, `"predict"`), `input_data: is missing; predict needs it`},
		{`{"operation": "gpu_info", "model_state": "x"}`, `model_state: is not used by gpu_info`},
		{layers(`[]`), ``},
		{layers(`{}`), `model_config.layers: wants a list, not an object`},
		{layers(`[7]`), `model_config.layers[0]: a layer is a JSON object with a type, not a number`},
		{layers(`[{"out_features": 7}]`), `model_config.layers[0]: a layer has no type`},
		{layers(`[{"type": "relu"}, {"type": "relu"}, {"type": "liner"}]`), `model_config.layers[2]: unknown layer "liner"; did you mean "linear"?`},
		{layers(`[{"type": "dense", "units": 3}]`), `model_config.layers[0]: unknown layer "dense"; did you mean "linear"?`},
		{layers(`[{"type": "linear", "out_feature": 3}]`), `model_config.layers[0].out_feature: linear has no such field; did you mean "out_features"?`},
		{layers(`[{"type": "linear"}]`), `model_config.layers[0].out_features: is missing; linear needs it (outputs)`},
		{layers(`[{"type": "linear", "out_features": 0}]`), `model_config.layers[0].out_features: is 0, wants 1 to 2147483648`},
		{layers(`[{"type": "linear", "out_features": 2.5}]`), `model_config.layers[0].out_features: is 2.5, wants a whole number`},
		{layers(`[{"type": "linear", "out_features": "2"}]`), `model_config.layers[0].out_features: wants a whole number, not a text`},
		{layers(`[{"type": "dropout", "p": 0.5, "rate": 0.5}]`), `the same; give one`},
		{layers(`[{"type": "dropout", "rate": 1.5}]`), `model_config.layers[0].rate: is 1.5, wants 0 to 1`},
		{layers(`[{"type": "gelu", "approximate": "tanhh"}]`), `model_config.layers[0].approximate: unknown value "tanhh"; did you mean "tanh"?`},
		{layers(`[{"type": "conv2d", "out_channels": 2, "kernel_size": [3, "x"]}]`), `model_config.layers[0].kernel_size[1]: wants a whole number, not a text`},
		{layers(`[{"type": "conv2d", "out_channels": 2, "kernel_size": 3, "padding": "sam"}]`), `model_config.layers[0].padding: unknown value "sam"; did you mean "same"?`},
		{layers(`[{"type": "residual", "layers": [{"type": "liner"}]}]`), `model_config.layers[0].layers[0]: unknown layer "liner"; did you mean "linear"?`},
		{layers(strings.Repeat(`[{"type": "residual", "layers": `, 40) + `[]` + strings.Repeat(`}]`, 40)), `more than 16 deep`},
		{request(`{"layers"`, `{"type": "recurrent", "layers"`), `model_config.type: unknown model type "recurrent"`},
	}
	for _, r := range rows {
		_, err := DecodeRequest([]byte(r.input))
		var e *Error
		switch {
		case r.want == "" && err == nil:
		case !errors.As(err, &e) || e.Kind != ErrInvalid:
			t.Errorf("%s: %v (%T), want an ErrInvalid", r.input, err, err)
		case !strings.Contains(err.Error(), r.want):
			t.Errorf("%s:\n got %s\nwant %s", r.input, err, r.want)
		}
	}
}

func TestDecodeKeepsOtherModels(t *testing.T) {
	const graph = `{"type":"graph","nodes":[{"name":"a","layers":[]}]}`
	r, err := DecodeRequest([]byte(request(`{"layers": [{"type": "linear", "out_features": 2}]}`, graph)))
	if err != nil {
		t.Fatal(err)
	}
	if text, err := json.Marshal(r.Model); err != nil || string(text) != graph {
		t.Errorf("became %s (%v)", text, err)
	}
	var e *Error
	if _, _, err := r.Model.Resolve([]int{2}); !errors.As(err, &e) || e.Kind != ErrUnsupported {
		t.Errorf("resolved: %v", err)
	}
}

// TestDecodeShares: the long text of the tensors is not copied, and arrives whole.
func TestDecodeLongTexts(t *testing.T) {
	long := strings.Repeat("QUJD", 100_000)
	input := request(`"hyperparameters"`, `"tensors": {"codec": "msgpack", "data": "`+long+`"}, "model_state": "`+long+`", "hyperparameters"`)
	r, err := DecodeRequest([]byte(input))
	if err != nil {
		t.Fatal(err)
	}
	if r.Tensors.Data != long || r.ModelState != long || r.Hyperparameters.Epochs != 3 {
		t.Error("a long text did not arrive")
	}
}

func FuzzDecodeRequest(f *testing.F) {
	f.Add([]byte(request("", "")))
	f.Add([]byte(`{"operation":"batch","requests":[{"operation":"gpu_info"}],"tensors":{"codec":"msgpack","data":""}}`))
	f.Add([]byte(`{"operation":"predict","input_data":[[1,2],[3,4]],"model_state":"x","model_config":{"layers":[{"type":"residual","layers":[{"type":"conv2d","kernel_size":[1,2],"out_channels":3}]}]}}`))
	f.Fuzz(func(t *testing.T, raw []byte) {
		r, err := DecodeRequest(raw)
		if err != nil {
			var e *Error
			if !errors.As(err, &e) {
				t.Fatalf("error of type %T: %v", err, err)
			}
			return
		}
		if _, err := json.Marshal(r); err != nil {
			t.Fatalf("accepted and cannot be written: %v", err)
		}
		if r.Model != nil {
			_, _, _ = r.Model.Resolve([]int{3, 8, 8})
		}
	})
}

func BenchmarkDecodeRequest(b *testing.B) {
	long := strings.Repeat("QUJD", 8<<20)
	input := []byte(request(`"hyperparameters"`, `"tensors": {"codec": "msgpack", "data": "`+long+`"}, "hyperparameters"`))
	b.SetBytes(int64(len(input)))
	for b.Loop() {
		if _, err := DecodeRequest(input); err != nil {
			b.Fatal(err)
		}
	}
}
