package kernel

import "unicode/utf8"

// byteOffset converts a position in code points, which the protocol counts since 5.2,
// to a byte offset of code. Positions outside the code are clamped.
func byteOffset(code string, points int) int {
	if points <= 0 {
		return 0
	}
	for i := range code {
		if points == 0 {
			return i
		}
		points--
	}
	return len(code)
}

// codePoints converts a byte offset of code to a position in code points.
func codePoints(code string, offset int) int {
	return utf8.RuneCountInString(code[:min(max(offset, 0), len(code))])
}
