package tensors

import "bytes"

// EncodeState writes a model's state as text: safetensors, compressed with zstd if
// compress is set, in base64. Trained weights shrink by a tenth or less; zeros, as in a
// fresh optimizer, shrink to almost nothing.
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

// DecodeState reads what EncodeState wrote, compressed or not. The two cannot be
// confused: zstd's magic number, read as the length of a safetensors header, exceeds
// MaxSafetensorsHeader. Other serialisations, above all pickle, are refused. More than
// limit bytes are ErrTooLarge; limit 0 means DefaultLimit.
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
	if err != nil && pickled(b) {
		return nil, &PickleError{Zip: bytes.HasPrefix(b, zipMagic)}
	}
	return s, err
}

// zipMagic begins what torch.save writes, a pickle in a zip file.
var zipMagic = []byte("PK\x03\x04")

// pickled reports whether b, which is not safetensors, looks like the output of torch.save
// or pickle. It only explains a refusal: the length of a safetensors header can have the
// same first bytes, 640 for instance, but a header begins with {.
func pickled(b []byte) bool {
	if len(b) > 8 && b[8] == '{' {
		return false
	}
	return bytes.HasPrefix(b, zipMagic) || len(b) > 1 && b[0] == 0x80 && 2 <= b[1] && b[1] <= 5
}
