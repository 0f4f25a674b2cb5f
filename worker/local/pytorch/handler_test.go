package pytorch_test

import (
	"context"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/gopherpod/gopherpod/tensors/python"
	"github.com/gopherpod/gopherpod/worker"
	"github.com/gopherpod/gopherpod/worker/engine"
	"github.com/gopherpod/gopherpod/worker/local/pytorch"
)

const job = `{"operation": "train", "run_id": "r", "model_config": {"type": "python", "source": "x"}}`

// fake makes GOPHERPOD_PYTHON a shell script that answers a job with the commands.
func fake(t *testing.T, lacks, commands string) worker.Handler {
	t.Helper()
	path := filepath.Join(t.TempDir(), "python")
	script := "#!/bin/sh\nif [ \"$1\" = -c ]; then echo 3 11 " + lacks + "; exit; fi\nread -r job || exit 0\n" + commands + "\n"
	if err := os.WriteFile(path, []byte(script), 0o755); err != nil {
		t.Fatal(err)
	}
	t.Setenv(python.EnvPython, path)
	return handler(t)
}

func handler(t *testing.T) worker.Handler {
	return pytorch.Handler(pytorch.Options{
		Engine: engine.Handler(engine.Options{}), Store: t.TempDir(),
		Source: func() (string, error) { return t.TempDir(), nil },
	})
}

func run(t *testing.T, h worker.Handler, input string) (out string, yields []string, err error) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	raw, err := h(ctx, worker.Job{ID: "1", Input: json.RawMessage(input)}, func(chunk json.RawMessage) error {
		yields = append(yields, string(chunk))
		return nil
	})
	return string(raw), yields, err
}

func TestEvents(t *testing.T) {
	h := fake(t, "", `echo junk
echo '{"value": 3}'
echo '{"value": {"type": "epoch"}, "keep": true}'
echo '{"value": {"type": "batch"}, "keep": false}'
echo '{"value": {"type": "done"}, "keep": true}'
echo '{"end": true}'`)
	out, yields, err := run(t, h, job)
	if err != nil || out != `[{"type": "epoch"},{"type": "done"}]` || len(yields) != 3 {
		t.Errorf("%s, %q, %v", out, yields, err)
	}
}

func TestAnswer(t *testing.T) {
	h := fake(t, "", `echo '{"value": {"operation": "predict"}}'; echo '{"end": true}'`)
	for _, input := range []string{
		strings.Replace(job, "train", "predict", 1),
		`{"operation": "batch", "requests": [{"model_config": {"layers": []}}, {"model_config": {"type": "graph"}}]}`,
	} {
		if out, yields, err := run(t, h, input); err != nil || out != `{"operation": "predict"}` || yields != nil {
			t.Errorf("%s, %q, %v", out, yields, err)
		}
	}
}

func TestFailures(t *testing.T) {
	for commands, want := range map[string]string{
		`echo '{"value": {"error": "{\"error_type\": \"Diverged\", \"error_message\": \"NaN\", \"field\": \"f\"}"}}'`: "f: NaN",
		`echo '{"value": {"error": "what"}}'`:      "what",
		`echo No module named torch >&2; exit 3`:   "exit status 3, before the job was done; its last line: No module named torch",
		`kill -SEGV $$`:                            "ended its process by the signal segmentation fault",
		`kill -KILL $$`:                            "was killed, as happens if memory runs out",
		`echo '{"end": true}'`:                     "",
		`exec >&-; while read -r line; do :; done`: "exit status 0", // closes its output and goes on
	} {
		h := fake(t, "", commands)
		_, _, err := run(t, h, job)
		if want == "" && err == nil {
			continue
		}
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", commands, err)
		}
	}
}

func TestCancelled(t *testing.T) {
	h := fake(t, "", `echo '{"value": {"type": "epoch"}, "keep": true}'; while read -r line; do :; done; echo stopped > "$GOPHERPOD_STORE/stopped"`)
	ctx, cancel := context.WithCancelCause(t.Context())
	why := errors.New("enough")
	_, err := h(ctx, worker.Job{Input: json.RawMessage(job)}, func(json.RawMessage) error {
		cancel(why)
		return nil
	})
	if !errors.Is(err, why) {
		t.Error(err)
	}
}

func TestTheEnvironmentHasNoSecrets(t *testing.T) {
	for _, name := range []string{"RUNPOD_API_KEY", "RUNPOD_ENDPOINT_ID", "HF_TOKEN", "GOPHERPOD_EMBEDDED_KEY", "DB_PASSWORD"} {
		t.Setenv(name, "hunter2")
	}
	t.Setenv("PYTHONPATH", "/mine")
	h := fake(t, "", `echo '{"value": {"n": "'$(env | grep -c hunter2)' '$GOPHERPOD_ALLOW_CODE' '$PYTHONPATH'"}}'`)
	out, _, err := run(t, h, strings.Replace(job, "train", "predict", 1))
	if err != nil || !strings.HasPrefix(out, `{"n": "0 1 `) || !strings.HasSuffix(out, `/worker/pytorch:/mine"}`) {
		t.Errorf("%s, %v", out, err)
	}
}

func TestWithoutPyTorch(t *testing.T) {
	h := fake(t, "torch", "")
	_, _, err := run(t, h, job)
	var e *worker.Error
	if !errors.As(err, &e) || e.Kind != worker.ErrUnsupported {
		t.Fatal(err)
	}
	for _, want := range []string{"has no torch", "gopherpod install --torch", "GOPHERPOD_PYTHON", "a RunPod endpoint needs nothing"} {
		if !strings.Contains(e.Message, want) {
			t.Errorf("%q is not in %s", want, e.Message)
		}
	}
}

func TestCapabilities(t *testing.T) {
	for lacks, want := range map[string]bool{"": true, "torch": false} {
		out, _, err := run(t, fake(t, lacks, ""), `{"operation": "capabilities"}`)
		var answer worker.Response
		if err != nil || json.Unmarshal([]byte(out), &answer) != nil || answer.Capabilities == nil {
			t.Fatalf("%s, %v", out, err)
		}
		if got := slices.Contains(answer.Models, "python"); got != want || !slices.Contains(answer.Models, "sequential") {
			t.Errorf("without %q: %v", lacks, answer.Models)
		}
	}
}

func TestTheEngineRunsTheOthers(t *testing.T) {
	h := fake(t, "", "exit 9")
	const layers = `{"operation": "train", "model_config": {"layers": [{"type": "linear", "out_features": 1}]}, "training_data": {"features": [[1], [2]], "labels": [1, 2]}, "hyperparameters": {"epochs": 1, "loss_function": "mse"}, "run_id": "python"}`
	if _, yields, err := run(t, h, layers); err != nil || len(yields) == 0 {
		t.Error(yields, err)
	}
	if _, _, err := run(t, h, `{"operation": "collect", "run_id": "none"}`); err == nil || !strings.Contains(err.Error(), "keeps no events") {
		t.Error(err)
	}
}

func TestCollectAsksPyTorchToo(t *testing.T) {
	h := fake(t, "", `case "$job" in *collect*) echo '{"value": {"type": "done"}, "keep": true}';; esac; echo '{"end": true}'`)
	if _, _, err := run(t, h, job); err != nil {
		t.Fatal(err)
	}
	if out, _, err := run(t, h, `{"operation": "collect", "run_id": "r"}`); err != nil || out != `[{"type": "done"}]` {
		t.Error(out, err)
	}
}
