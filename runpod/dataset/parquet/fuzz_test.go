package parquet

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"testing"

	"github.com/gopherpod/gopherpod/runpod/dataset"
)

// FuzzRead: a file is a table, or a *dataset.Error says what is wrong with it.
func FuzzRead(f *testing.F) {
	files, err := filepath.Glob("../testdata/*.parquet")
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
	f.Fuzz(func(t *testing.T, b []byte) {
		name := filepath.Join(t.TempDir(), "x.parquet")
		if err := os.WriteFile(name, b, 0o600); err != nil {
			t.Fatal(err)
		}
		table, err := Read(context.Background(), name)
		var known *dataset.Error
		if err != nil {
			if !errors.As(err, &known) {
				t.Fatalf("%T: %v", err, err)
			}
			return
		}
		_, _ = table.Split(table.Columns[0].Name, nil)
	})
}
