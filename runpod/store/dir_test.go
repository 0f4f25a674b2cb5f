package store_test

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/gopherpod/gopherpod/runpod/store"
	"github.com/gopherpod/gopherpod/tensors"
)

// A large tensor that is new is hashed while it is written. One that may be in the store is
// hashed first.
func TestSendLargeTensor(t *testing.T) {
	root := filepath.Join(t.TempDir(), "a[b]*?") // must not be used as a glob pattern
	d := store.Dir(root)
	a, err := tensors.New(tensors.Float32, 5_000_000)
	if err != nil {
		t.Fatal(err)
	}
	b := a.Clone()
	b.Data[1] = 1
	for i, c := range []struct {
		t    tensors.Tensor
		sent bool
	}{{a, true}, {a, false}, {b, true}, {b, false}} {
		r, err := store.SendTensor(t.Context(), d, c.t)
		if err != nil || r.Digest != c.t.Digest() || (r.Sent > 0) != c.sent {
			t.Errorf("%d: %v, %v", i, r, err)
		}
		if got, err := store.FetchTensor(t.Context(), d, r.Digest, store.Options{}); err != nil || !got.Equal(c.t) {
			t.Errorf("%d: %v, %v", i, got, err)
		}
	}
	left, err := os.ReadDir(filepath.Join(root, "data"))
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range left {
		if !e.IsDir() {
			t.Errorf("%s is left", e.Name())
		}
	}
}
