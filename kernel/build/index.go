package build

import (
	"bytes"
	"debug/elf"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/fnv"
	"maps"
	"os"
	"slices"
	"syscall"
)

// An index file is a library in a form that needs no parsing: it is mapped, and
// a lookup touches a few of its pages. Parsing the library itself takes half a
// second and tens of megabytes.
//
//	header   magic[8] machine:u32 buckets:u32 symbols:u32 hash[32]
//	buckets  record number + 1, or 0; by FNV-1a of the name modulo their number
//	records  name:u32 length:u32 size:u64 kind:u32 type:u32 next:u32 0:u32
//	rest     names; types: data:u32 mask:u32 refs:u32, refs times offset:u32
//	         record:u32, data, mask
//
// Offsets are from the start of the file, numbers are little endian, and next is the
// number of the bucket's next record + 1. The same program made the host that the file
// belongs to, so a file in any other format is an error.
const (
	indexMagic  = "gpindex1"
	indexHeader = 8 + 3*4 + abiHashSize
	recordSize  = 32
	abiHashSize = 32
	typeBlock   = 12
)

var errIndex = errors.New("build: the index of libhost.so is damaged; prepare the host again")

// An index is a mapped index file.
type index struct {
	b                []byte
	machine          elf.Machine
	hash             []byte
	buckets, symbols uint32
}

var _ symbolTable = (*index)(nil)

func nameHash(name string) uint32 {
	h := fnv.New32a()
	h.Write([]byte(name))
	return h.Sum32()
}

// encodeIndex writes the index of a library.
func encodeIndex(l *library) []byte {
	names := slices.Sorted(maps.Keys(l.symbols))
	number := make(map[string]uint32, len(names))
	for i, n := range names {
		number[n] = uint32(i)
	}
	buckets := uint32(len(names)/2 + 1)
	le := binary.LittleEndian
	out := make([]byte, indexHeader+4*int(buckets)+recordSize*len(names))
	copy(out, indexMagic)
	le.PutUint32(out[8:], uint32(l.machine))
	le.PutUint32(out[12:], buckets)
	le.PutUint32(out[16:], uint32(len(names)))
	copy(out[20:indexHeader], l.hash)
	for i, n := range names {
		sym := l.symbols[n]
		at := uint32(len(out))
		out = append(out, n...)
		var typ uint32
		if sym.typ != nil {
			typ = uint32(len(out))
			out = sym.typ.append(out, number)
		}
		bucket := out[indexHeader+4*(nameHash(n)%buckets):]
		r := out[indexHeader+4*int(buckets)+recordSize*i:]
		le.PutUint32(r, at)
		le.PutUint32(r[4:], uint32(len(n)))
		le.PutUint64(r[8:], sym.size)
		le.PutUint32(r[16:], uint32(sym.kind))
		le.PutUint32(r[20:], typ)
		le.PutUint32(r[24:], le.Uint32(bucket))
		le.PutUint32(bucket, uint32(i)+1)
	}
	return out
}

func (t *typeData) append(out []byte, number map[string]uint32) []byte {
	refs := slices.DeleteFunc(slices.Clone(t.refs), func(r typeRef) bool { _, ok := number[r.target]; return !ok })
	le := binary.LittleEndian
	out = le.AppendUint32(out, uint32(len(t.data)))
	out = le.AppendUint32(out, uint32(len(t.gcmask)))
	out = le.AppendUint32(out, uint32(len(refs)))
	for _, r := range refs {
		out = le.AppendUint32(out, uint32(r.offset))
		out = le.AppendUint32(out, number[r.target])
	}
	return append(append(out, t.data...), t.gcmask...)
}

// mapIndex maps an index file for the life of the process.
func mapIndex(file string) (*index, error) {
	f, err := os.Open(file)
	if err != nil {
		return nil, fmt.Errorf("build: %w", err)
	}
	defer f.Close()
	fi, err := f.Stat()
	if err != nil {
		return nil, fmt.Errorf("build: %w", err)
	}
	if fi.Size() < indexHeader || fi.Size() > 1<<31 {
		return nil, errIndex
	}
	b, err := syscall.Mmap(int(f.Fd()), 0, int(fi.Size()), syscall.PROT_READ, syscall.MAP_SHARED)
	if err != nil {
		return nil, fmt.Errorf("build: %s: %w", file, err)
	}
	return decodeIndex(b)
}

func decodeIndex(b []byte) (*index, error) {
	le := binary.LittleEndian
	if len(b) < indexHeader || !bytes.HasPrefix(b, []byte(indexMagic)) {
		return nil, errIndex
	}
	x := &index{b: b, machine: elf.Machine(le.Uint32(b[8:])), buckets: le.Uint32(b[12:]), symbols: le.Uint32(b[16:]), hash: b[20:indexHeader]}
	if x.buckets == 0 || indexHeader+4*int64(x.buckets)+recordSize*int64(x.symbols) > int64(len(b)) {
		return nil, errIndex
	}
	if _, ok := machines[x.machine]; !ok {
		return nil, errIndex
	}
	return x, nil
}

// slice returns b[at:at+n], or nil if that is outside the file.
func (x *index) slice(at, n uint32) []byte {
	if int64(at)+int64(n) > int64(len(x.b)) {
		return nil
	}
	return x.b[at : at+n]
}

// record returns the record of symbol i, or nil if there is none.
func (x *index) record(i uint32) []byte {
	if i >= x.symbols {
		return nil
	}
	at := int64(indexHeader) + 4*int64(x.buckets) + recordSize*int64(i)
	return x.b[at : at+recordSize]
}

func (x *index) name(r []byte) []byte {
	le := binary.LittleEndian
	return x.slice(le.Uint32(r), le.Uint32(r[4:]))
}

// lookup finds a symbol.
func (x *index) lookup(name string) (librarySymbol, bool) {
	le := binary.LittleEndian
	i := le.Uint32(x.b[indexHeader+4*(nameHash(name)%x.buckets):])
	for range x.symbols { // a chain cannot be longer
		r := x.record(i - 1)
		if i == 0 || r == nil {
			break
		}
		if string(x.name(r)) == name {
			s := librarySymbol{kind: elf.SymType(le.Uint32(r[16:])), size: le.Uint64(r[8:])}
			if at := le.Uint32(r[20:]); at != 0 {
				s.typ = x.typeAt(at)
			}
			return s, true
		}
		i = le.Uint32(r[24:])
	}
	return librarySymbol{}, false
}

// typeAt reads a type. It returns nil if the file is damaged.
func (x *index) typeAt(at uint32) *typeData {
	le := binary.LittleEndian
	head := x.slice(at, typeBlock)
	if head == nil {
		return nil
	}
	n, mask, refs := le.Uint32(head), le.Uint32(head[4:]), le.Uint32(head[8:])
	if n < typeHeader || int64(refs)*8+int64(n)+int64(mask) > int64(len(x.b)) {
		return nil
	}
	rest := x.slice(at+typeBlock, refs*8+n+mask)
	if rest == nil {
		return nil
	}
	t := &typeData{}
	for ; refs > 0; refs-- {
		if r := x.record(le.Uint32(rest[4:])); r != nil {
			t.refs = append(t.refs, typeRef{uint64(le.Uint32(rest)), string(x.name(r))})
		}
		rest = rest[8:]
	}
	t.data = rest[:n]
	if mask > 0 {
		t.gcmask = rest[n:][:mask]
	}
	return t
}
