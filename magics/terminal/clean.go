package terminal

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/gopherpod/gopherpod/kernel/build"
	"github.com/gopherpod/gopherpod/kernel/history"
	"github.com/gopherpod/gopherpod/kernel/setup"
	"github.com/gopherpod/gopherpod/runpod/deploy"
	"github.com/gopherpod/gopherpod/runpod/runs/sqlite"
	"github.com/gopherpod/gopherpod/tensors/scratch"
	"github.com/gopherpod/gopherpod/tensors/sqlfile"
	"github.com/gopherpod/gopherpod/tensors/wording"
	"github.com/gopherpod/gopherpod/worker/local"
)

// cleaning are the options of the command clean.
type cleaning struct {
	setup.Layout
	dryRun, json, history, venv bool
	runs                        string
	before                      time.Time // of --runs
}

// A stock is one kind of thing that is kept on the disk.
type stock struct {
	Kind  string `json:"kind"`
	Where string `json:"where"`
	Bytes int64  `json:"bytes"`
	Free  int64  `json:"free"` // what clean removes, or has removed
	Note  string `json:"note,omitempty"`

	clean func() (freed int64, err error) // nil if there is nothing to remove
}

func (p *Program) cleanCommand() *cobra.Command {
	var o cleaning
	c := &cobra.Command{
		Use: "clean [options]", Short: "Show what Gopherpod holds on this disk, and free what nothing uses",
		Long: `It removes what dead kernels and endpoints left, compiled packages of earlier versions, and free space in the
files of history and runs. What a running kernel uses stays. Cells, runs and Jupyter go only if an option
names them. If stdout is not a terminal, the result is JSON.`,
		Example: "gopherpod clean --dry-run\ngopherpod clean\ngopherpod clean --runs 90d",
		RunE: func(c *cobra.Command, _ []string) (err error) {
			if o.Layout, err = layout(c); err != nil {
				return err
			}
			if o.runs != "" {
				age, err := deploy.ParseAge(o.runs)
				if err != nil {
					return usage("--runs: want an age above 0, as in 90d or 12h, got %.40q", o.runs)
				}
				o.before = time.Now().Add(-age)
			}
			return o.run(c.Context(), p.Stdout)
		},
	}
	c.Flags().BoolVar(&o.dryRun, "dry-run", false, "show what would be removed, and remove nothing")
	c.Flags().StringVar(&o.runs, "runs", "", "also remove runs that have ended and are older than this `AGE`, as in 90d; their costs go too")
	c.Flags().BoolVar(&o.history, "history", false, "also remove all cells from the history")
	c.Flags().BoolVar(&o.venv, "venv", false, "also remove the Jupyter that install.sh set up, unless it runs")
	c.Flags().BoolVar(&o.json, "json", false, "print JSON on a terminal too")
	prefixFlag(c)
	return c
}

func (o *cleaning) run(ctx context.Context, out io.Writer) error {
	var failed error
	var freed int64
	list := o.stocks(ctx)
	for i := range list {
		s := &list[i]
		if !o.dryRun {
			before := s.Free
			s.Free = 0
			if s.clean != nil && before > 0 {
				var err error
				if s.Free, err = s.clean(); err != nil {
					failed = errors.Join(failed, fmt.Errorf("%s: %w", s.Kind, err))
				}
			}
		}
		freed += s.Free
	}
	if o.json || !isTerminal(out) {
		return errors.Join(failed, json.NewEncoder(out).Encode(struct {
			DryRun bool    `json:"dry_run"`
			Freed  int64   `json:"freed"`
			Kinds  []stock `json:"kinds"`
		}{o.dryRun, freed, list}))
	}
	o.table(out, list, freed)
	return failed
}

// table shows the list to a person.
func (o *cleaning) table(out io.Writer, list []stock, freed int64) {
	column, verb := "freed", "freed"
	if o.dryRun {
		column, verb = "to free", "can be freed: gopherpod clean"
	}
	fmt.Fprintf(out, "%-24s %9s %9s\n", "", "holds", column)
	for _, s := range list {
		free := "-"
		if s.Free > 0 {
			free = wording.Bytes(s.Free)
		}
		fmt.Fprintf(out, "%-24s %9s %9s  %s\n", s.Kind, wording.Bytes(s.Bytes), free, s.Where)
		if s.Note != "" {
			fmt.Fprintf(out, "%-24s %9s %9s  %s\n", "", "", "", s.Note)
		}
	}
	fmt.Fprintf(out, "%s %s\n", wording.Bytes(freed), verb)
}

// stocks returns what is on the disk.
func (o *cleaning) stocks(ctx context.Context) []stock {
	list := []stock{
		folders("files of kernels", strings.Join(scratch.Places(), ", "), scratch.List(scratch.Places()...),
			func() (int64, error) { return scratch.Clean(scratch.Places()...) }),
		folders("compiled packages", o.Hosts(), build.List(o.Hosts()), func() (int64, error) { return build.Clean(o.Hosts()) }),
		{Kind: "source", Where: o.Source(), Bytes: scratch.Size(o.Source()), Note: "cells are compiled from it; gopherpod uninstall removes it"},
		folders("data of local endpoints", local.TemporaryRoot(), local.TemporaryFolders(), func() (int64, error) { return local.CleanTemporary(), nil }),
		o.cells(),
		o.recorded(ctx),
	}
	if s, ok := o.jupyter(); ok {
		list = append(list, s)
	}
	if s, ok := goCache(ctx); ok {
		list = append(list, s)
	}
	return list
}

// folders describes folders that belong to processes.
func folders(kind, where string, list []scratch.Left, clean func() (int64, error)) stock {
	s := stock{Kind: kind, Where: where, clean: clean}
	used := 0
	for _, l := range list {
		s.Bytes += l.Bytes
		if l.InUse {
			used++
			continue
		}
		s.Free += max(l.Bytes, 1) // an empty folder goes too
	}
	if len(list) > 0 {
		s.Note = fmt.Sprintf("%s, %d in use", wording.Count(len(list), "folder"), used)
	}
	return s
}

// cells describes the history.
func (o *cleaning) cells() stock {
	path := history.DefaultPath()
	s := database("history", path, func() error { return history.Compact(path, o.history) })
	if s.Bytes > 0 && s.Note == "" {
		s.Note = fmt.Sprintf("the newest %s stay; --history removes all cells", wording.Bytes(history.MaxBytes))
	}
	if o.history {
		s.Free = s.Bytes
	}
	return s
}

// recorded describes the run store.
func (o *cleaning) recorded(ctx context.Context) stock {
	path := sqlite.DefaultPath()
	s := database("runs", path, func() error { _, err := sqlite.Compact(ctx, path, o.before); return err })
	if s.Bytes == 0 || s.Note != "" {
		return s
	}
	s.Note = "all runs stay; --runs AGE removes old ones"
	if o.before.IsZero() {
		return s
	}
	ended, err := sqlite.Ended(ctx, path, o.before)
	if err != nil {
		s.Note = err.Error()
		return s
	}
	s.Note = fmt.Sprintf("%s older than %s; open runs stay", wording.Count(ended, "ended run"), o.runs)
	if ended > 0 {
		s.Free = max(s.Free, 1) // how much is known afterwards
	}
	return s
}

// database describes a SQLite file. Compact gives back what is free.
func database(kind, path string, compact func() error) stock {
	if path == "" {
		return stock{Kind: kind, Note: "is not kept"}
	}
	u, err := sqlfile.Measure(path)
	s := stock{Kind: kind, Where: path, Bytes: u.Bytes, Free: u.Free}
	if err != nil {
		s.Free, s.Note = 0, err.Error()
		return s
	}
	s.clean = func() (int64, error) {
		err := compact()
		after, failed := sqlfile.Measure(path)
		return max(u.Bytes-after.Bytes, 0), errors.Join(err, failed)
	}
	return s
}

// jupyter describes the private Jupyter of install.sh; ok is false if there is none.
func (o *cleaning) jupyter() (s stock, ok bool) {
	dir := filepath.Join(o.Home(), "venv")
	if _, err := os.Stat(dir); err != nil {
		return s, false
	}
	s = stock{Kind: "Jupyter", Where: dir, Bytes: scratch.Size(dir), Note: "--venv removes it; ./install.sh makes it again"}
	if !o.venv {
		return s, true
	}
	if by, known := setup.UsedBy(dir); !known {
		s.Note = "this system does not report whether it runs: remove the folder yourself"
		return s, true
	} else if by != 0 {
		s.Note = fmt.Sprintf("process %d uses it: stop Jupyter first", by)
		return s, true
	}
	s.Free, s.clean = s.Bytes, func() (int64, error) { return s.Bytes, os.RemoveAll(dir) }
	return s, true
}

// goCache describes Go's build cache. It is not ours to empty: running kernels compile
// against what it holds, and so do other programs.
func goCache(ctx context.Context) (s stock, ok bool) {
	c := exec.CommandContext(ctx, "go", "env", "GOCACHE")
	c.Env = append(os.Environ(), "GOTOOLCHAIN=local")
	b, err := c.Output()
	dir := strings.TrimSpace(string(b))
	if err != nil || !filepath.IsAbs(dir) {
		return s, false
	}
	return stock{Kind: "Go's build cache", Where: dir, Bytes: scratch.Size(dir),
		Note: "all Go programs share it; Go removes what was not used for five days, go clean -cache all of it"}, true
}

// tidy removes what dead kernels left and the hosts that nothing uses, when a kernel
// starts, and again after wait: a folder whose kernel has just been killed is too young at
// first.
func tidy(hosts string, wait func() error) {
	for {
		scratch.Clean(scratch.Places()...) // what cannot be removed stays; gopherpod clean says why
		build.Clean(hosts)
		if wait == nil || wait() != nil {
			return
		}
		wait = nil
	}
}
