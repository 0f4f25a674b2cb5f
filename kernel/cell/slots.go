package cell

import (
	"fmt"
	"go/types"
	"slices"
	"strings"
)

// A slotInit stores a function in its slot. A slot is a variable that holds the
// current version of a function. Function literals in statements call notebook
// functions through slots: a literal may outlive its cell in a variable or a
// goroutine, and must see later versions of the function. Declared functions need
// no slots, because they follow themselves.
type slotInit struct{ slot, fn *symbol }

// slot returns the slot of a function, or nil if it cannot have one.
func (c *checked) slot(fn *symbol) *symbol {
	p := c.p
	if fn.decl.generic {
		return nil
	}
	for _, s := range p.next.slots[fn.name] {
		if types.Identical(s.obj.Type(), fn.obj.Type()) {
			return s
		}
	}
	d := &decl{kind: varKind, name: fn.name, cell: p.c.n, imps: map[string]string{}}
	w := &typeWriter{p: p, imps: d.imps}
	text, ok := w.text(fn.obj.Type())
	if !ok {
		return nil
	}
	d.varText, d.varDeps = text, w.deps
	s := &symbol{slot: true, name: fn.name, link: p.newLink("nbf"+prime+fn.name, varKind), decl: d}
	s.obj = types.NewVar(fn.obj.Pos(), p.s.pkg, fn.name, fn.obj.Type())
	d.syms = []*symbol{s}
	p.next.vars[s.link] = d
	p.next.slots[fn.name] = append(slices.Clone(p.next.slots[fn.name]), s)
	c.slots = append(c.slots, slotInit{s, fn})
	return s
}

// fillSlots stores new versions of functions in their slots. A function that has had
// several types has a slot for each: if its name has another type or meaning for a
// while, literals that were made for the earlier type keep the last version, and follow
// again when there is one of that type.
func (c *checked) fillSlots() {
	p := c.p
	for _, name := range sortedKeys(p.next.slots) {
		fn := p.next.scope[name]
		if fn == nil || fn.decl.kind != funcKind || fn.decl.generic || p.base.scope[name] == fn {
			continue
		}
		for _, s := range p.next.slots[name] {
			if types.Identical(s.obj.Type(), fn.obj.Type()) {
				c.slots = append(c.slots, slotInit{s, fn})
			}
		}
	}
}

// slotCode sets slots at the start of a cell.
func (w *rewritten) slotCode() string {
	var b strings.Builder
	for _, s := range w.c.slots {
		fmt.Fprintf(&b, "%s = %s\n", s.slot.link, s.fn.link)
		w.roots = append(w.roots, s.slot, s.fn)
	}
	return b.String()
}
