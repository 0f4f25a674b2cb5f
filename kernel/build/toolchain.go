package build

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"go/version"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"

	"github.com/gopherpod/gopherpod/tensors/scratch"
)

// A toolchain is one installed Go with the C tools it needs.
type toolchain struct {
	Root    string // GOROOT
	Tools   string // folder of compile and link
	Version string // go1.26.8
	OS      string
	Arch    string
	CC      string // C compiler command
	LD      string // linker for cells: the fastest one installed
	// Tags are build tags that describe the run-time to package rt.
	Tags []string `json:",omitempty"`
}

// environ returns the user's environment without settings that would change compiled
// archives: with another flag all of them would be recompiled and not match the host.
func environ() []string {
	drop := []string{"GOFLAGS=", "GOWORK=", "GOTOOLCHAIN=", "GO111MODULE=", "GOEXPERIMENT=", "GOOS=", "GOARCH=", "GOAMD64=", "GOARM64=",
		"GODEBUG=", "GOGC=", "GOMEMLIMIT=", "CGO_ENABLED=", "CGO_CFLAGS=", "CGO_LDFLAGS="}
	env := slices.DeleteFunc(os.Environ(), func(kv string) bool {
		return slices.ContainsFunc(drop, func(p string) bool { return strings.HasPrefix(kv, p) })
	})
	// GOENV=off ignores what go env -w has stored, for the same reason.
	return append(env, "GOENV=off", "GOFLAGS=-buildvcs=false", "GOWORK=off", "GOTOOLCHAIN=local", "CGO_ENABLED=1", "GO111MODULE=on")
}

// temporary returns the setting that lets go and gcc work if TMPDIR is unusable, such as
// a folder that is gone or full. The cells keep the user's own setting.
func temporary() []string {
	dir, err := scratch.Find()
	if err != nil || dir == os.TempDir() {
		return nil
	}
	return []string{"TMPDIR=" + dir}
}

// keepEnv lists settings that may come from go env -w and do not change archives.
// GOENV=off would lose them.
var keepEnv = []string{"GOPROXY", "GOPRIVATE", "GONOSUMDB", "GONOSUMCHECK", "GOSUMDB", "GONOPROXY", "GOMODCACHE", "GOCACHE", "GOPATH", "GOINSECURE", "GOAUTH"}

// findToolchain asks the go command on the PATH about its installation.
func findToolchain(ctx context.Context) (*toolchain, []string, error) {
	if _, err := exec.LookPath("go"); err != nil {
		return nil, nil, &ToolError{Tool: "go", Need: "building cells", Err: err}
	}
	user := map[string]string{}
	if err := goJSON(ctx, "", os.Environ(), &user, append([]string{"env", "-json"}, keepEnv...)...); err != nil {
		return nil, nil, err
	}
	env := append(environ(), temporary()...)
	for _, k := range keepEnv {
		if user[k] != "" {
			env = append(env, k+"="+user[k])
		}
	}
	var e struct{ GOROOT, GOTOOLDIR, GOVERSION, GOOS, GOARCH, CC string }
	if err := goJSON(ctx, "", env, &e, "env", "-json", "GOROOT", "GOTOOLDIR", "GOVERSION", "GOOS", "GOARCH", "CC"); err != nil {
		return nil, nil, err
	}
	if err := newer(e.GOVERSION); err != nil {
		return nil, nil, err
	}
	t := &toolchain{Root: e.GOROOT, Tools: e.GOTOOLDIR, Version: e.GOVERSION, OS: e.GOOS, Arch: e.GOARCH, CC: e.CC, Tags: typemapTags(e.GOROOT)}
	if t.OS != runtime.GOOS || t.Arch != runtime.GOARCH {
		return nil, nil, fmt.Errorf("build: go builds for %s/%s, this program runs on %s/%s", t.OS, t.Arch, runtime.GOOS, runtime.GOARCH)
	}
	cc := strings.Fields(t.CC)
	if len(cc) == 0 {
		cc = []string{"gcc"}
	}
	if _, err := exec.LookPath(cc[0]); err != nil {
		return nil, nil, &ToolError{Tool: cc[0], Need: "linking the session program", Err: err}
	}
	// Not mold: its PLT entries load %r11, in which Go's register ABI passes the
	// ninth integer argument.
	for _, ld := range []string{"ld.bfd", "ld.gold", "ld"} {
		if p, err := exec.LookPath(ld); err == nil {
			t.LD = p
			break
		}
	}
	if t.LD == "" {
		return nil, nil, &ToolError{Tool: "ld", Need: "linking cells", Err: exec.ErrNotFound}
	}
	return t, env, nil
}

// A NewerGoError reports that the installed Go is a later release than the one that
// built this program, so the program's go/types cannot read what it compiles.
type NewerGoError struct{ Built, Installed string }

func (e *NewerGoError) Error() string {
	return fmt.Sprintf("build: gopherpod was built with %s and cannot read what %s compiles: run gopherpod install, which builds it again with the newer Go", e.Built, e.Installed)
}

// newer returns a *NewerGoError if installed is a later release than the Go that built
// this program, such as go1.27 after go1.26. It does not compare development versions.
func newer(installed string) error {
	built := runtime.Version()
	if b, i := version.Lang(built), version.Lang(installed); b != "" && i != "" && version.Compare(i, b) > 0 {
		return &NewerGoError{Built: built, Installed: installed}
	}
	return nil
}

// A ToolError reports that a program needed for building is not installed.
type ToolError struct {
	Tool string // the program
	Need string // what it is needed for
	Err  error
}

func (e *ToolError) Error() string {
	return fmt.Sprintf("build: %s is needed for %s: %v", e.Tool, e.Need, e.Err)
}
func (e *ToolError) Unwrap() error { return e.Err }

// A CommandError reports that a compiler or linker refused its input.
type CommandError struct {
	Command string // compile, link, go list
	Output  string
	Err     error
}

func (e *CommandError) Error() string {
	if e.Output == "" {
		return fmt.Sprintf("build: %s: %v", e.Command, e.Err)
	}
	return fmt.Sprintf("build: %s: %s", e.Command, strings.TrimSpace(e.Output))
}
func (e *CommandError) Unwrap() error { return e.Err }

// run runs a command and kills it at once if ctx is done.
func run(ctx context.Context, dir string, env []string, name string, args ...string) ([]byte, error) {
	c := exec.CommandContext(ctx, name, args...)
	c.Dir, c.Env = dir, env
	var out, errs bytes.Buffer
	c.Stdout, c.Stderr = &out, &errs
	if err := c.Run(); err != nil {
		if ctx.Err() != nil {
			return nil, context.Cause(ctx)
		}
		return nil, &CommandError{Command: filepath.Base(name), Output: errs.String() + out.String(), Err: err}
	}
	return out.Bytes(), nil
}

func goJSON(ctx context.Context, dir string, env []string, v any, args ...string) error {
	b, err := run(ctx, dir, env, "go", args...)
	if err != nil {
		return err
	}
	return json.Unmarshal(b, v)
}
