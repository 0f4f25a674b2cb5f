package deploy

import (
	"os"
	"regexp"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/spf13/pflag"

	"github.com/gopherpod/gopherpod/runpod"
	"github.com/gopherpod/gopherpod/worker/local"
)

// atTwin starts a twin that listens and makes the environment of commands point to it.
func atTwin(t *testing.T) {
	t.Helper()
	s, err := local.Start(t.Context(), local.Options{Handler: answer, Key: testKey})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	t.Chdir(t.TempDir())
	t.Setenv(runpod.EnvAPIKey, testKey)
	t.Setenv(runpod.EnvEndpointID, "")
	t.Setenv(runpod.EnvBaseURL, s.BaseURL())
	t.Setenv(runpod.EnvManagementURL, s.BaseURL())
}

// endpoint runs "gopherpod endpoint" with a command line.
func endpoint(t *testing.T, line string) (string, error) {
	t.Helper()
	var o EndpointOptions
	fs := pflag.NewFlagSet("endpoint", pflag.ContinueOnError)
	o.Flags(fs)
	if err := fs.Parse(strings.Fields(line)); err != nil {
		t.Fatal(err)
	}
	var out strings.Builder
	err := RunEndpoint(t.Context(), o, fs.Args(), &out)
	if strings.Contains(out.String(), testKey) || err != nil && strings.Contains(err.Error(), testKey) {
		t.Error("the key shows")
	}
	return out.String(), err
}

func TestCommands(t *testing.T) {
	atTwin(t)
	var out strings.Builder
	run := func(line string) error {
		var o Options
		fs := pflag.NewFlagSet("deploy", pflag.ContinueOnError)
		o.Flags(fs)
		if err := fs.Parse(strings.Fields(line)); err != nil {
			t.Fatal(err)
		}
		out.Reset()
		return Run(t.Context(), o, &out)
	}
	if err := run("--dry-run --image you/worker:1 --min-workers 0"); err != nil {
		t.Fatal(err)
	}
	wants(t, out.String(), "dry run: nothing was changed", "$0.00016 to $0.00031 a second, $0.576 to $1.116 an hour")
	if _, err := os.Stat(".env"); err == nil {
		t.Error("a dry run wrote .env")
	}
	if text, err := endpoint(t, "list"); err != nil || strings.Contains(text, "gopherpod") {
		t.Errorf("%v, %s", err, text)
	}
	if err := run("--image you/worker:1"); err != nil {
		t.Fatal(err)
	}
	env, _ := os.ReadFile(".env")
	id := strings.TrimSpace(strings.TrimPrefix(string(env), "RUNPOD_ENDPOINT_ID="))
	if !regexp.MustCompile(`^\w+$`).MatchString(id) || strings.Contains(out.String(), testKey) {
		t.Fatalf("%q\n%s", env, out.String())
	}
	for _, c := range []struct{ line, want string }{
		{"list", "*  gopherpod  " + id},
		{"show", "gopherpod (" + id + ")"},
		{"show gopherpod", "1 completed, 0 failed"},
		{"show " + id, "release    1"},
		{"scale --max 4 --idle-timeout 30s", "workers 0 to 4, stay 30 s without a job"},
		{"scale gopherpod --min 1", "1 always on, billed day and night"},
		{"scale gopherpod --min 1", "an hour, day and night, for 1 always on"}, // shown before it is set
		{"scale --min 0", "workers 0 to 4"},
		{"delete gopherpod --yes", "RUNPOD_ENDPOINT_ID still names it"},
	} {
		text, err := endpoint(t, c.line)
		if err != nil {
			t.Errorf("%s: %v", c.line, err)
		}
		wants(t, text, c.want)
	}
	if _, err := endpoint(t, "show"); err == nil || !strings.Contains(err.Error(), "gopherpod endpoint list") {
		t.Error(err)
	}
}

func TestEndpointRefuses(t *testing.T) {
	atTwin(t)
	for _, c := range []struct{ line, want string }{
		{"", "want list|show"},
		{"start", "want list|show"},
		{"list x", "takes no name"},
		{"show", "which endpoint?"},
		{"show none", "there is no endpoint"},
		{"delete", "wants a name or an id"},
		{"delete --yes", "wants a name or an id"},
		{"delete local", "with --yes"},
		{"delete local --yes", "belongs to the server"},
		{"scale local", "wants --min"},
		{"scale local --min 3", "the least is more than the most"},
		{"scale local --max -1", "negative"},
		{"show local --yes", "has no option --yes"},
		{"logs local --tail 9999", "0 to 5000"},
		{"logs local --source all", "container or system"},
		{"logs local --worker none", "not found"},
	} {
		text, err := endpoint(t, c.line)
		if err == nil || !strings.Contains(err.Error(), c.want) || strings.Contains(err.Error(), "\n") {
			t.Errorf("%s: %v, %s, want %s", c.line, err, text, c.want)
		}
	}
}

func TestConnectRefuses(t *testing.T) {
	for _, c := range []struct{ key, base, manage, want string }{
		{"", "", "", "there is no RUNPOD_API_KEY"},
		{"rpa_wrongkey", "http://127.0.0.1:1/v2", "", "set both or neither"},
		{"rpa_wrongkey", "", "http://127.0.0.1:1/v2", "set both or neither"},
		{"rpa_wrongkey", "twin", "twin", "check RUNPOD_API_KEY"},
	} {
		t.Run(c.want, func(t *testing.T) {
			atTwin(t)
			t.Setenv(runpod.EnvAPIKey, c.key)
			if c.base != "twin" {
				t.Setenv(runpod.EnvBaseURL, c.base)
				t.Setenv(runpod.EnvManagementURL, c.manage)
			}
			err := Run(t.Context(), Options{Image: "i"}, new(strings.Builder))
			if err == nil || !strings.Contains(err.Error(), c.want) || strings.Contains(err.Error(), "wrongkey") {
				t.Error(err)
			}
		})
	}
}

func TestLastImage(t *testing.T) {
	t.Chdir(t.TempDir())
	if got := LastImage(); got != "" {
		t.Error(got)
	}
	for _, c := range []struct{ text, want string }{{"you/worker:20261123-1200\n", "you/worker:20261123-1200"}, {"two\nlines\n", ""}, {"", ""}} {
		if err := os.WriteFile(".last-image", []byte(c.text), 0o600); err != nil {
			t.Fatal(err)
		}
		if got := LastImage(); got != c.want {
			t.Errorf("%q: %q", c.text, got)
		}
	}
}

func TestLogs(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		_, client := newTwin(t, local.Options{Handler: answer, Workers: 2})
		synctest.Wait()
		o := EndpointOptions{client: client}
		e, err := client.Management().Endpoint(t.Context(), "local")
		if err != nil {
			t.Fatal(err)
		}
		var out strings.Builder
		if err := o.logs(t.Context(), e, &out); err != nil {
			t.Fatal(err)
		}
		if strings.Count(out.String(), "worker is ready") != 2 {
			t.Error(out.String())
		}
		id, _ := deploy(t, client, Options{Image: "i", NoCheck: true})
		e.ID = id
		out.Reset()
		if err := o.logs(t.Context(), e, &out); err != nil {
			t.Fatal(err)
		}
		wants(t, out.String(), "no worker is up")
	})
}
