//go:build unix && !linux

package host

import "syscall"

// dup2 makes descriptor to refer to the same file as from.
func dup2(from, to int) error { return syscall.Dup2(from, to) }
