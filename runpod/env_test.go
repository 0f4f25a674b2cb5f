package runpod_test

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/gopherpod/gopherpod/runpod"
	"github.com/gopherpod/gopherpod/runpod/settings"
)

func TestFromEnv(t *testing.T) {
	clear := func(t *testing.T) {
		for _, name := range []string{runpod.EnvAPIKey, runpod.EnvEndpointID, runpod.EnvBaseURL, runpod.EnvManagementURL} {
			t.Setenv(name, "")
		}
		t.Chdir(t.TempDir())
	}
	write := func(t *testing.T, text string) {
		if err := os.WriteFile(".env", []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	t.Run("nothing", func(t *testing.T) {
		clear(t)
		if c, err := runpod.FromEnv(); err != nil || c.APIKey != "" || c.EndpointID != "" || c.BaseURL != "" {
			t.Errorf("got %+v, %v", c, err)
		}
	})
	t.Run("the environment wins", func(t *testing.T) {
		clear(t)
		write(t, "RUNPOD_API_KEY=file\nexport RUNPOD_ENDPOINT_ID=\"ep-file\"\n")
		t.Setenv(runpod.EnvAPIKey, "env")
		c, err := runpod.FromEnv()
		if err != nil || c.APIKey.Reveal() != "env" || c.EndpointID != "ep-file" {
			t.Errorf("got %+v, %v", c, err)
		}
	})
	t.Run("a file's own key goes where the file says", func(t *testing.T) {
		clear(t)
		write(t, "RUNPOD_API_KEY=file\nRUNPOD_ENDPOINT_BASE_URL=https://example.com/v2\n")
		if c, err := runpod.FromEnv(); err != nil || c.BaseURL != "https://example.com/v2" {
			t.Errorf("got %+v, %v", c, err)
		}
	})
	t.Run("the environment's key does not", func(t *testing.T) {
		for variable, bad := range map[string]string{runpod.EnvBaseURL: "https://example.com/v2", runpod.EnvManagementURL: "https://api.runpod.io.example.com"} {
			clear(t)
			write(t, variable+"="+bad+"\n")
			t.Setenv(runpod.EnvAPIKey, "env")
			if _, err := runpod.FromEnv(); !errors.Is(err, runpod.ErrInvalid) {
				t.Errorf("%s: %v", variable, err)
			}
			write(t, variable+"=http://127.0.0.1:8000/v2\n")
			t.Setenv(settings.EnvLocalURL, "http://127.0.0.1:9000")
			if _, err := runpod.FromEnv(); !errors.Is(err, runpod.ErrInvalid) { // another user may listen there
				t.Errorf("%s: %v", variable, err)
			}
			t.Setenv(settings.EnvLocalURL, "http://127.0.0.1:8000")
			if _, err := runpod.FromEnv(); err != nil {
				t.Errorf("%s: %v", variable, err)
			}
			t.Setenv(variable, bad)
			if _, err := runpod.FromEnv(); err != nil {
				t.Errorf("%s: %v", variable, err)
			}
		}
	})
	t.Run("rubbish", func(t *testing.T) {
		clear(t)
		write(t, "RUNPOD_API_KEY rpa_secret 'x\n")
		if _, err := runpod.FromEnv(); !errors.Is(err, runpod.ErrInvalid) || strings.Contains(err.Error(), "secret") {
			t.Errorf("got %v", err)
		}
		if _, err := runpod.FromEnvFile(filepath.Join(t.TempDir(), "none")); err != nil {
			t.Errorf("no file: %v", err)
		}
		if _, err := runpod.FromEnvFile("."); err == nil {
			t.Error("a folder is accepted")
		}
	})
}
