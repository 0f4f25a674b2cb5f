package local

import (
	"os"
	"os/exec"
	"strings"
	"testing"
)

// RunPod's JavaScript client. GOPHERPOD_RUNPOD_JS is a folder in which `npm
// install runpod-sdk` was run.
func TestNodeClient(t *testing.T) {
	folder := os.Getenv("GOPHERPOD_RUNPOD_JS")
	if os.Getenv("GOPHERPOD_E2E") != "1" || folder == "" {
		t.Skip("GOPHERPOD_E2E=1 and GOPHERPOD_RUNPOD_JS, a folder with the runpod-sdk package, run it")
	}
	script, err := os.Open("testdata/sdk_client.mjs")
	if err != nil {
		t.Fatal(err)
	}
	defer script.Close()
	s, _ := start(t, Options{Handler: echo})
	cmd := exec.Command("node", "--input-type=module", "-", s.BaseURL(), s.Key())
	cmd.Dir, cmd.Stdin = folder, script
	out, err := cmd.CombinedOutput()
	want := `{"runSync":{"a":1},"stream":[0,1,2],"status":"COMPLETED","statusSync":"end","cancel":"CANCELLED","health":0,"purge":"completed"}`
	if got := strings.TrimSpace(string(out)); err != nil || got != want {
		t.Errorf("%v\n%s\nwant %s", err, got, want)
	}
}
