package tensors

import "bytes"

// EncodeState writes a model's state as text: safetensors, with zstd when
// compress is set, in base64. Trained weights compress by a tenth or less; zeros,
// as in a fresh optimizer, to almost nothing.
func EncodeState(s Set, compress bool) (string, error) {
	parts, err := SafetensorsPieces(s, nil)
	if err != nil {
		return "", err
	}
	if compress {
		b, err := Compress(parts...)
		if err != nil {
			return "", err
		}
		parts = [][]byte{b}
	}
	return encodeBase64(parts), nil
}

// DecodeState reads what EncodeState wrote; the magic number tells whether it is
// compressed. Other serialisations, pickle above all, are refused. More than limit
// bytes are ErrTooLarge; limit 0 is DefaultLimit.
func DecodeState(text string, limit int64) (Set, error) {
	b, err := decodeBase64(text, limit)
	if err != nil {
		return nil, err
	}
	if bytes.HasPrefix(b, zstdMagic) {
		if b, err = Decompress(b, limit); err != nil {
			return nil, err
		}
	}
	s, _, err := DecodeSafetensors(b)
	if err != nil && (bytes.HasPrefix(b, []byte("PK\x03\x04")) || bytes.HasPrefix(b, []byte("\x80\x02"))) {
		return nil, fail(ErrFormat, "state: this is a pickle (torch.save), which is never read here; send safetensors")
	}
	return s, err
}
