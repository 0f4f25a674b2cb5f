package zmtp

import (
	"errors"
	"fmt"
	"strings"
)

// z85 is the alphabet of RFC 32, in which connection files hold keys.
const z85 = "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ.-:+=^!/*?&<>()[]{}@%$#"

// ErrZ85 is the error for a text that is not a key.
var ErrZ85 = errors.New("zmtp: want a key of 40 characters in Z85")

// ParseKey reads a key as connection files hold it. Its errors do not contain the
// text, which may be a secret.
func ParseKey(text string) (key [32]byte, err error) {
	if len(text) != 40 {
		return key, fmt.Errorf("%w, got %d characters", ErrZ85, len(text))
	}
	for i := range 8 {
		var n uint64
		for j := range 5 {
			digit := strings.IndexByte(z85, text[5*i+j])
			if digit < 0 {
				return key, fmt.Errorf("%w: character %d is not in its alphabet", ErrZ85, 5*i+j+1)
			}
			n = n*85 + uint64(digit)
		}
		if n > 1<<32-1 {
			return key, fmt.Errorf("%w: characters %d to %d are too large", ErrZ85, 5*i+1, 5*i+5)
		}
		for j := range 4 {
			key[4*i+j] = byte(n >> (24 - 8*j))
		}
	}
	return key, nil
}

// FormatKey is the inverse of ParseKey.
func FormatKey(key [32]byte) string {
	out := make([]byte, 40)
	for i := range 8 {
		var n uint32
		for j := range 4 {
			n = n<<8 | uint32(key[4*i+j])
		}
		for j := 4; j >= 0; j-- {
			out[5*i+j] = z85[n%85]
			n /= 85
		}
	}
	return string(out)
}
