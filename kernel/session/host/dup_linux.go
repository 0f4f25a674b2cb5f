package host

import "syscall"

// dup2 makes descriptor to the same file as from. Not every Linux has dup2.
func dup2(from, to int) error { return syscall.Dup3(from, to, 0) }
