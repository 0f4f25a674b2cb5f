package terminal

import (
	"context"
	"encoding/json"
	"errors"
	"os"
	"os/signal"
	"path/filepath"
	"strconv"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/spf13/cobra"

	"github.com/gopherpod/gopherpod/kernel"
	"github.com/gopherpod/gopherpod/kernel/build"
	"github.com/gopherpod/gopherpod/kernel/history"
	"github.com/gopherpod/gopherpod/kernel/secrets"
	"github.com/gopherpod/gopherpod/kernel/session"
	"github.com/gopherpod/gopherpod/kernel/setup"
	"github.com/gopherpod/gopherpod/runpod/dataset"
	"github.com/gopherpod/gopherpod/runpod/dataset/parquet"
	"github.com/gopherpod/gopherpod/runpod/runs"
	"github.com/gopherpod/gopherpod/runpod/runs/sqlite"
	"github.com/gopherpod/gopherpod/runpod/settings"
	"github.com/gopherpod/gopherpod/runpod/train"
	"github.com/gopherpod/gopherpod/tensors/pause"
	"github.com/gopherpod/gopherpod/tensors/python"
	"github.com/gopherpod/gopherpod/tensors/scratch"
	"github.com/gopherpod/gopherpod/worker/local/embedded"
	"github.com/gopherpod/gopherpod/worker/local/serve"
)

func (p *Program) kernelCommand() *cobra.Command {
	c := &cobra.Command{
		Use: "kernel -f FILE", Short: "Run as a Jupyter kernel (Jupyter calls this)",
		Example: "gopherpod kernel -f connection.json",
		RunE:    p.kernel,
	}
	c.Flags().StringP("connection-file", "f", "", "Jupyter's connection `FILE`")
	return c
}

// kernel serves one notebook until the front end shuts it down.
func (p *Program) kernel(c *cobra.Command, _ []string) error {
	ctx := c.Context()
	p.loadKeys(ctx)
	file, err := c.Flags().GetString("connection-file")
	if err != nil {
		return err
	}
	conn, err := kernel.ReadConnectionFile(file)
	if err != nil {
		return err
	}
	ports, err := conn.Listen() // before we take any port ourselves
	if err != nil {
		return err
	}
	defer ports.Close()
	session.Orphans() // before the environment is read, because it removes a mark from it
	installed := setup.Find()
	go tidy(installed.Hosts(), func() error { return pause.For(ctx, scratch.MinAge) })
	known := secrets.NewSet(settings.Environ(), ".env")
	var now atomic.Pointer[func()] // learns what the running cell has set
	learned := func() {
		if f := now.Load(); f != nil {
			(*f)()
		}
	}
	around, stop, err := surroundings(func(text string) string {
		learned()
		return known.Redact(text)
	})
	if err != nil {
		return err
	}
	defer stop()
	env := append(os.Environ(), around...)
	known.Environment(around)
	ev, err := p.evaluator(installed, env)
	if err != nil {
		return err
	}
	defer ev.Close()
	if e, ok := ev.(changing); ok {
		var mu sync.Mutex // whoever comes second waits until the first has added what it got
		f := func() {
			mu.Lock()
			defer mu.Unlock()
			follow(known, e)
		}
		now.Store(&f)
	}
	signals := make(chan os.Signal, 2)
	signal.Notify(signals, os.Interrupt, syscall.SIGTERM)
	parent, _ := strconv.Atoi(os.Getenv("JPY_PARENT_PID"))
	return kernel.Serve(ctx, conn, ev, kernel.Options{
		Version:   version(),
		History:   history.DefaultPath(),
		Redact:    known.Redact,
		Stream:    func() func(string, bool) string { return known.Stream().Next },
		Learn:     learned,
		Begin:     func(source string) { learn(known, source, ev) },
		Signals:   signals,
		ParentPID: parent,
		Ports:     ports,
	})
}

// learn adds the secrets that a cell is about to set, and those in the environment of
// cells and in the .env file of their folder.
func learn(known *secrets.Set, source string, ev kernel.Evaluator) {
	known.Source(source)
	e, ok := ev.(interface {
		Surroundings() (env []string, dir string)
	})
	if !ok {
		known.File(".env")
		return
	}
	env, dir := e.Surroundings()
	known.Environment(env)
	known.File(filepath.Join(dir, ".env"))
}

// changing is an evaluator that says what a running cell has put into the environment since
// the last call, and the folder that it is in.
type changing interface {
	Changed() (env []string, dir string)
}

// follow adds the secrets that a running cell has put into the environment and into the .env
// file of its folder.
func follow(known *secrets.Set, e changing) {
	env, dir := e.Changed()
	if len(env) > 0 {
		known.Environment(env)
	}
	known.Watch(filepath.Join(dir, ".env"))
}

// redactor returns a function that masks the secrets known on this machine.
func redactor() func(string) string { return secrets.Redactor(settings.Environ(), ".env") }

// evaluator returns an evaluator that runs cells on the host of the installation.
// If the host is missing or no longer fits, the evaluator makes a new one first.
func (p *Program) evaluator(l setup.Layout, env []string) (kernel.Evaluator, error) {
	start := func(host *build.Host) (kernel.Evaluator, error) {
		return session.New(session.Options{Host: host, Env: env}), nil
	}
	host, err := build.Open(l.Hosts())
	if err != nil {
		return setup.NewPending(err, func(ctx context.Context, progress func(string)) (*build.Host, error) {
			return setup.Prepare(ctx, l, p.Source, "", progress)
		}, start), nil
	}
	return start(host)
}

// surroundings starts the services that magics use: the embedded endpoint and the
// run store. It returns the environment variables that name them; stop stops both.
func surroundings(redact func(string) string) (env []string, stop func(), err error) {
	program, err := os.Executable()
	if err != nil {
		return nil, nil, err
	}
	if notebook := python.OfParent(); notebook != "" && os.Getenv(python.EnvNotebook) == "" {
		os.Setenv(python.EnvNotebook, notebook) // for the endpoint, and below for the session
	}
	endpoint, err := embedded.Begin(program, "embedded")
	if err != nil {
		return nil, nil, err
	}
	open, closeStore := runStore()
	kept, err := runs.Serve(open, func(r *runs.Run) { fromNotebook(r, redact) })
	if err != nil {
		return nil, nil, errors.Join(err, endpoint.Close())
	}
	return []string{
		dataset.EnvProgram + "=" + program, runs.EnvURL + "=" + kept.URL, runs.EnvKey + "=" + kept.Key,
		train.EnvLocalURL + "=" + endpoint.URL + "/v2", train.EnvLocalKey + "=" + endpoint.Key, train.EnvLocalStore + "=" + endpoint.Folder,
	}, func() { kept.Close(); closeStore(); endpoint.Close() }, nil
}

// runStore returns two functions: one opens the user's run store at first use, and tries
// again if that failed; the other closes it.
func runStore() (open func() (runs.Store, error), closeStore func()) {
	var mu sync.Mutex
	var store *sqlite.Store
	open = func() (runs.Store, error) {
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
	return open, func() {
		mu.Lock()
		defer mu.Unlock()
		if store != nil {
			_ = store.Close() // nobody is left to report to, and the log keeps the data
			store = nil
		}
	}
}

// fromNotebook completes a run for the store. It adds the notebook's name, which
// comes from Jupyter's server, and masks secrets, because the source may hold a
// key.
func fromNotebook(r *runs.Run, redact func(string) string) {
	if r.Notebook == "" {
		r.Notebook = os.Getenv("JPY_SESSION_NAME")
	}
	r.Source, r.Error = redact(r.Source), redact(r.Error)
	for i, tag := range r.Tags {
		r.Tags[i] = redact(tag)
	}
	if r.Record != nil {
		r.Record = json.RawMessage(redact(string(r.Record)))
	}
}

// resultsKept is how long the endpoint keeps results after its kernel has exited,
// the same as RunPod.
const resultsKept = 30 * time.Minute

func (p *Program) embeddedCommand() *cobra.Command {
	return &cobra.Command{
		Use: "embedded", Short: "Serve a notebook's endpoint until its kernel is gone and its jobs are done (the kernel calls this)", Hidden: true,
		RunE: func(c *cobra.Command, _ []string) error {
			return embedded.Serve(c.Context(), embedded.Outlived{Keep: runs.KeepKey, After: resultsKept, PyTorch: embedded.PyTorch{
				Source: p.writtenSource, Home: setup.Find().Home(),
			}})
		},
	}
}

// writtenSource writes our source to the installation's folder, if it is not there, and
// returns that folder.
func (p *Program) writtenSource() (string, error) {
	dir := setup.Find().Source()
	return dir, setup.WriteSource(p.Source, dir)
}

// dataCommand reads a file that would need a large library in the session process, and
// writes it in the format that dataset.Decode reads.
func (p *Program) dataCommand() *cobra.Command {
	return &cobra.Command{
		Use: "data FILE", Short: "Read a table of data for a notebook's session (the kernel calls this)", Hidden: true,
		Args: exactly(1),
		RunE: func(c *cobra.Command, args []string) error {
			if err := parquet.LimitMemory(); err != nil {
				return err
			}
			t, err := dataset.Read(c.Context(), args[0], dataset.Options{Parquet: parquet.Read})
			if err != nil {
				return err
			}
			return t.Encode(p.Stdout)
		},
	}
}

// localCommand serves the embedded endpoint; the PyTorch worker runs from our
// embedded source.
func (p *Program) localCommand() *cobra.Command {
	c := &cobra.Command{
		Use: "local [options]", Short: "Serve the embedded endpoint, RunPod's job API on this machine, to other programs",
		Long:    serve.Help,
		Example: "gopherpod local\ngopherpod local --addr 127.0.0.1:9000 --worker pytorch --python /usr/bin/python3\ngopherpod local --worker none",
		RunE: func(c *cobra.Command, _ []string) error {
			return serve.Run(c.Context(), c.Flags(), p.Stdout, p.writtenSource)
		},
	}
	serve.Flags(c.Flags())
	_ = c.RegisterFlagCompletionFunc("worker", cobra.FixedCompletions([]string{"go", "pytorch", "none"}, cobra.ShellCompDirectiveNoFileComp))
	return c
}
