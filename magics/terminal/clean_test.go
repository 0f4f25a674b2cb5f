package terminal

import (
	"encoding/json"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/gopherpod/gopherpod/kernel/history"
	"github.com/gopherpod/gopherpod/kernel/setup"
	"github.com/gopherpod/gopherpod/runpod/runs"
	"github.com/gopherpod/gopherpod/runpod/runs/sqlite"
	"github.com/gopherpod/gopherpod/tensors/scratch"
)

// ages makes a folder as old as a day.
func ages(t *testing.T, path string) {
	t.Helper()
	day := time.Now().Add(-24 * time.Hour)
	if err := os.Chtimes(path, day, day); err != nil {
		t.Fatal(err)
	}
}

// left makes a folder with a lock file that nobody holds, as a killed process leaves it.
func left(t *testing.T, path, lock string) {
	t.Helper()
	for _, err := range []error{os.MkdirAll(path, 0o700), os.WriteFile(filepath.Join(path, lock), nil, 0o600),
		os.WriteFile(filepath.Join(path, "x"), make([]byte, 1000), 0o600)} {
		if err != nil {
			t.Fatal(err)
		}
	}
	ages(t, path)
}

// A machine with something of every kind: what nothing uses goes, with its bytes counted.
func TestCleanFreesEveryKind(t *testing.T) {
	home := t.TempDir()
	for name, value := range map[string]string{"HOME": home, "XDG_CACHE_HOME": "", "XDG_DATA_HOME": "", "XDG_STATE_HOME": "", setup.EnvHome: "",
		"TMPDIR": t.TempDir(), sqlite.EnvPath: ""} {
		t.Setenv(name, value)
	}
	l := setup.Layout{Prefix: filepath.Join(home, "prefix")}
	left(t, filepath.Join(os.TempDir(), "gopherpod-killed"), ".lock")
	running, err := scratch.Make()
	if err != nil {
		t.Fatal(err)
	}
	defer running.Close()
	left(t, filepath.Join(l.Hosts(), "old"), "manifest.json")
	left(t, filepath.Join(l.Hosts(), "newest"), "manifest.json")
	if err := os.WriteFile(filepath.Join(l.Hosts(), "current"), []byte("newest"), 0o600); err != nil {
		t.Fatal(err)
	}
	store := filepath.Join(home, ".cache", "gopherpod", "store", "dead")
	left(t, store, "y")
	if err := os.WriteFile(store+".lock", nil, 0o600); err != nil {
		t.Fatal(err)
	}
	venv := filepath.Join(l.Home(), "venv")
	left(t, venv, "bin")
	h := history.Open(history.DefaultPath())
	h.Add(1, strings.Repeat("x", 900_000))
	h.Close()
	s, err := sqlite.Open(sqlite.DefaultPath())
	if err != nil {
		t.Fatal(err)
	}
	for id, state := range map[string]runs.State{"run-open": runs.Open, "run-done": runs.Completed} {
		if err := s.Put(t.Context(), runs.Run{ID: id, State: state, Created: time.Now().Add(-100 * 24 * time.Hour)}); err != nil {
			t.Fatal(err)
		}
		if err := s.Append(t.Context(), id, []runs.Event{{Data: json.RawMessage(`"` + strings.Repeat("x", 300_000) + `"`)}}); err != nil {
			t.Fatal(err)
		}
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}

	clean := func(args ...string) map[string]stock {
		t.Helper()
		code, out, errs := do(t.Context(), append([]string{"clean", "--prefix", l.Prefix}, args...)...)
		var a struct {
			DryRun bool `json:"dry_run"`
			Freed  int64
			Kinds  []stock
		}
		if err := json.Unmarshal([]byte(out), &a); err != nil || code != OK || errs != "" {
			t.Fatalf("%d, %v, %s\n%s", code, err, errs, out)
		}
		kinds, sum := map[string]stock{}, int64(0)
		for _, s := range a.Kinds {
			kinds[s.Kind] = s
			sum += s.Free
		}
		if sum != a.Freed {
			t.Errorf("%d bytes freed, the kinds say %d", a.Freed, sum)
		}
		return kinds
	}
	is := func(kinds map[string]stock, kind string, bytes, free int64) {
		t.Helper()
		if s := kinds[kind]; s.Bytes < bytes || s.Bytes > bytes+bytes/4 || s.Free < free || s.Free > free+free/4 {
			t.Errorf("%s: %+v, want about %d bytes, %d to free", kind, s, bytes, free)
		}
	}
	there := func(path string, want bool) {
		t.Helper()
		if _, err := os.Stat(path); errors.Is(err, os.ErrNotExist) == want {
			t.Errorf("%s: %v, want it there: %v", path, err, want)
		}
	}

	for range 2 { // a dry run changes nothing
		kinds := clean("--dry-run")
		is(kinds, "files of kernels", 1000, 1000)
		is(kinds, "compiled packages", 2000, 1000)
		is(kinds, "data of local endpoints", 1000, 1000)
		is(kinds, "history", 910_000, 0)
		is(kinds, "runs", 640_000, 0)
		is(kinds, "Jupyter", 1000, 0)
	}
	kinds := clean()
	is(kinds, "files of kernels", 1000, 1000)
	is(kinds, "compiled packages", 2000, 1000)
	is(kinds, "data of local endpoints", 1000, 1000)
	there(filepath.Join(os.TempDir(), "gopherpod-killed"), false)
	there(running.Path, true)
	there(filepath.Join(l.Hosts(), "old"), false)
	there(filepath.Join(l.Hosts(), "newest"), true)
	there(store, false)
	there(venv, true)

	// What is the user's own goes only if an option names it.
	is(clean(), "files of kernels", 0, 0)
	is(clean("--runs", "90d", "--dry-run"), "runs", 640_000, 1)
	is(clean("--runs", "90d"), "runs", 640_000, 300_000)
	is(clean("--history"), "history", 910_000, 900_000)
	if s, err = sqlite.Open(sqlite.DefaultPath()); err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	if list, _, err := s.List(t.Context(), runs.Filter{}); err != nil || len(list) != 1 || list[0].ID != "run-open" {
		t.Errorf("%+v, %v", list, err)
	}
	if runtime.GOOS != "linux" {
		return // which processes use the Jupyter is known on Linux alone
	}
	uses := exec.Command("sh", "-c", "read x", filepath.Join(venv, "x"))
	in, err := uses.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := uses.Start(); err != nil {
		t.Fatal(err)
	}
	if s := clean("--venv")["Jupyter"]; s.Free != 0 || !strings.Contains(s.Note, "uses it: stop Jupyter first") {
		t.Errorf("%+v", s)
	}
	there(venv, true)
	in.Close()
	uses.Wait()
	is(clean("--venv"), "Jupyter", 1000, 1000)
	there(venv, false)
}

// A kernel that was killed a moment ago is too young to be cleaned up by the next one when
// that starts; it does so later.
func TestTidyLooksAgain(t *testing.T) {
	place, hosts := t.TempDir(), t.TempDir()
	t.Setenv("TMPDIR", place)
	t.Setenv("HOME", t.TempDir())
	before, young := filepath.Join(place, "gopherpod-before"), filepath.Join(place, "gopherpod-young")
	left(t, before, ".lock")
	left(t, young, ".lock")
	left(t, filepath.Join(hosts, "old"), "manifest.json")
	if err := os.Chtimes(young, time.Now(), time.Now()); err != nil {
		t.Fatal(err)
	}
	waited := false
	tidy(hosts, func() error {
		for path, want := range map[string]bool{before: false, young: true, filepath.Join(hosts, "old"): false} {
			if _, err := os.Stat(path); (err == nil) != want {
				t.Errorf("%s: %v, want it there: %v", path, err, want)
			}
		}
		ages(t, young)
		waited = true
		return nil
	})
	if _, err := os.Stat(young); err == nil || !waited {
		t.Errorf("the second look leaves an old folder, waited: %v", waited)
	}
}

func TestCleanOnATerminal(t *testing.T) {
	var out strings.Builder
	list := []stock{{Kind: "files of kernels", Where: "/tmp", Bytes: 214_000_000, Free: 107_000_000, Note: "2 folders, 1 in use"}, {Kind: "runs", Where: "/r.sqlite", Bytes: 4000}}
	(&cleaning{dryRun: true}).table(&out, list, 107_000_000)
	(&cleaning{}).table(&out, list[1:], 0)
	if want := `                             holds   to free
files of kernels          214.0 MB  107.0 MB  /tmp
                                              2 folders, 1 in use
runs                        4.0 kB         -  /r.sqlite
107.0 MB can be freed: gopherpod clean
                             holds     freed
runs                        4.0 kB         -  /r.sqlite
0 B freed
`; out.String() != want {
		t.Errorf("got\n%swant\n%s", out.String(), want)
	}
}
