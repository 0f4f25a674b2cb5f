package settings_test

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/gopherpod/gopherpod/runpod/settings"
)

func write(t *testing.T, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "variables")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestRead(t *testing.T) {
	for _, name := range []string{"A", "B_KEY", "C", "D", "E", "F", "RUNPOD_API_KEY", "GOPHERPOD_KEYRING", "GOPHERPOD_KEYRING_C", "GOPHERPOD_KEYRING_E", "GOPHERPOD_KEYRING_F"} {
		t.Setenv(name, "")
	}
	t.Setenv("HOME", t.TempDir())
	t.Setenv("A", "env")
	for _, name := range []string{"C", "E", "F"} {
		if err := settings.SetFromKeyring(name, "ring"); err != nil {
			t.Fatal(err)
		}
	}
	t.Setenv("F", "changed by %env")
	path := write(t, "A=file\nexport B_KEY='secret'\nE=file\nF=file\n")
	s, err := settings.Read(path)
	if err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string][2]string{
		"A": {"env", "environment"}, "B_KEY": {"secret", path}, "C": {"ring", "keyring"}, "D": {"", ""},
		"E": {"file", path}, "F": {"changed by %env", "environment"}, // .env comes before the keyring, the environment before both
	} {
		if got := [2]string{s.Get(name), string(s.From(name))}; got != want {
			t.Errorf("%s: %q, want %q", name, got, want)
		}
	}
	for _, v := range s.Show("B_KEY", "A") {
		if want := map[string]string{"B_KEY": "***", "A": "env"}[v.Name]; v.Value != want {
			t.Errorf("%+v, want %q", v, want)
		}
	}
	if _, err := settings.Read(filepath.Join(t.TempDir(), "none")); err != nil {
		t.Error(err)
	}
	if _, err := settings.Read(write(t, "KEY rpa_secret 'x\n")); !errors.Is(err, settings.ErrSyntax) || strings.Contains(err.Error(), "secret") {
		t.Error(err)
	}
	if _, err := settings.Read(t.TempDir()); err == nil {
		t.Error("a folder is accepted")
	}
}

// A file's address gets the environment's key only if our own process serves the address.
func TestRedirects(t *testing.T) {
	for _, c := range []struct {
		key, address, file, local string
		want                      bool
	}{
		{"k", "", "URL=https://example.com", "", true},
		{"k", "", "URL=http://127.0.0.1:8000/v2", "", true},
		{"k", "", "URL=http://127.0.0.1:8000/v2", "http://127.0.0.1:9000", true},
		{"k", "", "URL=http://127.0.0.1:8000/v2", "http://127.0.0.1:8000", false},
		{"k", "", "URL=http://127.0.0.1:8000/v2\nGOPHERPOD_LOCAL_URL=http://127.0.0.1:8000", "", true},
		{"k", "https://mine.example", "URL=https://example.com", "", false},
		{"", "", "KEY=file\nURL=https://example.com", "", false},
		{"k", "", "OTHER=1", "", false},
	} {
		t.Setenv("HOME", t.TempDir())
		t.Setenv("KEY", c.key)
		t.Setenv("URL", c.address)
		t.Setenv(settings.EnvLocalURL, c.local)
		s, err := settings.Read(write(t, c.file+"\n"))
		if err != nil || s.Redirects("KEY", "URL") != c.want {
			t.Errorf("%+v: %v, %v", c, !c.want, err)
		}
	}
}

// config.toml is the last source of the key. We read what RunPod's programs write, and
// take nothing else from it.
func TestConfigFile(t *testing.T) {
	const python = "[default]\napi_key = \"rpa_python\"\n"
	for _, c := range []struct {
		name, toml, env, dotenv string
		want                    string
		from                    settings.Source
	}{
		{"of the SDK for Python", python, "", "", "rpa_python", settings.ConfigFile},
		{"of runpodctl", "apikey = 'rpa_ctl'\napiurl = 'https://api.runpod.io/graphql'\n", "", "", "rpa_ctl", settings.ConfigFile},
		{"of runpodctl, as documented", "apiKey = \"rpa_ctl\"\n", "", "", "rpa_ctl", settings.ConfigFile},
		{"of both", "apikey = \"rpa_ctl\"\n\n" + python, "", "", "rpa_python", settings.ConfigFile},
		{"with another profile", "[work]\napi_key = \"rpa_work\"\n", "", "", "", ""},
		{"empty", "", "", "", "", ""},
		{"the environment wins", python, "rpa_env", "", "rpa_env", settings.Environment},
		{".env wins", python, "", "RUNPOD_API_KEY=rpa_file", "rpa_file", ".env"},
		{"a broken file that is not needed", "[", "rpa_env", "", "rpa_env", settings.Environment},
	} {
		home := t.TempDir()
		t.Setenv("HOME", home)
		t.Chdir(home)
		t.Setenv("RUNPOD_API_KEY", c.env)
		if err := errors.Join(os.Mkdir(".runpod", 0o700), os.WriteFile(".runpod/config.toml", []byte(c.toml), 0o600), os.WriteFile(".env", []byte(c.dotenv), 0o600)); err != nil {
			t.Fatal(err)
		}
		s, err := settings.Read(".env")
		if err != nil || s.Get("RUNPOD_API_KEY") != c.want || s.From("RUNPOD_API_KEY") != c.from {
			t.Errorf("%s: %q from %q, %v; want %q from %q", c.name, s.Get("RUNPOD_API_KEY"), s.From("RUNPOD_API_KEY"), err, c.want, c.from)
		}
		if s.Get("RUNPOD_ENDPOINT_BASE_URL") != "" {
			t.Errorf("%s: an address", c.name)
		}
		masked := strings.Contains(strings.Join(settings.Environ(), "\n"), "RUNPOD_API_KEY="+c.want)
		if c.want != "" && !masked && c.from != ".env" {
			t.Errorf("%s: the key is not among the secrets to mask", c.name)
		}
	}
}

// An invalid config.toml is rejected with a message that does not quote it; a file that
// blocks or never ends is not read.
func TestConfigFileRefused(t *testing.T) {
	for name, c := range map[string]struct {
		put  func(path string) error
		want error
	}{
		"no TOML":      {func(path string) error { return os.WriteFile(path, []byte("[default]\napi_key = rpa_secret\n"), 0o600) }, settings.ErrConfig},
		"not a string": {func(path string) error { return os.WriteFile(path, []byte("[default]\napi_key = 5\n"), 0o600) }, settings.ErrConfig},
		"a folder":     {func(path string) error { return os.Mkdir(path, 0o700) }, settings.ErrUnfit},
		"a FIFO":       {func(path string) error { return syscall.Mkfifo(path, 0o600) }, settings.ErrUnfit},
		"1 GiB": {func(path string) error {
			return errors.Join(os.WriteFile(path, nil, 0o600), os.Truncate(path, 1<<30))
		}, settings.ErrUnfit},
	} {
		home := t.TempDir()
		t.Setenv("HOME", home)
		t.Setenv("RUNPOD_API_KEY", "")
		t.Chdir(home)
		if err := errors.Join(os.Mkdir(".runpod", 0o700), c.put(".runpod/config.toml")); err != nil {
			t.Fatal(err)
		}
		if _, err := settings.Read(".env"); !errors.Is(err, c.want) || !strings.Contains(err.Error(), "~/.runpod/config.toml") || strings.Contains(err.Error(), "secret") {
			t.Errorf("%s: %v, want %v", name, err, c.want)
		}
	}
}

// A key from another source is never sent to an address from .env: neither the keyring's
// key nor that of config.toml.
func TestRedirectsOtherSources(t *testing.T) {
	for _, source := range []settings.Source{settings.Keyring, settings.ConfigFile} {
		home := t.TempDir()
		t.Setenv("HOME", home)
		t.Chdir(home)
		for _, name := range []string{"RUNPOD_API_KEY", "URL", settings.EnvLocalURL, "GOPHERPOD_KEYRING", "GOPHERPOD_KEYRING_RUNPOD_API_KEY"} {
			t.Setenv(name, "")
		}
		err := os.WriteFile(".env", []byte("URL=https://example.com\n"), 0o600)
		if source == settings.Keyring {
			err = errors.Join(err, settings.SetFromKeyring("RUNPOD_API_KEY", "ring"))
		} else {
			err = errors.Join(err, os.Mkdir(".runpod", 0o700), os.WriteFile(".runpod/config.toml", []byte("[default]\napi_key = \"k\"\n"), 0o600))
		}
		if err != nil {
			t.Fatal(err)
		}
		s, err := settings.Read(".env")
		if err != nil || s.From("RUNPOD_API_KEY") != source || !s.Redirects("RUNPOD_API_KEY", "URL") {
			t.Errorf("%s: from %q, %v", source, s.From("RUNPOD_API_KEY"), err)
		}
	}
}
