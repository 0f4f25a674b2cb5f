package parquet

import (
	"bytes"
	"context"
	"errors"
	"os"
	"path/filepath"
	"testing"

	"github.com/parquet-go/parquet-go"
	"github.com/parquet-go/parquet-go/format"

	"github.com/gopherpod/gopherpod/runpod/dataset"
)

// FuzzRead: Read returns a table, or a *dataset.Error that says what is wrong. Files with LZ4
// are left out: for damaged pages, the library doubles its buffer until memory runs out.
// That is why a session reads Parquet in a process with a limit (LimitMemory).
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
		if file, err := parquet.OpenFile(bytes.NewReader(b), int64(len(b))); err == nil {
			for _, group := range file.Metadata().RowGroups {
				for _, c := range group.Columns {
					if c.MetaData.Codec == format.Lz4Raw {
						return
					}
				}
			}
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
