//go:build gopherpod_session

package lm

import "unsafe"

// Quick reports whether the functions below exist. They are not public: only programs
// linked with -checklinkname=0 can use them, as sessions are.
const Quick = true

// LastModule is the record of the module that was mapped last.
//
//go:linkname LastModule runtime.lastmoduledatap
var LastModule unsafe.Pointer

// StubFrame describes what the frames of reflect.makeFuncStub and methodValueCall hold.
//
//go:linkname StubFrame runtime.methodValueCallFrameObjs
var StubFrame struct {
	Off, Size, PtrBytes int32
	GCDataOff           uint32
}

// StubData is where the run-time looks for the pointer mask of a record like StubFrame.
//
//go:linkname StubData runtime.(*stackObjectRecord).gcdata
func StubData(record unsafe.Pointer) (ptrBytes, mask uintptr)

// ModulesInit adds mapped modules to the active ones.
//
//go:linkname ModulesInit runtime.modulesinit
func ModulesInit()

// ItabsInit adds the itabs of all active modules to the table.
//
//go:linkname ItabsInit runtime.itabsinit
func ItabsInit()

// TypeLinks lists, for each active module, where its types begin and the
// offsets of those without a name.
//
//go:linkname TypeLinks reflect.typelinks
func TypeLinks() (sections []unsafe.Pointer, offsets [][]int32)

// TypesEqual compares types of two modules.
//
//go:linkname TypesEqual runtime.typesEqual
func TypesEqual(t, u unsafe.Pointer, seen map[[2]unsafe.Pointer]struct{}) bool

// PollSetDeadline sets the deadline of a poller's record: in d nanoseconds, in the
// past if d is negative, none if it is 0. The mode is 'r', 'w' or their sum.
//
//go:linkname PollSetDeadline internal/poll.runtime_pollSetDeadline
func PollSetDeadline(pd uintptr, d int64, mode int)

// GetItab returns the itab that the program uses for the type and the interface. It
// makes one if there is none. It returns nil if the type lacks a method.
//
//go:linkname GetItab runtime.getitab
func GetItab(inter, typ unsafe.Pointer, canfail bool) unsafe.Pointer

// An ExitHook is called by os.Exit.
type ExitHook struct {
	F            func()
	RunOnFailure bool // for codes other than 0 too
}

// ExitHooks are called by os.Exit, the last one first; each is removed from the list
// before its call. In a Go version without that list this one is empty and unused.
//
//go:linkname ExitHooks internal/runtime/exithook.hooks
var ExitHooks []ExitHook

// CgoSetenv is the C function that os.Setenv calls with the name and the value, while it
// holds the lock of the environment.
//
//go:linkname CgoSetenv runtime._cgo_setenv
var CgoSetenv unsafe.Pointer
