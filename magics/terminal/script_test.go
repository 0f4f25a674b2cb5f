package terminal

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/gopherpod/gopherpod/runpod/runs/sqlite"
	"github.com/gopherpod/gopherpod/worker/engine"
	"github.com/gopherpod/gopherpod/worker/local"
)

func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){"gopherpod": func() {
		p := Program{Source: os.DirFS("."), Stdin: os.Stdin, Stdout: os.Stdout, Stderr: os.Stderr}
		os.Exit(p.Run(context.Background(), os.Args[1:]))
	}})
}

// TestScripts runs testdata/script/*.txtar: what people type and what they get. The
// endpoint is RunPod's API in front of the engine, in this process.
func TestScripts(t *testing.T) {
	s, err := local.Start(t.Context(), local.Options{Handler: engine.Handler(engine.Options{})})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	testscript.Run(t, testscript.Params{
		Dir:           "testdata/script",
		UpdateScripts: os.Getenv("GOPHERPOD_UPDATE_SCRIPTS") != "",
		Setup: func(env *testscript.Env) error {
			env.Setenv("HOME", env.WorkDir)
			env.Setenv(sqlite.EnvPath, filepath.Join(env.WorkDir, "runs.sqlite"))
			env.Setenv("RUNPOD_API_KEY", string(s.Key()))
			env.Setenv("RUNPOD_ENDPOINT_ID", "local")
			env.Setenv("RUNPOD_ENDPOINT_BASE_URL", s.BaseURL())
			env.Setenv("RUNPOD_MANAGEMENT_URL", s.BaseURL())
			return os.WriteFile(filepath.Join(env.WorkDir, "iris.csv"), iris(), 0o600)
		},
		Cmds: map[string]func(ts *testscript.TestScript, neg bool, args []string){"status": status},
	})
}

// status N COMMAND ... runs a command and wants the exit code N.
func status(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: status N COMMAND [ARGUMENTS]")
	}
	want, err := strconv.Atoi(args[0])
	ts.Check(err)
	got := 0
	var exit *exec.ExitError
	if err := ts.Exec(args[1], args[2:]...); errors.As(err, &exit) {
		got = exit.ExitCode()
	} else {
		ts.Check(err)
	}
	if got != want {
		ts.Fatalf("%s: exit code %d, want %d", strings.Join(args[1:], " "), got, want)
	}
}

// iris returns a table of three classes that a small network can learn.
func iris() []byte {
	r := rand.New(rand.NewPCG(1, 2))
	var b strings.Builder
	b.WriteString("a,b,species\n")
	for i := range 90 {
		fmt.Fprintf(&b, "%.3f,%.3f,%s\n", float64(i%3)*2+r.NormFloat64()/3, -float64(i%3)+r.NormFloat64()/3, []string{"setosa", "versicolor", "virginica"}[i%3])
	}
	return []byte(b.String())
}

// TestEveryCommandHasAScript: a script runs each command with each of its first words, and
// its help has an example that begins with gopherpod and its name.
func TestEveryCommandHasAScript(t *testing.T) {
	files, err := filepath.Glob("testdata/script/*.txtar")
	if err != nil || len(files) == 0 {
		t.Fatal(files, err)
	}
	var all strings.Builder
	for _, name := range files {
		b, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		all.Write(b)
	}
	for _, c := range (&Program{}).Root().Commands() {
		if !strings.Contains(all.String(), "gopherpod "+c.Name()) {
			t.Errorf("no script runs gopherpod %s", c.Name())
		}
		for _, w := range c.ValidArgs {
			if word, _, _ := strings.Cut(w, "\t"); !strings.Contains(all.String(), "gopherpod "+c.Name()+" "+word) {
				t.Errorf("no script runs gopherpod %s %s", c.Name(), word)
			}
		}
		if !c.Hidden && !strings.Contains(c.Example, "gopherpod "+c.Name()) {
			t.Errorf("the help of gopherpod %s has no example", c.Name())
		}
		if c.Short == "" || strings.HasSuffix(c.Short, ".") {
			t.Errorf("gopherpod %s: %q", c.Name(), c.Short)
		}
	}
}
