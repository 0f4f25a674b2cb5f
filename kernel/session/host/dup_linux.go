package host

import "syscall"

// dup2 makes descriptor to refer to the same file as from. It uses dup3 because not
// every Linux architecture has dup2.
func dup2(from, to int) error { return syscall.Dup3(from, to, 0) }
