package rt

/*
#cgo linux CFLAGS: -D_GNU_SOURCE
#include <stdint.h>
#ifdef __linux__
#include <dlfcn.h>
#include <elf.h>
#include <link.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

// symbols returns the number of dynamic symbols of an object, from its hash table.
static uint32_t symbols(const uint32_t *hash, const uint32_t *gnu) {
	if (hash) return hash[1];
	if (!gnu) return 0;
	uint32_t nbuckets = gnu[0], first = gnu[1], max = 0;
	const uint32_t *buckets = gnu + 4 + gnu[2] * (sizeof(ElfW(Addr)) / 4), *chain = buckets + nbuckets;
	for (uint32_t i = 0; i < nbuckets; i++)
		if (buckets[i] > max) max = buckets[i];
	if (max < first) return first;
	while (!(chain[max - first] & 1)) max++;
	return max + 1;
}

// gp_itabs lists at most n itabs that the object refers to or defines, at the addresses
// that its code uses.
static int gp_itabs(void *handle, uintptr_t *out, int n) {
	struct link_map *m;
	if (dlinfo(handle, RTLD_DI_LINKMAP, &m)) return 0;
	const ElfW(Sym) *sym = 0;
	const char *str = 0;
	const uint32_t *hash = 0, *gnu = 0;
	for (const ElfW(Dyn) *d = m->l_ld; d->d_tag != DT_NULL; d++) {
		if (d->d_tag == DT_SYMTAB) sym = (void *)d->d_un.d_ptr;
		if (d->d_tag == DT_STRTAB) str = (void *)d->d_un.d_ptr;
		if (d->d_tag == DT_HASH) hash = (void *)d->d_un.d_ptr;
		if (d->d_tag == DT_GNU_HASH) gnu = (void *)d->d_un.d_ptr;
	}
	int found = 0;
	if (!sym || !str) return 0;
	for (uint32_t i = 1, all = symbols(hash, gnu); i < all && found < n; i++) {
		const char *name = str + sym[i].st_name;
		if (strncmp(name, "go:itab.", 8)) continue;
		void *p = dlsym(RTLD_DEFAULT, name);
		if (p) out[found++] = (uintptr_t)p;
	}
	return found;
}

struct swap { ElfW(Addr) base; uintptr_t from, to; };

static int swap_in(struct dl_phdr_info *info, size_t size, void *arg) {
	struct swap *s = arg;
	if (info->dlpi_addr != s->base) return 0;
	uintptr_t page = sysconf(_SC_PAGESIZE);
	for (int i = 0; i < info->dlpi_phnum; i++) {
		const ElfW(Phdr) *h = &info->dlpi_phdr[i];
		if (h->p_type != PT_LOAD || !(h->p_flags & PF_W)) continue;
		uintptr_t from = s->base + h->p_vaddr, to = from + h->p_filesz;
		if (mprotect((void *)(from & -page), to - (from & -page), PROT_READ | PROT_WRITE)) continue;
		for (uintptr_t *w = (void *)((from + sizeof *w - 1) & -sizeof *w); (uintptr_t)(w + 1) <= to; w++)
			if (*w == s->from) *w = s->to;
	}
	return 1;
}

// gp_swap makes the data of the object point to another address.
static void gp_swap(void *handle, uintptr_t from, uintptr_t to) {
	struct link_map *m;
	if (dlinfo(handle, RTLD_DI_LINKMAP, &m)) return;
	struct swap s = {m->l_addr, from, to};
	dl_iterate_phdr(swap_in, &s);
}
#else
static int gp_itabs(void *handle, uintptr_t *out, int n) { return 0; }
static void gp_swap(void *handle, uintptr_t from, uintptr_t to) {}
#endif
*/
import "C"

import (
	"unsafe"

	"github.com/gopherpod/gopherpod/kernel/session/rt/lm"
)

// itabPrefix begins the names of itabs.
const itabPrefix = "go:itab."

// How many itabs of one module are looked at: a cell of the fast mode has a few, one of
// the classic mode has those of all the library code it holds.
const (
	fewItabs = 1 << 8
	maxItabs = 1 << 14
)

func (o opened) itabs() []uintptr {
	list := make([]uintptr, fewItabs)
	find := func() int {
		return int(C.gp_itabs(o.handle, (*C.uintptr_t)(unsafe.Pointer(&list[0])), C.int(len(list))))
	}
	n := find()
	if n == fewItabs {
		list = make([]uintptr, maxItabs)
		n = find()
	}
	return list[:n]
}

func (o opened) swap(from, to uintptr) {
	C.gp_swap(o.handle, C.uintptr_t(from), C.uintptr_t(to))
}

// hashOfItab is the offset of Hash in abi.ITab, after Inter and Type.
const hashOfItab = 2 * word

// unifyItabs makes a module use the itabs that the program already has. Compiled
// code compares interface values by the address of their itab, and knows the
// address in its own module. The run-time may already have made the itab, when a
// value was converted from one interface to another and no module had it. Then
// older and newer values would differ, and no type switch would match the older
// ones, whose itab has no hash. An ordinary program has all its modules from the start.
func unifyItabs(m mapping) {
	if !lm.Quick {
		return
	}
	for _, p := range m.itabs() {
		own := *(*unsafe.Pointer)(unsafe.Pointer(&p))
		used := lm.GetItab(*wordAt(own, 0), *wordAt(own, word), true)
		if used == nil || used == own {
			continue
		}
		*(*uint32)(unsafe.Add(used, hashOfItab)) = *(*uint32)(unsafe.Add(own, hashOfItab))
		m.swap(p, uintptr(used))
	}
}
