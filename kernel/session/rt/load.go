package rt

/*
#cgo linux LDFLAGS: -ldl
#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <stdint.h>

static void *gp_open(const char *path, char **err) {
	void *h = dlopen(path, RTLD_NOW | RTLD_GLOBAL);
	if (!h) *err = (char *)dlerror();
	return h;
}
static void *gp_sym(void *h, const char *name) { return dlsym(h, name); }
static uintptr_t gp_addmoduledata(void) {
	void *p = dlsym(RTLD_DEFAULT, "runtime.addmoduledata.abi0");
	if (!p) p = dlsym(RTLD_DEFAULT, "runtime.addmoduledata");
	return (uintptr_t)p;
}
static void gp_flush(void) { fflush(0); }
*/
import "C"

import (
	"errors"
	"fmt"
	"sync"
	"time"
	"unsafe"

	"github.com/gopherpod/gopherpod/kernel/session/rt/lm"
)

// AddModuleData is the address of runtime.addmoduledata, which the assembly in
// each cell of the fast mode jumps to; 0 in classic mode. Assembly cannot name a
// package whose path has a dot.
//
//go:linkname AddModuleData gopherpod.addmoduledata
var AddModuleData = uintptr(C.gp_addmoduledata())

var (
	loadMu  sync.Mutex
	loaded  modules                                                                // guarded by loadMu
	cellsIn = placement{symbols: map[string]uintptr{}, bridged: map[string]bool{}} // guarded by loadMu
)

// A mapping is a shared object in the process.
type mapping interface {
	symbol(name string) uintptr // its address, 0 if there is none
	itabs() []uintptr           // the itabs that it refers to or defines, at the addresses that its code uses
	swap(from, to uintptr)      // makes its data point to another address
}

// An opened is an object that the dynamic linker has loaded.
type opened struct{ handle unsafe.Pointer }

var _ mapping = opened{}

// open has the dynamic linker load an object for good.
func open(path string) (opened, error) {
	cp := C.CString(path)
	defer C.free(unsafe.Pointer(cp))
	var text *C.char
	h := C.gp_open(cp, &text)
	if h == nil {
		return opened{}, fmt.Errorf("%s%s", C.GoString(text), mapsHint())
	}
	return opened{h}, nil
}

func (o opened) symbol(name string) uintptr {
	cn := C.CString(name)
	defer C.free(unsafe.Pointer(cn))
	return uintptr(C.gp_sym(o.handle, cn))
}

// bring brings an object into the process: a cell of the fast mode into an arena, if the
// system allows it, and everything else by the dynamic linker.
func bring(path string, cell bool) (mapping, error) {
	if cell && AddModuleData != 0 {
		m, err := cellsIn.place(path)
		if !errors.Is(err, errNotFar) && !errors.Is(err, errNoArena) {
			return m, err
		}
	}
	if err := cellsIn.bridge(path); err != nil {
		return nil, err
	}
	return open(path)
}

// LoadTime says how the time of a Load was spent.
type LoadTime struct{ Map, Init time.Duration }

// Load maps a cell's shared object into the process permanently and returns its
// entry function.
func Load(path, entry string) (func(), LoadTime, error) { return load(path, entry, lm.DoInit) }

// load maps a shared object. It passes the initializers of the packages to initialize:
// a cell of the fast mode has none, one of the classic mode has those of packages that
// are already initialized, and a library has others. Without entry it returns no function.
func load(path, entry string, initialize func([]*lm.InitTask)) (func(), LoadTime, error) {
	loadMu.Lock()
	defer loadMu.Unlock()
	var lt LoadTime
	before := lm.LastModule
	t := time.Now()
	m, err := bring(path, entry != "")
	lt.Map = time.Since(t)
	if err != nil {
		return nil, lt, fmt.Errorf("load: %w", err)
	}
	t = time.Now()
	var tasks []*lm.InitTask
	if entry == "" {
		tasks, err = loaded.official(nil)
	} else {
		tasks, err = loaded.add(before)
	}
	if err != nil {
		return nil, lt, err
	}
	unifyItabs(m)
	initialize(tasks)
	lt.Init = time.Since(t)
	if entry == "" {
		return nil, lt, nil
	}
	pc := m.symbol(entry)
	if pc == 0 {
		return nil, lt, fmt.Errorf("load: %s: no symbol %s", path, entry)
	}
	// A func value points to a record whose first word is the code's address.
	f := &struct{ pc uintptr }{pc}
	return *(*func())(unsafe.Pointer(&f)), lt, nil
}

// Flush writes out what C code has buffered.
func Flush() { C.gp_flush() }
