package host

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"time"

	"github.com/gopherpod/gopherpod/kernel/magic"
)

// A builtin is a magic that every session has.
type builtin struct {
	name    string
	kind    magic.Kind
	summary string
	help    string
	run     func(ctx context.Context, c *magic.Call) error
}

var _ magic.Magic = (*builtin)(nil)

func (b *builtin) Name() string     { return b.name }
func (b *builtin) Kind() magic.Kind { return b.kind }
func (b *builtin) Summary() string  { return b.summary }
func (b *builtin) Help() string     { return b.help }

func (b *builtin) Run(ctx context.Context, c *magic.Call) error { return b.run(ctx, c) }

// builtins lists the magics that every session has.
func builtins() []magic.Magic {
	return []magic.Magic{
		&builtin{"bash", magic.Line | magic.Cell, "run commands of the shell", `%bash command, !command, or %%bash [options of bash] [arguments] with a script below: %%bash -e stops at the first
command that fails. What a script leaves running ends with the kernel,
unless it is started with: env -u GOPHERPOD_SESSION_ID setsid program
Output is shown as it comes. An interrupt ends the command and what it started.`, bash},
		&builtin{"env", magic.Line, "show or set environment variables", `%env lists the environment, %env NAME shows one variable, %env NAME=value sets it
for cells, commands and a later session process.`, env},
		&builtin{"cd", magic.Line, "change the working folder", "%cd folder; without a folder, to the home folder. %cd shows where that is.", cd},
		&builtin{"writefile", magic.Cell, "write the cell to a file", "%%writefile [-a] file writes the rest of the cell to the file; with -a it is appended.", writeFile},
	}
}

// bash runs a command in its own process group, so that an interrupt stops all
// of its processes.
func bash(ctx context.Context, c *magic.Call) error {
	shell := "bash"
	if _, err := exec.LookPath(shell); err != nil {
		shell = "sh"
	}
	args := []string{"-c", c.Args}
	if c.Cell {
		options, rest := shellOptions(strings.Fields(c.Args))
		args = slices.Concat(options, []string{"-c", c.Body, shell}, rest)
	} else if c.Args == "" {
		return &magic.UsageError{Msg: "%bash needs a command: !ls"}
	}
	cmd := exec.CommandContext(ctx, shell, args...)
	cmd.Stdin, cmd.Stdout, cmd.Stderr = os.Stdin, c.Out.Stdout(), c.Out.Stderr()
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGTERM) }
	cmd.WaitDelay = 500 * time.Millisecond
	err := cmd.Run()
	if ctx.Err() != nil {
		syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL)
		return context.Cause(ctx)
	}
	var exit *exec.ExitError
	if errors.As(err, &exit) {
		return fmt.Errorf("the command failed: %v", exit)
	}
	return err
}

// shellOptions separates the options of the shell, such as -e or -o pipefail, from
// the arguments of the script.
func shellOptions(words []string) (options, rest []string) {
	for i := 0; i < len(words); i++ {
		w := words[i]
		if w == "--" {
			return words[:i], words[i+1:]
		}
		if len(w) < 2 || w[0] != '-' && w[0] != '+' {
			return words[:i], words[i:]
		}
		if w == "-o" || w == "+o" || w == "-O" || w == "+O" {
			i++ // its value
		}
	}
	return words, nil
}

func env(_ context.Context, c *magic.Call) error {
	name, value, set := strings.Cut(c.Args, "=")
	name = strings.TrimSpace(name)
	switch {
	case c.Args == "":
		all := os.Environ()
		slices.Sort(all)
		_, err := fmt.Fprintln(c.Out.Stdout(), strings.Join(all, "\n"))
		return err
	case set:
		return os.Setenv(name, strings.TrimSpace(value))
	}
	v, ok := os.LookupEnv(name)
	if !ok {
		return &magic.UsageError{Msg: name + " is not set"}
	}
	_, err := fmt.Fprintln(c.Out.Stdout(), v)
	return err
}

func cd(_ context.Context, c *magic.Call) error {
	dir := strings.Trim(c.Args, `"'`)
	home, err := os.UserHomeDir()
	if dir == "" || strings.HasPrefix(dir, "~") {
		if err != nil {
			return err
		}
		dir = filepath.Join(home, strings.TrimPrefix(dir, "~"))
	}
	if err := os.Chdir(dir); err != nil {
		return &magic.UsageError{Msg: err.Error()}
	}
	if dir, err = os.Getwd(); err != nil {
		return err
	}
	_, err = fmt.Fprintln(c.Out.Stdout(), dir)
	return err
}

func writeFile(_ context.Context, c *magic.Call) error {
	f := strings.Fields(c.Args)
	flags := os.O_CREATE | os.O_WRONLY | os.O_TRUNC
	if len(f) > 0 && f[0] == "-a" {
		flags = os.O_CREATE | os.O_WRONLY | os.O_APPEND
		f = f[1:]
	}
	if len(f) != 1 {
		return &magic.UsageError{Msg: "%%writefile needs the name of a file"}
	}
	w, err := os.OpenFile(f[0], flags, 0o666)
	if err != nil {
		return &magic.UsageError{Msg: err.Error()}
	}
	if _, err := io.WriteString(w, c.Body); err != nil {
		w.Close()
		return err
	}
	if err := w.Close(); err != nil {
		return err
	}
	_, err = fmt.Fprintf(c.Out.Stdout(), "%d bytes written to %s\n", len(c.Body), f[0])
	return err
}
