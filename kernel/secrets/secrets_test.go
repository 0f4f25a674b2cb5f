package secrets

import (
	"os"
	"path/filepath"
	"testing"
)

func TestRedactor(t *testing.T) {
	file := filepath.Join(t.TempDir(), ".env")
	if err := os.WriteFile(file, []byte("RUNPOD_API_KEY=rpa_FROMTHEFILE\nRUNPOD_ENDPOINT_ID=abcdefghijk\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	redact := Redactor([]string{"AWS_SECRET=hunter2hunter2", "AWS_SECRET_KEY=hunter2hunter2and", "SHORT_KEY=abc", "HOME=/home/somebody", "KEYBOARD=qwertyuiop"}, file, "no such file")
	for in, want := range map[string]string{
		"key rpa_FROMTHEFILE, id abcdefghijk":   "key ***, id abcdefghijk",
		"hunter2hunter2and hunter2hunter2":      "*** ***",
		"abc /home/somebody qwertyuiop":         "abc /home/somebody qwertyuiop",
		"Bearer rpa_ABCDEFGHIJKLMNOP0123456789": "Bearer ***",
		"ghp_0123456789abcdefghijklmnopqrstuv":  "***",
		"a skunk, risk-free":                    "a skunk, risk-free",
	} {
		if got := redact(in); got != want {
			t.Errorf("%q became %q, want %q", in, got, want)
		}
	}
}
