package rt

import "runtime"

// Guard prevents a panic in a goroutine that a cell started from ending the
// process. Deferred first, it reports the panic to the cell.
func Guard() {
	r := recover()
	if r == nil {
		return
	}
	if _, ok := r.(Interrupted); ok {
		return
	}
	if c := Caller(); c != nil {
		sink().Panic(c, failure(r))
	}
}

// Go0 replaces go f().
func Go0(f func()) { go func() { defer Guard(); f() }() }

// Go1 replaces go f(a). Like the go statement it evaluates f and a at once.
func Go1[A any](f func(A), a A) { go func() { defer Guard(); f(a) }() }

// Go2 replaces go f(a, b).
func Go2[A, B any](f func(A, B), a A, b B) { go func() { defer Guard(); f(a, b) }() }

// Go3 replaces go f(a, b, c).
func Go3[A, B, C any](f func(A, B, C), a A, b B, c C) { go func() { defer Guard(); f(a, b, c) }() }

// False is never set. It keeps code reachable for the linker without running it.
var False bool

// Keep uses its arguments.
//
//go:noinline
func Keep(args ...any) { runtime.KeepAlive(args) }
