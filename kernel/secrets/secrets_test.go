package secrets

import (
	"os"
	"path/filepath"
	"regexp"
	"testing"
	"time"
)

func TestRedactor(t *testing.T) {
	file := filepath.Join(t.TempDir(), ".env")
	if err := os.WriteFile(file, []byte("RUNPOD_API_KEY=rpa_FROMTHEFILE\nRUNPOD_ENDPOINT_ID=abcdefghijk\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	redact := Redactor([]string{"AWS_SECRET=hunter2hunter2", "AWS_SECRET_KEY=hunter2hunter2and", "SHORT_KEY=abc", "HOME=/home/somebody", "KEYBOARD=qwertyuiop"}, file, "no such file")
	for in, want := range map[string]string{
		"key rpa_FROMTHEFILE, id abcdefghijk":               "key ***, id abcdefghijk",
		"hunter2hunter2and hunter2hunter2":                  "*** ***",
		"abc /home/somebody qwertyuiop":                     "abc /home/somebody qwertyuiop",
		"Bearer rpa_ABCDEFGHIJKLMNOP0123456789":             "Bearer ***",
		"ghp_0123456789abcdefghijklmnopqrstuv":              "***",
		"a skunk, risk-free":                                "a skunk, risk-free",
		"disk-0123456789abcdefghijklmnopqrstuv":             "disk-0123456789abcdefghijklmnopqrstuv",
		"hf_short sk-short AKIA xoxb-":                      "hf_short sk-short AKIA xoxb-",
		"AKIA0123456789ABCDEF,xoxb-0123456789-0123456789;":  "***,***;",
		"sk-0123456789-hf_0123456789abcdefghijklmnopqrstuv": "***",
	} {
		if got := redact(in); got != want {
			t.Errorf("%q became %q, want %q", in, got, want)
		}
	}
}

// reference does what maskTokens does, in one expression.
var reference = regexp.MustCompile(`\b(rp[as]_[A-Za-z0-9]{16,}|gh[pousr]_[A-Za-z0-9]{30,}|github_pat_[A-Za-z0-9_]{30,}|hf_[A-Za-z0-9]{30,}|sk-[A-Za-z0-9_-]{30,}|AKIA[A-Z0-9]{16}|xox[abprs]-[A-Za-z0-9-]{20,})`)

func FuzzMaskTokens(f *testing.F) {
	f.Add("key rpa_ABCDEFGHIJKLMNOP0123456789, sk-0123456789-hf_0123456789abcdefghijklmnopqrstuv")
	f.Add("_AKIA0123456789ABCDEF AKIA0123456789ABCDEFAKIA0123456789ABCDEF")
	f.Fuzz(func(t *testing.T, s string) {
		if got, want := maskTokens(s), reference.ReplaceAllString(s, Mask); got != want {
			t.Errorf("%q became %q, want %q", s, got, want)
		}
	})
}

// Watch reads a file that has changed, and only then.
func TestSetWatches(t *testing.T) {
	file := filepath.Join(t.TempDir(), ".env")
	s := NewSet(nil)
	s.Watch(file)
	old := time.Now().Add(-time.Hour)
	for i, secret := range []string{"hunter2hunter2", "hunter3hunter3"} {
		if err := os.WriteFile(file, []byte("MY_TOKEN="+secret+"\n"), 0o600); err != nil {
			t.Fatal(err)
		}
		if err := os.Chtimes(file, old, old.Add(time.Duration(i))); err != nil {
			t.Fatal(err)
		}
		s.Watch(file)
		if got := s.Redact(secret); got != Mask {
			t.Errorf("after change %d: %q", i, got)
		}
	}
	if err := os.WriteFile(file, []byte("MY_TOKEN=hunter4hunter4\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Chtimes(file, old, old.Add(1)); err != nil {
		t.Fatal(err)
	}
	s.Watch(file) // looks unchanged: the file is not read for every text
	if got := s.Redact("hunter4hunter4"); got == Mask {
		t.Error("the file was read though it looks unchanged")
	}
}
