package store

import (
	"cmp"
	"context"
	"slices"
	"time"
)

// JobLife is how long a job can live. No job refers to an object that was not used for that
// long, because data is put or touched when a job is sent.
//
// Source: docs.runpod.io, Serverless, "Send API requests": the greatest ttl.
const JobLife = 7 * 24 * time.Hour

// A Limit says what a store may keep. A field that is 0 is no limit.
type Limit struct {
	Unused time.Duration // remove objects that were not used for this long
	Bytes  int64         // remove the least recently used objects until this many bytes are left
	// Spare keeps objects that were used within this time, whatever the other two fields
	// say. Set it to JobLife while jobs wait or run.
	Spare time.Duration
}

// A Pruned says what Prune found and removed.
type Pruned struct {
	Objects, Removed   int
	Bytes, RemovedSize int64
	// Spared counts the objects over the limits that stay because of Limit.Spare.
	Spared int
}

// Excess lists the objects over the limits, the least recently used first. It removes
// nothing.
func Excess(ctx context.Context, k Keeper, l Limit) (excess []Object, p Pruned, err error) {
	var all []Object
	for o, err := range k.List(ctx) {
		if err != nil {
			return nil, p, err
		}
		all = append(all, o)
		p.Bytes += o.Size
	}
	p.Objects = len(all)
	slices.SortFunc(all, func(a, b Object) int { return cmp.Or(a.Used.Compare(b.Used), cmp.Compare(a.Name, b.Name)) })
	now, left := time.Now(), p.Bytes
	for _, o := range all {
		age := now.Sub(o.Used)
		if !(l.Unused > 0 && age > l.Unused) && !(l.Bytes > 0 && left > l.Bytes) {
			continue
		}
		if age <= l.Spare {
			p.Spared++
			continue
		}
		excess = append(excess, o)
		left -= o.Size
	}
	return excess, p, nil
}

// Prune removes the objects over the limits. It may be interrupted at any time. Objects that
// are needed later are sent again.
func Prune(ctx context.Context, k Keeper, l Limit) (Pruned, error) {
	excess, p, err := Excess(ctx, k, l)
	if err != nil {
		return p, err
	}
	for _, o := range excess {
		if err := k.Delete(ctx, o.Name); err != nil {
			return p, err
		}
		p.Removed++
		p.RemovedSize += o.Size
	}
	return p, nil
}
