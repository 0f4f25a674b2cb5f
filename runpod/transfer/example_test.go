package transfer_test

import (
	"fmt"

	"github.com/gopherpod/gopherpod/runpod/transfer"
	"github.com/gopherpod/gopherpod/tensors"
	"github.com/gopherpod/gopherpod/worker"
)

// An array that several parts of a batch use is sent once.
func ExampleMerge() {
	x, err := tensors.From([][]float64{{1, 2}, {3, 4}})
	if err != nil {
		fmt.Println(err)
		return
	}
	predict := func() *transfer.Parcel {
		return &transfer.Parcel{
			Request: &worker.Request{Operation: worker.OpPredict, Protocol: worker.Protocol, InputData: &worker.Dataset{Features: worker.Value{Tensor: "X"}}},
			Set:     tensors.Set{"X": x}, Names: map[string]string{"X": "Xtest"},
		}
	}
	all := transfer.Merge([]*transfer.Parcel{predict(), predict()})
	request, err := all.Inside()
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(request.Operation, len(request.Requests), "requests,", len(all.Set), "array")
	// Output: batch 2 requests, 1 array
}
