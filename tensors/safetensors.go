package tensors

import (
	"bytes"
	"cmp"
	"encoding/binary"
	"encoding/json"
	"errors"
	"io"
	"slices"
	"unicode/utf8"
)

// MaxSafetensorsHeader is the most bytes that a header may have, as in the
// safetensors library.
const MaxSafetensorsHeader = 100_000_000

// EncodeSafetensors writes the safetensors format, byte for byte as the safetensors
// library does:
//
//	8 bytes    N, the length of the header, unsigned little-endian
//	N bytes    the header, a JSON object, padded with spaces to a multiple of 8:
//	           {"__metadata__": {str: str}, name: {"dtype", "shape", "data_offsets": [begin, end]}, ...}
//	the rest   the data; offsets count from its first byte
//
// Tensors are ordered by descending alignment, then by name, without gaps. metadata
// may be nil; its keys are written in order.
func EncodeSafetensors(s Set, metadata map[string]string) ([]byte, error) {
	parts, err := SafetensorsPieces(s, metadata)
	if err != nil {
		return nil, err
	}
	return slices.Concat(parts...), nil
}

const metadataKey = "__metadata__"

// stInfo is a tensor's entry in the header.
type stInfo struct {
	DType   string   `json:"dtype"`
	Shape   []int    `json:"shape"`
	Offsets [2]int64 `json:"data_offsets"`
}

// SafetensorsPieces is EncodeSafetensors without the copy: the header, then each
// tensor's own memory.
func SafetensorsPieces(s Set, metadata map[string]string) ([][]byte, error) {
	names := s.Names()
	slices.SortStableFunc(names, func(a, b string) int { return cmp.Compare(s[b].DType, s[a].DType) })
	parts := make([][]byte, 1, len(s)+1)
	head := []byte("{")
	entry := func(name string, v any) error {
		if len(head) > 1 {
			head = append(head, ',')
		}
		if !utf8.ValidString(name) {
			return fail(ErrFormat, "the name %q is not UTF-8", name)
		}
		head = append(append(appendJSON(head, name), ':'), marshalJSON(v)...)
		return nil
	}
	if len(metadata) > 0 {
		if err := entry(metadataKey, metadata); err != nil {
			return nil, err
		}
	}
	offset := int64(0)
	for _, name := range names {
		t := s[name]
		if name == metadataKey {
			return nil, fail(ErrFormat, "safetensors: a tensor cannot be named %s", metadataKey)
		}
		if err := t.Validate(); err != nil {
			return nil, named(name, err)
		}
		end := offset + int64(len(t.Data))
		shape := append([]int{}, t.Shape...) // [], not null
		if err := entry(name, stInfo{dtypes[t.DType].safetensors, shape, [2]int64{offset, end}}); err != nil {
			return nil, err
		}
		offset = end
		parts = append(parts, t.Data)
	}
	head = append(head, '}')
	for len(head)%8 != 0 {
		head = append(head, ' ')
	}
	if len(head) > MaxSafetensorsHeader {
		return nil, fail(ErrTooLarge, "safetensors: a header of %d bytes, want at most %d", len(head), MaxSafetensorsHeader)
	}
	parts[0] = append(binary.LittleEndian.AppendUint64(make([]byte, 0, 8+len(head)), uint64(len(head))), head...)
	return parts, nil
}

func appendJSON(b []byte, s string) []byte { return append(b, marshalJSON(s)...) }

// marshalJSON writes strings, shapes and maps of strings, which cannot fail,
// without the escapes for HTML.
func marshalJSON(v any) []byte {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(v); err != nil {
		panic(err)
	}
	return bytes.TrimSuffix(b.Bytes(), []byte("\n"))
}

// DecodeSafetensors reads the format that EncodeSafetensors describes. Tensors share
// b's memory. It refuses what the format forbids: a header longer than the file or
// MaxSafetensorsHeader, a header that does not begin with {, duplicate names, unknown
// keys, offsets that overlap, leave a gap or do not end with the file, and lengths
// that do not follow from dtype and shape.
func DecodeSafetensors(b []byte) (Set, map[string]string, error) {
	if len(b) < 8 {
		return nil, nil, fail(ErrFormat, "safetensors: %d bytes, too short for the length of a header", len(b))
	}
	n := binary.LittleEndian.Uint64(b)
	if n > MaxSafetensorsHeader {
		return nil, nil, fail(ErrTooLarge, "safetensors: a header of %d bytes, want at most %d", n, MaxSafetensorsHeader)
	}
	if n > uint64(len(b)-8) {
		return nil, nil, fail(ErrFormat, "safetensors: a header of %d bytes in a file of %d", n, len(b))
	}
	head, data := b[8:8+n], b[8+n:]
	if len(head) == 0 || head[0] != '{' {
		return nil, nil, fail(ErrFormat, "safetensors: the header does not begin with {")
	}
	if !utf8.Valid(head) {
		return nil, nil, fail(ErrFormat, "safetensors: the header is not UTF-8")
	}
	infos, metadata, err := parseHeader(head)
	if err != nil {
		return nil, nil, err
	}
	s, err := place(infos, data)
	return s, metadata, err
}

// parseHeader reads the header token by token, because a map would hide duplicate
// names.
func parseHeader(head []byte) (map[string]stInfo, map[string]string, error) {
	d := json.NewDecoder(bytes.NewReader(head))
	d.DisallowUnknownFields()
	if _, err := d.Token(); err != nil {
		return nil, nil, headerError(err)
	}
	infos := map[string]stInfo{}
	var metadata map[string]string
	for d.More() {
		tok, err := d.Token()
		if err != nil {
			return nil, nil, headerError(err)
		}
		name := tok.(string) // the keys of a JSON object are strings
		if name == metadataKey {
			if metadata != nil {
				return nil, nil, fail(ErrFormat, "safetensors: %s twice", metadataKey)
			}
			if err := d.Decode(&metadata); err != nil {
				return nil, nil, headerError(err)
			}
			if metadata == nil {
				return nil, nil, fail(ErrFormat, "safetensors: %s is null", metadataKey)
			}
			continue
		}
		if _, twice := infos[name]; twice {
			return nil, nil, fail(ErrFormat, "safetensors: the name %.80q twice", name)
		}
		info, err := parseInfo(d)
		if err != nil {
			return nil, nil, named(name, err)
		}
		infos[name] = info
	}
	if _, err := d.Token(); err != nil {
		return nil, nil, headerError(err)
	}
	if rest := head[d.InputOffset():]; len(bytes.TrimRight(rest, " ")) > 0 {
		return nil, nil, fail(ErrFormat, "safetensors: the header goes on after its object")
	}
	return infos, metadata, nil
}

// parseInfo reads one entry, which has each of the three keys once.
func parseInfo(d *json.Decoder) (info stInfo, err error) {
	if tok, err := d.Token(); err != nil || tok != json.Delim('{') {
		return info, headerError(cmp.Or(err, errors.New("a tensor is not an object")))
	}
	seen := map[string]bool{}
	for d.More() {
		tok, err := d.Token()
		if err != nil {
			return info, headerError(err)
		}
		key := tok.(string)
		if seen[key] {
			return info, fail(ErrFormat, "safetensors: key %.40q twice", key)
		}
		seen[key] = true
		switch key {
		case "dtype":
			err = d.Decode(&info.DType)
		case "shape":
			err = d.Decode(&info.Shape)
		case "data_offsets":
			var offsets []int64
			if err = d.Decode(&offsets); err == nil && len(offsets) != 2 {
				err = errors.New("data_offsets are not two numbers")
			}
			copy(info.Offsets[:], offsets)
		default:
			err = errors.New("unknown key " + key[:min(len(key), 40)])
		}
		if err != nil {
			return info, headerError(err)
		}
	}
	if len(seen) != 3 || info.Shape == nil {
		return info, fail(ErrFormat, "safetensors: dtype, shape or data_offsets is missing")
	}
	_, err = d.Token()
	if err != nil {
		return info, headerError(err)
	}
	return info, nil
}

func headerError(err error) error {
	if errors.Is(err, io.EOF) {
		err = io.ErrUnexpectedEOF
	}
	return fail(ErrFormat, "safetensors: header: %v", err)
}

// place gives each entry its piece of data, in the order of offsets, which must
// cover the data from the first byte to the last.
func place(infos map[string]stInfo, data []byte) (Set, error) {
	names := make([]string, 0, len(infos))
	for name := range infos {
		names = append(names, name)
	}
	slices.SortFunc(names, func(a, b string) int {
		x, y := infos[a].Offsets, infos[b].Offsets
		return cmp.Or(cmp.Compare(x[0], y[0]), cmp.Compare(x[1], y[1]), cmp.Compare(a, b))
	})
	s := make(Set, len(infos))
	at := int64(0)
	for _, name := range names {
		info := infos[name]
		begin, end := info.Offsets[0], info.Offsets[1]
		if begin != at || end < begin || end > int64(len(data)) {
			return nil, named(name, fail(ErrFormat, "safetensors: data from %d to %d, where byte %d of %d is next", begin, end, at, len(data)))
		}
		at = end
		dtype, err := parseSafetensorsDType(info.DType)
		if err != nil {
			return nil, named(name, err)
		}
		t := Tensor{DType: dtype, Shape: info.Shape, Data: data[begin:end:end]}
		if err := t.Validate(); err != nil {
			return nil, named(name, err)
		}
		s[name] = t
	}
	if at != int64(len(data)) {
		return nil, fail(ErrFormat, "safetensors: %d bytes of data belong to no tensor", int64(len(data))-at)
	}
	return s, nil
}
