package settings

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/gopherpod/gopherpod/tensors/environ"
)

const id = "RUNPOD_ENDPOINT_ID"

func TestWrite(t *testing.T) {
	for _, c := range []struct{ old, want string }{
		{"", "RUNPOD_ENDPOINT_ID=new1\n"},
		{"A=1", "A=1\nRUNPOD_ENDPOINT_ID=new1\n"},
		{"# c\nRUNPOD_API_KEY=k\n\nexport RUNPOD_ENDPOINT_ID='old' # x\nA=\"b c\"\n", "# c\nRUNPOD_API_KEY=k\n\nexport RUNPOD_ENDPOINT_ID=new1\nA=\"b c\"\n"},
		{"RUNPOD_ENDPOINT_ID=a\nRUNPOD_ENDPOINT_ID = b\n", "RUNPOD_ENDPOINT_ID=new1\nRUNPOD_ENDPOINT_ID =new1\n"},
		{"RUNPOD_ENDPOINT_ID=a\r\nA=1\r\n", "RUNPOD_ENDPOINT_ID=new1\r\nA=1\r\n"},
		{"MY_RUNPOD_ENDPOINT_ID=a\n", "MY_RUNPOD_ENDPOINT_ID=a\nRUNPOD_ENDPOINT_ID=new1\n"},
		{"#RUNPOD_ENDPOINT_ID=a\n", "#RUNPOD_ENDPOINT_ID=a\nRUNPOD_ENDPOINT_ID=new1\n"},
	} {
		name := filepath.Join(t.TempDir(), ".env")
		if c.old != "" {
			if err := os.WriteFile(name, []byte(c.old), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		if err := Write(name, id, "new1"); err != nil {
			t.Errorf("%q: %v", c.old, err)
			continue
		}
		got, _ := os.ReadFile(name)
		info, _ := os.Stat(name)
		if string(got) != c.want || info.Mode().Perm() != 0o600 {
			t.Errorf("%q: %q, %v, want %q", c.old, got, info.Mode(), c.want)
		}
	}
}

// A file that would lose something is left alone, and no error shows what it contains.
func TestWriteRefuses(t *testing.T) {
	for _, old := range []string{
		"NOTE=\"two\nRUNPOD_ENDPOINT_ID=in a text\n\"\n",
		"RUNPOD_API_KEY=rpa_hush\nnot a line\n",
	} {
		name := filepath.Join(t.TempDir(), ".env")
		if err := os.WriteFile(name, []byte(old), 0o600); err != nil {
			t.Fatal(err)
		}
		err := Write(name, id, "new1")
		if err == nil || strings.Contains(err.Error(), "hush") || !strings.Contains(err.Error(), "by hand") {
			t.Errorf("%q: %v", old, err)
		}
		if got, _ := os.ReadFile(name); string(got) != old {
			t.Errorf("changed to %q", got)
		}
	}
	if err := Write(filepath.Join(t.TempDir(), ".env"), id, "a\nB=1"); err == nil {
		t.Error("an id of two lines was taken")
	}
}

func TestWriteFollowsLink(t *testing.T) {
	dir := t.TempDir()
	real, link := filepath.Join(dir, "real"), filepath.Join(dir, ".env")
	if err := os.WriteFile(real, []byte("A=1\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(real, link); err != nil {
		t.Skip(err)
	}
	if err := Write(link, id, "new1"); err != nil {
		t.Fatal(err)
	}
	if got, _ := os.ReadFile(real); string(got) != "A=1\nRUNPOD_ENDPOINT_ID=new1\n" {
		t.Errorf("%q", got)
	}
}

func FuzzSetLine(f *testing.F) {
	for _, s := range []string{"", "A=1", "export RUNPOD_ENDPOINT_ID=x # y\nA='b", "RUNPOD_ENDPOINT_ID: 3\r\n"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, old string) {
		text := setLine(old, id, "new1")
		if onlyDiffersIn(old, text, id, "new1") != nil {
			return
		}
		m, err := environ.Parse(text)
		if err != nil || m["RUNPOD_ENDPOINT_ID"] != "new1" {
			t.Errorf("%q became %q", old, text)
		}
	})
}
