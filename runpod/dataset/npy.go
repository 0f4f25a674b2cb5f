package dataset

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/gopherpod/gopherpod/tensors"
)

// ParseNPY reads an array that numpy.save wrote, versions 1 to 3 of the format
// (numpy.lib.format):
//
//	\x93NUMPY, version major and minor, length of the header (2 bytes, or 4 from
//	version 2), header, data
//
// The header is a Python dict with the keys descr, fortran_order and shape. ParseNPY reads
// integers of 1 to 8 bytes, floats of 2 to 8 bytes, booleans and texts of fixed length, in
// either byte order and either order of dimensions. It refuses complex numbers, records and
// objects (pickle).
func ParseNPY(name string, b []byte) (Column, error) {
	c := Column{}
	h, data, err := npyHeader(b)
	if err == nil {
		err = h.column(&c, data)
	}
	if err != nil {
		return c, &Error{Name: name, Text: err.Error(), Kind: ErrFormat}
	}
	if c.Rows() == 0 || c.Texts == nil && c.Array.Len() == 0 {
		return c, &Error{Name: name, Text: fmt.Sprintf("is empty, of shape %v", h.shape), Kind: ErrEmpty}
	}
	return c, nil
}

type npy struct {
	descr   string
	fortran bool
	shape   []int
}

func npyHeader(b []byte) (h npy, data []byte, err error) {
	rest, ok := bytes.CutPrefix(b, []byte("\x93NUMPY"))
	if !ok || len(rest) < 4 {
		return h, nil, errors.New("is not a .npy file: it does not begin like a file of numpy.save")
	}
	major, rest := rest[0], rest[2:]
	length := 0
	switch {
	case major == 1:
		length, rest = int(binary.LittleEndian.Uint16(rest)), rest[2:]
	case major <= 3 && len(rest) >= 4:
		length, rest = int(binary.LittleEndian.Uint32(rest)), rest[4:]
	default:
		return h, nil, fmt.Errorf("is of version %d of the .npy format; 1 to 3 are read", major)
	}
	if length > len(rest) {
		return h, nil, errors.New("is cut off within its header")
	}
	err = h.parse(string(rest[:length]))
	return h, rest[length:], err
}

// parse reads {'descr': '<f8', 'fortran_order': False, 'shape': (3, 4), }.
func (h *npy) parse(text string) error {
	text = strings.TrimSpace(text)
	if !strings.HasPrefix(text, "{") || !strings.HasSuffix(text, "}") {
		return errors.New("has no header that can be read")
	}
	if strings.Contains(text, "'descr': [") {
		return errors.New("holds records with fields; save each field as an array of its own")
	}
	seen := 0
	for text = strings.Trim(text[1:len(text)-1], " ,"); text != ""; text = strings.TrimLeft(text, " ,") {
		key, rest, ok := strings.Cut(text, ":")
		if !ok {
			return errors.New("has no header that can be read")
		}
		rest = strings.TrimLeft(rest, " ")
		end := strings.IndexByte(rest, ',')
		if strings.HasPrefix(rest, "(") {
			end = strings.IndexByte(rest, ')') + 1
		}
		if end <= 0 {
			end = len(rest)
		}
		value := strings.TrimSpace(rest[:end])
		text = rest[end:]
		var err error
		switch strings.Trim(strings.TrimSpace(key), `'"`) {
		case "descr":
			h.descr = strings.Trim(value, `'"`)
		case "fortran_order":
			h.fortran = value == "True"
		case "shape":
			h.shape, err = npyShape(value)
		default:
			err = fmt.Errorf("has %s in its header, which the format does not know", clip(key))
		}
		if err != nil {
			return err
		}
		seen++
	}
	if seen != 3 || h.descr == "" {
		return errors.New("has no header that can be read")
	}
	return nil
}

func npyShape(text string) ([]int, error) {
	inner, ok := strings.CutPrefix(text, "(")
	inner, closed := strings.CutSuffix(inner, ")")
	if !ok || !closed {
		return nil, fmt.Errorf("has the shape %s", clip(text))
	}
	shape := []int{}
	for _, s := range strings.Split(inner, ",") {
		if s = strings.TrimSpace(s); s == "" {
			continue
		}
		n, err := strconv.Atoi(s)
		if err != nil || n < 0 || len(shape) == 32 { // NumPy's limit before version 2
			return nil, fmt.Errorf("has the shape %s", clip(text))
		}
		shape = append(shape, n)
	}
	return shape, nil
}

// column fills c from the data.
func (h npy) column(c *Column, data []byte) error {
	if len(h.descr) > 1 && h.descr[1] == 'O' {
		return errors.New("holds Python objects, which want pickle; save numbers: numpy.save(path, array.astype(float))")
	}
	if len(h.descr) < 3 {
		return fmt.Errorf("holds %q, which is no type of numbers", clip(h.descr))
	}
	order, kind := h.descr[0], h.descr[1]
	size, err := strconv.Atoi(h.descr[2:])
	if err != nil || size < 1 || size > 1<<20 || !strings.ContainsRune("<>|=", rune(order)) {
		return fmt.Errorf("holds %q, which is no type of numbers", clip(h.descr))
	}
	if kind == 'U' {
		size *= 4
	}
	n := 1
	for _, dim := range h.shape {
		if dim > 0 && n > math.MaxInt/dim {
			return fmt.Errorf("has the shape %v, which no memory holds", h.shape)
		}
		n *= dim
	}
	if n > len(data)/size || n*size != len(data) {
		return fmt.Errorf("has %d bytes of data, and its shape %v asks for %d elements of %d bytes", len(data), h.shape, n, size)
	}
	if kind == 'U' || kind == 'S' {
		if len(h.shape) != 1 {
			return fmt.Errorf("want one text per row, got texts of shape %v", h.shape)
		}
		c.Texts, err = npyTexts(data, n, size, kind, order)
		return err
	}
	if order == '>' {
		data = swapped(data, size)
	}
	if h.fortran && len(h.shape) > 1 {
		data = rowMajor(data, h.shape, size)
	}
	c.Array, err = numbers(kind, size, n, data)
	if err == nil {
		c.Array, err = c.Array.Reshape(h.shape...)
	}
	return err
}

// numbers returns n little-endian numbers as a tensor.
func numbers(kind byte, size, n int, data []byte) (tensors.Tensor, error) {
	types := map[string]tensors.DType{
		"f8": tensors.Float64, "f4": tensors.Float32, "f2": tensors.Float16,
		"i8": tensors.Int64, "i4": tensors.Int32, "i2": tensors.Int16, "i1": tensors.Int8,
		"u1": tensors.Uint8, "b1": tensors.Bool,
	}
	if d, ok := types[string(kind)+strconv.Itoa(size)]; ok {
		t := tensors.Tensor{DType: d, Shape: []int{n}, Data: data}
		return t, t.Validate()
	}
	wide := make([]int64, n)
	for i := range wide {
		switch {
		case kind == 'u' && size == 2:
			wide[i] = int64(binary.LittleEndian.Uint16(data[2*i:]))
		case kind == 'u' && size == 4:
			wide[i] = int64(binary.LittleEndian.Uint32(data[4*i:]))
		case kind == 'u' && size == 8:
			v := binary.LittleEndian.Uint64(data[8*i:])
			if v > math.MaxInt64 {
				return tensors.Tensor{}, fmt.Errorf("holds %d, more than an int64 does", v)
			}
			wide[i] = int64(v)
		case kind == 'c':
			return tensors.Tensor{}, errors.New("holds complex numbers; save real and imaginary part as columns")
		default:
			return tensors.Tensor{}, fmt.Errorf("holds numbers of the type %c%d, which is not read", kind, size)
		}
	}
	if n == 0 {
		return tensors.Tensor{DType: tensors.Int64, Shape: []int{0}}, nil
	}
	return tensors.From(wide)
}

// npyTexts reads texts of fixed length: UTF-32 ('U') or bytes ('S').
func npyTexts(data []byte, n, size int, kind, order byte) ([]string, error) {
	out := make([]string, n)
	for i := range out {
		cell := data[i*size : (i+1)*size]
		if kind == 'S' {
			out[i] = string(bytes.TrimRight(cell, "\x00"))
			continue
		}
		var b []byte
		for ; len(cell) >= 4; cell = cell[4:] {
			r := binary.LittleEndian.Uint32(cell)
			if order == '>' {
				r = binary.BigEndian.Uint32(cell)
			}
			if r == 0 {
				break
			}
			if r > utf8.MaxRune {
				return nil, fmt.Errorf("holds a character %#x at row %d, which does not exist", r, i)
			}
			b = utf8.AppendRune(b, rune(r))
		}
		out[i] = string(b)
	}
	return out, nil
}

// swapped reverses the bytes of each element.
func swapped(data []byte, size int) []byte {
	out := make([]byte, len(data))
	for i := 0; i < len(data); i += size {
		for k := range size {
			out[i+k] = data[i+size-1-k]
		}
	}
	return out
}

// rowMajor reorders elements whose first index varies fastest, so that the last index varies
// fastest.
func rowMajor(data []byte, shape []int, size int) []byte {
	out := make([]byte, len(data))
	index := make([]int, len(shape))
	for i := 0; i < len(data); i += size {
		from, step := 0, size
		for k, dim := range shape {
			from += index[k] * step
			step *= dim
		}
		copy(out[i:i+size], data[from:])
		for k := len(shape) - 1; k >= 0; k-- {
			if index[k]++; index[k] < shape[k] {
				break
			}
			index[k] = 0
		}
	}
	return out
}
