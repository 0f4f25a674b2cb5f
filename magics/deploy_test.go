package magics

import (
	"os"
	"strings"
	"testing"

	"github.com/gopherpod/gopherpod/worker/engine"
	"github.com/gopherpod/gopherpod/worker/local"
)

func TestDeploy(t *testing.T) {
	t.Chdir(t.TempDir())
	const key = "rpa_deploymagic"
	s, err := local.Start(t.Context(), local.Options{Handler: engine.Handler(engine.Options{}), Key: key})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	for name, value := range map[string]string{
		"RUNPOD_API_KEY": key, "RUNPOD_ENDPOINT_ID": "", "RUNPOD_ENDPOINT_BASE_URL": s.BaseURL(), "RUNPOD_MANAGEMENT_URL": s.BaseURL(),
	} {
		t.Setenv(name, value)
	}
	out, err := run(t, "runpod_deploy", "--image you/worker:1 --name nets --dry-run", "", newVars(nil), false)
	if err != nil || !strings.Contains(out.text(), "dry run: nothing was changed") {
		t.Errorf("%v\n%s", err, out.text())
	}
	out, err = run(t, "runpod_deploy", "--image you/worker:1 --name nets", "", newVars(nil), false)
	env, _ := os.ReadFile(".env")
	if err != nil || !strings.Contains(out.text(), "endpoint nets (") || !strings.HasPrefix(string(env), "RUNPOD_ENDPOINT_ID=") || strings.Contains(out.text(), key) {
		t.Errorf("%v\n%s\n%s", err, out.text(), env)
	}
	t.Setenv("RUNPOD_API_KEY", "rpa_other")
	_, err = run(t, "runpod_deploy", "", "", newVars(nil), false)
	if err == nil || !strings.Contains(err.Error(), "RunPod refuses the key") {
		t.Error(err)
	}
}
