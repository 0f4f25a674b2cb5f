package rt

import (
	"bytes"
	"debug/elf"
	"encoding/binary"
	"errors"
	"fmt"
	"os"
)

// Far is the distance, in bytes, between the code and the data of a shared object that can
// be placed in an arena. Package build links cells so; see kernel/build/ld/ld.c.
const Far = 1 << 26

// errNotFar says that the dynamic linker has to map an object.
var errNotFar = errors.New("the object is not made for an arena")

// An object is a shared object of a cell as its file has it.
type object struct {
	code, data []elf.ProgHeader // parts to map: read-only and writable ones
	file       []byte
	syms       []elf.Sym64 // dynamic symbols
	names      []byte      // of syms
	relocs     []elf.Rela64
	init       elf.ProgHeader // array of initializers: address and size
	machine    elf.Machine
}

// readObject reads an object that can be placed in an arena. For others, such as libraries
// with C code, it returns errNotFar.
func readObject(path string) (*object, error) {
	file, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	f, err := elf.NewFile(bytes.NewReader(file))
	if err != nil {
		return nil, err
	}
	o := &object{file: file, machine: f.Machine}
	if needed, err := f.DynString(elf.DT_NEEDED); err != nil || len(needed) > 0 || f.ByteOrder != binary.LittleEndian || f.Class != elf.ELFCLASS64 {
		return nil, errNotFar
	}
	for _, s := range f.Sections {
		switch s.Type {
		case elf.SHT_DYNSYM:
			if o.syms, err = records[elf.Sym64](s); err == nil && int(s.Link) < len(f.Sections) {
				o.names, err = f.Sections[s.Link].Data()
			}
		case elf.SHT_RELA:
			var more []elf.Rela64
			if more, err = records[elf.Rela64](s); s.Flags&elf.SHF_ALLOC != 0 {
				o.relocs = append(o.relocs, more...)
			}
		case elf.SHT_INIT_ARRAY:
			o.init = elf.ProgHeader{Vaddr: s.Addr, Memsz: s.Size}
		case elf.SHT_REL, elf.SHT_PREINIT_ARRAY, elf.SHT_FINI_ARRAY:
			return nil, errNotFar
		}
		if err != nil {
			return nil, err
		}
	}
	for _, p := range f.Progs {
		switch {
		case p.Type != elf.PT_LOAD || p.Memsz == 0 || tables(f, p):
		case p.Off+p.Filesz > uint64(len(file)) || p.Filesz > p.Memsz:
			return nil, fmt.Errorf("%s ends before its segment at %#x", path, p.Off)
		case p.Flags&elf.PF_W != 0:
			o.data = append(o.data, p.ProgHeader)
		default:
			o.code = append(o.code, p.ProgHeader)
		}
	}
	if len(o.code) == 0 || len(o.data) == 0 || o.data[0].Vaddr < Far || end(o.code) > Far || end(o.data) > 2*Far {
		return nil, errNotFar
	}
	return o, nil
}

// end returns the address after the last of some segments.
func end(list []elf.ProgHeader) uint64 { return list[len(list)-1].Vaddr + list[len(list)-1].Memsz }

// records reads a section as a table.
func records[T elf.Sym64 | elf.Rela64](s *elf.Section) ([]T, error) {
	b, err := s.Data()
	if err != nil {
		return nil, err
	}
	list := make([]T, len(b)/binary.Size(*new(T)))
	return list, binary.Read(bytes.NewReader(b), binary.LittleEndian, list)
}

// tables reports whether a segment has nothing but tables for the dynamic linker, which
// nothing reads after loading.
func tables(f *elf.File, p *elf.Prog) bool {
	if p.Flags != elf.PF_R {
		return false
	}
	for _, s := range f.Sections {
		inside := s.Flags&elf.SHF_ALLOC != 0 && s.Addr >= p.Vaddr && s.Addr < p.Vaddr+p.Memsz
		if inside && (s.Type == elf.SHT_PROGBITS || s.Type == elf.SHT_NOBITS) {
			return false
		}
	}
	return true
}

// name returns the name of a symbol.
func (o *object) name(s elf.Sym64) string { return string(o.cname(s)) }

// cname returns the bytes of a symbol's name, without the 0 that ends it.
func (o *object) cname(s elf.Sym64) []byte {
	if int(s.Name) >= len(o.names) {
		return nil
	}
	b := o.names[s.Name:]
	if i := bytes.IndexByte(b, 0); i >= 0 {
		return b[:i]
	}
	return nil
}

// defines reports whether the object has a value for a symbol that others may use.
func defines(s elf.Sym64) bool {
	return s.Shndx != uint16(elf.SHN_UNDEF) && elf.ST_BIND(s.Info) != elf.STB_LOCAL && elf.ST_TYPE(s.Info) != elf.STT_TLS
}
