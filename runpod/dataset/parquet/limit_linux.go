package parquet

import (
	"syscall"

	"github.com/gopherpod/gopherpod/tensors/memory"
)

// LimitMemory limits the memory of this process to half of the free memory, because a file
// of a thousand bytes can claim to have pages of 32 GB. Above the limit, Go exits with "out
// of memory", so use it only in a process that does nothing but read a file.
func LimitMemory() error {
	limit := max(memory.Available()/2, 256<<20)
	return syscall.Setrlimit(syscall.RLIMIT_DATA, &syscall.Rlimit{Cur: limit, Max: limit})
}
