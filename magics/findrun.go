package magics

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"

	"github.com/gopherpod/gopherpod/kernel/magic"
	"github.com/gopherpod/gopherpod/runpod"
	"github.com/gopherpod/gopherpod/runpod/runs"
	"github.com/gopherpod/gopherpod/runpod/train"
)

// errNoStore is the error if the program does not run in a notebook.
var errNoStore = errors.New("there is no run store here: the notebook's kernel did not name one")

// runStore returns the store of the notebook's kernel.
func runStore() (runs.Store, error) {
	if s := runs.FromEnv(); s != nil {
		return s, nil
	}
	return nil, errNoStore
}

// findRun finds a run by the name of a model's variable, or by the beginning of its
// id; the word "last" is the newest one.
func findRun(ctx context.Context, c *magic.Call, name string) (runs.Store, runs.Run, error) {
	store, err := runStore()
	if err != nil {
		return nil, runs.Run{}, err
	}
	id := name
	if _, ok := c.Vars.Lookup(name); ok {
		m, err := modelVar(c.Vars, name)
		if err != nil {
			return nil, runs.Run{}, err
		}
		id = m.RunID
	} else if name == "last" {
		list, _, err := store.List(ctx, runs.Filter{Limit: 1})
		if err != nil {
			return nil, runs.Run{}, err
		}
		if len(list) == 0 {
			return nil, runs.Run{}, usage("there is no run in the store yet")
		}
		id = list[0].ID
	}
	r, err := store.Get(ctx, id)
	switch {
	case errors.Is(err, runs.ErrNotFound):
		err = usage("no run begins with %s; %%runpod_runs lists them", name)
	case errors.Is(err, runs.ErrAmbiguous):
		err = usage("several runs begin with %s; give more of the id", name)
	}
	return store, r, err
}

// jobOfRun returns the job of a run in the store.
func jobOfRun(ctx context.Context, c *magic.Call, name string) (runpod.JobID, bool) {
	if len(name) < 4 || runs.FromEnv() == nil {
		return "", false
	}
	_, r, err := findRun(ctx, c, name)
	if err != nil || r.Job == "" {
		return "", false
	}
	return runpod.JobID(r.Job), true
}

// A notice names the open runs once, in the first training cell of a session.
type notice struct{ once sync.Once }

func (n *notice) tell(ctx context.Context, c *magic.Call) {
	n.once.Do(func() {
		store := runs.FromEnv()
		if store == nil {
			return
		}
		open, err := train.Lost(ctx, store)
		if err != nil || len(open) == 0 {
			return // a broken store is reported with the run
		}
		var ids []string
		for _, r := range open[:min(len(open), 3)] {
			ids = append(ids, fmt.Sprintf("%s (since %s)", r.ID[:8], r.Created.Local().Format("2 Jan 15:04")))
		}
		if len(open) > 3 {
			ids = append(ids, fmt.Sprintf("%d more", len(open)-3))
		}
		fmt.Fprintf(c.Out.Stderr(), "still open from before: run %s; %%runpod_attach RUN follows one, %%runpod_runs --state open lists them\n", strings.Join(ids, ", "))
	})
}
