package setup

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"strconv"
	"strings"
	"time"

	"github.com/gopherpod/gopherpod/kernel/build"
	"github.com/gopherpod/gopherpod/kernel/spec"
)

// A Check is one thing that the kernel needs.
type Check struct {
	Name   string
	OK     bool
	Detail string // what Doctor found, or what is wrong
	Mend   string // the command or the step that fixes it; empty if OK
	// Optional is set if the kernel works without it.
	Optional bool
}

// MinGo is the oldest minor version of Go 1 that can compile cells, TestedGo the newest
// that this release was tested with.
const (
	MinGo    = 26
	TestedGo = 27
)

// Doctor checks everything that the kernel needs, in the order in which it has
// to be fixed. No check waits longer than ten seconds.
func Doctor(ctx context.Context, l Layout) []Check {
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	return []Check{
		checkSystem(),
		checkGo(ctx),
		checkCompiler(ctx),
		checkLinker(),
		checkTemp(),
		checkHost(l),
		checkSpec(l),
		checkJupyter(ctx),
	}
}

func checkSystem() Check {
	c := Check{Name: "system", OK: true, Detail: runtime.GOOS + "/" + runtime.GOARCH}
	switch runtime.GOOS {
	case "linux":
	case "darwin":
		c.Detail += ": cells are compiled in classic mode; not tested on this system"
	default:
		c.OK = false
		c.Mend = "Go's plugins need Linux or macOS; on Windows use WSL2"
	}
	return c
}

// command runs a program and returns the first line of what it prints.
func command(ctx context.Context, name string, args ...string) (string, error) {
	cmd := exec.CommandContext(ctx, name, args...)
	cmd.Env = append(os.Environ(), "GOTOOLCHAIN=local", "GOFLAGS=")
	out, err := cmd.Output()
	line, _, _ := strings.Cut(string(out), "\n")
	return strings.TrimSpace(line), err
}

func checkGo(ctx context.Context) Check {
	c := Check{Name: "Go", Mend: fmt.Sprintf("install Go 1.%d or newer from https://go.dev/dl and put its bin folder on the PATH", MinGo)}
	path, err := exec.LookPath("go")
	if err != nil {
		c.Detail = "there is no go command on the PATH"
		return c
	}
	version, err := command(ctx, path, "env", "GOVERSION")
	if err != nil {
		c.Detail = path + " does not run: " + err.Error()
		return c
	}
	return judgeGo(c, path, version, runtime.Version())
}

// judgeGo completes the check of the installed Go: it reports whether a program that was
// built with another version can compile cells with it.
func judgeGo(c Check, path, version, built string) Check {
	c.Detail = version + ", " + path
	minor, own := minorVersion(version), minorVersion(built)
	switch {
	case minor < MinGo:
		return c
	case minor > own:
		c.Detail += fmt.Sprintf("; gopherpod was built with %s and cannot read what the newer one compiles", built)
		c.Mend = "gopherpod install, which builds gopherpod again with this Go"
		return c
	case minor > TestedGo:
		c.Detail += fmt.Sprintf("; newer than Go 1.%d, the newest that this release was tested with: the self-test of gopherpod install decides how cells are compiled", TestedGo)
	}
	c.OK, c.Mend = true, ""
	return c
}

// minorVersion returns 26 for "go1.26.8", 0 for text that is not a version of Go 1,
// and a large number for a development version.
func minorVersion(version string) int {
	if strings.HasPrefix(version, "devel") {
		return 1 << 20
	}
	rest, ok := strings.CutPrefix(version, "go1.")
	if !ok {
		return 0
	}
	end := strings.IndexFunc(rest, func(r rune) bool { return r < '0' || r > '9' })
	if end < 0 {
		end = len(rest)
	}
	n, err := strconv.Atoi(rest[:end])
	if err != nil {
		return 0
	}
	return n
}

func checkCompiler(ctx context.Context) Check {
	c := Check{Name: "C compiler", Mend: "apt-get install gcc libc6-dev (as root), or your system's C compiler"}
	cc, err := command(ctx, "go", "env", "CC")
	if err != nil || cc == "" {
		cc = "gcc"
	}
	name := strings.Fields(cc)[0]
	version, err := command(ctx, name, "--version")
	if err != nil {
		c.Detail = name + " is not on the PATH"
		return c
	}
	c.OK, c.Detail, c.Mend = true, version, ""
	return c
}

func checkLinker() Check {
	c := Check{Name: "linker", Mend: "apt-get install binutils (as root)"}
	path, err := exec.LookPath("ld")
	if err != nil {
		c.Detail = "ld is not on the PATH"
		return c
	}
	c.OK, c.Detail, c.Mend = true, path, ""
	return c
}

func checkHost(l Layout) Check {
	c := Check{Name: "compiled packages", Mend: "gopherpod install"}
	host, err := build.Open(l.Hosts())
	if err != nil {
		c.Detail = err.Error()
		if errors.Is(err, build.ErrNoHost) {
			c.Detail = "nothing is compiled yet in " + l.Hosts()
		}
		return c
	}
	defer host.Close()
	mode, reason := host.Mode()
	limit, _ := os.ReadFile("/proc/sys/vm/max_map_count") // Linux only
	c.OK, c.Mend = true, ""
	c.Detail = fmt.Sprintf("%d packages for %s, ", len(host.Packages()), host.GoVersion()) + describeMode(mode, reason, string(limit))
	return c
}

// describeMode says in which mode cells run, why, and what that limits.
func describeMode(mode build.Mode, reason, limit string) string {
	text := fmt.Sprintf("cells in %s mode", mode)
	if reason != "" {
		text += " (" + reason + ")"
	}
	if mode == build.Classic {
		text += classicCells(limit)
	}
	return text
}

// mapsOfCell is how many memory maps a cell of the classic mode takes for good. In fast
// mode cells share theirs.
const mapsOfCell = 5

// classicCells says after how many cells a session of the classic mode has no memory maps
// left. The limit is what the system allows a process.
func classicCells(limit string) string {
	most, err := strconv.Atoi(strings.TrimSpace(limit))
	if err != nil || most <= 0 {
		return ""
	}
	return fmt.Sprintf("; restart a kernel after at most %d cells, because each takes %d memory maps (vm.max_map_count is %d); in fast mode cells share them", most/mapsOfCell, mapsOfCell, most)
}

func checkSpec(l Layout) Check {
	c := Check{Name: "kernelspec", Mend: "gopherpod install"}
	dir, err := spec.Find(spec.Options{Prefix: l.Prefix})
	if err != nil {
		c.Detail = err.Error()
		return c
	}
	c.OK, c.Detail, c.Mend = true, dir, ""
	return c
}

func checkJupyter(ctx context.Context) Check {
	c := Check{Name: "Jupyter", Optional: true, Mend: "./install.sh sets up a private one; or: pip install jupyterlab"}
	path, err := exec.LookPath("jupyter")
	if err != nil {
		c.Detail = "there is no jupyter on the PATH"
		return c
	}
	c.OK, c.Detail, c.Mend = true, path, ""
	return c
}
