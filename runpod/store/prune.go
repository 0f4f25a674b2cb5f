package store

import (
	"cmp"
	"context"
	"slices"
	"time"
)

// JobLife is how long a job can live: what was not used for that long, no job refers
// to, for data are put or touched when a job is sent.
//
// Source: docs.runpod.io, Serverless, "Send API requests": the greatest ttl.
const JobLife = 7 * 24 * time.Hour

// A Limit is what a store may hold. What is 0 is no limit.
type Limit struct {
	Unused time.Duration // objects that were not used for so long go
	Bytes  int64         // those that were used least recently go, until so many bytes are left
	// Spare is how recently an object must have been used to stay whatever the other
	// two say: while jobs wait or run, JobLife.
	Spare time.Duration
}

// A Pruned is what Prune found and removed.
type Pruned struct {
	Objects, Removed   int
	Bytes, RemovedSize int64
	// Spared counts those that are over the limits and stay because of Limit.Spare.
	Spared int
}

// Excess lists what is over the limits, the least recently used first. Nothing is
// removed.
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

// Prune removes what is over the limits. It may be interrupted at any time; what is
// needed again is sent again.
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
