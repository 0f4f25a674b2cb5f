package parquet

import (
	"syscall"

	"github.com/gopherpod/gopherpod/tensors/memory"
)

// LimitMemory bounds the memory of this process to half of what is free: a file of a
// thousand bytes can claim pages of 32 GB. Beyond it Go ends the process with "out of
// memory", so it is for a process that only reads a file.
func LimitMemory() error {
	limit := max(memory.Available()/2, 256<<20)
	return syscall.Setrlimit(syscall.RLIMIT_DATA, &syscall.Rlimit{Cur: limit, Max: limit})
}
