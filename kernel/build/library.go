package build

import (
	"cmp"
	"debug/elf"
	"encoding/binary"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
)

// A library is what a stub needs to know of a shared library of Go packages.
type library struct {
	name    string // base name of the file
	machine elf.Machine
	hash    []byte // ABI hash
	table   symbolTable
	symbols symbolMap // set if the library itself was read
}

// A symbolTable finds the dynamic symbols of a library.
type symbolTable interface {
	lookup(name string) (librarySymbol, bool)
}

// A symbolMap holds the symbols read from a library.
type symbolMap map[string]librarySymbol

func (m symbolMap) lookup(name string) (librarySymbol, bool) {
	s, ok := m[name]
	return s, ok
}

// A librarySymbol is one dynamic symbol.
type librarySymbol struct {
	kind elf.SymType
	size uint64
	typ  *typeData // of types
}

// typeData is the content of a type descriptor that the linker reads: sizes, pointer
// masks, names of methods.
type typeData struct {
	data   []byte
	refs   []typeRef // pointers in data to other symbols
	gcmask []byte    // what the word at gcdataOffset points to
}

type typeRef struct {
	offset uint64
	target string
}

// Layout of a type descriptor, internal/abi.Type on 64-bit machines.
const (
	ptrBytesOffset = 8  // PtrBytes
	gcdataOffset   = 32 // GCData
	typeHeader     = 48
)

// Tags of Go's ELF notes (cmd/link/internal/ld/elf.go).
const (
	noteDeps    = 1
	noteABIHash = 2
)

// maxMask is the largest pointer mask that a type carries; the run-time builds the
// masks of larger types when it needs them.
const maxMask = 1 << 20

// relocations are the kinds of dynamic relocations of an architecture.
type relocations struct{ absolute, relative uint32 }

var machines = map[elf.Machine]relocations{
	elf.EM_X86_64:  {uint32(elf.R_X86_64_64), uint32(elf.R_X86_64_RELATIVE)},
	elf.EM_AARCH64: {uint32(elf.R_AARCH64_ABS64), uint32(elf.R_AARCH64_RELATIVE)},
}

func openLibrary(path string) (*library, error) {
	f, err := elf.Open(path)
	if err != nil {
		return nil, fmt.Errorf("build: %w", err)
	}
	defer f.Close()
	l, err := readLibrary(f, filepath.Base(path))
	if err != nil {
		return nil, fmt.Errorf("build: %s: %w", path, err)
	}
	return l, nil
}

func readLibrary(f *elf.File, name string) (*library, error) {
	l := &library{name: name, machine: f.Machine, symbols: symbolMap{}}
	kinds, ok := machines[f.Machine]
	if !ok || f.Class != elf.ELFCLASS64 || f.ByteOrder != binary.LittleEndian {
		return nil, fmt.Errorf("no fast mode on %v", f.Machine)
	}
	var err error
	if l.hash, err = goNote(f, noteABIHash); err != nil {
		return nil, err
	}
	dyn, err := f.DynamicSymbols()
	if err != nil {
		return nil, err
	}
	r := &libraryReader{f: f, data: map[elf.SectionIndex][]byte{}}
	spans := l.addSymbols(dyn, r)
	if r.err != nil {
		return nil, r.err
	}
	if err := l.addRelocations(f, dyn, spans, kinds, r); err != nil {
		return nil, err
	}
	return l, nil
}

// A span is the address range of a type descriptor.
type span struct {
	from, to uint64
	typ      *typeData
}

// addSymbols adds the defined symbols and returns the spans of the types, sorted.
func (l *library) addSymbols(dyn []elf.Symbol, r *libraryReader) (spans []span) {
	l.symbols = make(symbolMap, len(dyn))
	l.table = l.symbols
	for _, s := range dyn {
		kind := elf.ST_TYPE(s.Info)
		if s.Section == elf.SHN_UNDEF || kind == elf.STT_NOTYPE || kind == elf.STT_SECTION {
			continue
		}
		sym := librarySymbol{kind: kind, size: s.Size}
		if kind == elf.STT_OBJECT && strings.HasPrefix(s.Name, "type:") && !strings.HasPrefix(s.Name, "type:.") && s.Size >= typeHeader {
			sym.typ = &typeData{data: r.at(s.Section, s.Value, s.Size)}
			spans = append(spans, span{s.Value, s.Value + s.Size, sym.typ})
		}
		l.symbols[s.Name] = sym
	}
	slices.SortFunc(spans, func(a, b span) int { return cmp.Compare(a.from, b.from) })
	return spans
}

// addRelocations finds the pointers in types.
func (l *library) addRelocations(f *elf.File, dyn []elf.Symbol, spans []span, kinds relocations, r *libraryReader) error {
	sec := f.SectionByType(elf.SHT_RELA)
	if sec == nil {
		return errors.New("no relocations")
	}
	rela, err := sec.Data()
	if err != nil {
		return err
	}
	if len(spans) == 0 {
		return nil
	}
	le := binary.LittleEndian
	first, last := spans[0].from, spans[len(spans)-1].to
	for ; len(rela) >= 24; rela = rela[24:] {
		off, info, addend := le.Uint64(rela), le.Uint64(rela[8:]), le.Uint64(rela[16:])
		if off < first || off >= last {
			continue
		}
		i, ok := slices.BinarySearchFunc(spans, off, func(s span, off uint64) int { return cmp.Compare(s.from, off) })
		if !ok {
			i--
		}
		if i < 0 || off >= spans[i].to {
			continue
		}
		s := spans[i].typ
		at := off - spans[i].from
		switch uint32(info) {
		case kinds.absolute:
			if n := info >> 32; n >= 1 && n <= uint64(len(dyn)) {
				s.refs = append(s.refs, typeRef{at, dyn[n-1].Name})
			}
		case kinds.relative:
			if at == gcdataOffset {
				words := le.Uint64(s.data[ptrBytesOffset:]) / 8
				if words/8 < maxMask {
					s.gcmask = r.anywhere(addend, (words+7)/8)
				}
			}
		}
	}
	return nil
}

// A libraryReader reads a library by address.
type libraryReader struct {
	f    *elf.File
	data map[elf.SectionIndex][]byte
	err  error
}

func (r *libraryReader) at(i elf.SectionIndex, addr, size uint64) []byte {
	if int(i) >= len(r.f.Sections) {
		r.err = fmt.Errorf("a symbol in section %d", i)
		return nil
	}
	sec := r.f.Sections[i]
	b, ok := r.data[i]
	if !ok {
		var err error
		if b, err = sec.Data(); err != nil {
			r.err = err
		}
		r.data[i] = b
	}
	if addr < sec.Addr || addr-sec.Addr > uint64(len(b)) || size > uint64(len(b))-(addr-sec.Addr) {
		r.err = fmt.Errorf("a symbol outside of its section at %#x", addr)
		return make([]byte, typeHeader)
	}
	return b[addr-sec.Addr:][:size]
}

func (r *libraryReader) anywhere(addr, size uint64) []byte {
	for i, sec := range r.f.Sections {
		if sec.Type == elf.SHT_PROGBITS && sec.Addr != 0 && addr >= sec.Addr && addr-sec.Addr+size <= sec.Size {
			return r.at(elf.SectionIndex(i), addr, size)
		}
	}
	return nil
}

// goNote reads one of Go's notes.
func goNote(f *elf.File, tag uint32) ([]byte, error) {
	le := binary.LittleEndian
	for _, sec := range f.Sections {
		if sec.Type != elf.SHT_NOTE {
			continue
		}
		d, err := sec.Data()
		if err != nil {
			return nil, err
		}
		for len(d) >= 12 {
			n, size, typ := int(le.Uint32(d)), int(le.Uint32(d[4:])), le.Uint32(d[8:])
			desc := 12 + (n+3)&^3
			if n < 0 || size < 0 || desc+size > len(d) {
				break
			}
			if string(d[12:12+n]) == goNoteName && typ == tag {
				return d[desc : desc+size], nil
			}
			d = d[min(len(d), desc+(size+3)&^3):]
		}
	}
	return nil, fmt.Errorf("no note %d of Go in the library", tag)
}

const goNoteName = "Go\x00\x00"
