// Package serve is the command "gopherpod local", which serves the embedded
// endpoint to other programs until it is interrupted.
package serve

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"time"

	"github.com/spf13/pflag"

	"github.com/gopherpod/gopherpod/worker/address"
	"github.com/gopherpod/gopherpod/worker/engine"
	"github.com/gopherpod/gopherpod/worker/local"
)

// Help says how a worker attaches; it belongs to the command's help.
const Help = `It serves until it is interrupted. The key is RUNPOD_API_KEY; if that is not set, a new one is printed.

With --worker none a program with RunPod's SDK is the worker: runpod.serverless.start({"handler": ...})
attaches if it finds these variables, which are printed with their values. Each worker needs a
RUNPOD_POD_ID of its own.

  RUNPOD_WEBHOOK_GET_JOB, RUNPOD_WEBHOOK_POST_OUTPUT,
  RUNPOD_WEBHOOK_POST_STREAM, RUNPOD_WEBHOOK_PING      where it asks and reports
  RUNPOD_PING_INTERVAL                                 ms between two signs of life
  RUNPOD_AI_API_KEY                                    what it sends as Authorization
  RUNPOD_POD_ID, RUNPOD_POD_HOSTNAME                   its id and name
  RUNPOD_ENDPOINT_ID                                   makes it log in JSON
  RUNPOD_SKIP_AUTO_SYSTEM_CHECKS, RUNPOD_SKIP_GPU_CHECK  no checks of memory, disk and GPU
  GOPHERPOD_STORE                                      with --store: the folder of our PyTorch worker

It takes as many jobs at a time as its concurrency_modifier says. 500 jobs may wait for each worker
that is attached or that --workers announces; more are refused with 429, as on RunPod.`

// Flags adds the command's options to flags.
func Flags(flags *pflag.FlagSet) {
	flags.String("addr", "127.0.0.1:8000", "listen on `HOST:PORT`; a host other than loopback opens the endpoint to the network")
	flags.String("endpoint", "local", "the endpoint's `ID` in its paths")
	flags.String("worker", "go", "what runs the jobs: `KIND` is go (the engine in this process), pytorch (our worker under RunPod's SDK) or none, which prints the variables that make a worker attach")
	flags.String("python", "python3", "the `PYTHON` of --worker pytorch: it has torch, runpod, msgpack and zstandard")
	flags.Bool("allow-code", false, "let jobs of --worker pytorch bring models as Python code")
	flags.Int("workers", 1, "how many jobs run at a time, and for how many workers jobs may wait, 500 each; with --worker none the latter only: those that will attach")
	flags.String("state", "", "keep jobs in `DIR`, so that a restart loses none")
	flags.String("store", "", "keep data that jobs share in `DIR`")
	flags.String("faults", "", "inject the faults that the JSON `FILE` lists")
	flags.Duration("cold-start", 0, "let a worker take `TIME` to start; not with --worker none, which starts none")
	flags.Duration("timeout", 0, "end a job that sets no limit after `TIME`, 5s to 168h (default 10m)")
	flags.Duration("visible-after", 0, "answer 404 for a job until `TIME` after its submission, as RunPod may")
	flags.Float64("price", 0, "count costs at `USD` per worker and hour")
	flags.BoolP("verbose", "v", false, "print what happens to jobs and workers")
}

// Run serves until ctx is done or the process is interrupted. The key is
// RUNPOD_API_KEY if that is set; otherwise it is random and Run prints it. Source
// returns the folder of our source, which contains the PyTorch worker; Run calls it
// if that worker is to run.
func Run(ctx context.Context, flags *pflag.FlagSet, out io.Writer, source func() (string, error)) error {
	ctx, stop := signal.NotifyContext(ctx, os.Interrupt, syscall.SIGTERM)
	defer stop()
	opt, err := options(flags, source)
	if err != nil {
		return err
	}
	s, err := local.Start(ctx, opt)
	if err != nil {
		return err
	}
	defer s.Close()
	greet(out, s, flags, opt.Key == "")
	<-ctx.Done()
	return nil
}

func options(flags *pflag.FlagSet, source func() (string, error)) (local.Options, error) {
	opt := local.Options{Key: os.Getenv("RUNPOD_API_KEY")}
	opt.Addr, _ = flags.GetString("addr")
	opt.EndpointID, _ = flags.GetString("endpoint")
	opt.StateDir, _ = flags.GetString("state")
	opt.StoreDir, _ = flags.GetString("store")
	opt.ExecutionTimeout, _ = flags.GetDuration("timeout")
	if t := opt.ExecutionTimeout; t != 0 && (t < 5*time.Second || t > 7*24*time.Hour) {
		return opt, fmt.Errorf("--timeout %v: want 5s to 168h", t)
	}
	opt.VisibleAfter, _ = flags.GetDuration("visible-after")
	opt.PricePerHour, _ = flags.GetFloat64("price")
	level := slog.LevelWarn
	if verbose, _ := flags.GetBool("verbose"); verbose {
		level = slog.LevelInfo
	}
	opt.Log = slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: level}))
	if file, _ := flags.GetString("faults"); file != "" {
		f, err := os.Open(file)
		if err != nil {
			return opt, err
		}
		defer f.Close()
		if opt.Faults, err = local.ReadFaults(f); err != nil {
			return opt, fmt.Errorf("%s: %w", file, err)
		}
	}
	return opt, workers(&opt, flags, source)
}

// workers sets in opt what runs the jobs.
func workers(opt *local.Options, flags *pflag.FlagSet, source func() (string, error)) error {
	kind, _ := flags.GetString("worker")
	count, _ := flags.GetInt("workers")
	cold, _ := flags.GetDuration("cold-start")
	switch {
	case count < 1:
		return fmt.Errorf("--workers %d: want 1 or more", count)
	case cold < 0:
		return fmt.Errorf("--cold-start %v: want 0 or more", cold)
	case cold > 0 && kind == "none":
		return errors.New("--cold-start: --worker none starts no workers; leave it out")
	case flags.Changed("allow-code") && kind != "pytorch":
		return fmt.Errorf("--allow-code: --worker %s runs no Python; want --worker pytorch", kind)
	case flags.Changed("python") && kind != "pytorch":
		return fmt.Errorf("--python: --worker %s runs no Python; want --worker pytorch", kind)
	}
	if cold > 0 || kind == "pytorch" {
		opt.Scaling = &local.Scaling{Max: count, ColdStart: cold, IdleTimeout: 10 * time.Second}
	} else if kind != "none" {
		opt.Workers = count
	}
	switch kind {
	case "none":
		opt.Workers = count // how many are expected to attach
	case "go":
		rules, err := address.ParseRules(os.Getenv(address.EnvAllow))
		if err != nil {
			return fmt.Errorf("%s: %w", address.EnvAllow, err)
		}
		o := engine.Options{Addresses: rules}
		if opt.StoreDir != "" {
			o.Store = local.FolderStore(opt.StoreDir, 0)
		}
		opt.Handler = engine.Handler(o)
	case "pytorch":
		python, _ := flags.GetString("python")
		path, err := exec.LookPath(python)
		if err != nil {
			return fmt.Errorf("--python: %w", err)
		}
		dir, err := source()
		if err != nil {
			return err
		}
		opt.Runner = local.Command(path, filepath.Join(dir, "worker", "pytorch", "handler.py"))
		if allow, _ := flags.GetBool("allow-code"); allow {
			opt.Runner = allowCode(opt.Runner)
		}
	default:
		return fmt.Errorf("--worker %s: want go, pytorch or none", kind)
	}
	return nil
}

// allowCode returns a Runner whose workers run code from requests.
func allowCode(run local.Runner) local.Runner {
	return func(ctx context.Context, p local.Process) error {
		p.Env = append(slices.Clip(p.Env), "GOPHERPOD_ALLOW_CODE=1")
		return run(ctx, p)
	}
}

func greet(out io.Writer, s *local.Server, flags *pflag.FlagSet, drawn bool) {
	kind, _ := flags.GetString("worker")
	worker := map[string]string{"go": "the Go engine as worker", "pytorch": "the PyTorch worker", "none": "no worker: jobs wait until one attaches"}[kind]
	key := ""
	if drawn {
		key = " RUNPOD_API_KEY=" + s.Key()
	}
	if dir, _ := flags.GetString("store"); dir != "" && kind != "none" {
		if dir, err := filepath.Abs(dir); err == nil {
			key += fmt.Sprintf(" GOPHERPOD_SHARED_STORE=%q", dir)
		}
	}
	fmt.Fprintf(out, `RunPod's job API on this machine, with %s. Stop it with Ctrl-C.

  export RUNPOD_ENDPOINT_BASE_URL=%s RUNPOD_MANAGEMENT_URL=%s RUNPOD_ENDPOINT_ID=%s%s

  curl -H "Authorization: Bearer $RUNPOD_API_KEY" -d '{"input": {"operation": "gpu_info"}}' %s/%s/runsync
`, worker, s.BaseURL(), s.BaseURL(), s.EndpointID(), key, s.BaseURL(), s.EndpointID())
	if kind == "none" {
		count, _ := flags.GetInt("workers")
		fmt.Fprintf(out, "\nA worker with RunPod's SDK attaches with these variables. Each worker needs its own RUNPOD_POD_ID. Up to %d jobs may wait, or 500 for each worker that is attached.\n", 500*count)
		for _, v := range s.WorkerEnv("worker-1") {
			name, value, _ := strings.Cut(v, "=")
			fmt.Fprintf(out, "  export %s='%s'\n", name, value)
		}
	}
}
