package keyring

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/zalando/go-keyring"

	"github.com/gopherpod/gopherpod/runpod/settings"
)

// env names the variable that lists the variables from the keyring.
const env = "GOPHERPOD_KEYRING"

// here holds the settings of a folder without a file .env.
func here(t *testing.T) settings.Settings {
	t.Helper()
	s, err := settings.Read(filepath.Join(t.TempDir(), ".env"))
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestKeyring(t *testing.T) {
	keyring.MockInit()
	t.Setenv("XDG_CONFIG_HOME", t.TempDir())
	t.Setenv("HOME", t.TempDir())
	t.Setenv("RUNPOD_API_KEY", "")
	t.Setenv("OTHER_SECRET", "of the environment")
	t.Setenv(env, "")
	t.Setenv("GOPHERPOD_KEYRING_RUNPOD_API_KEY", "")
	if err := Load(t.Context(), time.Second, here(t)); err != nil || os.Getenv(env) != "" {
		t.Errorf("nothing is there: %v", err)
	}
	for _, n := range []string{"RUNPOD_API_KEY", "OTHER_SECRET", "RUNPOD_API_KEY"} {
		if err := Set(t.Context(), n, "rpa_of the keyring"); err != nil {
			t.Fatal(err)
		}
	}
	if names, err := Names(); err != nil || strings.Join(names, " ") != "RUNPOD_API_KEY OTHER_SECRET" {
		t.Errorf("%q, %v", names, err)
	}
	if err := Load(t.Context(), time.Second, here(t)); err != nil {
		t.Fatal(err)
	}
	if os.Getenv("RUNPOD_API_KEY") != "rpa_of the keyring" || os.Getenv("OTHER_SECRET") != "of the environment" || os.Getenv(env) != "RUNPOD_API_KEY" {
		t.Errorf("%q, %q, from the keyring %q", os.Getenv("RUNPOD_API_KEY"), os.Getenv("OTHER_SECRET"), os.Getenv(env))
	}
	for range 2 {
		if err := Delete(t.Context(), "RUNPOD_API_KEY"); err != nil {
			t.Fatal(err)
		}
	}
	if names, _ := Names(); strings.Join(names, " ") != "OTHER_SECRET" {
		t.Errorf("%q", names)
	}
	for _, c := range []struct{ name, value string }{{"a b", "x"}, {"", "x"}, {"RUNPOD_API_KEY", ""}} {
		if err := Set(t.Context(), c.name, c.value); err == nil {
			t.Errorf("%q = %q", c.name, c.value)
		}
	}
}

// A keyring that is locked or gone costs one line of output, which contains no secret.
func TestUnusable(t *testing.T) {
	t.Setenv("XDG_CONFIG_HOME", t.TempDir())
	t.Setenv("RUNPOD_API_KEY", "")
	keyring.MockInit()
	if err := Set(t.Context(), "RUNPOD_API_KEY", "rpa_secret"); err != nil {
		t.Fatal(err)
	}
	keyring.MockInit() // removed by another program
	if err := Load(t.Context(), time.Second, here(t)); err == nil || !strings.Contains(err.Error(), "gopherpod key set RUNPOD_API_KEY") {
		t.Errorf("%v", err)
	}
	keyring.MockInitWithError(errors.New("no D-Bus\nmore"))
	for _, err := range []error{Load(t.Context(), time.Second, here(t)), Set(t.Context(), "RUNPOD_API_KEY", "rpa_secret"), Delete(t.Context(), "RUNPOD_API_KEY")} {
		if err == nil || !strings.Contains(err.Error(), "there is no keyring that can be used here (no D-Bus); the environment or .env") || strings.Contains(err.Error(), "rpa_") {
			t.Errorf("%v", err)
		}
	}
	if _, err := within(t.Context(), time.Millisecond, func() (string, error) { select {} }); !errors.Is(err, context.DeadlineExceeded) {
		t.Error(err)
	}
}
