package rt

import (
	"bytes"
	"debug/elf"
	"errors"
	"os"
	"path/filepath"
	"runtime"
	"testing"
	"unsafe"
)

// linked returns an object as package build links cells: code, constants and data, whose
// first word is the address of the second one and whose third is that of a symbol.
func linked(code, zero uint64) *object {
	o := &object{machine: elf.EM_X86_64, file: bytes.Repeat([]byte{0xcc}, 4096)}
	o.code = []elf.ProgHeader{{Vaddr: 0x2000, Filesz: 100, Memsz: 100}, {Vaddr: 0x3000, Filesz: 200, Memsz: code}}
	o.data = []elf.ProgHeader{{Vaddr: Far, Filesz: 64, Memsz: 64 + zero}}
	o.syms = []elf.Sym64{{}, {Name: 1, Info: elf.ST_INFO(elf.STB_GLOBAL, elf.STT_OBJECT), Shndx: 1, Value: Far + 32}}
	o.names = []byte("\x00nb.x\x00")
	o.relocs = []elf.Rela64{{Off: Far, Info: uint64(elf.R_X86_64_RELATIVE), Addend: Far + 8}, {Off: Far + 16, Info: 1<<32 | uint64(elf.R_X86_64_64), Addend: 4}}
	return o
}

func countMaps(t *testing.T) int {
	b, err := os.ReadFile("/proc/self/maps")
	if err != nil {
		t.Skip("this system does not list memory maps")
	}
	return bytes.Count(b, []byte("\n"))
}

func TestArena(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("arenas are for Linux")
	}
	a, err := newArena()
	if err != nil {
		t.Fatal(err)
	}
	start := countMaps(t)
	before := uintptr(0)
	for i := range 1000 {
		o := linked(300, uint64(i%3)*5000)
		bias, ok := a.fit(o)
		if !ok {
			t.Fatalf("object %d does not fit", i)
		}
		m := &placed{object: o, bias: bias, values: []uintptr{0, bias + Far + 32}}
		if err := m.check(); err != nil {
			t.Fatal(err)
		}
		if err := a.fill(o, bias, m.relocate); err != nil {
			t.Fatal(err)
		}
		if *m.at(Far) != bias+Far+8 || *m.at(Far + 16) != bias+Far+32+4 || *m.at(Far + 24) != 0xcccccccccccccccc {
			t.Fatalf("object %d: relocated to %#x, %#x, %#x", i, *m.at(Far), *m.at(Far + 16), *m.at(Far + 24))
		}
		if i%3 == 2 && *m.at(Far + 5000) != 0 {
			t.Fatal("uninitialized data are not zero")
		}
		if m.symbol("nb.x") != bias+Far+32 || m.symbol("nb.y") != 0 || bias <= before && i > 0 {
			t.Fatalf("object %d at %#x: %#x", i, bias, m.symbol("nb.x"))
		}
		before = bias
		m.swap(bias+Far+8, 77)
		if *m.at(Far) != 77 {
			t.Fatal("the swap changed nothing")
		}
	}
	if maps := countMaps(t) - start; maps > 10 {
		t.Errorf("1000 objects took %d memory maps", maps)
	}
	for _, o := range []*object{linked(Far, 0), linked(300, Far)} {
		if _, ok := a.fit(o); ok {
			t.Error("what is larger than the room fits")
		}
	}
}

// What cannot be placed is left to the dynamic linker.
func TestUnknownRelocations(t *testing.T) {
	for name, change := range map[string]func(*object){
		"another kind":     func(o *object) { o.relocs[0].Info = uint64(elf.R_X86_64_IRELATIVE) },
		"of the code":      func(o *object) { o.relocs[0].Off = 0x2000 },
		"after the data":   func(o *object) { o.relocs[0].Off = Far + 60 },
		"of no symbol":     func(o *object) { o.relocs[1].Info = 9<<32 | uint64(elf.R_X86_64_64) },
		"another machine":  func(o *object) { o.machine = elf.EM_S390 },
		"before the start": func(o *object) { o.relocs[0].Off = ^uint64(0) - 3 },
	} {
		o := linked(300, 0)
		change(o)
		if err := (&placed{object: o}).check(); !errors.Is(err, errNotFar) {
			t.Errorf("a relocation %s: %v", name, err)
		}
	}
}

func TestReadObjectRejects(t *testing.T) {
	dir := t.TempDir()
	text := filepath.Join(dir, "text")
	if err := os.WriteFile(text, []byte("no object"), 0o600); err != nil {
		t.Fatal(err)
	}
	program, err := os.Executable() // its data follow its code, as in any other object
	if err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{text, filepath.Join(dir, "none")} {
		if _, err := readObject(path); err == nil || errors.Is(err, errNotFar) {
			t.Errorf("%s: %v", path, err)
		}
	}
	if _, err := readObject(program); runtime.GOOS == "linux" && !errors.Is(err, errNotFar) {
		t.Errorf("%s: %v", program, err)
	}
}

// The system's dynamic linker takes the values of a bridge as they are.
func TestBridge(t *testing.T) {
	if runtime.GOOS != "linux" || runtime.GOARCH != "amd64" && runtime.GOARCH != "arm64" {
		t.Skip("bridges are for Linux on amd64 and arm64")
	}
	p := placement{symbols: map[string]uintptr{"nb.test.here": addressOf(&defined[0]), "type:nb.test.Ωthere": addressOf(&defined[1])}, bridged: map[string]bool{}}
	file := filepath.Join(t.TempDir(), "bridge")
	if err := os.WriteFile(file, p.bridgeFile([]string{"nb.test.here", "type:nb.test.Ωthere"}), 0o700); err != nil {
		t.Fatal(err)
	}
	if p.find([]byte("nb.test.none\x00")[:12]) != 0 {
		t.Error("a symbol that nothing defines is found")
	}
	h, err := open(file)
	if err != nil {
		t.Fatal(err)
	}
	other := placement{} // knows nothing but what the dynamic linker knows
	for name, want := range p.symbols {
		if got := h.symbol(name); got != want {
			t.Errorf("%s: %#x, want %#x", name, got, want)
		}
		if got := other.find([]byte(name + "\x00")[:len(name)]); got != want {
			t.Errorf("%s for later objects: %#x, want %#x", name, got, want)
		}
	}
	if h.symbol("nb.test.none") != 0 {
		t.Error("a symbol that the bridge lacks is found")
	}
}

var defined [2]int // symbols of TestBridge

func addressOf(p *int) uintptr { return uintptr(unsafe.Pointer(p)) }
