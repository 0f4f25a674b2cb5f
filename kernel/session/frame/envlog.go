package frame

import (
	"encoding/binary"
	"sync"
	"sync/atomic"
	"unsafe"
)

// An EnvLog is memory that the kernel process shares with a session process. The session
// writes each variable that it sets into it, before os.Setenv returns. So the kernel knows a
// secret before it reads what the session prints after it, even if the session has ended in
// the meantime. Layout, in the machine's byte order:
//
//	0   uint64: number of bytes written so far, by the session
//	8   uint64: number of bytes read so far, by the kernel
//	64  a ring of entries: uint32 length, then NAME=value
//
// The session drops an entry that does not fit because the kernel has not read enough. The
// kernel hears of it at the end of the cell, if the variable still has that value.
type EnvLog struct {
	mu   sync.Mutex
	mem  []byte
	ring []byte
}

// Sizes of an EnvLog. rt/envlog.go knows EnvLogHeader too.
const (
	EnvLogSize   = 1 << 20
	EnvLogHeader = 64
)

// EnvLogEnv names the environment variable with the number of the file to map.
const EnvLogEnv = "GOPHERPOD_SESSION_ENVLOG"

// NewEnvLog returns the log in mem, which is at least 8 bytes longer than EnvLogHeader and
// starts at a multiple of 8.
func NewEnvLog(mem []byte) *EnvLog { return &EnvLog{mem: mem, ring: mem[EnvLogHeader:]} }

// Next returns the entries, NAME=value, that were written since the last call. Nothing that
// the session writes makes it fail: a wrong length skips what was written.
func (l *EnvLog) Next() (entries []string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.mem == nil {
		return nil
	}
	written, read := (*uint64)(unsafe.Pointer(&l.mem[0])), (*uint64)(unsafe.Pointer(&l.mem[8]))
	to, at := atomic.LoadUint64(written), atomic.LoadUint64(read)
	if to-at > uint64(len(l.ring)) {
		at = to
	}
	for to-at >= 4 {
		n := uint64(binary.NativeEndian.Uint32(l.bytes(at, 4)))
		if n > to-at-4 {
			break
		}
		entries = append(entries, string(l.bytes(at+4, n)))
		at += 4 + n
	}
	atomic.StoreUint64(read, to)
	return entries
}

// bytes returns a copy of n bytes of the ring.
func (l *EnvLog) bytes(at, n uint64) []byte {
	b := make([]byte, n)
	start := at % uint64(len(l.ring))
	copy(b[copy(b, l.ring[start:]):], l.ring)
	return b
}

// Close makes Next return nothing, so that the memory can be unmapped.
func (l *EnvLog) Close() (mem []byte) {
	l.mu.Lock()
	defer l.mu.Unlock()
	mem, l.mem, l.ring = l.mem, nil, nil
	return mem
}
