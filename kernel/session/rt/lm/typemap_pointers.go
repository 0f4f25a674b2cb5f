//go:build gopherpod_session && gopherpod_typemap_pointers

package lm

import "unsafe"

// Typemap reports whether TypeKey is known. Package build learns that from the
// source of the run-time, and sets a build tag.
const Typemap = true

// TypeKey is the key of the map of types in a module's record.
type TypeKey = unsafe.Pointer

// KeyOf returns the key of the type at an offset from the start of the module's types.
func KeyOf(types unsafe.Pointer, offset int32) TypeKey { return unsafe.Add(types, offset) }
