package tensors

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"math/rand/v2"
	"os"
	"strings"
	"testing"
)

// trained returns a state of 100,000 weights, and the same after a small step.
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

func state(t testing.TB, s Set, compress bool) string {
	t.Helper()
	text, err := EncodeState(s, compress)
	if err != nil {
		t.Fatal(err)
	}
	return text
}

func TestDelta(t *testing.T) {
	before, after := trained(t)
	for _, c := range []struct{ base, next bool }{{false, false}, {true, false}, {false, true}, {true, true}} {
		base, next := state(t, before, c.base), state(t, after, c.next)
		text, ok, err := EncodeDelta(base, next)
		if err != nil || !ok || !IsDelta(text) {
			t.Fatalf("%v %v", ok, err)
		}
		got, err := DecodeDelta(base, text, 0)
		if err != nil || got != state(t, after, false) {
			t.Fatalf("%+v: another state comes back: %v", c, err)
		}
		if len(text) > len(next)*3/4 {
			t.Errorf("%+v: a delta of %d bytes for a state of %d", c, len(text), len(next))
		}
		t.Logf("%+v: a state of %d bytes as text, its delta %d", c, len(next), len(text))
	}
	// Lengths that are not a multiple of four, and data that does not compress.
	r := rand.New(rand.NewPCG(3, 4))
	for n := range 9 {
		a, b := make([]byte, n), make([]byte, n)
		for i := range a {
			a[i], b[i] = byte(r.Uint32()), byte(r.Uint32())
		}
		base, next := base64.StdEncoding.EncodeToString(a), base64.StdEncoding.EncodeToString(b)
		text, ok, err := EncodeDelta(base, next)
		if err != nil || ok {
			t.Errorf("%d bytes: a delta is said to be shorter, %v", n, err)
		}
		if got, err := DecodeDelta(base, text, 0); err != nil || got != next {
			t.Errorf("%d bytes: %q, %v", n, got, err)
		}
	}
	if text, ok, err := EncodeDelta(state(t, before, false), state(t, sample(t), false)); text != "" || ok || err != nil {
		t.Errorf("states of two lengths: %v, %v", ok, err)
	}
}

func TestDeltaRefused(t *testing.T) {
	before, after := trained(t)
	base, next := state(t, before, false), state(t, after, false)
	text, _, err := EncodeDelta(base, next)
	if err != nil {
		t.Fatal(err)
	}
	head, data := text[:strings.LastIndexByte(text, ':')+1], text[strings.LastIndexByte(text, ':')+1:]
	pack := func(n int) string {
		b, err := Compress(make([]byte, n))
		if err != nil {
			t.Fatal(err)
		}
		return encodeBase64([][]byte{b})
	}
	length := base64.StdEncoding.DecodedLen(len(base)) - strings.Count(base, "=")
	for what, c := range map[string]struct {
		base, text string
		kind       error
	}{
		"to another state":  {next, text, ErrFormat},
		"a state":           {base, next, ErrFormat},
		"no digests":        {base, "delta:", ErrFormat},
		"a path":            {base, "delta:../../" + text[12:], ErrFormat},
		"a digest in X":     {base, "delta:" + strings.ToUpper(text[6:70]) + text[70:], ErrFormat},
		"no base64":         {base, head + "x", ErrFormat},
		"not compressed":    {base, head + "AAAA", ErrFormat},
		"nothing":           {base, head, ErrFormat},
		"another result":    {base, head + pack(length), ErrFormat}, // base itself
		"too short":         {base, head + pack(7), ErrFormat},
		"a bomb":            {base, head + pack(1<<26), ErrTooLarge},
		"cut off":           {base, head + data[:len(data)/2/4*4], ErrFormat},
		"the base is no b6": {"?", text, ErrFormat},
	} {
		if _, err := DecodeDelta(c.base, c.text, 0); !errors.Is(err, c.kind) {
			t.Errorf("%s: %v", what, err)
		}
	}
	if _, err := DecodeDelta(base, text, 1000); !errors.Is(err, ErrTooLarge) {
		t.Errorf("over the limit: %v", err)
	}
}

func FuzzDecodeDelta(f *testing.F) {
	base := base64.StdEncoding.EncodeToString([]byte("a state of some bytes"))
	for _, next := range []string{"a state of same bytes", "another with no digit"} {
		text, _, err := EncodeDelta(base, base64.StdEncoding.EncodeToString([]byte(next)))
		if err != nil {
			f.Fatal(err)
		}
		f.Add(base, text)
	}
	f.Add("", "delta:")
	packed, err := Compress(make([]byte, 1<<20))
	if err != nil {
		f.Fatal(err)
	}
	f.Add(encodeBase64([][]byte{packed}), "delta:"+StateDigest(packed)+":"+StateDigest(nil)+":"+encodeBase64([][]byte{packed}))
	f.Fuzz(func(t *testing.T, base, text string) {
		got, err := DecodeDelta(base, text, 1<<20)
		if err != nil {
			return
		}
		// The decoded state has the digest in the text, and is not over the limit.
		_, next, err := DeltaDigests(text)
		b, err2 := base64.StdEncoding.DecodeString(got)
		if err != nil || err2 != nil || StateDigest(b) != next || len(b) > 1<<20 {
			t.Fatalf("a state of %d bytes with another digest: %v %v", len(b), err, err2)
		}
	})
}

// TestDeltaVectors: what the PyTorch worker wrote, and what both sides refuse.
func TestDeltaVectors(t *testing.T) {
	var v struct {
		Cases   []struct{ Name, By, Base, State, Delta string }
		Refused []struct{ Name, Base, Delta string }
	}
	b, err := os.ReadFile("../worker/testdata/deltas.json")
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(b, &v); err != nil || len(v.Cases) < 3 || len(v.Refused) < 10 {
		t.Fatal(len(v.Cases), len(v.Refused), err)
	}
	for _, c := range v.Cases {
		if got, err := DecodeDelta(c.Base, c.Delta, 0); err != nil || got != c.State {
			t.Errorf("%s by %s: %v", c.Name, c.By, err)
		}
		own, ok, err := EncodeDelta(c.Base, c.State)
		if err != nil || !ok || own[:140] != c.Delta[:140] {
			t.Errorf("%s: %.140s, %v %v", c.Name, own, ok, err)
		}
	}
	for _, c := range v.Refused {
		if _, err := DecodeDelta(c.Base, c.Delta, 0); !errors.Is(err, ErrFormat) && !errors.Is(err, ErrTooLarge) {
			t.Errorf("%s: %v", c.Name, err)
		}
	}
}

func TestDeltaOfMuch(t *testing.T) {
	text := strings.Repeat("A", MaxDelta+4)
	if got, ok, err := EncodeDelta(text, text); got != "" || ok || err != nil {
		t.Errorf("%v, %v", ok, err)
	}
}
