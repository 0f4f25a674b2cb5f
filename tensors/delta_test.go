package tensors

import (
	"errors"
	"math/rand/v2"
	"strings"
	"testing"
)

// trained is a state of 100,000 weights, and the same after a small step.
func trained(t testing.TB) (before, after Set) {
	t.Helper()
	r := rand.New(rand.NewPCG(1, 2))
	a, b := make([]float32, 100_000), make([]float32, 100_000)
	for i := range a {
		a[i] = float32(r.NormFloat64() * 0.05)
		b[i] = a[i] * (1 + float32(r.NormFloat64())*1e-4)
	}
	before, after = sample(t), sample(t)
	for s, v := range map[*Set][]float32{&before: a, &after: b} {
		x, err := From(v)
		if err != nil {
			t.Fatal(err)
		}
		(*s)["0.weight"] = x
	}
	return before, after
}

func TestDelta(t *testing.T) {
	before, after := trained(t)
	text, err := EncodeDelta(before, after)
	if err != nil {
		t.Fatal(err)
	}
	got, err := DecodeDelta(before, text, 0)
	if err != nil || !equal(got, after) {
		t.Errorf("got %v, %v", got, err)
	}
	whole, err := EncodeState(after, true)
	if err != nil {
		t.Fatal(err)
	}
	if len(text) > len(whole)*3/4 {
		t.Errorf("a delta of %d bytes for a state of %d", len(text), len(whole))
	}
	for what, c := range map[string]struct {
		base Set
		text string
		kind error
	}{
		"to another state":  {after, text, ErrFormat},
		"a state":           {before, whole, ErrFormat},
		"no base64":         {before, "x", ErrFormat},
		"not compressed":    {before, "AAAA", ErrFormat},
		"to a smaller base": {Set{}, text, ErrFormat},
	} {
		if _, err := DecodeDelta(c.base, c.text, 0); !errors.Is(err, c.kind) {
			t.Errorf("%s: %v", what, err)
		}
	}
	if _, err := DecodeDelta(before, text, 1000); !errors.Is(err, ErrTooLarge) {
		t.Errorf("over the limit: %v", err)
	}
	other := sample(t)
	if _, err := EncodeDelta(before, other); !errors.Is(err, ErrShape) {
		t.Errorf("a tensor less: %v", err)
	}
	other["0.weight"] = Tensor{DType: Float32, Shape: []int{1}, Data: make([]byte, 4)}
	if _, err := EncodeDelta(before, other); !errors.Is(err, ErrShape) || !strings.Contains(err.Error(), "0.weight") {
		t.Errorf("another shape: %v", err)
	}
	// A delta that names the base and has other tensors.
	digest, err := StateDigest(other)
	if err != nil {
		t.Fatal(err)
	}
	for _, planes := range []Set{{}, {"x": {Uint8, []int{4, 1}, make([]byte, 4)}}} {
		parts, err := SafetensorsPieces(planes, map[string]string{"format": deltaFormat, "base": digest})
		if err != nil {
			t.Fatal(err)
		}
		b, err := Compress(parts...)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := DecodeDelta(other, encodeBase64([][]byte{b}), 0); !errors.Is(err, ErrShape) {
			t.Errorf("other tensors: %v", err)
		}
	}
	t.Logf("a state of %d bytes as text, %d compressed, its delta %d", 100_000*4*4/3, len(whole), len(text))
}
