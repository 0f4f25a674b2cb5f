package dataset_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"testing"

	"github.com/gopherpod/gopherpod/runpod/dataset"
)

// addFiles adds the files of a pattern, of which there is at least one, to the corpus.
func addFiles(f *testing.F, pattern string) {
	f.Helper()
	files, err := filepath.Glob(pattern)
	if err != nil || len(files) == 0 {
		f.Fatal("no files", err)
	}
	for _, name := range files {
		b, err := os.ReadFile(name)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(b)
	}
}

// FuzzParseNPZ: ParseNPZ returns a table, or a *dataset.Error that says what is wrong.
func FuzzParseNPZ(f *testing.F) {
	addFiles(f, "testdata/*.npz")
	f.Fuzz(func(t *testing.T, b []byte) {
		table, err := dataset.ParseNPZ("x", b)
		var known *dataset.Error
		if err != nil {
			if !errors.As(err, &known) {
				t.Fatalf("%T: %v", err, err)
			}
			return
		}
		for _, c := range table.Columns {
			if c.Texts == nil {
				if err := c.Array.Validate(); err != nil {
					t.Fatalf("%s: %v", c.Name, err)
				}
			}
		}
		_, _ = table.Split("y", nil)
	})
}

// FuzzRead: for a text file in any encoding, Read returns a table whose columns have one row
// per line of data, or an error.
func FuzzRead(f *testing.F) {
	for _, s := range []string{"a,b\n1,2\n", "gr\xf6\xdfe;art\n1,5;M\xe4dchen\n", "\xff\xfea\x00,\x00b\x00\n\x001\x00,\x002\x00\n\x00", "a\tb\n\"1\n\"\t2"} {
		f.Add([]byte(s), uint8(0))
		f.Add([]byte(s), uint8(1))
		f.Add([]byte(s), uint8(2))
	}
	encodings := []string{"", "latin-1", "windows-1252", "utf-8", "utf-16", "shift-jis", "none such"}
	f.Fuzz(func(t *testing.T, b []byte, n uint8) {
		name := filepath.Join(t.TempDir(), "x.csv")
		if err := os.WriteFile(name, b, 0o600); err != nil {
			t.Fatal(err)
		}
		table, err := dataset.Read(context.Background(), name, dataset.Options{Encoding: encodings[int(n)%len(encodings)]})
		if err != nil {
			return
		}
		for _, c := range table.Columns {
			if c.Rows() != table.Rows() {
				t.Fatalf("%s has %d rows of %d", c.Name, c.Rows(), table.Rows())
			}
		}
	})
}
