package build

import (
	"crypto/sha256"
	"encoding/base64"
	"strings"
)

// exported is the name under which the Go linker puts a symbol into a shared
// library (typeSymbolMangle in cmd/link/internal/ld): long names of types are
// replaced by a hash.
func exported(name string) string {
	isType := strings.HasPrefix(name, "type:")
	at := strings.Contains(name, "@")
	switch {
	case !isType && !at, strings.HasPrefix(name, "type:runtime."), strings.HasPrefix(name, "go:string."), len(name) <= 14 && !at:
		return name
	case isType:
		if strings.HasPrefix(name, "type:.") {
			return "type:." + shortHash(name[5:])
		}
		return "type:" + shortHash(name[5:])
	}
	// A generic function: the type arguments may hold the at sign.
	i, j := strings.IndexByte(name, '['), strings.LastIndexByte(name, ']')
	if j <= i {
		j = len(name)
	}
	return name[:i+1] + shortHash(name[i+1:j]) + name[j:]
}

// shortHash is six bytes of the linker's hash: SHA-256 with the first byte
// inverted, which keeps anybody from taking it for SHA-256.
func shortHash(s string) string {
	h := sha256.Sum256([]byte(s))
	h[0] ^= 0xff
	return base64.StdEncoding.EncodeToString(h[:6])
}
