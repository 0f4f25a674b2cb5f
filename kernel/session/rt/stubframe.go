//go:build gopherpod_session

package rt

import (
	"unsafe"

	"github.com/gopherpod/gopherpod/kernel/session/rt/lm"
)

// Go 1.26 compiles the run-time for a shared library so that it takes the map of the
// registers that reflect's stubs save from a wrong place (runtime.stkobjinit has the
// address of the address). The collector then takes numbers for pointers. This puts
// the place right, with the map of a type of the same shape.
func init() {
	const (
		rodata = 39 // word of a module's record
		gcData = 32 // offset in a type
	)
	f := &lm.StubFrame
	for _, v := range []any{amd64Registers{}, arm64Registers{}} {
		t := *(*unsafe.Pointer)(unsafe.Pointer(&v))
		sizes := (*[2]uintptr)(t)
		if uintptr(f.Size) != sizes[0] || uintptr(f.PtrBytes) != sizes[1] {
			continue
		}
		mask, base := *(*uintptr)(unsafe.Add(t, gcData)), lm.FirstModule[rodata]
		if mask > base && mask-base < 1<<32 {
			f.GCDataOff = uint32(mask - base)
		}
	}
}

// What internal/abi.RegArgs is.
type (
	amd64Registers struct {
		Ints        [9]uintptr
		Floats      [15]uint64
		Ptrs        [9]unsafe.Pointer
		ReturnIsPtr [2]uint8
	}
	arm64Registers struct {
		Ints        [16]uintptr
		Floats      [16]uint64
		Ptrs        [16]unsafe.Pointer
		ReturnIsPtr [2]uint8
	}
)
