package build

import (
	"bytes"
	"debug/elf"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestStub makes a stub of a small library and reads it as the linker does.
func TestStub(t *testing.T) {
	data := bytes.Repeat([]byte{7}, typeHeader)
	l := &library{name: "lib.so", machine: elf.EM_X86_64, hash: []byte("0123456789abcdefghij"), symbols: map[string]librarySymbol{
		"type:int":       {kind: elf.STT_OBJECT, size: typeHeader, typ: &typeData{data: data, gcmask: []byte{1}, refs: []typeRef{{16, "type:*int"}, {24, "elsewhere"}}}},
		"type:*int":      {kind: elf.STT_OBJECT, size: typeHeader, typ: &typeData{data: data}},
		"f.abiinternal":  {kind: elf.STT_FUNC, size: 8},
		"not.wanted":     {kind: elf.STT_OBJECT, size: 8},
		"runtime.rodata": {kind: elf.STT_OBJECT},
	}}
	file := filepath.Join(t.TempDir(), "lib.so")
	l.table = l.symbols
	direct := stub(l, []string{"type:int", "f", "unknown", "f"})
	x, err := decodeIndex(encodeIndex(l))
	if err != nil {
		t.Fatal(err)
	}
	l.table = x
	if !bytes.Equal(direct, stub(l, []string{"type:int", "f", "unknown", "f"})) {
		t.Error("the index gives another stub than the library")
	}
	if err := os.WriteFile(file, direct, 0o644); err != nil {
		t.Fatal(err)
	}
	got, err := openLibrary(file)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got.hash, l.hash) || got.machine != l.machine || len(got.symbols) != 4 {
		t.Errorf("got %d symbols, hash %q", len(got.symbols), got.hash)
	}
	if s := got.symbols["type:int"].typ; s == nil || len(s.refs) != 1 || s.refs[0] != (typeRef{16, "type:*int"}) {
		t.Errorf("got %+v", s)
	}
	f, err := elf.Open(file)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if _, err := goNote(f, noteDeps); err != nil {
		t.Error(err)
	}
	// Only the symbols that are always there: the linker must still accept the file.
	if err := os.WriteFile(file, stub(&library{name: "l", machine: elf.EM_AARCH64, table: symbolMap{}}, nil), 0o644); err != nil {
		t.Fatal(err)
	}
	if _, err := openLibrary(file); err != nil {
		t.Error(err)
	}
}

// small returns a library of one type that refers to itself.
func small() *library {
	l := &library{name: "l", machine: elf.EM_X86_64, hash: make([]byte, abiHashSize), symbols: symbolMap{
		"type:int": {kind: elf.STT_OBJECT, size: typeHeader, typ: &typeData{data: make([]byte, typeHeader), refs: []typeRef{{8, "type:int"}}, gcmask: []byte{1}}}}}
	l.table = l.symbols
	return l
}

func TestDecodeIndexRejects(t *testing.T) {
	good := encodeIndex(small())
	change := func(at int, v byte) []byte {
		b := bytes.Clone(good)
		b[at] = v
		return b
	}
	for name, b := range map[string][]byte{"nothing": nil, "header cut off": good[:indexHeader-1], "magic": change(0, 'x'), "machine": change(8, 0xff),
		"no buckets": change(12, 0), "too many": change(17, 0xff)} {
		if _, err := decodeIndex(b); err != errIndex {
			t.Errorf("%s: got %v", name, err)
		}
	}
	if _, err := mapIndex(filepath.Join(t.TempDir(), "none")); err == nil {
		t.Error("no error")
	}
}

func FuzzIndex(f *testing.F) {
	f.Add(encodeIndex(small()), "type:int")
	f.Fuzz(func(_ *testing.T, b []byte, name string) {
		if x, err := decodeIndex(b); err == nil {
			x.lookup(name)
			x.lookup("type:int")
		}
	})
}

func TestOpenLibraryRejects(t *testing.T) {
	good := stub(small(), []string{"type:int"})
	change := func(at int, v byte) []byte {
		b := bytes.Clone(good)
		b[at] = v
		return b
	}
	for _, c := range []struct {
		name string
		in   []byte
		want string
	}{
		{"nothing", nil, ""},
		{"text", []byte("hello"), ""},
		{"machine", change(18, byte(elf.EM_386)), "no fast mode on"},
		{"cut off", good[:200], ""},
		{"no notes", bytes.ReplaceAll(good, []byte("Go\x00\x00"), []byte("Og\x00\x00")), "no note"},
	} {
		file := filepath.Join(t.TempDir(), "l.so")
		if err := os.WriteFile(file, c.in, 0o644); err != nil {
			t.Fatal(err)
		}
		if _, err := openLibrary(file); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: got %v", c.name, err)
		}
	}
}

func FuzzOpenLibrary(f *testing.F) {
	f.Add(stub(small(), []string{"type:int"}))
	f.Fuzz(func(_ *testing.T, b []byte) {
		if e, err := elf.NewFile(bytes.NewReader(b)); err == nil {
			readLibrary(e, "l")
		}
	})
}
