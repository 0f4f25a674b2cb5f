package rt

import (
	"bytes"
	"debug/elf"
	"encoding/binary"
	"errors"
	"os"
	"runtime"
	"slices"
)

// A library that the dynamic linker loads after cells were placed has to use the cells'
// definitions where it has the same symbols, such as types: two copies of one type would
// be different types. The dynamic linker knows nothing of placed objects, so before the
// library it loads a bridge: a shared object whose symbols have their addresses as values.

// errBridge says that the dynamic linker does not take the values of a bridge.
var errBridge = errors.New("this system's dynamic linker does not accept addresses as symbols; restart the kernel and import first")

// bridge makes the dynamic linker know the symbols of placed objects that the library at
// path has too.
func (p *placement) bridge(path string) error {
	names, err := p.shared(path)
	if err != nil || len(names) == 0 {
		return err
	}
	file := path + ".cells"
	if err := os.WriteFile(file, p.bridgeFile(names), 0o700); err != nil {
		return err
	}
	defer os.Remove(file)
	h, err := open(file)
	if err != nil {
		return err
	}
	for _, n := range names {
		if h.symbol(n) != p.symbols[n] {
			return errBridge
		}
		p.bridged[n] = true
	}
	return nil
}

// shared returns the symbols of a library that placed objects define and that no bridge
// has yet.
func (p *placement) shared(path string) (names []string, err error) {
	if len(p.symbols) == 0 {
		return nil, nil
	}
	f, err := elf.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	syms, err := f.DynamicSymbols()
	if err != nil && !errors.Is(err, elf.ErrNoSymbols) {
		return nil, err
	}
	for _, s := range syms {
		if p.symbols[s.Name] != 0 && !p.bridged[s.Name] {
			names = append(names, s.Name)
		}
	}
	slices.Sort(names)
	return slices.Compact(names), nil
}

// bridgeFile returns an ELF file with symbols whose values are absolute addresses.
//
//	0       ELF header, program headers: one segment for all, dynamic section, stack
//	dynamic addresses of the tables below
//	symbols of 24 bytes; their names; a hash table with one bucket
func (p *placement) bridgeFile(names []string) []byte {
	const headers, entries = 64 + 3*56, 6
	var strings, symbols, hash, out bytes.Buffer
	strings.WriteByte(0)
	put := func(b *bytes.Buffer, v any) { _ = binary.Write(b, binary.LittleEndian, v) } // to memory, of fixed size
	put(&symbols, elf.Sym64{})
	for _, n := range names {
		put(&symbols, elf.Sym64{Name: uint32(strings.Len()), Info: elf.ST_INFO(elf.STB_GLOBAL, elf.STT_NOTYPE), Shndx: uint16(elf.SHN_ABS), Value: uint64(p.symbols[n])})
		strings.WriteString(n + "\x00")
	}
	// One bucket, whose chain leads from each symbol to the one before it.
	put(&hash, []uint32{1, uint32(len(names) + 1), uint32(len(names)), 0})
	for i := range names {
		put(&hash, uint32(i))
	}
	dynamic := uint64(headers)
	symbolsAt := dynamic + entries*16
	hashAt := symbolsAt + uint64(symbols.Len())
	stringsAt := hashAt + uint64(hash.Len())
	all := stringsAt + uint64(strings.Len())

	machine := map[string]elf.Machine{"amd64": elf.EM_X86_64, "arm64": elf.EM_AARCH64}[runtime.GOARCH]
	head := elf.Header64{Type: uint16(elf.ET_DYN), Machine: uint16(machine), Version: uint32(elf.EV_CURRENT), Phoff: 64, Ehsize: 64, Phentsize: 56, Phnum: 3, Shentsize: 64}
	copy(head.Ident[:], []byte{0x7f, 'E', 'L', 'F', byte(elf.ELFCLASS64), byte(elf.ELFDATA2LSB), byte(elf.EV_CURRENT)})
	put(&out, head)
	rw := uint32(elf.PF_R | elf.PF_W)
	put(&out, elf.Prog64{Type: uint32(elf.PT_LOAD), Flags: rw, Filesz: all, Memsz: all, Align: 0x10000})
	put(&out, elf.Prog64{Type: uint32(elf.PT_DYNAMIC), Flags: rw, Off: dynamic, Vaddr: dynamic, Paddr: dynamic, Filesz: entries * 16, Memsz: entries * 16, Align: 8})
	put(&out, elf.Prog64{Type: uint32(elf.PT_GNU_STACK), Flags: rw, Align: 16})
	for _, d := range []elf.Dyn64{{Tag: int64(elf.DT_HASH), Val: hashAt}, {Tag: int64(elf.DT_SYMTAB), Val: symbolsAt}, {Tag: int64(elf.DT_STRTAB), Val: stringsAt},
		{Tag: int64(elf.DT_STRSZ), Val: uint64(strings.Len())}, {Tag: int64(elf.DT_SYMENT), Val: 24}, {}} {
		put(&out, d)
	}
	return slices.Concat(out.Bytes(), symbols.Bytes(), hash.Bytes(), strings.Bytes())
}
