//go:build !gopherpod_session || (!gopherpod_typemap_offsets && !gopherpod_typemap_pointers)

package lm

import "unsafe"

// Typemap reports whether TypeKey is known. It is not, so the run-time adds all modules.
const Typemap = false

// TypeKey is any type.
type TypeKey = int32

// KeyOf is never called.
func KeyOf(_ unsafe.Pointer, offset int32) TypeKey { return offset }
