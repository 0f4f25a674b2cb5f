package build

import (
	"bufio"
	"context"
	"fmt"
	"os/exec"
	"regexp"
	"slices"
	"strings"
	"syscall"
	"time"
)

// A FetchError reports, in one line, a module or package that is not available.
type FetchError struct {
	Text string
	Err  error
}

func (e *FetchError) Error() string { return e.Text }
func (e *FetchError) Unwrap() error { return e.Err }

// run runs the go command in our module's folder. Lines about what it fetches and
// compiles go to progress.
func (m *Modules) run(ctx context.Context, progress func(string), args ...string) ([]byte, error) {
	return m.runIn(ctx, m.h.m.Source, m.env(), progress, args...)
}

func (m *Modules) runIn(ctx context.Context, dir string, env []string, progress func(string), args ...string) ([]byte, error) {
	var rest []string
	compiled, told := 0, time.Now()
	out, started, err := goCommand(ctx, dir, env, func(l string) {
		l = strings.TrimRight(l, " \r")
		switch {
		case strings.HasPrefix(l, "go: downloading ") || strings.HasPrefix(l, "go: added ") || strings.HasPrefix(l, "go: upgraded ") || strings.HasPrefix(l, "go: downgraded "):
			if progress != nil {
				progress(strings.TrimPrefix(l, "go: "))
			}
		case strings.HasPrefix(l, "go: finding ") || strings.HasPrefix(l, "go: found "):
		case l != "" && !strings.ContainsAny(l, " \t:#"):
			if compiled++; progress != nil && time.Since(told) > compiledEvery {
				progress(fmt.Sprintf("compiled %d packages: %s", compiled, l))
				told = time.Now()
			}
		case len(rest) < 200:
			rest = append(rest, l)
		}
	}, args...)
	switch {
	case err == nil:
		return []byte(out), nil
	case !started:
		return nil, &ToolError{Tool: "go", Need: "modules", Err: err}
	case ctx.Err() != nil:
		return nil, context.Cause(ctx)
	}
	return nil, fetchError(rest, err)
}

// goCommand runs the go command and returns what it prints. Each line that it writes to standard
// error goes to line. When ctx is done, the command is killed with all that it has started.
func goCommand(ctx context.Context, dir string, env []string, line func(string), args ...string) (out string, started bool, err error) {
	c := exec.CommandContext(ctx, "go", args...)
	c.Dir, c.Env = dir, env
	c.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	c.Cancel = func() error { return syscall.Kill(-c.Process.Pid, syscall.SIGKILL) }
	var b strings.Builder
	c.Stdout = &b
	errs, err := c.StderrPipe()
	if err != nil {
		return "", false, err
	}
	if err := c.Start(); err != nil {
		return "", false, err
	}
	for sc := bufio.NewScanner(errs); sc.Scan(); {
		line(sc.Text())
	}
	err = c.Wait()
	return b.String(), true, err
}

// fetchEnv lists the variables that a notebook may change: they say where modules come
// from and do not affect compiled archives.
var fetchEnv = []string{"GOPROXY", "GOPRIVATE", "GONOPROXY", "GONOSUMDB", "GOSUMDB", "GOINSECURE", "GOAUTH", "GOVCS", "HTTPS_PROXY", "https_proxy", "HTTP_PROXY", "http_proxy", "NO_PROXY", "no_proxy"}

func (m *Modules) env() []string {
	env := m.h.env()
	if m.Env == nil {
		return env
	}
	for _, kv := range m.Env() {
		if k, _, _ := strings.Cut(kv, "="); slices.Contains(fetchEnv, k) {
			env = append(env, kv)
		}
	}
	return env
}

// compiledEvery is how often a long compilation reports progress.
const compiledEvery = 3 * time.Second

// newerGo matches the go command's error for a module that needs a newer Go.
var newerGo = regexp.MustCompile(`(?m)(\S+)@(\S+) requires go >= (\S+) \(running go ([^;)]+)`)

// fetchError turns the output of the go command into a one-line error.
func fetchError(lines []string, err error) error {
	text := strings.Join(lines, "\n")
	has := func(parts ...string) bool {
		return slices.ContainsFunc(parts, func(p string) bool { return strings.Contains(text, p) })
	}
	line := ""
	for _, l := range lines {
		if l = strings.TrimSpace(strings.TrimPrefix(l, "go: ")); l != "" && !strings.HasPrefix(l, "#") {
			line = l
			break
		}
	}
	switch {
	case newerGo.MatchString(text):
		m := newerGo.FindStringSubmatch(text)
		line = fmt.Sprintf("module %s %s needs Go %s, and cells are compiled with go%s: take an older version with %%go get %s@VERSION, or install the newer Go", m[1], m[2], m[3], m[4], m[1])
	case has("connection refused", "no such host", "i/o timeout", "network is unreachable", "Temporary failure in name resolution", "TLS handshake timeout", "proxyconnect"):
		line = "the module proxy cannot be reached (" + line[strings.LastIndex(line, ": ")+1:] + " ); what the module cache holds can be imported all the same"
		line = strings.Replace(strings.Replace(line, "( ", "(", 1), " )", ")", 1)
	case has("module lookup disabled by GOPROXY=off"):
		line = "GOPROXY=off: only what the module cache holds can be imported"
	case has("404 Not Found", "410 Gone", "403 Forbidden", "400 Bad Request", "unrecognized import path", "repository not found"):
		line = "no module proxy or repository has it: is the path right? (" + line + ")"
	case has("unknown revision", "no matching versions"):
		line = "there is no such version (" + line + ")"
	case has("inconsistent vendoring"):
		line = vendoringError(lines)
	case has("is not in std"):
		line = "no package of the standard library has this path, and a module's path begins with a host name"
	}
	if line == "" {
		line = err.Error()
	}
	return &FetchError{Text: line, Err: err}
}
