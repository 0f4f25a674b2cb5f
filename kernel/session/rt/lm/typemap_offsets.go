//go:build gopherpod_session && gopherpod_typemap_offsets

package lm

import "unsafe"

// Typemap says that it is known what TypeKey is. Package build learns that from the
// source of the run-time, and sets a build tag.
const Typemap = true

// TypeKey is the key of the map that a module's record has of its types.
type TypeKey = int32

// KeyOf is the key of the type at the offset from where the module's types begin.
func KeyOf(types unsafe.Pointer, offset int32) TypeKey { return offset }
