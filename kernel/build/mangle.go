package build

import (
	"crypto/sha256"
	"encoding/base64"
	"strings"
)

// exported returns the name that the Go linker gives a symbol in a shared library
// (typeSymbolMangle in cmd/link/internal/ld): it replaces long names of types by a
// hash.
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
	// A generic function: the type arguments may contain an @.
	i, j := strings.IndexByte(name, '['), strings.LastIndexByte(name, ']')
	if j <= i {
		j = len(name)
	}
	return name[:i+1] + shortHash(name[i+1:j]) + name[j:]
}

// shortHash returns six bytes of the linker's hash: SHA-256 with the first byte
// inverted, so that nobody mistakes it for SHA-256.
func shortHash(s string) string {
	h := sha256.Sum256([]byte(s))
	h[0] ^= 0xff
	return base64.StdEncoding.EncodeToString(h[:6])
}
