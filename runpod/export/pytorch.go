package export

import (
	"archive/zip"
	"bytes"
	"encoding/binary"
	"fmt"
	"hash/crc32"
	"maps"
	"math"
	"slices"

	"github.com/gopherpod/gopherpod/tensors"
)

// This is the format that torch.save writes since PyTorch 1.6: an uncompressed zip archive of
//
//	archive/data.pkl   a pickle: OrderedDict of name -> tensor, which refers to a storage by its number
//	archive/byteorder  "little"
//	archive/data/0     the numbers of storage 0, at a multiple of 64 bytes
//	archive/version    "3\n"
//
// The pickle (protocol 2) names torch._utils._rebuild_tensor_v2, storage types and
// OrderedDict, all of which torch.load(weights_only=True) allows. Source:
// torch/serialization.py and caffe2/serialize/inline_container.cc of PyTorch.

const storageAlignment = 64

// encodePyTorch writes the state in PyTorch's order or, if the layers are not known here,
// sorted by name.
func encodePyTorch(m *Model) ([]byte, error) {
	var names []string
	if m.Config != nil && m.Config.Other == nil {
		state, err := m.Config.State()
		if err != nil {
			return nil, fmt.Errorf("export: %w", err)
		}
		for _, s := range state {
			names = append(names, s.Name)
		}
	}
	if len(names) == 0 {
		names = slices.Sorted(maps.Keys(m.State))
	}
	p := pickle{}
	p.raw("\x80\x02ccollections\nOrderedDict\n)R(") // protocol 2, an empty dict, MARK
	for i, name := range names {
		t, ok := m.State[name]
		if !ok {
			return nil, fmt.Errorf("export: the weights lack %s", name)
		}
		if err := p.tensor(name, i, t); err != nil {
			return nil, err
		}
	}
	p.raw("u.") // SETITEMS, STOP
	z := archive{}
	z.w = zip.NewWriter(&z.b)
	z.file("data.pkl", p.b)
	z.file("byteorder", []byte("little"))
	for i, name := range names {
		z.file(fmt.Sprintf("data/%d", i), m.State[name].Data)
	}
	z.file("version", []byte("3\n"))
	return z.close()
}

// A pickle has the opcodes so far; Python's pickletools.dis shows them.
type pickle struct{ b []byte }

func (p *pickle) raw(s string) { p.b = append(p.b, s...) }

func (p *pickle) text(s string) { // BINUNICODE
	p.b = binary.LittleEndian.AppendUint32(append(p.b, 'X'), uint32(len(s)))
	p.raw(s)
}

func (p *pickle) int(n int) {
	if n <= math.MaxInt32 { // BININT
		p.b = binary.LittleEndian.AppendUint32(append(p.b, 'J'), uint32(n))
		return
	}
	p.b = binary.LittleEndian.AppendUint64(append(p.b, 0x8a, 8), uint64(n)) // LONG1
}

func (p *pickle) tuple(numbers []int) {
	p.raw("(")
	for _, n := range numbers {
		p.int(n)
	}
	p.raw("t")
}

var storages = map[tensors.DType]string{
	tensors.Bool: "Bool", tensors.Uint8: "Byte", tensors.Int8: "Char", tensors.Int16: "Short", tensors.Int32: "Int", tensors.Int64: "Long",
	tensors.Float16: "Half", tensors.BFloat16: "BFloat16", tensors.Float32: "Float", tensors.Float64: "Double",
}

// tensor adds a name and _rebuild_tensor_v2(storage, offset, shape, strides,
// requires_grad, hooks); the storage is ("storage", type, key, place, count).
func (p *pickle) tensor(name string, key int, t tensors.Tensor) error {
	storage, ok := storages[t.DType]
	if !ok {
		return fmt.Errorf("export: %s: PyTorch has no storage of %v", name, t.DType)
	}
	if err := t.Validate(); err != nil {
		return fmt.Errorf("export: %s: %w", name, err)
	}
	p.text(name)
	p.raw("ctorch._utils\n_rebuild_tensor_v2\n((")
	p.text("storage")
	p.raw("ctorch\n" + storage + "Storage\n")
	p.text(fmt.Sprint(key))
	p.text("cpu")
	p.int(t.Len())
	p.raw("tQ") // TUPLE, BINPERSID
	p.int(0)
	p.tuple(t.Shape)
	strides, step := make([]int, len(t.Shape)), 1
	for i := len(t.Shape) - 1; i >= 0; i-- {
		strides[i] = step
		step *= max(t.Shape[i], 1)
	}
	p.tuple(strides)
	p.raw("\x89ccollections\nOrderedDict\n)RtR") // False, an empty dict, TUPLE, REDUCE
	return nil
}

// An archive is a zip file whose files begin at multiples of storageAlignment.
type archive struct {
	b   bytes.Buffer
	w   *zip.Writer
	err error
}

func (z *archive) file(name string, data []byte) {
	if z.err != nil {
		return
	}
	if z.err = z.w.Flush(); z.err != nil {
		return
	}
	const header, field = 30, 4 // of a local file header; of an extra field
	name = "archive/" + name
	fill := (storageAlignment - (z.b.Len()+header+len(name)+field)%storageAlignment) % storageAlignment
	extra := append([]byte{'F', 'B', byte(fill), 0}, bytes.Repeat([]byte{'Z'}, fill)...)
	w, err := z.w.CreateRaw(&zip.FileHeader{
		Name: name, Method: zip.Store, Extra: extra, CRC32: crc32.ChecksumIEEE(data),
		CompressedSize64: uint64(len(data)), UncompressedSize64: uint64(len(data)),
	})
	if err == nil {
		_, err = w.Write(data)
	}
	z.err = err
}

func (z *archive) close() ([]byte, error) {
	if err := z.w.Close(); z.err == nil {
		z.err = err
	}
	return z.b.Bytes(), z.err
}
