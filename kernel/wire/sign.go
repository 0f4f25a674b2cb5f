package wire

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
)

// A Key signs messages. An empty key signs nothing and accepts everything, as the
// protocol requires.
type Key []byte

// ErrScheme is the error for a signature scheme other than hmac-sha256.
var ErrScheme = errors.New("wire: signature scheme is not hmac-sha256")

// NewKey returns the key for the fields key and signature_scheme of a connection file.
func NewKey(key, scheme string) (Key, error) {
	if key != "" && scheme != "hmac-sha256" && scheme != "" {
		return nil, fmt.Errorf("%w: %q", ErrScheme, scheme)
	}
	return Key(key), nil
}

// sign returns the hex signature of the four parts, or nil for an empty key.
func (k Key) sign(parts ...[]byte) []byte {
	if len(k) == 0 {
		return []byte{}
	}
	h := hmac.New(sha256.New, k)
	for _, p := range parts {
		h.Write(p)
	}
	return hex.AppendEncode(make([]byte, 0, 2*sha256.Size), h.Sum(nil))
}

// verify checks a signature in constant time.
func (k Key) verify(signature []byte, parts ...[]byte) bool {
	return len(k) == 0 || hmac.Equal(signature, k.sign(parts...))
}
