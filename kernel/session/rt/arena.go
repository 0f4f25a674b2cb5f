package rt

/*
#cgo linux CFLAGS: -D_GNU_SOURCE
#include <stdint.h>
#ifdef __linux__
#include <sys/mman.h>
#include <unistd.h>

// gp_reserve reserves an arena: size bytes for code, and as many for data after it.
static uintptr_t gp_reserve(uintptr_t size) {
	char *p = mmap(0, 2 * size, PROT_READ | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (p == MAP_FAILED) return 0;
	if (mprotect(p + size, size, PROT_READ | PROT_WRITE)) {
		munmap(p, 2 * size);
		return 0;
	}
	madvise(p, 2 * size, MADV_NOHUGEPAGE); // a cell needs a few pages, and what lies between cells none
	return (uintptr_t)p;
}

static int gp_writable(uintptr_t p, uintptr_t size) { return mprotect((void *)p, size, PROT_READ | PROT_WRITE); }

static int gp_runnable(uintptr_t p, uintptr_t size) {
	__builtin___clear_cache((char *)p, (char *)p + size);
	return mprotect((void *)p, size, PROT_READ | PROT_EXEC);
}

static uintptr_t gp_page(void) { return sysconf(_SC_PAGESIZE); }
#else
static uintptr_t gp_reserve(uintptr_t size) { return 0; }
static int gp_writable(uintptr_t p, uintptr_t size) { return -1; }
static int gp_runnable(uintptr_t p, uintptr_t size) { return -1; }
static uintptr_t gp_page(void) { return 4096; }
#endif
*/
import "C"

import (
	"errors"
	"unsafe"
)

// An arena is memory for the code and the data of many cells. The dynamic linker maps each
// part of a shared object with a protection of its own, and a process may have 65,530 maps:
// after 13,000 cells nothing more can be loaded. In an arena the code of all cells is one
// map, and so is their data:
//
//	base          Far bytes of code: read-only parts of the cells, one after the other
//	base + Far    Far bytes of data: their writable parts
//
// An object is linked with its data Far bytes after its code, so both fit if the whole
// object is moved by one distance.
type arena struct {
	base       uintptr
	code, data uintptr // where the next object may begin
}

var errNoArena = errors.New("the system does not allow an arena")

func newArena() (*arena, error) {
	base := uintptr(C.gp_reserve(Far))
	if base == 0 {
		return nil, errNoArena
	}
	return &arena{base: base, code: base, data: base + Far}, nil
}

// fit returns the distance by which an object has to be moved, and false if the arena has
// no room for it.
func (a *arena) fit(o *object) (bias uintptr, ok bool) {
	page := uintptr(C.gp_page())
	low := func(v uint64) uintptr { return uintptr(v) &^ (page - 1) }
	// The two may be less than an object's address: the difference wraps around, and so
	// does the sum with an address.
	bias = a.code - low(o.code[0].Vaddr)
	if b := a.data - low(o.data[0].Vaddr); int64(b-bias) > 0 {
		bias = b
	}
	return bias, bias+uintptr(end(o.code)) <= a.base+Far && bias+uintptr(end(o.data)) <= a.base+2*Far
}

// fill copies an object to its place, and calls relocate before the code can run.
func (a *arena) fill(o *object, bias uintptr, relocate func()) error {
	page := uintptr(C.gp_page())
	from := bias + uintptr(o.code[0].Vaddr)&^(page-1)
	size := (bias+uintptr(end(o.code))+page-1)&^(page-1) - from
	if C.gp_writable(C.uintptr_t(from), C.uintptr_t(size)) != 0 {
		return errNoArena
	}
	for _, p := range o.code {
		copy(bytesAt(bias+uintptr(p.Vaddr), p.Filesz), o.file[p.Off:])
	}
	for _, p := range o.data {
		copy(bytesAt(bias+uintptr(p.Vaddr), p.Filesz), o.file[p.Off:])
	}
	relocate()
	if C.gp_runnable(C.uintptr_t(from), C.uintptr_t(size)) != 0 {
		return errNoArena
	}
	a.code = from + size
	a.data = (bias + uintptr(end(o.data)) + page - 1) &^ (page - 1)
	return nil
}

// bytesAt returns the bytes at an address outside Go's heap.
func bytesAt(p uintptr, n uint64) []byte {
	return unsafe.Slice((*byte)(*(*unsafe.Pointer)(unsafe.Pointer(&p))), n)
}
