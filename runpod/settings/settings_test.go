package settings_test

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
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
	for _, name := range []string{"A", "B_KEY", "C", "D", "GOPHERPOD_KEYRING"} {
		t.Setenv(name, "")
	}
	t.Setenv("A", "env")
	t.Setenv("C", "ring")
	t.Setenv("GOPHERPOD_KEYRING", "C")
	path := write(t, "A=file\nexport B_KEY='secret'\n")
	s, err := settings.Read(path)
	if err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string][2]string{"A": {"env", "environment"}, "B_KEY": {"secret", path}, "C": {"ring", "keyring"}, "D": {"", ""}} {
		if got := [2]string{s.Get(name), s.From(name)}; got != want {
			t.Errorf("%s: %q, want %q", name, got, want)
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

// A file's address gets the environment's key only if our own process serves it.
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
		t.Setenv("KEY", c.key)
		t.Setenv("URL", c.address)
		t.Setenv(settings.EnvLocalURL, c.local)
		s, err := settings.Read(write(t, c.file+"\n"))
		if err != nil || s.Redirects("KEY", "URL") != c.want {
			t.Errorf("%+v: %v, %v", c, !c.want, err)
		}
	}
}
