package store_test

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"testing"

	"github.com/gopherpod/gopherpod/runpod/store"
	"github.com/gopherpod/gopherpod/runpod/store/storetest"
)

func TestDir(t *testing.T) {
	storetest.Run(t, func(t *testing.T) store.Store { return store.Dir(filepath.Join(t.TempDir(), "made", "when", "needed")) })
}

// Only the owner can read the files, and a Put that failed leaves none.
func TestDirFiles(t *testing.T) {
	root := t.TempDir()
	r, err := store.Send(t.Context(), store.Dir(root), store.Bytes([]byte("content")), store.Options{})
	if err != nil {
		t.Fatal(err)
	}
	info, err := os.Stat(filepath.Join(root, "sha256", r.Digest))
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("mode %v, %v", info.Mode(), err)
	}
	name, err := store.NameOf(r.Digest)
	if err != nil {
		t.Fatal(err)
	}
	if err := store.Dir(root).Put(t.Context(), name, errReader{}, 5); !errors.Is(err, errRead) {
		t.Errorf("put: %v", err)
	}
	files := 0
	if err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if !d.IsDir() {
			files++
		}
		return err
	}); err != nil || files != 1 {
		t.Errorf("%d files, %v", files, err)
	}
	if _, err := store.Send(t.Context(), store.Dir("/dev/null/x"), store.Bytes([]byte("content")), store.Options{}); err == nil {
		t.Error("a folder that cannot be made is accepted")
	}
}

var errRead = errors.New("cannot read")

type errReader struct{}

func (errReader) Read([]byte) (int, error)       { return 0, errRead }
func (errReader) Seek(int64, int) (int64, error) { return 0, nil }

func TestReceipt(t *testing.T) {
	for want, r := range map[string]store.Receipt{
		"0123456789ab 40.0 MB, already there, 0 B sent":   {Digest: "0123456789abcdef", Size: 40e6},
		"0123456789ab 1.50 GB, 1.50 GB sent":              {Digest: "0123456789abcdef", Size: 1.5e9, Sent: 1.5e9},
		"0123456789ab 40.0 MB, partly there, 8.0 MB sent": {Digest: "0123456789abcdef", Size: 40e6, Sent: 8e6},
		"0123456789ab 2.0 kB, 2.0 kB sent":                {Digest: "0123456789abcdef", Size: 2000, Sent: 2000},
		"0123456789ab 20 B, 20 B sent":                    {Digest: "0123456789abcdef", Size: 20, Sent: 20},
	} {
		if got := r.String(); got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
}

// Sending and fetching a file of 256 MB.
func BenchmarkDir(b *testing.B) {
	content := storetest.Random(256 << 20)
	b.SetBytes(int64(len(content)))
	for b.Loop() {
		s := store.Dir(b.TempDir())
		r, err := store.Send(b.Context(), s, store.Bytes(content), store.Options{})
		if err != nil {
			b.Fatal(err)
		}
		if _, err := store.Fetch(b.Context(), s, r.Digest, store.Options{}); err != nil {
			b.Fatal(err)
		}
	}
}
