package store_test

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/gopherpod/gopherpod/runpod/store"
	"github.com/gopherpod/gopherpod/tensors"
)

func tensor(t *testing.T) tensors.Tensor {
	t.Helper()
	x, err := tensors.From([][]float64{{1, 2, 3}, {4, 5, 6.5}})
	if err != nil {
		t.Fatal(err)
	}
	return x
}

func TestTensor(t *testing.T) {
	root := t.TempDir()
	s, x := store.Dir(root), tensor(t)
	r, err := store.SendTensor(t.Context(), s, x)
	if err != nil || r.Digest != x.Digest() || r.Sent != r.Size {
		t.Fatalf("%+v, %v", r, err)
	}
	if again, err := store.SendTensor(t.Context(), s, x.Clone()); err != nil || again.Sent != 0 {
		t.Errorf("again: %+v, %v", again, err)
	}
	if back, err := store.FetchTensor(t.Context(), s, r.Digest, store.Options{}); err != nil || !back.Equal(x) {
		t.Errorf("%v, %v", back, err)
	}
	if _, err := store.FetchTensor(t.Context(), s, r.Digest, store.Options{Limit: 10}); !errors.Is(err, store.ErrTooLarge) {
		t.Errorf("over the limit: %v", err)
	}
	if _, err := store.FetchTensor(t.Context(), s, tensors.DigestOf(nil), store.Options{}); !errors.Is(err, store.ErrNotFound) {
		t.Errorf("never sent: %v", err)
	}
	if _, err := store.SendTensor(t.Context(), s, tensors.Tensor{}); !errors.Is(err, tensors.ErrType) {
		t.Errorf("no tensor: %v", err)
	}
	file := filepath.Join(root, "data", r.Digest[:2], r.Digest+".safetensors")
	for _, content := range []string{"", "rubbish that is no safetensors file", "\x02\x00\x00\x00\x00\x00\x00\x00{}"} {
		if err := os.WriteFile(file, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := store.FetchTensor(t.Context(), s, r.Digest, store.Options{}); !errors.Is(err, store.ErrCorrupt) {
			t.Errorf("%q: %v", content, err)
		}
	}
}

// Our PyTorch worker finds tensors that we store by their digests, and we find tensors that
// it stores.
func TestTensorWithWorker(t *testing.T) {
	python := os.Getenv("GOPHERPOD_TORCH_PYTHON")
	if python == "" {
		t.Skip("GOPHERPOD_TORCH_PYTHON does not name a Python that has torch, numpy, msgpack and zstandard")
	}
	root, x := t.TempDir(), tensor(t)
	r, err := store.SendTensor(t.Context(), store.Dir(root), x)
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(python, "-c", `
import sys, torch, pathlib
from gopherpod_worker import data
s = data.Store(pathlib.Path(sys.argv[1]))
assert s.has(sys.argv[2])
t = s.get(sys.argv[2], "x")
print(t.dtype, t.tolist())
print(s.put(torch.tensor([1, 2, 3], dtype=torch.int16)))
`, root, r.Digest)
	cmd.Dir = filepath.Join("..", "..", "worker", "pytorch")
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	seen, digest, _ := strings.Cut(strings.TrimSpace(string(out)), "\n")
	if seen != "torch.float64 [[1.0, 2.0, 3.0], [4.0, 5.0, 6.5]]" {
		t.Errorf("the worker sees %s", seen)
	}
	y, err := store.FetchTensor(t.Context(), store.Dir(root), digest, store.Options{})
	if err != nil || y.DType != tensors.Int16 {
		t.Errorf("%v, %v", y, err)
	}
}

func TestTensors(t *testing.T) {
	root, x := t.TempDir(), tensor(t)
	k := store.Tensors{Store: store.Dir(root)}
	if _, ok := k.Get(x.Digest()); ok {
		t.Error("a tensor from nowhere")
	}
	digest, err := k.Put(x)
	if err != nil || digest != x.Digest() {
		t.Fatal(digest, err)
	}
	if back, ok := k.Get(digest); !ok || !back.Equal(x) {
		t.Errorf("got %v, %v", back, ok)
	}
	// A damaged one of the right length is written again.
	file := filepath.Join(root, "data", digest[:2], digest+".safetensors")
	b, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	b[len(b)-1] ^= 1
	if err := os.WriteFile(file, b, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, ok := k.Get(digest); ok {
		t.Error("a damaged tensor is returned")
	}
	if _, err := k.Put(x); err != nil {
		t.Fatal(err)
	}
	if back, ok := k.Get(digest); !ok || !back.Equal(x) {
		t.Errorf("after it was sent again: %v, %v", back, ok)
	}
}

// A matrix of 256 MB into a folder, and back.
func BenchmarkTensor(b *testing.B) {
	x, err := tensors.From(make([]float32, 64<<20))
	if err != nil {
		b.Fatal(err)
	}
	b.Run("Send", func(b *testing.B) {
		b.SetBytes(int64(len(x.Data)))
		for b.Loop() {
			if _, err := store.SendTensor(b.Context(), store.Dir(b.TempDir()), x); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("Fetch", func(b *testing.B) {
		s := store.Dir(b.TempDir())
		r, err := store.SendTensor(b.Context(), s, x)
		if err != nil {
			b.Fatal(err)
		}
		b.SetBytes(int64(len(x.Data)))
		for b.Loop() {
			if _, err := store.FetchTensor(b.Context(), s, r.Digest, store.Options{}); err != nil {
				b.Fatal(err)
			}
		}
	})
}
