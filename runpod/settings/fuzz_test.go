package settings

import (
	"errors"
	"os"
	"path/filepath"
	"testing"
)

// FuzzConfig checks that config.toml gives a key or is rejected.
func FuzzConfig(f *testing.F) {
	for _, s := range []string{"[default]\napi_key = \"rpa_x\"\n", "APIKEY = 'rpa_x'\n[other]\n", "apikey = 1", "[default]\napi_key = \"\"\"\nx\"\"\"", "a.b.c = [{}]", "=", "\xff"} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		home := t.TempDir()
		t.Setenv("HOME", home)
		if err := os.Mkdir(filepath.Join(home, ".runpod"), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(home, ".runpod", "config.toml"), b, 0o600); err != nil {
			t.Fatal(err)
		}
		if key, err := configKey(); err != nil && (!errors.Is(err, ErrConfig) || key != "") {
			t.Fatalf("key %q, error %v", key, err)
		}
	})
}
