package build

import (
	"context"
	"fmt"
	"slices"
	"strings"
)

// Add compiles packages that the host does not hold, with all that they import.
// Dir is the folder of the module they are looked up from; empty is our own,
// which reaches the standard library and all modules that ours requires. The
// paths it returns are new to the host, dependencies first: a session has to
// load a Library of them before a cell that imports one.
func (h *Host) Add(ctx context.Context, dir string, paths ...string) (added []string, err error) {
	if dir == "" {
		dir = h.m.Source
	}
	args := append(append([]string{"list", "-deps", "-export"}, h.m.Go.listFlags()...), listFields)
	out, err := run(ctx, dir, h.env(), "go", append(args, paths...)...)
	if err != nil {
		return nil, err
	}
	all, err := decodeList(strings.NewReader(string(out)))
	if err != nil {
		return nil, err
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, l := range all {
		if l.Name == "main" && slices.Contains(paths, l.ImportPath) {
			return nil, fmt.Errorf("build: %s is a program, not a package to import", l.ImportPath)
		}
		_, have := h.m.Package[l.ImportPath]
		_, extra := h.extra[l.ImportPath]
		if l.Export == "" || have || extra {
			continue
		}
		h.extra[l.ImportPath] = folder{File: l.Export, Dir: l.Dir, Std: l.Standard}
		added = append(added, l.ImportPath)
	}
	return added, nil
}
