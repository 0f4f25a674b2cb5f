package cell

import (
	"fmt"
	"go/types"
	"strings"
)

// A slot is a variable that holds the current version of a function. Function
// literals in statements call notebook functions through slots: a literal may
// live on in a variable or a goroutine, and is to see a function that is defined
// again. Declared functions need none; they get new versions themselves.
type slotInit struct{ slot, fn *symbol }

// slot is the slot of a function, nil where it can have none.
func (c *checked) slot(fn *symbol) *symbol {
	p := c.p
	if s := p.next.slots[fn.name]; s != nil && types.Identical(s.obj.Type(), fn.obj.Type()) {
		return s
	}
	if fn.decl.generic {
		return nil
	}
	d := &decl{kind: varKind, name: fn.name, cell: p.c.n, imps: map[string]string{}}
	w := &typeWriter{p: p, imps: d.imps}
	text, ok := w.text(fn.obj.Type())
	if !ok {
		return nil
	}
	d.varText, d.varDeps = text, w.deps
	s := &symbol{name: fn.name, link: p.newLink("nbf"+prime+fn.name, varKind), decl: d}
	s.obj = types.NewVar(fn.obj.Pos(), p.s.pkg, fn.name, fn.obj.Type())
	d.syms = []*symbol{s}
	p.next.vars[s.link] = d
	p.next.slots[fn.name] = s
	c.slots = append(c.slots, slotInit{s, fn})
	return s
}

// fillSlots gives the slots of functions with a new version that version. A
// slot ends where its name stands for something else: what lives keeps what it has.
func (c *checked) fillSlots() {
	p := c.p
	for _, name := range sortedKeys(p.next.slots) {
		s, fn := p.next.slots[name], p.next.scope[name]
		switch {
		case fn == nil || fn.decl.kind != funcKind || fn.decl.generic || !types.Identical(s.obj.Type(), fn.obj.Type()):
			delete(p.next.slots, name)
		case p.base.scope[name] != fn:
			c.slots = append(c.slots, slotInit{s, fn})
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
