package tensors

import "math"

// float16From rounds to the nearest binary16, ties to even; numbers that are too large
// become infinite.
func float16From(f float32) uint16 {
	bits := math.Float32bits(f)
	sign := uint16(bits>>16) & 0x8000
	exp := int(bits>>23) & 0xff
	frac := bits & 0x7fffff
	switch {
	case exp == 0xff: // infinity, or NaN: keep the upper bits, stay a NaN
		if frac == 0 {
			return sign | 0x7c00
		}
		return sign | 0x7e00 | uint16(frac>>13)
	case exp > 142: // 2^16 and above
		return sign | 0x7c00
	case exp >= 113: // normal
		h := uint32(exp-112)<<10 | frac>>13
		return sign | uint16(roundHalf(h, frac&0x1fff, 0x1000))
	case exp >= 102: // subnormal
		frac |= 0x800000
		shift := uint(126 - exp)
		return sign | uint16(roundHalf(frac>>shift, frac&(1<<shift-1), 1<<(shift-1)))
	}
	return sign
}

// roundHalf adds one to h when the dropped bits are more than half, or half and
// h is odd. A carry into the exponent gives the next number, infinity at the end.
func roundHalf(h, dropped, half uint32) uint32 {
	if dropped > half || dropped == half && h&1 == 1 {
		h++
	}
	return h
}

func float16To(h uint16) float32 {
	sign := uint32(h&0x8000) << 16
	exp := uint32(h>>10) & 0x1f
	frac := uint32(h & 0x3ff)
	switch exp {
	case 0x1f:
		return math.Float32frombits(sign | 0xff<<23 | frac<<13)
	case 0:
		f := float32(frac) / (1 << 24)
		return math.Float32frombits(math.Float32bits(f) | sign)
	}
	return math.Float32frombits(sign | (exp+112)<<23 | frac<<13)
}

// bfloat16From rounds to the nearest bfloat16, ties to even.
func bfloat16From(f float32) uint16 {
	bits := math.Float32bits(f)
	if f != f {
		return uint16(bits>>16) | 0x40
	}
	return uint16((bits + 0x7fff + bits>>16&1) >> 16)
}

func bfloat16To(h uint16) float32 { return math.Float32frombits(uint32(h) << 16) }

// halfToFloat32 widens float16 or bfloat16 data.
func halfToFloat32(d DType, data []byte) []float32 {
	to := float16To
	if d == BFloat16 {
		to = bfloat16To
	}
	src := view[uint16](data)
	out := make([]float32, len(src))
	for i, h := range src {
		out[i] = to(h)
	}
	return out
}

// halfFromFloat32 narrows; overflow is the index of the first finite element that became
// infinite, or -1.
func halfFromFloat32(d DType, src []float32) (out []uint16, overflow int) {
	from, exponent := float16From, uint16(0x7c00)
	if d == BFloat16 {
		from, exponent = bfloat16From, 0x7f80
	}
	out = make([]uint16, len(src))
	for i, f := range src {
		out[i] = from(f)
		if out[i]&0x7fff == exponent && !math.IsInf(float64(f), 0) {
			return nil, i
		}
	}
	return out, -1
}
