package terminal

import (
	"os"
	"strings"
	"testing"

	"github.com/gopherpod/gopherpod/runpod/train"
	"github.com/gopherpod/gopherpod/worker/local"
)

// A command whose job no worker takes says why on stderr and ends with an exit code of its
// own; the job is cancelled. It used to wait for a day and say nothing.
func TestQueueTimeout(t *testing.T) {
	workplace(t)
	data := []string{"-d", "iris.csv", "--target", "species"}
	if code, out, errs := do(t.Context(), append([]string{"train", "net.yaml", "--epochs", "1", "-q", "-o", "net.safetensors"}, data...)...); code != OK {
		t.Fatalf("%d\n%s\n%s", code, out, errs)
	}
	idle, err := local.Start(t.Context(), local.Options{}) // no worker
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { idle.Close() })
	t.Setenv(train.EnvLocalURL, idle.URL())
	t.Setenv(train.EnvLocalKey, idle.Key())
	lines := [][]string{
		append([]string{"train", "net.yaml", "--queue-timeout", "1s", "-o", "new.safetensors"}, data...),
		append([]string{"sweep", "net.yaml", "lr=log(1e-3,1e-1)", "--trials", "3", "--seed", "1", "--queue-timeout", "1s"}, data...),
		append([]string{"eval", "net.safetensors", "--queue-timeout", "1s"}, data...),
		{"predict", "net.safetensors", "-d", "iris.csv", "--columns", "a,b", "--queue-timeout", "1s"},
	}
	for _, line := range lines {
		code, out, errs := do(t.Context(), line...)
		if code != Unreachable || !strings.Contains(errs, "within 1s: waiting for a worker to start; the job was cancelled and is not billed") || !strings.Contains(errs, "--queue-timeout") {
			t.Errorf("%q: exit code %d\n%s\n%s", line, code, out, errs)
		}
	}
	if code, out, errs := do(t.Context(), lines[0]...); code != Unreachable || out != "" || strings.Contains(errs, "waited 0") {
		t.Errorf("%d\n%s\n%s", code, out, errs)
	}
	if _, err := os.Stat("new.safetensors"); err == nil {
		t.Error("a model was written")
	}
	if h := idle.Health(); h.Jobs.InQueue != 0 || h.Jobs.InProgress != 0 {
		t.Errorf("jobs are left: %+v", h.Jobs)
	}
	if code, _, errs := do(t.Context(), append([]string{"train", "net.yaml", "--queue-timeout", "1ms"}, data...)...); code != Usage || !strings.Contains(errs, "queue timeout is 1ms, want 1s to 7 days") {
		t.Errorf("%d\n%s", code, errs)
	}
}
