package tensors

import (
	"maps"
	"math"
	"slices"
	"unicode/utf8"
	"unsafe"
)

// A Set holds tensors by name. As msgpack it is
//
//	{name: {"dtype": str, "shape": [int, ...], "data": bin}, ...}
//
// with names in ascending order of their bytes, the three keys in this order, and
// every number in its shortest form, so that equal sets have equal bytes.
type Set map[string]Tensor

// Names returns the names in ascending order.
func (s Set) Names() []string { return slices.Sorted(maps.Keys(s)) }

// Bytes returns the number of bytes of data of all tensors together.
func (s Set) Bytes() int {
	n := 0
	for _, t := range s {
		n += len(t.Data)
	}
	return n
}

// MarshalMsgpack returns the tensor's object {"dtype", "shape", "data"}.
func (t Tensor) MarshalMsgpack() ([]byte, error) {
	if err := t.marshalable(); err != nil {
		return nil, err
	}
	return append(t.msgpackHeader(), t.Data...), nil
}

// Pieces returns the object of MarshalMsgpack in two pieces, of which the second is the
// tensor's own memory. It is what a store keeps under [Tensor.Digest].
func (t Tensor) Pieces() ([][]byte, error) {
	if err := t.marshalable(); err != nil {
		return nil, err
	}
	return [][]byte{t.msgpackHeader(), t.Data}, nil
}

// UnmarshalMsgpack reads what MarshalMsgpack wrote. The tensor shares b's memory.
func (t *Tensor) UnmarshalMsgpack(b []byte) error {
	r := mpReader{b: b}
	read, err := r.tensor(false)
	if err == nil && r.off != len(b) {
		err = fail(ErrFormat, "msgpack: %d bytes after the tensor", len(b)-r.off)
	}
	if err == nil {
		*t = read
	}
	return err
}

// MarshalMsgpack returns the set's object, in new memory.
func (s Set) MarshalMsgpack() ([]byte, error) {
	parts, err := s.segments()
	if err != nil {
		return nil, err
	}
	return slices.Concat(parts...), nil
}

// UnmarshalMsgpack reads a set. Its tensors share b's memory.
func (s *Set) UnmarshalMsgpack(b []byte) error {
	read, err := decodeMsgpack(b, false)
	if err == nil {
		*s = read
	}
	return err
}

func (t Tensor) marshalable() error {
	if err := t.Validate(); err != nil {
		return err
	}
	if len(t.Data) > math.MaxUint32 {
		return fail(ErrTooLarge, "%v is %d bytes; msgpack holds %d in one piece: send slices of its rows", t, len(t.Data), math.MaxUint32)
	}
	return nil
}

// msgpackHeader returns the tensor's object up to its data.
func (t Tensor) msgpackHeader() []byte {
	b := appendMap(make([]byte, 0, 64), 3)
	b = appendStr(appendStr(b, "dtype"), t.DType.String())
	b = appendArray(appendStr(b, "shape"), len(t.Shape))
	for _, dim := range t.Shape {
		b = appendUint(b, uint64(dim))
	}
	return appendBin(appendStr(b, "data"), len(t.Data))
}

// segments returns the set as msgpack in pieces: new headers, and the tensors' data
// without a copy.
func (s Set) segments() ([][]byte, error) {
	parts := make([][]byte, 0, 2*len(s)+1)
	head := appendMap(nil, len(s))
	for _, name := range s.Names() {
		t := s[name]
		if name == "" || !utf8.ValidString(name) {
			return nil, fail(ErrFormat, "the name %q of a tensor is empty or not UTF-8", name)
		}
		if err := t.marshalable(); err != nil {
			return nil, named(name, err)
		}
		head = append(appendStr(head, name), t.msgpackHeader()...)
		parts = append(parts, head, t.Data)
		head = nil
	}
	if head != nil {
		parts = append(parts, head)
	}
	return parts, nil
}

// decodeMsgpack reads a set whose tensors share b's memory. If own is set, it may
// write to b: it moves data back by up to seven bytes, over heads that it has
// already read, so that elements are aligned and Go can use them without a copy.
func decodeMsgpack(b []byte, own bool) (Set, error) {
	r := mpReader{b: b}
	n := r.mapLen("a map of tensors")
	s := Set{}
	for range n {
		name := r.str("the name of a tensor")
		if r.err != nil {
			break
		}
		if _, twice := s[name]; twice || name == "" {
			return nil, fail(ErrFormat, "msgpack: the name %.80q of a tensor is empty or occurs twice", name)
		}
		t, err := r.tensor(own)
		if err != nil {
			return nil, named(name, err)
		}
		s[name] = t
	}
	if r.err != nil {
		return nil, r.err
	}
	if r.off != len(b) {
		return nil, fail(ErrFormat, "msgpack: %d bytes after the tensors", len(b)-r.off)
	}
	return s, nil
}

// tensor reads one object; its keys may be in any order, each once.
func (r *mpReader) tensor(own bool) (t Tensor, err error) {
	if n := r.mapLen("a tensor: a map of dtype, shape and data"); n != 3 && r.err == nil {
		return t, fail(ErrFormat, "msgpack: a tensor has dtype, shape and data, not %d keys", n)
	}
	seen := map[string]bool{}
	for range 3 {
		key := r.str("a key")
		if seen[key] && r.err == nil {
			return t, fail(ErrFormat, "msgpack: key %q twice", key)
		}
		seen[key] = true
		switch key {
		case "dtype":
			if name := r.str("the name of a dtype"); r.err == nil {
				if t.DType, err = ParseDType(name); err != nil {
					return t, err
				}
			}
		case "shape":
			t.Shape = r.shape()
		case "data":
			t.Data = r.bin("bytes of data")
			if own && r.err == nil {
				t.Data = realign(r.b, r.off-len(t.Data), r.off)
			}
		default:
			if r.err == nil {
				return t, fail(ErrFormat, "msgpack: a tensor has dtype, shape and data, not %.40q", key)
			}
		}
	}
	if r.err != nil {
		return t, r.err
	}
	return t, t.Validate()
}

func (r *mpReader) shape() []int {
	n := r.arrayLen("a shape")
	if n > maxDims {
		r.fail("a shape of at most 64 dimensions")
		return nil
	}
	shape := make([]int, n)
	for i := range shape {
		shape[i] = r.dim("a dimension")
	}
	return shape
}

// realign moves b[from:to] back to an address that is a multiple of eight. The seven
// bytes before it belong to its key and head: five of "data" and at least two of bin.
func realign(b []byte, from, to int) []byte {
	shift := int(uintptr(unsafe.Pointer(unsafe.SliceData(b[from:]))) % 8)
	if from == to || shift > from {
		shift = 0
	}
	if shift > 0 {
		copy(b[from-shift:], b[from:to])
	}
	return b[from-shift : to-shift : to-shift]
}
