package engine

import (
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/gopherpod/gopherpod/tensors"
	"github.com/gopherpod/gopherpod/worker"
)

// inParts splits a tensor into arrays of at most size bytes and returns them with the
// request that joins them.
func inParts(t tensors.Tensor, size int) (parts []tensors.Tensor, j worker.Join) {
	j = worker.Join{SHA256: t.Digest(), DType: t.DType, Shape: t.Shape}
	for p := range slices.Chunk(t.Data, size) {
		part := tensors.Tensor{DType: tensors.Uint8, Shape: []int{len(p)}, Data: p}
		parts = append(parts, part)
		j.Parts = append(j.Parts, part.Digest())
	}
	return parts, j
}

func TestJoin(t *testing.T) {
	whole, err := tensors.From([]float32{1, 2, 3, 4, 5})
	if err != nil {
		t.Fatal(err)
	}
	parts, j := inParts(whole, 8)
	store := MemoryStore(1 << 20)
	ask := func(j worker.Join) (*worker.Response, error) {
		_, output, err := runJob(t, Handler(Options{Store: store}), worker.Request{Operation: worker.OpStore, Protocol: 1, Join: []worker.Join{j}})
		if err != nil {
			return nil, err
		}
		var r worker.Response
		return &r, json.Unmarshal(output, &r)
	}
	put := func(parts ...tensors.Tensor) {
		for _, p := range parts {
			if _, err := store.Put(p); err != nil {
				t.Fatal(err)
			}
		}
	}
	put(parts[0], parts[2])
	r, err := ask(j)
	if err != nil || !slices.Equal(r.Missing, j.Parts[1:2]) || r.Have != nil {
		t.Fatalf("%+v, %v: one part is missing", r, err)
	}
	put(parts[1])

	for _, c := range []struct {
		change func(*worker.Join)
		want   string
	}{
		{func(j *worker.Join) { j.Shape = []int{6} }, "join[0].parts: have 4 bytes fewer than the array"},
		{func(j *worker.Join) { j.Shape = []int{4} }, "join[0].parts[2]: uint8[4] is not a piece of an array of 16 bytes"},
		{func(j *worker.Join) { j.Shape = []int{5, 1} }, "join[0].sha256: is not the digest"},
		{func(j *worker.Join) { j.Shape = []int{1 << 39} }, "join[0].shape: 2199023255552 bytes, over the limit"},
		{func(j *worker.Join) { j.DType = tensors.Bool; j.Shape = []int{20} }, "join[0]: "},
		{func(j *worker.Join) { j.SHA256 = "../x" }, "is no digest"},
	} {
		wrong := j
		c.change(&wrong)
		_, err := ask(wrong)
		var e *worker.Error
		if !errors.As(err, &e) || e.Kind != worker.ErrInvalid || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%v, want %q", err, c.want)
		}
	}

	for range 2 { // the second time the array is already there
		r, err = ask(j)
		if err != nil || !slices.Equal(r.Have, []string{j.SHA256}) || r.Missing != nil {
			t.Fatalf("%+v, %v", r, err)
		}
	}
	if got, ok := store.Get(j.SHA256); !ok || !got.Equal(whole) {
		t.Error("the array changed on its way")
	}
	if _, ok := store.Get(j.Parts[0]); ok {
		t.Error("the parts are still there")
	}
}
