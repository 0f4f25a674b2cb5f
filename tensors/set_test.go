package tensors

import (
	"encoding/base64"
	"encoding/hex"
	"errors"
	"maps"
	"strings"
	"testing"
	"unsafe"

	"github.com/vmihailenco/msgpack/v5"
)

func sample(t testing.TB) Set {
	t.Helper()
	s := Set{}
	for name, v := range map[string]any{
		"X": [][]float64{{1, 2, 3}, {4, 5, 6}}, "y": []int{0, 1}, "mask": []bool{true, false, true}, "w": []float32{1.5},
	} {
		x, err := From(v)
		if err != nil {
			t.Fatal(err)
		}
		s[name] = x
	}
	s["none"] = Tensor{DType: Float32, Shape: []int{0, 4}, Data: []byte{}}
	s["step"] = Tensor{DType: Float32, Shape: []int{}, Data: []byte{0, 0, 0x80, 0x3f}}
	return s
}

func equal(a, b Set) bool { return maps.EqualFunc(a, b, Tensor.Equal) }

func TestSetBytes(t *testing.T) {
	s := Set{"y": {Uint8, []int{2}, []byte{7, 8}}, "b": {Bool, []int{}, []byte{1}}}
	got, err := s.MarshalMsgpack()
	if err != nil {
		t.Fatal(err)
	}
	const want = "82" + // map of 2
		"a162" + "83" + "a56474797065" + "a4626f6f6c" + "a57368617065" + "90" + "a464617461" + "c40101" +
		"a179" + "83" + "a56474797065" + "a575696e7438" + "a57368617065" + "9102" + "a464617461" + "c4020708"
	if hex.EncodeToString(got) != want {
		t.Errorf("got  %x\nwant %s", got, want)
	}
}

// A general msgpack library reads what we write, and we read what it writes.
func TestSetAgainstMsgpack(t *testing.T) {
	s := sample(t)
	b, err := s.MarshalMsgpack()
	if err != nil {
		t.Fatal(err)
	}
	type object struct {
		DType string `msgpack:"dtype"`
		Shape []int  `msgpack:"shape"`
		Data  []byte `msgpack:"data"`
	}
	var theirs map[string]object
	if err := msgpack.Unmarshal(b, &theirs); err != nil {
		t.Fatal(err)
	}
	if len(theirs) != len(s) || theirs["X"].DType != "float64" || len(theirs["X"].Data) != 48 || theirs["X"].Shape[1] != 3 {
		t.Errorf("read as %v", theirs)
	}
	theirs["big"] = object{"uint8", []int{70000, 1}, make([]byte, 70000)}
	theirs["mid"] = object{"uint8", []int{300}, make([]byte, 300)}
	b, err = msgpack.Marshal(theirs)
	if err != nil {
		t.Fatal(err)
	}
	var back Set
	if err := back.UnmarshalMsgpack(b); err != nil {
		t.Fatal(err)
	}
	delete(back, "big")
	delete(back, "mid")
	if !equal(back, s) {
		t.Errorf("got %v, want %v", back, s)
	}
}

func TestTensorMsgpack(t *testing.T) {
	x := sample(t)["X"]
	b, err := x.MarshalMsgpack()
	if err != nil {
		t.Fatal(err)
	}
	if DigestOf(b) != x.Digest() || !ValidDigest(x.Digest()) {
		t.Error("Digest is not the digest of the msgpack form")
	}
	var y Tensor
	if err := y.UnmarshalMsgpack(b); err != nil || !y.Equal(x) {
		t.Errorf("got %v, %v", y, err)
	}
	if err := y.UnmarshalMsgpack(append(b, 0)); !errors.Is(err, ErrFormat) {
		t.Errorf("a byte more: %v", err)
	}
	for _, bad := range []string{"", "abc", strings.Repeat("A", 64), "../" + strings.Repeat("a", 61), strings.Repeat("a", 65)} {
		if ValidDigest(bad) {
			t.Errorf("%q passes for a digest", bad)
		}
	}
}

func TestEnvelope(t *testing.T) {
	s := sample(t)
	for _, codec := range []string{CodecMsgpack, CodecMsgpackZstd} {
		text, err := EncodeSet(s, codec)
		if err != nil {
			t.Fatal(err)
		}
		got, err := DecodeSet(codec, text, 0)
		if err != nil || !equal(got, s) {
			t.Errorf("%s: got %v, %v", codec, got, err)
		}
		for name, x := range got {
			if len(x.Data) > 0 && uintptr(unsafe.Pointer(&x.Data[0]))%8 != 0 {
				t.Errorf("%s: %s is not aligned", codec, name)
			}
		}
		if _, err := DecodeSet(codec, text, 20); !errors.Is(err, ErrTooLarge) {
			t.Errorf("%s: over the limit: %v", codec, err)
		}
		if _, err := DecodeSet(codec, text[:len(text)-4], 0); !errors.Is(err, ErrFormat) {
			t.Errorf("%s: cut: %v", codec, err)
		}
	}
	// The pieces of a set meet at every offset of a base64 group.
	for n := range 40 {
		x := Tensor{DType: Uint8, Shape: []int{n}, Data: make([]byte, n)}
		for i := range x.Data {
			x.Data[i] = byte(i)
		}
		s := Set{"a": x, "bc": x, "def": x}
		text, err := EncodeSet(s, CodecMsgpack)
		if err != nil {
			t.Fatal(err)
		}
		b, err := s.MarshalMsgpack()
		if err != nil {
			t.Fatal(err)
		}
		if text != base64.StdEncoding.EncodeToString(b) {
			t.Fatalf("%d bytes: not the base64 of the whole", n)
		}
		if got, err := DecodeSet(CodecMsgpack, text, 0); err != nil || !equal(got, s) {
			t.Fatalf("%d bytes: %v, %v", n, got, err)
		}
	}
}

func TestSetRefuses(t *testing.T) {
	const head = "a56474797065" + "a575696e7438" + "a57368617065"
	for name, c := range map[string]struct {
		hex  string
		says string
	}{
		"nothing":           {"", "a map of tensors"},
		"not a map":         {"90", "not a map"},
		"cut map":           {"de00", "ends after"},
		"no name":           {"8180", "not the name"},
		"empty name":        {"81a0", "empty"},
		"name not UTF-8":    {"81a1ff80", "UTF-8"},
		"name too long":     {"81dbffffffff41", "ends after"},
		"tensor not a map":  {"81a161c0", "not a tensor"},
		"two keys":          {"81a16182", "not 2 keys"},
		"unknown key":       {"81a16183a165", "\"e\""},
		"key twice":         {"81a16183" + "a56474797065a575696e7438" + "a56474797065", "twice"},
		"unknown dtype":     {"81a16183" + "a56474797065a4666f6f6f", "foo"},
		"shape not a list":  {"81a16183" + head + "01", "not a shape"},
		"negative":          {"81a16183" + head + "91ff", "a dimension"},
		"negative int8":     {"81a16183" + head + "91d0ff", "negative"},
		"huge dimension":    {"81a16183" + head + "91cfffffffffffffffff", "too large"},
		"float dimension":   {"81a16183" + head + "91ca3f800000", "a dimension"},
		"65 dimensions":     {"81a16183" + head + "dc0041", "64"},
		"2^32 dimensions":   {"81a16183" + head + "ddffffffff", "64"},
		"product overflows": {"81a16183" + head + "92cf7fffffffffffffff" + "cf7fffffffffffffff" + "a464617461c400", "addresses"},
		"data as text":      {"81a16183" + head + "9101" + "a464617461a141", "not bytes"},
		"data missing":      {"81a16183" + head + "9101" + "a464617461c6ffffffff", "ends after"},
		"data too short":    {"81a16183" + head + "9102" + "a464617461c40101", "needs 2 bytes"},
		"data too long":     {"81a16183" + head + "9100" + "a464617461c40101", "needs 0 bytes"},
		"name twice":        {"82a16183" + head + "9101" + "a464617461c40101" + "a161", "twice"},
		"more after it":     {"80c0", "1 bytes after"},
		"fewer than said":   {"82a16183" + head + "9101" + "a464617461c40101", "the name"},
	} {
		b, err := hex.DecodeString(c.hex)
		if err != nil {
			t.Fatal(name, err)
		}
		var s Set
		err = s.UnmarshalMsgpack(b)
		if err == nil || !strings.Contains(err.Error(), c.says) {
			t.Errorf("%s: %v, want %q", name, err, c.says)
		}
		if _, err2 := DecodeSet(CodecMsgpack, base64.StdEncoding.EncodeToString(b), 0); err2 == nil {
			t.Errorf("%s: DecodeSet accepts it", name)
		}
	}
	for _, text := range []string{"A", "AA==\n", "A\nAA", "AA\r\n=", "====", "AAA", "A===", "AA-_"} {
		if _, err := DecodeSet(CodecMsgpack, text, 0); err == nil {
			t.Errorf("base64 %q is accepted", text)
		}
	}
	for _, codec := range []string{"", "pickle"} {
		if _, err := DecodeSet(codec, "", 0); !errors.Is(err, ErrFormat) {
			t.Errorf("codec %q: %v", codec, err)
		}
		if _, err := EncodeSet(Set{}, codec); !errors.Is(err, ErrFormat) {
			t.Errorf("codec %q: %v", codec, err)
		}
	}
	if _, err := EncodeSet(Set{"": {Uint8, []int{0}, nil}}, CodecMsgpack); err == nil {
		t.Error("a tensor without a name is accepted")
	}
	if _, err := EncodeSet(Set{"a": {Uint8, []int{2}, nil}}, CodecMsgpack); !errors.Is(err, ErrShape) {
		t.Errorf("a wrong shape: %v", err)
	}
}

// A small frame with a huge content takes memory up to the limit and no more.
func TestDecompressBomb(t *testing.T) {
	bomb, err := Compress(make([]byte, 64<<20))
	if err != nil {
		t.Fatal(err)
	}
	if len(bomb) > 64<<10 {
		t.Fatalf("%d bytes is no bomb", len(bomb))
	}
	if _, err := Decompress(bomb, 1<<20); !errors.Is(err, ErrTooLarge) {
		t.Errorf("64 MiB under a limit of one: %v", err)
	}
	liar := append([]byte{}, zstdMagic...)
	liar = append(liar, 0xe0, 0, 0, 0, 0, 1, 0, 0, 0, 1, 0, 0) // single segment, claims 4 GiB
	if _, err := Decompress(liar, 1<<40); err == nil {
		t.Error("a frame that claims 4 GiB and has none is accepted")
	}
	for cut := range bomb[:20] {
		if _, err := Decompress(bomb[:cut], 0); !errors.Is(err, ErrFormat) {
			t.Errorf("cut at %d: %v", cut, err)
		}
	}
}

func FuzzDecodeSet(f *testing.F) {
	b, err := sample(f).MarshalMsgpack()
	if err != nil {
		f.Fatal(err)
	}
	f.Add(b)
	f.Add([]byte("\x81\xa1a\x83"))
	f.Fuzz(func(t *testing.T, b []byte) {
		var s Set
		if s.UnmarshalMsgpack(b) != nil {
			return
		}
		again, err := s.MarshalMsgpack()
		if err != nil {
			t.Fatal(err)
		}
		own, err := DecodeSet(CodecMsgpack, base64.StdEncoding.EncodeToString(again), 0)
		if err != nil || !equal(own, s) {
			t.Fatalf("%v became %v, %v", s, own, err)
		}
	})
}

func FuzzDecompress(f *testing.F) {
	b, err := Compress([]byte(strings.Repeat("abc", 1000)))
	if err != nil {
		f.Fatal(err)
	}
	f.Add(b)
	f.Fuzz(func(t *testing.T, b []byte) {
		if out, err := Decompress(b, 1<<20); err == nil && len(out) > 1<<20 {
			t.Fatal("over the limit")
		}
	})
}
