//go:build !windows

// Gopherpod is a Go kernel for Jupyter that trains models on serverless GPUs
// from a notebook cell. This file is the command line: flags and wiring. The
// map of the packages stands in ARCHITECTURE.md.
package main

import (
	"bufio"
	"context"
	"embed"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"path/filepath"
	"runtime/debug"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/spf13/pflag"
	"golang.org/x/term"

	"github.com/gopherpod/gopherpod/kernel"
	"github.com/gopherpod/gopherpod/kernel/build"
	"github.com/gopherpod/gopherpod/kernel/check"
	"github.com/gopherpod/gopherpod/kernel/history"
	"github.com/gopherpod/gopherpod/kernel/keyring"
	"github.com/gopherpod/gopherpod/kernel/secrets"
	"github.com/gopherpod/gopherpod/kernel/session"
	"github.com/gopherpod/gopherpod/kernel/setup"
	"github.com/gopherpod/gopherpod/kernel/spec"
	"github.com/gopherpod/gopherpod/magics/terminal"
	"github.com/gopherpod/gopherpod/runpod"
	"github.com/gopherpod/gopherpod/runpod/dataset"
	"github.com/gopherpod/gopherpod/runpod/dataset/parquet"
	"github.com/gopherpod/gopherpod/runpod/deploy"
	"github.com/gopherpod/gopherpod/runpod/export"
	"github.com/gopherpod/gopherpod/runpod/runs"
	"github.com/gopherpod/gopherpod/runpod/runs/sqlite"
	"github.com/gopherpod/gopherpod/runpod/train"
	"github.com/gopherpod/gopherpod/worker/local/embedded"
	"github.com/gopherpod/gopherpod/worker/local/serve"
)

// source is what the session process and the cells are compiled from: this very
// version of our packages, wherever the binary came from.
//
//go:embed go.mod go.sum kernel magics runpod tensors worker worker/pytorch/gopherpod_worker/__init__.py
var source embed.FS

// A command is one word behind "gopherpod".
type command struct {
	name, args, summary string
	run                 func(ctx context.Context, flags *pflag.FlagSet) error
	flags               func(flags *pflag.FlagSet)
}

func commands() []command {
	var target deploy.Options
	var endpoint deploy.EndpointOptions
	var kept deploy.StoreOptions
	return []command{
		{"install", "", "register the kernel with Jupyter and compile ahead what cells need", runInstall, installFlags},
		{"uninstall", "", "remove the kernel and what was compiled for it", runUninstall, prefixFlag},
		{"doctor", "", "check what the kernel needs and say how to mend it", runDoctor, prefixFlag},
		{"local", "", "serve the embedded endpoint, RunPod's job API on this machine, to other programs", runLocal, serve.Flags},
		{"deploy", "", "make or change the RunPod endpoint that runs the worker; --dry-run shows what it costs", func(ctx context.Context, _ *pflag.FlagSet) error {
			return interruptible(ctx, func(ctx context.Context) error { return deploy.Run(ctx, target, os.Stdout) })
		}, target.Flags},
		{"endpoint", deploy.EndpointUsage, "look after the account's endpoints", func(ctx context.Context, flags *pflag.FlagSet) error {
			return interruptible(ctx, func(ctx context.Context) error { return deploy.RunEndpoint(ctx, endpoint, flags.Args(), os.Stdout) })
		}, endpoint.Flags},
		{"store", deploy.StoreUsage, "list or prune the data that were sent for jobs", func(ctx context.Context, flags *pflag.FlagSet) error {
			return interruptible(ctx, func(ctx context.Context) error { return deploy.RunStore(ctx, kept, flags.Args(), os.Stdout) })
		}, kept.Flags},
		{"export", "MODEL.safetensors FILE", "write a saved model as .pt, .onnx or .go, by the ending of FILE", runExport, func(flags *pflag.FlagSet) {
			flags.String("format", "", "pt, onnx or go, whatever the ending")
			flags.BoolP("force", "f", false, "replace a file that is there")
		}},
		{"embedded", "", "serve a notebook's endpoint, until its kernel has gone and its jobs are done (the kernel calls this)", func(ctx context.Context, _ *pflag.FlagSet) error {
			return embedded.Serve(ctx, embedded.Outlived{Keep: runs.KeepKey, After: resultsKept})
		}, nil},
		{"data", "FILE", "read a table of data for a notebook's session (the kernel calls this)", runData, nil},
		{"check", "FILE...", "look for keys, home paths and huge outputs in notebooks before they are shared; exit code 1 where there are", func(_ context.Context, flags *pflag.FlagSet) error {
			return check.Run(flags, flags.Args(), os.Stdout)
		}, check.Flags},
		{"key", "set|delete [NAME], or list", "keep a secret in the system's keyring (NAME: RUNPOD_API_KEY); set reads it from the terminal or stdin, and nothing prints it", runKey, nil},
		{"completion", "bash|zsh|fish", "print the shell's script for completion: source <(gopherpod completion bash)", runCompletion, nil},
		{"kernel", "", "run as a Jupyter kernel (Jupyter calls this)", runKernel, kernelFlags},
		{"version", "", "print the version", runVersion, nil},
	}
}

func main() {
	os.Exit(gopherpod(context.Background(), os.Args[1:], os.Stdout, os.Stderr))
}

// gopherpod runs one command line and returns the exit code: 0, 1 for a
// failure, 2 for a wrong command line.
func gopherpod(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	if len(args) == 0 || args[0] == "help" || args[0] == "--help" || args[0] == "-h" {
		usage(stdout)
		return 0
	}
	if args[0] == "__complete" {
		for _, word := range terminal.Complete(args[1:], names()) {
			fmt.Fprintln(stdout, word)
		}
		return 0
	}
	for _, c := range terminal.Commands() {
		if c.Name == args[0] {
			return inTerminal(ctx, c, args[1:], stdout, stderr)
		}
	}
	for _, c := range commands() {
		if c.name != args[0] {
			continue
		}
		flags := pflag.NewFlagSet("gopherpod "+c.name, pflag.ContinueOnError)
		flags.SetOutput(stderr)
		flags.Usage = func() {
			fmt.Fprintf(stdout, "usage: gopherpod %s [options]\n\n%s\n\n%s", strings.TrimSpace(c.name+" "+c.args), c.summary, flags.FlagUsages())
		}
		if c.flags != nil {
			c.flags(flags)
		}
		err := flags.Parse(args[1:])
		if errors.Is(err, pflag.ErrHelp) {
			return 0
		}
		if err == nil && c.args == "" && flags.NArg() > 0 {
			err = fmt.Errorf("unexpected argument %q", flags.Arg(0))
		}
		if err != nil {
			fmt.Fprintf(stderr, "gopherpod %s: %v\n", c.name, err)
			return 2
		}
		if slices.Contains([]string{"kernel", "deploy", "endpoint", "store"}, c.name) {
			loadKeys(ctx, stderr)
		}
		if err := c.run(ctx, flags); err != nil {
			fmt.Fprintf(stderr, "gopherpod %s: %v\n", c.name, err)
			return 1
		}
		return 0
	}
	fmt.Fprintf(stderr, "gopherpod: unknown command %q; see gopherpod help\n", args[0])
	return 2
}

func usage(w io.Writer) {
	fmt.Fprint(w, "Gopherpod: Go notebooks that train models on serverless GPUs\n\nusage: gopherpod COMMAND [options]\n\n")
	for _, c := range terminal.Commands() {
		fmt.Fprintf(w, "  %-10s %s\n", c.Name, c.Summary)
	}
	fmt.Fprintln(w)
	for _, c := range commands() {
		fmt.Fprintf(w, "  %-10s %s\n", c.name, c.summary)
	}
	fmt.Fprint(w, "\ngopherpod COMMAND --help shows the options of a command.\n")
}

// names are the words behind "gopherpod", those of package terminal left out.
func names() (list []string) {
	for _, c := range commands() {
		list = append(list, c.name)
	}
	return list
}

// keyWait is how long a command waits for a keyring that is locked.
const keyWait = 3 * time.Second

// loadKeys takes secrets from the keyring that neither the environment nor .env has.
func loadKeys(ctx context.Context, stderr io.Writer) {
	set := func(variable string) bool { return runpod.Settings(variable)[0].From != "" }
	if err := keyring.Load(ctx, keyWait, set); err != nil {
		fmt.Fprintln(stderr, "gopherpod:", strings.ReplaceAll(err.Error(), "\n", "; "))
	}
}

// runKey keeps a secret in the keyring, removes one, or lists their names.
func runKey(ctx context.Context, flags *pflag.FlagSet) error {
	name := runpod.EnvAPIKey
	if flags.NArg() == 2 {
		name = flags.Arg(1)
	}
	switch {
	case flags.NArg() > 2:
		return fmt.Errorf("unexpected argument %q; a secret is read from the terminal or stdin", flags.Arg(2))
	case flags.Arg(0) == "set":
		value, err := readSecret(name)
		if err != nil {
			return err
		}
		if err := keyring.Set(ctx, name, value); err != nil {
			return err
		}
		fmt.Printf("%s is in the keyring; the environment and .env go before it\n", name)
		return nil
	case flags.Arg(0) == "delete":
		return keyring.Delete(ctx, name)
	case flags.Arg(0) == "list" && flags.NArg() == 1:
		names, err := keyring.Names()
		for _, n := range names {
			fmt.Println(n)
		}
		return err
	}
	return errors.New("set, delete or list is wanted, as in gopherpod key set")
}

// readSecret asks for a secret without showing it, or takes the first line of stdin.
func readSecret(name string) (string, error) {
	if fd := int(os.Stdin.Fd()); term.IsTerminal(fd) {
		fmt.Fprintf(os.Stderr, "%s: ", name)
		b, err := term.ReadPassword(fd)
		fmt.Fprintln(os.Stderr)
		return strings.TrimSpace(string(b)), err
	}
	line, err := bufio.NewReader(io.LimitReader(os.Stdin, 64<<10)).ReadString('\n')
	if errors.Is(err, io.EOF) {
		err = nil
	}
	return strings.TrimSpace(line), err
}

func runCompletion(_ context.Context, flags *pflag.FlagSet) error {
	script, err := terminal.Script(flags.Arg(0))
	if err == nil {
		_, err = fmt.Print(script)
	}
	return err
}

// inTerminal runs a command of package terminal as a notebook's kernel runs a magic:
// with the embedded endpoint and the run store. The first interrupt cancels the job and
// keeps what there is of the model, the second does not wait for that, the third ends
// the process.
func inTerminal(ctx context.Context, c terminal.Command, args []string, stdout, stderr io.Writer) int {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	again := make(chan struct{})
	signals := make(chan os.Signal, 3)
	signal.Notify(signals, os.Interrupt, syscall.SIGTERM)
	defer signal.Stop(signals)
	go func() {
		<-signals
		cancel(errors.New("interrupted"))
		<-signals
		close(again)
		<-signals
		os.Exit(terminal.Interrupted)
	}()
	loadKeys(ctx, stderr)
	env, stop, err := surroundings(context.WithoutCancel(ctx)) // a job is cancelled after the interrupt
	if err != nil {
		fmt.Fprintf(stderr, "gopherpod %s: %v\n", c.Name, err)
		return terminal.Failed
	}
	defer stop()
	for _, e := range env {
		name, value, _ := strings.Cut(e, "=")
		os.Setenv(name, value)
	}
	return c.Run(ctx, args, again, stdout, stderr)
}

// interruptible runs what an interrupt ends in good order.
func interruptible(ctx context.Context, run func(context.Context) error) error {
	ctx, stop := signal.NotifyContext(ctx, os.Interrupt, syscall.SIGTERM)
	defer stop()
	return run(ctx)
}

func runVersion(context.Context, *pflag.FlagSet) error {
	fmt.Println("gopherpod", version())
	return nil
}

// version is the module's version, or the commit it was built from.
func version() string {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return "unknown"
	}
	return info.Main.Version
}

func runExport(_ context.Context, flags *pflag.FlagSet) error {
	if flags.NArg() != 2 {
		return errors.New("two files are wanted: gopherpod export net.safetensors net.onnx")
	}
	format, _ := flags.GetString("format")
	force, _ := flags.GetBool("force")
	from, to := flags.Arg(0), flags.Arg(1)
	if _, err := os.Stat(to); err == nil && !force {
		return fmt.Errorf("%s is there already; -f replaces it", to)
	}
	model, err := train.Load(from)
	if err != nil {
		return err
	}
	return model.Export(to, export.Format(format))
}

func prefixFlag(flags *pflag.FlagSet) {
	flags.String("prefix", "", "install under `DIR` (DIR/share/...) instead of the user's own folders")
}

func installFlags(flags *pflag.FlagSet) {
	prefixFlag(flags)
	flags.String("mode", "", "build cells in `MODE` fast or classic, not in the fastest that works here")
	flags.String("papermill", "", "also teach the papermill of this `PYTHON` to pass parameters to Go notebooks")
}

func layout(flags *pflag.FlagSet) (setup.Layout, error) {
	prefix, err := flags.GetString("prefix")
	if err != nil || prefix == "" {
		return setup.Find(), err
	}
	prefix, err = filepath.Abs(prefix)
	return setup.Layout{Prefix: prefix}, err
}

func runInstall(ctx context.Context, flags *pflag.FlagSet) error {
	l, err := layout(flags)
	if err != nil {
		return err
	}
	program, err := os.Executable()
	if err != nil {
		return err
	}
	mode, _ := flags.GetString("mode")
	if mode != "" && mode != string(build.Fast) && mode != string(build.Classic) {
		return fmt.Errorf("--mode %s: want fast or classic", mode)
	}
	done, err := setup.Install(ctx, setup.Options{
		Layout:   l,
		Mode:     build.Mode(mode),
		Program:  program,
		Sources:  source,
		Progress: progress(os.Stdout),
	})
	if err != nil {
		return err
	}
	defer done.Host.Close()
	if python, _ := flags.GetString("papermill"); python != "" {
		if err := spec.InstallPapermill(ctx, python); err != nil {
			return err
		}
	}
	used, reason := done.Host.Mode()
	fmt.Printf("kernel:   %s\npackages: %d compiled ahead, cells in %s mode", done.Kernelspec, len(done.Host.Packages()), used)
	if reason != "" {
		fmt.Printf(" (%s)", reason)
	}
	fmt.Println()
	return nil
}

// progress prints what happens. On a terminal the count of compiled packages
// stays on one line; elsewhere every hundredth is printed.
func progress(out *os.File) func(string) {
	info, err := out.Stat()
	terminal := err == nil && info.Mode()&os.ModeCharDevice != 0
	counting := false
	return func(line string) {
		var n int
		_, err := fmt.Sscanf(line, "compiled %d packages", &n)
		switch {
		case err == nil && terminal:
			fmt.Fprintf(out, "\r\033[K    %.72s", line)
		case err == nil:
			if n%100 == 0 {
				fmt.Fprintf(out, "    compiled %d packages\n", n)
			}
		case counting && terminal:
			fmt.Fprintf(out, "\r\033[K    %s\n", line)
		default:
			fmt.Fprintf(out, "    %s\n", line)
		}
		counting = err == nil
	}
}

func runUninstall(_ context.Context, flags *pflag.FlagSet) error {
	l, err := layout(flags)
	if err != nil {
		return err
	}
	return setup.Uninstall(l)
}

func runDoctor(ctx context.Context, flags *pflag.FlagSet) error {
	l, err := layout(flags)
	if err != nil {
		return err
	}
	broken := 0
	for _, c := range setup.Doctor(ctx, l) {
		mark := "ok  "
		switch {
		case !c.OK && c.Optional:
			mark = "--  "
		case !c.OK:
			mark = "BAD "
			broken++
		}
		fmt.Printf("%s %-18s %s\n", mark, c.Name, c.Detail)
		if c.Mend != "" {
			fmt.Printf("     %-18s to mend: %s\n", "", c.Mend)
		}
	}
	if broken > 0 {
		return fmt.Errorf("%d of the things that the kernel needs are missing", broken)
	}
	return nil
}

func kernelFlags(flags *pflag.FlagSet) {
	flags.StringP("connection-file", "f", "", "Jupyter's connection `FILE`")
}

// runKernel serves one notebook until the front end shuts it down.
func runKernel(ctx context.Context, flags *pflag.FlagSet) error {
	file, err := flags.GetString("connection-file")
	if err != nil {
		return err
	}
	conn, err := kernel.ReadConnectionFile(file)
	if err != nil {
		return err
	}
	redact := secrets.Redactor(os.Environ(), ".env")
	around, stop, err := surroundings(ctx)
	if err != nil {
		return err
	}
	defer stop()
	env := append(os.Environ(), around...)
	ev, err := evaluator(setup.Find(), env)
	if err != nil {
		return err
	}
	defer ev.Close()
	signals := make(chan os.Signal, 2)
	signal.Notify(signals, os.Interrupt, syscall.SIGTERM)
	parent, _ := strconv.Atoi(os.Getenv("JPY_PARENT_PID"))
	return kernel.Serve(ctx, conn, ev, kernel.Options{
		Version:   version(),
		History:   history.DefaultPath(),
		Redact:    redact,
		Signals:   signals,
		ParentPID: parent,
	})
}

// runData reads a file that would need a large library in the session process, and
// writes it as dataset.Decode reads it.
func runData(ctx context.Context, flags *pflag.FlagSet) error {
	if flags.NArg() != 1 {
		return errors.New("one file is wanted")
	}
	if err := parquet.LimitMemory(); err != nil {
		return err
	}
	t, err := dataset.Read(ctx, flags.Arg(0), dataset.Options{Parquet: parquet.Read})
	if err != nil {
		return err
	}
	return t.Encode(os.Stdout)
}

// surroundings starts what magics find in their environment: the embedded endpoint
// and the run store. The variables name them; stop ends both.
func surroundings(ctx context.Context) (env []string, stop func(), err error) {
	program, err := os.Executable()
	if err != nil {
		return nil, nil, err
	}
	endpoint, err := embedded.Begin(program, "embedded")
	if err != nil {
		return nil, nil, err
	}
	redact := secrets.Redactor(os.Environ(), ".env")
	kept, err := runs.Serve(runStore(), func(r *runs.Run) { fromNotebook(r, redact) })
	if err != nil {
		return nil, nil, errors.Join(err, endpoint.Close())
	}
	return []string{
		dataset.EnvProgram + "=" + program, runs.EnvURL + "=" + kept.URL, runs.EnvKey + "=" + kept.Key,
		train.EnvLocalURL + "=" + endpoint.URL + "/v2", train.EnvLocalKey + "=" + endpoint.Key, train.EnvLocalStore + "=" + endpoint.Folder,
	}, func() { kept.Close(); endpoint.Close() }, nil
}

// runStore opens the user's run store when it is first needed, and again where that
// failed.
func runStore() func() (runs.Store, error) {
	var mu sync.Mutex
	var store *sqlite.Store
	return func() (runs.Store, error) {
		mu.Lock()
		defer mu.Unlock()
		if store == nil {
			s, err := sqlite.Open(sqlite.DefaultPath())
			if err != nil {
				return nil, err
			}
			store = s
		}
		return store, nil
	}
}

// fromNotebook completes what the store keeps: Jupyter's server names the notebook,
// and what was typed may hold a key.
func fromNotebook(r *runs.Run, redact func(string) string) {
	if r.Notebook == "" {
		r.Notebook = os.Getenv("JPY_SESSION_NAME")
	}
	r.Source, r.Error = redact(r.Source), redact(r.Error)
	if r.Record != nil {
		r.Record = json.RawMessage(redact(string(r.Record)))
	}
}

// resultsKept is how long the endpoint of a kernel that has gone keeps results, as
// RunPod does.
const resultsKept = 30 * time.Minute

// evaluator runs cells on the host of the installation, and makes one where it is
// missing or does not fit any more.
func evaluator(l setup.Layout, env []string) (kernel.Evaluator, error) {
	start := func(host *build.Host) (kernel.Evaluator, error) {
		return session.New(session.Options{Host: host, Env: env}), nil
	}
	host, err := build.Open(l.Hosts())
	if err != nil {
		return setup.NewPending(err, func(ctx context.Context, progress func(string)) (*build.Host, error) {
			return setup.Prepare(ctx, l, source, "", progress)
		}, start), nil
	}
	return start(host)
}

// runLocal serves the embedded endpoint; the PyTorch worker runs from our source.
func runLocal(ctx context.Context, flags *pflag.FlagSet) error {
	return serve.Run(ctx, flags, os.Stdout, func() (string, error) {
		dir := setup.Find().Source()
		return dir, setup.WriteSource(source, dir)
	})
}
