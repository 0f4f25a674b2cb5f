package build

import (
	"bytes"
	"debug/elf"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestStub makes a stub of a small library and reads it as the linker would.
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
	if err := os.WriteFile(file, l.stub([]string{"type:int", "f", "unknown", "f"}), 0o644); err != nil {
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
	// Nothing but what always is there: still a file that the linker takes.
	if err := os.WriteFile(file, (&library{name: "l", machine: elf.EM_AARCH64}).stub(nil), 0o644); err != nil {
		t.Fatal(err)
	}
	if _, err := openLibrary(file); err != nil {
		t.Error(err)
	}
}

func TestOpenLibraryRejects(t *testing.T) {
	good := (&library{name: "l", machine: elf.EM_X86_64, hash: make([]byte, 20), symbols: map[string]librarySymbol{
		"type:int": {kind: elf.STT_OBJECT, size: typeHeader, typ: &typeData{data: make([]byte, typeHeader)}}}}).stub([]string{"type:int"})
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
	f.Add((&library{name: "l", machine: elf.EM_X86_64, hash: make([]byte, 20), symbols: map[string]librarySymbol{
		"type:int": {kind: elf.STT_OBJECT, size: typeHeader, typ: &typeData{data: make([]byte, typeHeader), refs: []typeRef{{8, "type:int"}}}}}}).stub([]string{"type:int"}))
	f.Fuzz(func(_ *testing.T, b []byte) {
		if e, err := elf.NewFile(bytes.NewReader(b)); err == nil {
			readLibrary(e, "l")
		}
	})
}
