package store_test

import (
	"bytes"
	"context"
	"encoding/json"
	"testing"

	"github.com/gopherpod/gopherpod/runpod/store"
	"github.com/gopherpod/gopherpod/tensors"
)

// FuzzFetch: anyone who can write to the store can choose the list of parts. The content that
// Fetch returns must still have the right digest and be within the limit.
func FuzzFetch(f *testing.F) {
	part := []byte("abc")
	sum := tensors.DigestOf(part)
	list, err := json.Marshal(map[string]any{"size": 6, "parts": []any{map[string]any{"sha256": sum, "size": 3}, map[string]any{"sha256": sum, "size": 3}}})
	if err != nil {
		f.Fatal(err)
	}
	f.Add(list)
	f.Add(bytes.Replace(list, []byte(`"size":6`), []byte(`"size":-1`), 1))
	f.Add(bytes.Replace(list, []byte(`"size":3`), []byte(`"size":9223372036854775807`), 1))
	digest := tensors.DigestOf([]byte("abcabc"))
	f.Fuzz(func(t *testing.T, list []byte) {
		ctx := context.Background()
		s := store.Dir(t.TempDir())
		whole, err := store.NameOf(sum)
		if err == nil {
			err = s.Put(ctx, whole, bytes.NewReader(part), int64(len(part)))
		}
		if err != nil {
			t.Fatal(err)
		}
		name, err := store.ListOf(digest)
		if err == nil {
			err = s.Put(ctx, name, bytes.NewReader(list), int64(len(list)))
		}
		if err != nil {
			t.Fatal(err)
		}
		b, err := store.Fetch(ctx, s, digest, store.Options{Limit: 1 << 20})
		if err == nil && (tensors.DigestOf(b) != digest || len(b) > 1<<20) {
			t.Fatalf("%q", b)
		}
	})
}
