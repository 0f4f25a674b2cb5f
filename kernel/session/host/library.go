package host

import (
	"context"
	"flag"

	"github.com/gopherpod/gopherpod/kernel/session/frame"
	"github.com/gopherpod/gopherpod/kernel/session/rt"
)

// library loads packages and initializes them like a cell: their output is shown, and
// if a package panics, calls os.Exit or does not return, only the cell that imports it
// fails.
func (h *host) library(c frame.Command) {
	l, lt, err := rt.LoadLibrary(c.File)
	if err != nil {
		h.out.sendOrdered(frame.Event{Op: frame.Done, ID: c.ID, Failure: &frame.Failure{Kind: frame.FailedLoad, Text: err.Error()}})
		return
	}
	e := &execution{patience: cellPatience, load: lt, library: l, over: withFlags(c.Renewed)}
	h.start(c, e, func(context.Context) error { return l.Init(c.Names) })
}

// withFlags lets packages register flags. The flags of an edited package replace those
// of its earlier copy, because registering a flag twice panics. If the packages fail,
// done removes the flags that they registered, so that a retry can register them.
func withFlags(renewed bool) (done func(ok bool)) {
	set := flag.CommandLine
	before := *set
	fresh := func() {
		*set = *flag.NewFlagSet(before.Name(), before.ErrorHandling())
		set.Usage = before.Usage
	}
	earlier := flagsOf(set)
	if renewed {
		fresh()
	}
	return func(ok bool) {
		now := flagsOf(set)
		switch {
		case renewed && (!ok || len(now) == 0):
			*set = before
		case !renewed && (ok || len(now) == len(earlier)):
		default: // restore the earlier flags, except those that new ones replaced
			if !ok {
				fresh()
			}
			for _, f := range earlier {
				if set.Lookup(f.Name) == nil {
					set.Var(f.Value, f.Name, f.Usage)
					set.Lookup(f.Name).DefValue = f.DefValue
				}
			}
		}
	}
}

func flagsOf(set *flag.FlagSet) (all []*flag.Flag) {
	set.VisitAll(func(f *flag.Flag) { all = append(all, f) })
	return all
}
