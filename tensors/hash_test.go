package tensors

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"testing"
)

// A Hash computes sha256, whatever the lengths of the pieces.
func TestHash(t *testing.T) {
	b := make([]byte, 100_000)
	for i := range b {
		b[i] = byte(i * i >> 3)
	}
	for _, cuts := range [][]int{{0}, {1}, {16 << 10}, {16<<10 - 1, 16<<10 + 1, 5}, {99_999}} {
		h, rest := NewHash(), b
		for _, n := range cuts {
			h.Write(rest[:n])
			rest = rest[n:]
		}
		if n, err := h.Write(rest); n != len(rest) || err != nil {
			t.Errorf("%d, %v", n, err)
		}
		if sum := sha256.Sum256(b); h.Digest() != hex.EncodeToString(sum[:]) {
			t.Errorf("cut at %v it is another digest", cuts)
		}
	}
}

func TestScratch(t *testing.T) {
	for _, n := range []int{0, 1, 1<<20 - 1, 1 << 20, 3<<20 + 5} {
		b := Scratch(n)
		for i := range b {
			b[i] = 7
		}
		if len(b) != n || bytes.Count(b, []byte{7}) != n {
			t.Errorf("%d bytes of %d", len(b), n)
		}
	}
}

func TestCheckFiniteOfHalves(t *testing.T) {
	x, err := New(Float32, 3<<20)
	if err != nil {
		t.Fatal(err)
	}
	if err := x.CheckFinite(); err != nil {
		t.Fatal(err)
	}
	for _, at := range []int{0, 3<<19 - 1, 3 << 19, 3<<20 - 1} {
		bits := x.Data[4*at : 4*at+4]
		copy(bits, []byte{0, 0, 0x80, 0x7f})
		if err := x.CheckFinite(); err == nil || err.(*NonFiniteError).Index[0] != at {
			t.Errorf("infinity at %d: %v", at, err)
		}
		clear(bits)
	}
}
