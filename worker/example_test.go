package worker_test

import (
	"encoding/json"
	"errors"
	"fmt"

	"github.com/gopherpod/gopherpod/worker"
)

// A model is a layer a line; sizes that are not written follow from the data.
func ExampleModelConfig_Resolve() {
	model, err := worker.ParseLayers("conv2d 8 3 padding=1\nrelu\nmaxpool2d 2\nflatten\nlinear 10")
	if err != nil {
		panic(err)
	}
	full, output, err := model.Resolve([]int{1, 28, 28})
	if err != nil {
		panic(err)
	}
	text, _ := json.Marshal(full.Layers[4])
	parameters, _ := full.Parameters()
	fmt.Println(string(text), output, parameters)
	// Output: {"type":"linear","in_features":1568,"out_features":10} [10] 15770
}

// What a request may not hold is refused with the place of the value.
func ExampleDecodeRequest() {
	_, err := worker.DecodeRequest([]byte(`{
		"operation": "train",
		"model_config": {"layers": [{"type": "conv2d", "out_channels": 8, "kernel_size": [3, 0]}]},
		"training_data": {"features": [[[[1]]]], "labels": [0]}
	}`))
	var refused *worker.Error
	if errors.As(err, &refused) {
		fmt.Println(refused.Kind)
		fmt.Println(refused.Field)
		fmt.Println(refused.Message)
	}
	// Output:
	// InvalidRequest
	// model_config.layers[0].kernel_size[1]
	// is 0, wants 1 to 2147483648
}
