package build

import (
	"errors"
	"regexp"
	"slices"
	"strings"
)

// A cell may hold a type that no package of the host holds: for type W netip.Addr it needs
// *unique.Handle[netip.addrDetail], because of the field's methods. Go's linker requires
// the methods of a type to be in the same module as the type, but these are in libhost.so
// if a package of the host uses them. The packages that define such methods are then
// linked into the cell as in classic mode: the dynamic linker binds their symbols to the
// first copy in the process, which is the one in libhost.so.

// elsewhere matches the linker's error for a type whose method is in another module.
var elsewhere = regexp.MustCompile(`cannot target DYNIMPORT sym in section-relative reloc: (.+)`)

// wholeAfter learns from a linker error which packages a link needs whole. It reports
// whether it learned anything new, in which case a retry may succeed.
func (h *Host) wholeAfter(err error) (learned bool) {
	ce, ok := errors.AsType[*CommandError](err)
	if !ok {
		return false
	}
	for _, m := range elsewhere.FindAllStringSubmatch(ce.Output, -1) {
		symbol := strings.TrimSpace(m[1])
		var paths []string
		for p := range h.m.Package {
			if i := strings.Index(symbol, p+"."); i == 0 || i > 0 && strings.ContainsRune("[,*(", rune(symbol[i-1])) {
				paths = append(paths, p)
			}
		}
		slices.Sort(paths)
		h.mu.Lock()
		if _, known := h.whole[symbol]; !known && len(paths) > 0 {
			h.whole[symbol] = paths
			learned = true
		}
		h.mu.Unlock()
	}
	return learned
}

// wholeFor returns the packages that an object with these references needs whole.
func (h *Host) wholeFor(refs []string) (paths []string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if len(h.whole) == 0 {
		return nil
	}
	for _, r := range refs {
		paths = append(paths, h.whole[r]...)
	}
	return paths
}
