package cell

import (
	"cmp"
	"slices"
	"strings"
)

// The order of edits at one offset: first closing text, then opening text, then
// replacements.
const (
	closing = iota
	opening
	replacing
)

// An edit replaces del bytes at off.
type edit struct {
	off, del int
	ins      string
	class    int
	seq      int
}

// edits collects changes to a text, at offsets of the original. The tree is
// walked from the outside in, so of two openings at one offset the outer comes
// first, and of two closings the inner.
type edits struct{ list []edit }

func (es *edits) add(off, del int, ins string, class int) {
	if del > 0 || ins != "" {
		es.list = append(es.list, edit{off, del, ins, class, len(es.list)})
	}
}

func (es *edits) open(off int, ins string)         { es.add(off, 0, ins, opening) }
func (es *edits) close(off int, ins string)        { es.add(off, 0, ins, closing) }
func (es *edits) replace(off, del int, ins string) { es.add(off, del, ins, replacing) }

// apply returns src with all edits applied.
func (es *edits) apply(src string) string { return es.applyRange(src, 0, len(src)) }

// applyRange returns src[from:to] with the edits inside it applied. Edits inside
// a replaced range are dropped.
func (es *edits) applyRange(src string, from, to int) string {
	slices.SortStableFunc(es.list, func(a, b edit) int {
		if c := cmp.Or(cmp.Compare(a.off, b.off), cmp.Compare(a.class, b.class)); c != 0 {
			return c
		}
		if a.class == closing {
			return cmp.Compare(b.seq, a.seq)
		}
		return cmp.Compare(a.seq, b.seq)
	})
	var b strings.Builder
	at := from
	for _, e := range es.list {
		if e.off < at || e.off > to || e.off == to && e.class != closing {
			continue
		}
		b.WriteString(src[at:e.off])
		b.WriteString(e.ins)
		at = e.off + e.del
	}
	if at < to {
		b.WriteString(src[at:to])
	}
	return b.String()
}
