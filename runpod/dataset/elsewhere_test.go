package dataset_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"testing"

	"github.com/gopherpod/gopherpod/runpod/dataset"
	"github.com/gopherpod/gopherpod/runpod/dataset/parquet"
	"github.com/gopherpod/gopherpod/tensors/memory"
)

// TestMain lets the test's program read Parquet for other processes, like "gopherpod data
// FILE".
func TestMain(m *testing.M) {
	if len(os.Args) == 3 && os.Args[1] == "data" {
		if err := parquet.LimitMemory(); err != nil {
			panic(err)
		}
		if filepath.Base(os.Args[2]) == "hungry.parquet" { // act like a file whose pages claim to be that large
			big := make([]byte, memory.Available())
			fmt.Fprintln(os.Stderr, len(big))
		}
		t, err := dataset.Read(context.Background(), os.Args[2], dataset.Options{Parquet: parquet.Read})
		if err == nil {
			err = t.Encode(os.Stdout)
		}
		if err != nil {
			fmt.Fprintf(os.Stderr, "gopherpod data: %v\n", err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	os.Exit(m.Run())
}

// A session that reads Parquet through another process gets the same table and the same
// errors.
func TestReadElsewhere(t *testing.T) {
	program, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	t.Setenv(dataset.EnvProgram, program)
	table, err := dataset.Read(t.Context(), "testdata/pandas.parquet", dataset.Options{})
	if err != nil || table.Name != "pandas.parquet" || table.Rows() != 4 || table.Columns[4].Texts[3] != "virginica" {
		t.Fatal(table, err)
	}
	dir := t.TempDir()
	broken := filepath.Join(dir, "x.parquet")
	if err := os.WriteFile(broken, []byte("PAR1 no PAR1"), 0o600); err != nil {
		t.Fatal(err)
	}
	_, here := parquet.Read(t.Context(), broken)
	_, err = dataset.Read(t.Context(), broken, dataset.Options{})
	if !errors.Is(err, dataset.ErrFormat) || err.Error() != here.Error() {
		t.Errorf("%v, here %v", err, here)
	}
	if _, err := dataset.Read(t.Context(), filepath.Join(dir, "none.parquet"), dataset.Options{}); !errors.Is(err, os.ErrNotExist) {
		t.Error(err)
	}
	hungry := filepath.Join(dir, "hungry.parquet")
	if err := os.WriteFile(hungry, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	want := "hungry.parquet: needs more than half of the memory that is free here; read fewer columns or rows, or convert it to .npy files"
	if _, err := dataset.Read(t.Context(), hungry, dataset.Options{}); runtime.GOOS == "linux" && (err == nil || err.Error() != want) {
		t.Error(err)
	}
	t.Setenv(dataset.EnvProgram, filepath.Join(dir, "no-program"))
	if _, err := dataset.Read(t.Context(), "testdata/pandas.parquet", dataset.Options{}); !errors.Is(err, dataset.ErrFormat) {
		t.Error(err)
	}
}
