//go:build !gopherpod_session

package lm

import "unsafe"

// Quick reports whether the functions below exist. They do not: the program was linked
// like any other.
const Quick = false

// CgoSetenv is unused.
var CgoSetenv unsafe.Pointer

// LastModule is unknown.
var LastModule unsafe.Pointer

// ModulesInit is never called.
func ModulesInit() { panic("lm: not linked as a session") }

// ItabsInit is never called.
func ItabsInit() { panic("lm: not linked as a session") }

// TypeLinks is never called.
func TypeLinks() ([]unsafe.Pointer, [][]int32) { panic("lm: not linked as a session") }

// TypesEqual is never called.
func TypesEqual(_, _ unsafe.Pointer, _ map[[2]unsafe.Pointer]struct{}) bool {
	panic("lm: not linked as a session")
}

// PollSetDeadline is never called.
func PollSetDeadline(uintptr, int64, int) { panic("lm: not linked as a session") }

// GetItab is never called.
func GetItab(_, _ unsafe.Pointer, _ bool) unsafe.Pointer { panic("lm: not linked as a session") }

// An ExitHook is never called.
type ExitHook struct {
	F            func()
	RunOnFailure bool
}

// ExitHooks are not used.
var ExitHooks []ExitHook
