package build

import (
	"bytes"
	"debug/elf"
	"encoding/binary"
	"strings"
)

// always lists symbols that the Go linker itself looks up when it makes a plugin.
var always = []string{"runtime.addmoduledata", "runtime.lastmoduledatap", "runtime.unreachableMethod", "runtime.mapinitnoop",
	"runtime.rodata", "runtime.text", "runtime.etext", "type:.eqfunc", "type:runtime.moduledata"}

// stub returns an ELF file that replaces the library in one link: it has the symbols
// in names and what the types among them refer to. The linker reads every library
// that it links against in full, which would take half a second for one with 10^5
// symbols.
//
//	0       ELF header
//	.data   type descriptors, each followed by its pointer mask
//	.dynsym .dynstr .rela.dyn   symbols; pointers between types
//	.note.go                    no dependencies; the library's ABI hash, which the run-time checks
func stub(l *library, names []string) []byte {
	s := &stubWriter{l: l, index: map[string]uint32{}}
	s.collect(always)
	s.collect([]string{"go:link.abihash." + l.name})
	s.collect(names)
	s.symbols()
	s.relocations()
	return s.file()
}

// stubBase is the address of the stub's data; symbols without data are at
// stubCode. The linker requires addresses but never uses them.
const (
	stubBase = 0x10000
	stubCode = 0x1000
)

type stubWriter struct {
	l     *library
	order []string
	syms  []librarySymbol   // of order
	index map[string]uint32 // in .dynsym, from 1
	addr  map[string]uint64 // of types

	data, dynsym, dynstr, rela bytes.Buffer
}

// collect adds the library's symbols for the names. A function may have one for each
// of Go's calling conventions.
func (s *stubWriter) collect(names []string) {
	for _, n := range names {
		n = exported(n)
		s.add(n)
		s.add(n + ".abiinternal")
		s.add(n + ".abi0")
	}
}

func (s *stubWriter) add(name string) {
	if s.index[name] != 0 {
		return
	}
	sym, ok := s.l.table.lookup(name)
	if !ok {
		return
	}
	s.order, s.syms = append(s.order, name), append(s.syms, sym)
	s.index[name] = uint32(len(s.order))
	if sym.typ == nil {
		return
	}
	for _, r := range sym.typ.refs {
		if strings.HasPrefix(r.target, "type:") {
			s.add(r.target)
		}
	}
}

func (s *stubWriter) symbols() {
	s.addr = map[string]uint64{}
	s.dynsym.Write(make([]byte, 24))
	s.dynstr.WriteByte(0)
	for i, n := range s.order {
		sym := s.syms[i]
		value := uint64(stubCode)
		if sym.typ != nil {
			value = s.place(sym.typ)
			s.addr[n] = value
		}
		put(&s.dynsym, uint32(s.dynstr.Len()), elf.ST_INFO(elf.STB_GLOBAL, sym.kind), byte(0), uint16(1), value, sym.size)
		s.dynstr.WriteString(n)
		s.dynstr.WriteByte(0)
	}
}

// place adds a type and its mask to the data and makes the type point to the mask.
func (s *stubWriter) place(t *typeData) uint64 {
	for s.data.Len()%8 != 0 {
		s.data.WriteByte(0)
	}
	at := stubBase + uint64(s.data.Len())
	d := bytes.Clone(t.data)
	if t.gcmask != nil {
		binary.LittleEndian.PutUint64(d[gcdataOffset:], at+uint64(len(d)))
	}
	s.data.Write(d)
	s.data.Write(t.gcmask)
	return at
}

func (s *stubWriter) relocations() {
	kind := uint64(machines[s.l.machine].absolute)
	for i, n := range s.order {
		at, ok := s.addr[n]
		if !ok {
			continue
		}
		for _, r := range s.syms[i].typ.refs {
			if i := s.index[r.target]; i != 0 {
				put(&s.rela, at+r.offset, uint64(i)<<32|kind, uint64(0))
			}
		}
	}
	if s.rela.Len() == 0 { // the linker requires the section; relocation type 0 means none
		s.rela.Write(make([]byte, 24))
	}
}

// file returns the ELF file made of the sections.
func (s *stubWriter) file() []byte {
	var note bytes.Buffer
	put(&note, uint32(len(goNoteName)), uint32(len(s.l.hash)), uint32(noteABIHash))
	note.WriteString(goNoteName)
	note.Write(s.l.hash)
	note.Write(make([]byte, -len(s.l.hash)&3))
	put(&note, uint32(len(goNoteName)), uint32(0), uint32(noteDeps))
	note.WriteString(goNoteName)

	sections := []struct {
		name       string
		kind       elf.SectionType
		flags      elf.SectionFlag
		addr       uint64
		body       []byte
		link, info uint32
		entry      uint64
	}{
		{},
		{".data", elf.SHT_PROGBITS, elf.SHF_ALLOC | elf.SHF_WRITE, stubBase, s.data.Bytes(), 0, 0, 0},
		{".dynsym", elf.SHT_DYNSYM, elf.SHF_ALLOC, 0, s.dynsym.Bytes(), 3, 1, 24},
		{".dynstr", elf.SHT_STRTAB, elf.SHF_ALLOC, 0, s.dynstr.Bytes(), 0, 0, 0},
		{".rela.dyn", elf.SHT_RELA, elf.SHF_ALLOC, 0, s.rela.Bytes(), 2, 0, 24},
		{".note.go", elf.SHT_NOTE, elf.SHF_ALLOC, 0, note.Bytes(), 0, 0, 0},
		{".shstrtab", elf.SHT_STRTAB, 0, 0, nil, 0, 0, 0},
	}
	var names, out, headers bytes.Buffer
	nameAt := make([]uint32, len(sections))
	for i := range sections {
		nameAt[i] = uint32(names.Len())
		names.WriteString(sections[i].name + "\x00")
	}
	sections[len(sections)-1].body = names.Bytes()
	out.Write(make([]byte, 64))
	for i, sec := range sections {
		out.Write(make([]byte, -out.Len()&7))
		put(&headers, nameAt[i], uint32(sec.kind), uint64(sec.flags), sec.addr, uint64(out.Len()), uint64(len(sec.body)), sec.link, sec.info, uint64(8), sec.entry)
		out.Write(sec.body)
	}
	out.Write(make([]byte, -out.Len()&7))
	table := uint64(out.Len())
	out.Write(headers.Bytes())

	var head bytes.Buffer
	head.Write([]byte{0x7f, 'E', 'L', 'F', byte(elf.ELFCLASS64), byte(elf.ELFDATA2LSB), byte(elf.EV_CURRENT), 0, 0, 0, 0, 0, 0, 0, 0, 0})
	put(&head, uint16(elf.ET_DYN), uint16(s.l.machine), uint32(elf.EV_CURRENT), uint64(0), uint64(0), table, uint32(0),
		uint16(64), uint16(56), uint16(0), uint16(64), uint16(len(sections)), uint16(len(sections)-1))
	b := out.Bytes()
	copy(b, head.Bytes())
	return b
}

// put appends values in little endian.
func put(b *bytes.Buffer, values ...any) {
	for _, v := range values {
		switch v := v.(type) {
		case byte:
			b.WriteByte(v)
		case uint16:
			b.Write(binary.LittleEndian.AppendUint16(nil, v))
		case uint32:
			b.Write(binary.LittleEndian.AppendUint32(nil, v))
		case uint64:
			b.Write(binary.LittleEndian.AppendUint64(nil, v))
		}
	}
}
