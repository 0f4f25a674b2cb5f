//go:build gopherpod_session && gopherpod_typemap_offsets

package lm

import "unsafe"

// Typemap reports whether TypeKey is known. Package build learns that from the
// source of the run-time, and sets a build tag.
const Typemap = true

// TypeKey is the key of the map of types in a module's record.
type TypeKey = int32

// KeyOf returns the key of the type at an offset from the start of the module's types.
func KeyOf(types unsafe.Pointer, offset int32) TypeKey { return offset }
