package build

import (
	"errors"
	"regexp"
	"slices"
	"strings"
)

// A cell may hold a type that no package of the host holds: of type W netip.Addr it needs
// *unique.Handle[netip.addrDetail], because it stands for the field's methods. Go's
// linker wants the methods of a type in the same module as the type, but these are in
// libhost.so, where a package of the host uses them. The packages that define such
// methods are then linked into the cell as they are in classic mode: the dynamic linker
// binds what they bring to the first copy in the process, which is that of libhost.so.

// elsewhere is what the linker says of a type whose method is in another module.
var elsewhere = regexp.MustCompile(`cannot target DYNIMPORT sym in section-relative reloc: (.+)`)

// wholeAfter learns from an error of the linker which packages a link needs whole. It
// reports whether it learned something, so that the link may succeed now.
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

// wholeFor lists the packages that an object with these references needs whole.
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
