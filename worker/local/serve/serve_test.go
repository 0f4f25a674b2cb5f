package serve

import (
	"bytes"
	"context"
	"os"
	"strings"
	"testing"

	"github.com/spf13/pflag"

	"github.com/gopherpod/gopherpod/worker/local"
)

func flags(t *testing.T, args ...string) *pflag.FlagSet {
	t.Helper()
	fs := pflag.NewFlagSet("local", pflag.ContinueOnError)
	Flags(fs)
	if err := fs.Parse(args); err != nil {
		t.Fatal(err)
	}
	return fs
}

// The help, the page and what the command prints name every variable with which a worker attaches.
func TestWorkersVariables(t *testing.T) {
	s, err := local.Start(context.Background(), local.Options{StoreDir: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	page, err := os.ReadFile("../../../docs/runpod.md")
	if err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	greet(&out, s, flags(t, "--worker", "none", "--workers", "3"), true)
	env := s.WorkerEnv("worker-1")
	if len(env) < 10 {
		t.Fatal(env)
	}
	for _, v := range env {
		name, value, _ := strings.Cut(v, "=")
		if !strings.Contains(Help, name) || !strings.Contains(string(page), "`"+name+"`") || !strings.Contains(out.String(), "export "+name+"='"+value+"'") {
			t.Errorf("%s is not in the help, in docs/runpod.md, or not printed", name)
		}
	}
	if !strings.Contains(out.String(), "Up to 1500 jobs may wait") {
		t.Error(out.String())
	}
}

// An option that would have no effect is refused.
func TestOptionsWithoutEffect(t *testing.T) {
	for args, want := range map[string]string{
		"--workers 0":                       "--workers 0: want 1 or more",
		"--workers -1 --worker none":        "--workers -1: want 1 or more",
		"--worker none --cold-start 1s":     "--worker none starts no workers",
		"--cold-start -1s":                  "want 0 or more",
		"--worker go --python /usr/bin/x":   "runs no Python",
		"--worker none --python /usr/bin/x": "runs no Python",
		"--worker gpu":                      "want go, pytorch or none",
	} {
		_, err := options(flags(t, strings.Fields(args)...), nil)
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %q", args, err, want)
		}
	}
	opt, err := options(flags(t, "--worker", "none", "--workers", "3"), nil)
	if err != nil || opt.Workers != 3 || opt.Handler != nil || opt.Runner != nil || opt.Scaling != nil {
		t.Errorf("%+v, %v", opt, err)
	}
}
