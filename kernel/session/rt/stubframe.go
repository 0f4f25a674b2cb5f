//go:build gopherpod_session

package rt

import (
	"unsafe"

	"github.com/gopherpod/gopherpod/kernel/session/rt/lm"
)

// When Go compiles the run-time for a shared library, the run-time reads the map of the
// registers that reflect's stubs save from a wrong place (runtime.stkobjinit has the
// address of the address). The collector then mistakes numbers for pointers. This corrects
// the place, using the map of a type of the same shape.
//
// The record holds a distance from a base. The run-time itself reports where its map is
// now, so the base is that place minus the distance: we need not know any layout. If
// no type has the shape, nothing is changed, and the self-test of the host decides whether
// that is right.
func init() {
	const gcData = 32 // offset in a type
	f := &lm.StubFrame
	_, now := lm.StubData(unsafe.Pointer(f))
	base := now - uintptr(f.GCDataOff)
	for _, v := range []any{amd64Registers{}, arm64Registers{}} {
		t := *(*unsafe.Pointer)(unsafe.Pointer(&v))
		sizes := (*[2]uintptr)(t)
		if uintptr(f.Size) != sizes[0] || uintptr(f.PtrBytes) != sizes[1] {
			continue
		}
		mask := *(*uintptr)(unsafe.Add(t, gcData))
		if mask > base && mask-base < 1<<32 {
			f.GCDataOff = uint32(mask - base)
		}
	}
}

// The layouts of internal/abi.RegArgs.
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
