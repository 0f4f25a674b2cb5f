package bench

import (
	"encoding/json"
	"runtime"
	"testing"

	"gonum.org/v1/gonum/mat"

	"github.com/gopherpod/gopherpod/tensors"
	"github.com/gopherpod/gopherpod/tensors/bigjson"
	"github.com/gopherpod/gopherpod/worker"
)

// allocated is how many bytes f allocates.
func allocated(f func()) float64 {
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	f()
	runtime.ReadMemStats(&after)
	return float64(after.TotalAlloc - before.TotalAlloc)
}

// A matrix and its request, or a request and its matrix, are at most two copies of
// the data; base64 makes one of them a third larger.
func TestTwoCopies(t *testing.T) {
	const n = 1500
	m := mat.NewDense(n, n, nil)
	var request bigjson.Segments
	out := allocated(func() {
		x, err := tensors.From(m)
		if err != nil {
			t.Fatal(err)
		}
		text, err := tensors.EncodeSet(tensors.Set{"X": x}, tensors.CodecMsgpack)
		if err != nil {
			t.Fatal(err)
		}
		request, err = bigjson.Marshal(map[string]any{"input": worker.Request{Operation: worker.OpTrain, Tensors: &worker.Tensors{Codec: tensors.CodecMsgpack, Data: text}}})
		if err != nil {
			t.Fatal(err)
		}
	})
	body := request.Bytes()
	in := allocated(func() {
		var job struct{ Input json.RawMessage }
		if err := bigjson.Unmarshal(body, &job); err != nil {
			t.Fatal(err)
		}
		var r worker.Request
		if err := bigjson.Unmarshal(job.Input, &r); err != nil {
			t.Fatal(err)
		}
		set, err := tensors.DecodeSet(r.Tensors.Codec, r.Tensors.Data, 0)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := set["X"].Dense(); err != nil {
			t.Fatal(err)
		}
	})
	const data = n * n * 8
	if out > data*1.36 || in > data*1.02 {
		t.Errorf("to encode %d bytes of data takes %.0f beside them, to decode %.0f beside the text", data, out, in)
	}
}
