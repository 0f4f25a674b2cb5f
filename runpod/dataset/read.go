package dataset

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
)

// Options say how to read a file. The zero value works.
type Options struct {
	// Parquet reads a Parquet file: package dataset/parquet's Read, where a program
	// has it in. nil: the program that EnvProgram names reads it in a process of its
	// own.
	Parquet func(ctx context.Context, path string) (*Table, error)
}

// EnvProgram names the gopherpod program, which the kernel tells its session.
const EnvProgram = "GOPHERPOD_PROGRAM"

// Extensions lists the endings of the files that Read reads.
func Extensions() []string { return []string{".csv", ".tsv", ".npy", ".npz", ".parquet"} }

// IsFile tells whether a word names a file by its ending, and not a variable.
func IsFile(word string) bool {
	return slices.Contains(Extensions(), strings.ToLower(filepath.Ext(word)))
}

// Read reads the file at path, by its ending. Its errors are *Error or those of
// package os.
func Read(ctx context.Context, path string, o Options) (*Table, error) {
	switch strings.ToLower(filepath.Ext(path)) {
	case ".csv", ".tsv", ".npy", ".npz":
	case ".parquet":
		if _, err := os.Stat(path); err != nil {
			return nil, err
		}
		if o.Parquet != nil {
			return o.Parquet(ctx, path)
		}
		return readElsewhere(ctx, path)
	default:
		return nil, &Error{Name: path, Kind: ErrFormat, Text: "is read where it ends in " + strings.Join(Extensions(), ", ")}
	}
	b, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	return Parse(path, b)
}

// Parse reads the content of a file that is not Parquet, by the ending of its name.
func Parse(name string, b []byte) (*Table, error) {
	base := filepath.Base(name)
	switch strings.ToLower(filepath.Ext(name)) {
	case ".npy":
		c, err := ParseNPY(base, b)
		if err != nil {
			return nil, err
		}
		return &Table{Name: base, Columns: []Column{c}}, nil
	case ".npz":
		return ParseNPZ(base, b)
	case ".tsv":
		return parseCSV(base, b, '\t')
	}
	return ParseCSV(base, b)
}

// readElsewhere has "gopherpod data" read the file: the library for Parquet would
// make every session larger and slower to start.
func readElsewhere(ctx context.Context, path string) (*Table, error) {
	program := os.Getenv(EnvProgram)
	if program == "" {
		return nil, &Error{Name: path, Kind: ErrFormat, Text: "Parquet is read by package runpod/dataset/parquet: set Options.Parquet to its Read"}
	}
	cmd := exec.CommandContext(ctx, program, "data", path)
	var stderr strings.Builder
	cmd.Stderr = &stderr
	out, err := cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := cmd.Start(); err != nil {
		return nil, &Error{Name: path, Kind: ErrFormat, Text: "the program that reads Parquet does not start: " + err.Error()}
	}
	t, err := Decode(out)
	_, drained := io.Copy(io.Discard, out)
	if ended := errors.Join(drained, cmd.Wait()); ended != nil {
		if ctx.Err() != nil {
			return nil, context.Cause(ctx)
		}
		said := strings.TrimSpace(stderr.String())
		said = strings.TrimPrefix(said, "gopherpod data: ")
		said = strings.TrimPrefix(said, filepath.Base(path)+": ")
		if said == "" {
			said = fmt.Sprintf("its reader failed: %v", ended)
		}
		return nil, &Error{Name: filepath.Base(path), Kind: ErrFormat, Text: said}
	}
	if err != nil {
		return nil, &Error{Name: filepath.Base(path), Kind: ErrFormat, Text: "its reader was not understood: " + err.Error()}
	}
	t.Name = filepath.Base(path)
	return t, nil
}
