package runs

import (
	"os"
	"path/filepath"
	"testing"
	"time"
)

func TestKeys(t *testing.T) {
	state := t.TempDir()
	t.Setenv("XDG_STATE_HOME", state)
	const base = "http://127.0.0.1:4321/v2"
	if key, err := KeyOf(base); key != "" || err != nil {
		t.Errorf("%q, %v", key, err)
	}
	old := filepath.Join(state, "gopherpod", "endpoints", "1")
	if err := os.MkdirAll(filepath.Dir(old), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(old, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Chtimes(old, time.Time{}, time.Now().Add(-9*24*time.Hour)); err != nil {
		t.Fatal(err)
	}
	forget, err := KeepKey(base, "rpa_x")
	if err != nil {
		t.Fatal(err)
	}
	if key, err := KeyOf(base); key != "rpa_x" || err != nil {
		t.Errorf("%q, %v", key, err)
	}
	if i, err := os.Stat(filepath.Join(filepath.Dir(old), "4321")); err != nil || i.Mode().Perm() != 0o600 {
		t.Errorf("%v, %v", i, err)
	}
	if _, err := os.Stat(old); err == nil {
		t.Error("an old key is kept")
	}
	forget()
	if key, _ := KeyOf(base); key != "" {
		t.Errorf("got %q after forget", key)
	}
	for _, base := range []string{"https://api.runpod.ai/v2", "http://127.0.0.1/v2", "http://127.0.0.1:4321/../x:99", "\x00", "http://[::1]:4321/v2"} {
		if _, err := KeepKey(base, "x"); err == nil && base != "http://127.0.0.1:4321/../x:99" {
			t.Errorf("%q: no error", base)
		}
	}
}

// A folder of keys that others may write to is not read, and no key is put there.
func TestKeyIsNotReadFromOthers(t *testing.T) {
	state := t.TempDir()
	t.Setenv("XDG_STATE_HOME", state)
	dir := filepath.Join(state, "gopherpod", "endpoints")
	if err := os.MkdirAll(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "4321"), []byte("theirs"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(dir, 0o777); err != nil {
		t.Fatal(err)
	}
	if key, err := KeyOf("http://127.0.0.1:4321"); err == nil {
		t.Errorf("read %q", key)
	}
	if _, err := KeepKey("http://127.0.0.1:4321", "ours"); err == nil {
		t.Error("a key was put there")
	}
}
