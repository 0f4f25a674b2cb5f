package kernel

import "unicode/utf8"

// byteOffset turns a position in code points, as the protocol counts since 5.2,
// into a byte offset of code. Positions outside are moved to the nearest end.
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

// codePoints turns a byte offset of code into a position in code points.
func codePoints(code string, offset int) int {
	return utf8.RuneCountInString(code[:min(max(offset, 0), len(code))])
}
