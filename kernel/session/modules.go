package session

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"text/tabwriter"

	"github.com/gopherpod/gopherpod/kernel/build"
	"github.com/gopherpod/gopherpod/kernel/cgo"
)

const goHelp = `%go get path@version ...   use a version of a module; @latest, @none and branches as in go get
%go get --restart path@v   the same where another version is loaded: starts a new, empty session process
%go list                   the modules that the notebook uses
%go list -m all            those that ours brings as well
%go version                the Go that compiles the cells
%go doc name               the same as %doc
%go env, vet, run ...      any other command of go, in the folder of the cells
Importing a package fetches its module by itself; %go get chooses the version.
A go.mod or go.work above the folder of the notebook is honoured: its module can be imported, and is compiled again when
its files have changed. If it has vendor/, packages come from there, as with go build; %go get fetches what is not there.`

// goCommand runs the magic %go.
func (s *Session) goCommand(x *execution, seg segment) error {
	args := strings.Fields(seg.args)
	if len(args) == 0 {
		return usage("%%go needs a command: %%go get path@version, %%go list; %%go? says more")
	}
	switch args[0] {
	case "get":
		return s.goGet(x, args[1:])
	case "list":
		if len(args) == 1 || slices.Equal(args[1:], []string{"-m", "all"}) {
			return s.goList(x, len(args) > 1)
		}
	case "version":
		if len(args) == 1 {
			mode, _ := s.o.Host.Mode()
			x.out.Stream("stdout", fmt.Appendf(nil, "go version %s, cells in %s mode\n", s.o.Host.GoVersion(), mode))
			return nil
		}
	case "doc":
		return s.doc(x, segment{args: strings.Join(args[1:], " ")})
	case "test":
		if len(args) == 1 || strings.HasPrefix(args[1], "-") && !strings.Contains(seg.args, "./") {
			return usage("%%test runs the tests of cells; for those of a folder: !go test ./...")
		}
	}
	return s.magic(x, segment{kind: shell, name: "bash", args: "go " + seg.args})
}

func (s *Session) goGet(x *execution, args []string) error {
	restart := slices.Contains(args, "--restart")
	args = slices.DeleteFunc(args, func(a string) bool { return a == "--restart" })
	if len(args) == 0 {
		return usage("%%go get needs a module: %%go get golang.org/x/text@latest")
	}
	err := s.book.Get(x.ctx, x.progress, restart, args...)
	if c, ok := errors.AsType[*build.CollisionError](err); ok {
		return usage("%v; %s", c, s.book.CollisionHint(c, args))
	}
	if err != nil || !restart {
		return moduleError(err)
	}
	return s.empty(x)
}

const goflagsHelp = `%goflags sets GOFLAGS for what cells import and for go commands of the notebook, as GOFLAGS of the environment does:
-tags=a,b   build tags of packages that cells import; loaded packages of the local disk are compiled again
-mod=mod    do without the vendor/ of the notebook's module; -mod=vendor uses it even if go.mod is of a Go before 1.14
%goflags -tags= takes all of them back, %goflags shows them.`

// goflags runs the magic %goflags.
func (s *Session) goflags(x *execution, seg segment) error {
	if seg.args == "" {
		value := ""
		for _, kv := range s.super.Environment() {
			if v, ok := strings.CutPrefix(kv, "GOFLAGS="); ok {
				value = v
			}
		}
		x.out.Stream("stdout", []byte("GOFLAGS="+value+"\n"))
		return nil
	}
	flags := build.ParseFlags(seg.args)
	if len(flags.Other) > 0 {
		return usage("%%goflags: want -tags=NAME,NAME, got %s; -mod is the only other flag: cells have to be compiled like the session program", strings.Join(flags.Other, " "))
	}
	if err := s.magic(x, segment{kind: lineMagic, name: "env", args: "GOFLAGS=" + seg.args}); err != nil || flags.Mod == "" {
		return err
	}
	return s.tellVendored(x, flags.Mod)
}

// tellVendored names the modules of vendor/ that stay in the session although it is not
// to be used any more.
func (s *Session) tellVendored(x *execution, mod string) error {
	list, err := s.book.Modules()
	if err != nil || mod == "vendor" {
		return moduleError(err)
	}
	var loaded []string
	for _, l := range list {
		if l.Vendored && l.Loaded {
			loaded = append(loaded, l.Path)
		}
	}
	if len(loaded) > 0 {
		x.progress("loaded from vendor/, and used until the kernel restarts: " + strings.Join(loaded, ", "))
	}
	return nil
}

// moduleError converts an error about a module to one readable line.
func moduleError(err error) error {
	if fe, ok := errors.AsType[*build.FetchError](err); ok {
		return evalError(nameMagic, fe.Text)
	}
	return err
}

func (s *Session) goList(x *execution, all bool) error {
	list, err := s.book.Modules()
	if err != nil {
		return moduleError(err)
	}
	var b strings.Builder
	w := tabwriter.NewWriter(&b, 0, 0, 2, ' ', 0)
	for _, l := range list {
		if (l.Ours || l.Vendored && !l.Loaded) && !all || strings.HasPrefix(l.Path, cgo.Prefix) {
			continue
		}
		where, loaded := l.Version, ""
		if l.Dir != "" {
			where = "=> " + l.Dir
		}
		if l.Loaded {
			loaded = "loaded"
		}
		fmt.Fprintf(w, "%s\t%s\t%s\n", l.Path, where, loaded)
	}
	w.Flush()
	for l := range strings.Lines(b.String()) {
		x.out.Stream("stdout", []byte(strings.TrimRight(l, " \n")+"\n"))
	}
	return nil
}
