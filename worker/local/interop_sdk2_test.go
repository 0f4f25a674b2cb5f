package local

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// pythons runs a test with each version of RunPod's SDK: GOPHERPOD_PYTHON is a Python with the stable
// version, GOPHERPOD_PYTHON_SDK2 one with the next major version.
func pythons(t *testing.T, run func(t *testing.T, py string)) {
	t.Run("sdk1", func(t *testing.T) { run(t, python(t)) })
	t.Run("sdk2", func(t *testing.T) { run(t, pythonSDK2(t)) })
}

func pythonSDK2(t *testing.T) string {
	t.Helper()
	python(t) // skips without GOPHERPOD_E2E=1
	p := os.Getenv("GOPHERPOD_PYTHON_SDK2")
	if p == "" {
		t.Fatal("GOPHERPOD_PYTHON_SDK2 is not set: it names a Python that has version 2 of the runpod package")
	}
	if out, err := exec.Command(p, "-c", "import runpod; print(runpod.__version__)").CombinedOutput(); err != nil || !strings.HasPrefix(string(out), "2.") {
		t.Fatalf("%s: want version 2 of runpod, got %s %v", p, out, err)
	}
	return p
}

// RunPod's SDK 2.0: Queue and Job, with a job API that does not know new jobs at once; and the SDK's
// calls of the management API, with one item per page.
func TestSDK2Client(t *testing.T) {
	py := pythonSDK2(t)
	s, _ := start(t, Options{Handler: echo, Workers: 4, EndpointID: "flash", VisibleAfter: time.Second, PageSize: 1})
	cmd := exec.Command(py, filepath.Join("testdata", "sdk2_client.py"))
	cmd.Env = append(os.Environ(), "RUNPOD_ENDPOINT_BASE_URL="+s.BaseURL(), "RUNPOD_API_BASE_URL="+s.URL(), "RUNPOD_API_KEY="+s.Key(), "HOME="+t.TempDir())
	seen := printed(t, cmd)
	for k, want := range map[string]string{
		"remote": `{"a":1}`, "empty": `null`, "stream": `[0,1,2]`, "result": `5`, "status": `"COMPLETED"`, "cancelled": `"CANCELLED"`, "retried": `"IN_QUEUE"`, "found": `"COMPLETED"`,
		"gpu": `{"community":0,"secure":8}`, "gpus": `12`, "endpoint": `["user/worker:1",{"A":"b"},"FLASHBOOT",["NVIDIA L4"],["EU-RO-1"]]`, "updated": `"user/worker:2"`,
		"endpoints": `1`, // get_endpoints reads the first page only
		"volumes":   `["a","b","c"]`,
		"registry":  `["hub",true,true]`,
		"stock":     `["HIGH","HIGH",[]]`,
	} {
		if got, _ := json.Marshal(seen[k]); string(got) != want {
			t.Errorf("%s: %s, want %s", k, got, want)
		}
	}
	for k, want := range map[string]string{"failed": "on purpose", "unknown": "Request validation failed.", "gone": "not found", "pods": "the local endpoint has no pods"} {
		if got, _ := seen[k].(string); !strings.Contains(got, want) {
			t.Errorf("%s: %s, want %s", k, got, want)
		}
	}
}
