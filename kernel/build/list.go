package build

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
)

// A listed is what go list prints about a package.
type listed struct {
	ImportPath, Name, Export, Dir string
	Standard, DepOnly             bool
	Module                        *struct{ Path, Version string }
	GoFiles, SFiles, CgoFiles     []string
	Deps                          []string
}

const listFields = "-json=ImportPath,Name,Export,Dir,Standard,DepOnly,GoFiles,SFiles,CgoFiles"

// list compiles what cells need; -v makes go name each package as it compiles it.
func (p *preparation) list(ctx context.Context) ([]listed, error) {
	args := append([]string{"list", "-deps", "-export", "-v"}, p.tc.listFlags()...)
	args = append(append(args, listFields, p.Main), p.roots...)
	var rest strings.Builder
	compiled := 0
	out, started, err := goCommand(ctx, p.Source, p.env, func(l string) {
		if l != "" && !strings.ContainsAny(l, " \t:") {
			compiled++
			p.Progress(fmt.Sprintf("compiled %d packages: %s", compiled, l))
			return
		}
		if rest.Len() < 8<<10 {
			fmt.Fprintln(&rest, l)
		}
	}, args...)
	switch {
	case err == nil:
		return decodeList(strings.NewReader(out))
	case !started:
		return nil, fmt.Errorf("build: %w", err)
	case ctx.Err() != nil:
		return nil, context.Cause(ctx)
	}
	return nil, &CommandError{Command: "go list", Output: rest.String(), Err: err}
}

func decodeList(r io.Reader) (all []listed, err error) {
	for d := json.NewDecoder(r); ; {
		var l listed
		if err := d.Decode(&l); errors.Is(err, io.EOF) {
			return all, nil
		} else if err != nil {
			return nil, fmt.Errorf("build: go list: %w", err)
		}
		all = append(all, l)
	}
}

// keepArchives links the archives into the host's folder, so that go clean -cache
// does not remove them under a running session. If the build cache is on another disk,
// it copies them.
func keepArchives(dir string, m *manifest, all []listed) error {
	if err := os.Mkdir(filepath.Join(dir, "pkg"), 0o755); err != nil {
		return fmt.Errorf("build: %w", err)
	}
	m.Package = packages{}
	for i, l := range all {
		if l.Export == "" || l.Name == "main" {
			continue
		}
		f := folder{File: filepath.Join("pkg", fmt.Sprintf("%d.a", i)), Dir: l.Dir, Std: l.Standard}
		if err := linkOrCopy(l.Export, filepath.Join(dir, f.File)); err != nil {
			return fmt.Errorf("build: keep %s: %w", l.ImportPath, err)
		}
		m.Package[l.ImportPath] = f
	}
	return nil
}

func linkOrCopy(from, to string) error {
	if os.Link(from, to) == nil {
		return nil
	}
	r, err := os.Open(from)
	if err != nil {
		return err
	}
	defer r.Close()
	w, err := os.Create(to)
	if err != nil {
		return err
	}
	if _, err := io.Copy(w, r); err != nil {
		w.Close()
		return err
	}
	return w.Close()
}
