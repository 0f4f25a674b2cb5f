package rt

/*
#cgo linux CFLAGS: -D_GNU_SOURCE
#include <dlfcn.h>
#include <stdint.h>

static uintptr_t gp_lookup(const char *name) {
	void *p = dlsym(RTLD_DEFAULT, name);
	return (uintptr_t)p;
}

// gp_thread returns the address from which variables of the thread are counted.
static uintptr_t gp_thread(void) {
	uintptr_t p = 0;
#if defined(__linux__) && defined(__x86_64__)
	__asm__("mov %%fs:0, %0" : "=r"(p));
#elif defined(__linux__) && defined(__aarch64__)
	__asm__("mrs %0, tpidr_el0" : "=r"(p));
#endif
	return p;
}

static void gp_init(uintptr_t f) { ((void (*)(int, char **, char **))f)(0, 0, 0); }
*/
import "C"

import (
	"debug/elf"
	"errors"
	"fmt"
	"strings"
	"unsafe"
)

// placement places the objects of cells in arenas. It does what the dynamic linker does
// for a shared object that is global: a symbol means its first definition in the process.
type placement struct {
	current *arena
	off     bool               // the system does not allow arenas
	symbols map[string]uintptr // first definitions, in placed objects
	bridged map[string]bool    // symbols that the dynamic linker knows too, see bridge
}

// A placed is an object in an arena.
type placed struct {
	*object
	bias   uintptr
	values []uintptr // of its symbols
}

var _ mapping = (*placed)(nil)

// place loads the object at path. If it cannot be placed in an arena, the error is
// errNotFar or errNoArena: the dynamic linker can load it.
func (p *placement) place(path string) (*placed, error) {
	if p.off {
		return nil, errNoArena
	}
	o, err := readObject(path)
	if err != nil {
		return nil, err
	}
	bias, fits := uintptr(0), false
	if p.current != nil {
		bias, fits = p.current.fit(o)
	}
	if !fits {
		a, err := newArena()
		if err != nil {
			p.off = true
			return nil, err
		}
		if bias, fits = a.fit(o); !fits {
			return nil, errNotFar
		}
		p.current = a
	}
	m := &placed{object: o, bias: bias}
	fresh, err := p.resolve(m)
	if err != nil {
		return nil, err
	}
	if err := m.check(); err != nil {
		return nil, err
	}
	if err := p.current.fill(o, bias, m.relocate); err != nil {
		p.off = p.off || errors.Is(err, errNoArena)
		return nil, err
	}
	for i := range fresh {
		p.symbols[o.name(o.syms[i])] = m.values[i]
	}
	for at := uint64(0); at < o.init.Memsz; at += uint64(word) {
		C.gp_init(C.uintptr_t(*m.at(o.init.Vaddr + at)))
	}
	return m, nil
}

// resolve finds the values of the object's symbols. It returns those that the object
// defines first.
func (p *placement) resolve(m *placed) (fresh map[int]bool, err error) {
	m.values, fresh = make([]uintptr, len(m.syms)), map[int]bool{}
	for i, s := range m.syms {
		name := m.cname(s)
		if i == 0 || len(name) == 0 {
			continue
		}
		own := m.bias + uintptr(s.Value)
		if elf.ST_BIND(s.Info) == elf.STB_LOCAL {
			m.values[i] = own
			continue
		}
		if m.values[i] = p.find(name); m.values[i] != 0 {
			continue
		}
		switch {
		case defines(s):
			m.values[i], fresh[i] = own, true
		case elf.ST_TYPE(s.Info) == elf.STT_TLS:
			return nil, errNotFar // a variable of the thread that only this object has
		case elf.ST_BIND(s.Info) != elf.STB_WEAK:
			return nil, fmt.Errorf("undefined symbol: %s", name)
		}
	}
	return fresh, nil
}

// find returns the address of a symbol's first definition in the process, or 0. The name
// is followed by a 0.
func (p *placement) find(name []byte) uintptr {
	if v := p.symbols[string(name)]; v != 0 {
		return v
	}
	return uintptr(C.gp_lookup((*C.char)(unsafe.Pointer(&name[0]))))
}

// A fixup is what a relocation writes.
type fixup int

const (
	unknown fixup = iota
	relative
	address
	threadOffset
)

// fixups are the relocations that Go's linker and the system's leave in cells.
var fixups = map[elf.Machine]map[uint32]fixup{
	elf.EM_X86_64: {uint32(elf.R_X86_64_RELATIVE): relative, uint32(elf.R_X86_64_64): address, uint32(elf.R_X86_64_GLOB_DAT): address,
		uint32(elf.R_X86_64_JMP_SLOT): address, uint32(elf.R_X86_64_TPOFF64): threadOffset},
	elf.EM_AARCH64: {uint32(elf.R_AARCH64_RELATIVE): relative, uint32(elf.R_AARCH64_ABS64): address, uint32(elf.R_AARCH64_GLOB_DAT): address,
		uint32(elf.R_AARCH64_JUMP_SLOT): address, uint32(elf.R_AARCH64_TLS_TPREL64): threadOffset},
}

// check returns errNotFar if an object has a relocation that is not in fixups, or one
// outside its data.
func (m *placed) check() error {
	low, high := m.data[0].Vaddr, end(m.data)
	for _, r := range m.relocs {
		if fixups[m.machine][elf.R_TYPE64(r.Info)] == unknown || int(elf.R_SYM64(r.Info)) >= len(m.syms) || r.Off < low || r.Off > high-uint64(word) {
			return errNotFar
		}
	}
	return nil
}

// relocate writes the addresses that the object's data hold.
func (m *placed) relocate() {
	thread := uintptr(C.gp_thread())
	for _, r := range m.relocs {
		v := uintptr(r.Addend)
		switch fixups[m.machine][elf.R_TYPE64(r.Info)] {
		case relative:
			v += m.bias
		case address:
			v += m.values[elf.R_SYM64(r.Info)]
		case threadOffset:
			v += m.values[elf.R_SYM64(r.Info)] - thread
		}
		*m.at(r.Off) = v
	}
}

// at returns the word at an address of the object.
func (m *placed) at(addr uint64) *uintptr {
	p := m.bias + uintptr(addr)
	return (*uintptr)(*(*unsafe.Pointer)(unsafe.Pointer(&p)))
}

func (m *placed) symbol(name string) uintptr {
	for i, s := range m.syms {
		if m.name(s) == name {
			return m.values[i]
		}
	}
	return 0
}

func (m *placed) itabs() (list []uintptr) {
	for i, s := range m.syms {
		if strings.HasPrefix(m.name(s), itabPrefix) && m.values[i] != 0 {
			list = append(list, m.values[i])
		}
	}
	return list
}

func (m *placed) swap(from, to uintptr) {
	for _, p := range m.data {
		first := (p.Vaddr + uint64(word) - 1) &^ (uint64(word) - 1)
		for at := first; at+uint64(word) <= p.Vaddr+p.Filesz; at += uint64(word) {
			if w := m.at(at); *w == from {
				*w = to
			}
		}
	}
}
