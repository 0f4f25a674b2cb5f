package local

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/gopherpod/gopherpod/tensors"
)

func TestFolderStore(t *testing.T) {
	root := t.TempDir()
	x := tensors.Tensor{DType: tensors.Float64, Shape: []int{2, 1}, Data: make([]byte, 16)}
	digest, err := FolderStore(root, 1<<20).Put(x)
	if err != nil || digest != x.Digest() {
		t.Fatal(digest, err)
	}
	path := filepath.Join(root, "data", digest[:2], digest+".safetensors")
	if _, err := os.Stat(path); err != nil {
		t.Fatal(err)
	}
	again := FolderStore(root, 1<<20) // after a restart
	if got, ok := again.Get(digest); !ok || got.Digest() != digest {
		t.Fatal(got, ok)
	}
	if _, err := again.Put(x); err != nil {
		t.Fatal(err)
	}
	for _, bad := range []string{"", "x", "../../etc/passwd", strings.Repeat("0", 64), strings.ToUpper(digest)} {
		if _, ok := again.Get(bad); ok {
			t.Errorf("%q is there", bad)
		}
	}
	for name, damage := range map[string]func([]byte) []byte{
		"flipped": func(b []byte) []byte { b[len(b)-1] ^= 1; return b },
		"short":   func(b []byte) []byte { return b[:len(b)-3] },
		"empty":   func([]byte) []byte { return nil },
	} {
		b, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, damage(append([]byte(nil), b...)), 0o600); err != nil {
			t.Fatal(err)
		}
		if _, ok := FolderStore(root, 1<<20).Get(digest); ok {
			t.Errorf("%s: a damaged file was taken", name)
		}
		os.WriteFile(path, b, 0o600)
	}
}
