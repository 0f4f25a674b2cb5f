package tensors

import (
	"encoding/binary"
	"errors"
	"fmt"
	"strings"
	"testing"
)

// st makes a file of a header and data.
func st(header, data string) []byte {
	b := binary.LittleEndian.AppendUint64(nil, uint64(len(header)))
	return append(b, header+data...)
}

func TestSafetensorsBytes(t *testing.T) {
	s := Set{
		"b": {Uint8, []int{2}, []byte{1, 2}},
		"a": {Float32, []int{1, 1}, []byte{0, 0, 0x80, 0x3f}},
		"c": {Int64, []int{}, []byte{9, 0, 0, 0, 0, 0, 0, 0}},
	}
	got, err := EncodeSafetensors(s, map[string]string{"format": "pt"})
	if err != nil {
		t.Fatal(err)
	}
	header := `{"__metadata__":{"format":"pt"},` +
		`"c":{"dtype":"I64","shape":[],"data_offsets":[0,8]},` +
		`"a":{"dtype":"F32","shape":[1,1],"data_offsets":[8,12]},` +
		`"b":{"dtype":"U8","shape":[2],"data_offsets":[12,14]}}`
	header += strings.Repeat(" ", (8-len(header)%8)%8)
	want := st(header, "\x09\x00\x00\x00\x00\x00\x00\x00\x00\x00\x80\x3f\x01\x02")
	if string(got) != string(want) {
		t.Errorf("got  %q\nwant %q", got, want)
	}
	back, meta, err := DecodeSafetensors(got)
	if err != nil || !equal(back, s) || meta["format"] != "pt" {
		t.Errorf("got %v %v, %v", back, meta, err)
	}
}

// One row for each sentence of the format.
func TestSafetensorsRefuses(t *testing.T) {
	one := func(fields string) []byte { return st(`{"a":{`+fields+`}}`, "\x01\x02") }
	for _, c := range []struct {
		name string
		file []byte
		says string
	}{
		{"empty", nil, "too short"},
		{"seven bytes", make([]byte, 7), "too short"},
		{"header over the library's bound", binary.LittleEndian.AppendUint64(nil, MaxSafetensorsHeader+1), "want at most"},
		{"header of 2^64-1", []byte("\xff\xff\xff\xff\xff\xff\xff\xff"), "want at most"},
		{"header longer than the file", binary.LittleEndian.AppendUint64(nil, 9), "in a file of 8"},
		{"no header", make([]byte, 8), "begin with {"},
		{"header begins with a space", st(" {}", ""), "begin with {"},
		{"header is a list", st("[]", ""), "begin with {"},
		{"header not UTF-8", st("{\"\xff\":1}", ""), "UTF-8"},
		{"header cut", st(`{"a"`, ""), "header"},
		{"header goes on", st(`{}{}`, ""), "goes on"},
		{"padding is not spaces", st("{}\n", ""), "goes on"},
		{"tensor is a number", st(`{"a":1}`, ""), "not an object"},
		{"name twice", st(`{"a":{"dtype":"U8","shape":[0],"data_offsets":[0,0]},"a":{"dtype":"U8","shape":[0],"data_offsets":[0,0]}}`, ""), "twice"},
		{"key twice", one(`"dtype":"U8","dtype":"U8","shape":[2],"data_offsets":[0,2]`), "twice"},
		{"key unknown", one(`"dtype":"U8","shape":[2],"data_offsets":[0,2],"x":1`), "unknown key x"},
		{"dtype missing", one(`"shape":[2],"data_offsets":[0,2]`), "missing"},
		{"shape missing", one(`"dtype":"U8","data_offsets":[0,2]`), "missing"},
		{"shape null", one(`"dtype":"U8","shape":null,"data_offsets":[0,2]`), "missing"},
		{"offsets missing", one(`"dtype":"U8","shape":[2]`), "missing"},
		{"one offset", one(`"dtype":"U8","shape":[2],"data_offsets":[0]`), "two numbers"},
		{"three offsets", one(`"dtype":"U8","shape":[2],"data_offsets":[0,2,2]`), "two numbers"},
		{"dtype unknown", one(`"dtype":"F8","shape":[2],"data_offsets":[0,2]`), "F8"},
		{"shape of fractions", one(`"dtype":"U8","shape":[2.5],"data_offsets":[0,2]`), "header"},
		{"shape negative", one(`"dtype":"U8","shape":[-2],"data_offsets":[0,2]`), "negative"},
		{"shape overflows", one(`"dtype":"U8","shape":[4611686018427387904,4],"data_offsets":[0,2]`), "addresses"},
		{"length does not follow", one(`"dtype":"U8","shape":[3],"data_offsets":[0,2]`), "needs 3 bytes"},
		{"begins late", one(`"dtype":"U8","shape":[1],"data_offsets":[1,2]`), "byte 0 of 2 is next"},
		{"ends before it begins", one(`"dtype":"U8","shape":[1],"data_offsets":[0,-1]`), "from 0 to -1"},
		{"ends after the file", one(`"dtype":"U8","shape":[3],"data_offsets":[0,3]`), "from 0 to 3"},
		{"data of no tensor", one(`"dtype":"U8","shape":[1],"data_offsets":[0,1]`), "1 bytes of data belong to no tensor"},
		{"overlap", st(`{"a":{"dtype":"U8","shape":[2],"data_offsets":[0,2]},"b":{"dtype":"U8","shape":[1],"data_offsets":[1,2]}}`, "ab"), "byte 2 of 2"},
		{"gap", st(`{"a":{"dtype":"U8","shape":[1],"data_offsets":[0,1]},"b":{"dtype":"U8","shape":[1],"data_offsets":[2,3]}}`, "abc"), "byte 1 of 3"},
		{"bool of 2", st(`{"a":{"dtype":"BOOL","shape":[1],"data_offsets":[0,1]}}`, "\x02"), "not 0 or 1"},
		{"metadata twice", st(`{"__metadata__":{},"__metadata__":{}}`, ""), "twice"},
		{"metadata null", st(`{"__metadata__":null}`, ""), "null"},
		{"metadata of numbers", st(`{"__metadata__":{"a":1}}`, ""), "header"},
		{"metadata nested", st(`{"__metadata__":{"a":{}}}`, ""), "header"},
		{"deep", st(`{"a":`+strings.Repeat("[", 20000)+`}`, ""), "header"},
	} {
		_, _, err := DecodeSafetensors(c.file)
		if err == nil || !strings.Contains(err.Error(), c.says) {
			t.Errorf("%s: %v, want %q", c.name, err, c.says)
		}
	}
	for _, file := range [][]byte{
		st(`{}`, ""),
		st(`{}   `, ""),
		st(`{"__metadata__":{}}`, ""),
		st(`{"b":{"data_offsets":[0,0],"shape":[0],"dtype":"U8"},"a":{"dtype":"U8","shape":[2],"data_offsets":[0,2]}}`, "ab"),
	} {
		if _, _, err := DecodeSafetensors(file); err != nil {
			t.Errorf("%q: %v", file, err)
		}
	}
	if _, err := EncodeSafetensors(Set{metadataKey: {Uint8, []int{0}, nil}}, nil); err == nil {
		t.Error("a tensor named __metadata__ is accepted")
	}
}

func TestState(t *testing.T) {
	s := sample(t)
	for _, compress := range []bool{false, true} {
		text, err := EncodeState(s, compress)
		if err != nil {
			t.Fatal(err)
		}
		got, err := DecodeState(text, 0)
		if err != nil || !equal(got, s) {
			t.Errorf("compress %v: got %v, %v", compress, got, err)
		}
		if _, err := DecodeState(text, 10); !errors.Is(err, ErrTooLarge) {
			t.Errorf("compress %v: over the limit: %v", compress, err)
		}
	}
	for _, pickle := range []string{"UEsDBAAAAAA=", "gAJ9cQAuAAAAAAAA", "gAJ9Lg==", "gASVAAAAAAAAAIwFcG9zaXiUjAZzeXN0ZW2Uk5SMAmlklIWUUpQu"} {
		if _, err := DecodeState(pickle, 0); !errors.Is(err, ErrFormat) || !strings.Contains(err.Error(), "pickle") {
			t.Errorf("a pickle: %v", err)
		}
	}
}

// TestStateHeaders: a header whose length begins like a pickle of protocols 2 to 5 or
// like a zip file is still read as a header. If the state is damaged, the error says
// what is wrong with it.
func TestStateHeaders(t *testing.T) {
	for _, length := range []int{0x0280, 0x0380, 0x0480, 0x0580, 0x010280, 0x04034b50} {
		header := `{"w":{"dtype":"U8","shape":[2],"data_offsets":[0,2]}}`
		b := st(header+strings.Repeat(" ", length-len(header)), "ab")
		for _, damaged := range []bool{false, true} {
			if damaged {
				b = append(b, 'c')
			}
			packed, err := Compress(b)
			if err != nil {
				t.Fatal(err)
			}
			for _, form := range [][]byte{b, packed} {
				s, err := DecodeState(encodeBase64([][]byte{form}), 0)
				switch {
				case damaged && (err == nil || !strings.Contains(err.Error(), "belong to no tensor")):
					t.Errorf("%d bytes, damaged: %v", length, err)
				case !damaged && (err != nil || string(s["w"].Data) != "ab"):
					t.Errorf("%d bytes: %v, %v", length, s.Names(), err)
				}
			}
		}
	}
	// What EncodeState writes can have such a header too.
	name := strings.Repeat("n", 640-len(`{"":{"dtype":"U8","shape":[0],"data_offsets":[0,0]}}`))
	text, err := EncodeState(Set{name: {Uint8, []int{0}, nil}}, false)
	if err != nil || !strings.HasPrefix(text, "gAI") {
		t.Fatal(text[:8], err)
	}
	if _, err := DecodeState(text, 0); err != nil {
		t.Error(err)
	}
	// zstd's magic number decides, so it may not be the length of a header.
	if n := binary.LittleEndian.Uint32(zstdMagic); n <= MaxSafetensorsHeader {
		t.Errorf("a header of %d bytes begins like a zstd frame", n)
	}
}

func FuzzDecodeSafetensors(f *testing.F) {
	b, err := EncodeSafetensors(sample(f), map[string]string{"k": "v"})
	if err != nil {
		f.Fatal(err)
	}
	f.Add(b)
	f.Add(st(`{"a":{"dtype":"U8","shape":[2],"data_offsets":[0,2]}}`, "ab"))
	f.Fuzz(func(t *testing.T, b []byte) {
		s, meta, err := DecodeSafetensors(b)
		if err != nil {
			return
		}
		again, err := EncodeSafetensors(s, meta)
		if err != nil {
			t.Fatal(err)
		}
		back, _, err := DecodeSafetensors(again)
		if err != nil || !equal(back, s) {
			t.Fatal(fmt.Sprint(s, back, err))
		}
	})
}
