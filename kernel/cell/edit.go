package cell

import (
	"cmp"
	"slices"
	"strings"
)

// Edits at one offset come in this order: what ends there, what begins there,
// what is replaced.
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

// edits change a text at offsets of the original. They are collected while a
// tree is walked from the outside to the inside: of two openings at one offset
// the outer comes first, of two closings the inner.
type edits struct{ list []edit }

func (es *edits) add(off, del int, ins string, class int) {
	if del > 0 || ins != "" {
		es.list = append(es.list, edit{off, del, ins, class, len(es.list)})
	}
}

func (es *edits) open(off int, ins string)         { es.add(off, 0, ins, opening) }
func (es *edits) close(off int, ins string)        { es.add(off, 0, ins, closing) }
func (es *edits) replace(off, del int, ins string) { es.add(off, del, ins, replacing) }

// apply gives src with all edits.
func (es *edits) apply(src string) string { return es.applyRange(src, 0, len(src)) }

// applyRange gives src[from:to] with the edits inside it. An edit inside of a
// replaced stretch is dropped.
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
