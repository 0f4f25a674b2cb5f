package dataset

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"

	"github.com/gopherpod/gopherpod/runpod/settings"
)

// Options say how to read a file. The zero value works.
type Options struct {
	// Parquet reads a Parquet file: package dataset/parquet's Read, if the program
	// includes that package. nil: the program that EnvProgram names reads the file in
	// another process.
	Parquet func(ctx context.Context, path string) (*Table, error)
	// Encoding names the encoding of a CSV file; see Encodings. Default: UTF-8, or
	// UTF-16 with a byte order mark.
	Encoding string
}

// EnvProgram names the gopherpod program. The kernel sets it for its session.
const EnvProgram = "GOPHERPOD_PROGRAM"

// Extensions lists the extensions of the files that Read reads.
func Extensions() []string { return []string{".csv", ".tsv", ".npy", ".npz", ".parquet"} }

// IsFile reports whether a word names a file, by its extension, and not a variable.
func IsFile(word string) bool {
	return slices.Contains(Extensions(), strings.ToLower(filepath.Ext(word)))
}

// Read reads the file at path in the format that belongs to its extension. If ctx is done, it
// stops and returns the cause. Other errors are *Error or errors of package os.
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
	b, err := readFile(ctx, path)
	if err != nil {
		return nil, err
	}
	return parse(ctx, path, b, o)
}

// readFile is like os.ReadFile, but stops when ctx is done.
func readFile(ctx context.Context, path string) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return nil, err
	}
	if !info.Mode().IsRegular() {
		return nil, &Error{Name: path, Kind: ErrFormat, Text: "is not a regular file"}
	}
	var b bytes.Buffer
	b.Grow(int(min(info.Size(), 1<<30)) + bytes.MinRead)
	for {
		if ctx.Err() != nil {
			return nil, context.Cause(ctx)
		}
		n, err := io.CopyN(&b, f, 8<<20)
		if err == io.EOF || err == nil && n == 0 {
			return b.Bytes(), nil
		}
		if err != nil {
			return nil, err
		}
	}
}

// Parse reads the content of a file that is not Parquet, by the extension of its name.
func Parse(name string, b []byte) (*Table, error) {
	return parse(context.Background(), name, b, Options{})
}

func parse(ctx context.Context, name string, b []byte, o Options) (*Table, error) {
	base := filepath.Base(name)
	switch strings.ToLower(filepath.Ext(name)) {
	case ".npy":
		c, err := ParseNPY(base, b)
		if err != nil {
			return nil, err
		}
		return &Table{Name: base, Columns: []Column{c}}, nil
	case ".npz":
		return parseNPZ(ctx, base, b)
	case ".tsv":
		return parseText(ctx, base, b, o, '\t')
	}
	return parseText(ctx, base, b, o, 0)
}

// readElsewhere lets "gopherpod data" read the file, because linking the Parquet library
// would make every session larger and slower to start.
func readElsewhere(ctx context.Context, path string) (*Table, error) {
	program := settings.Inherited(EnvProgram)
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
		if strings.HasPrefix(said, "fatal error:") || strings.HasPrefix(said, "runtime:") || strings.HasPrefix(said, "panic:") {
			// The reader crashed. Report the first line and not all of the stack trace.
			said = "its reader stopped: " + firstLine(said)
			if strings.Contains(stderr.String(), "out of memory") {
				said = "needs more than half of the memory that is free here; read fewer columns or rows, or convert it to .npy files"
			}
		}
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

func firstLine(text string) string {
	line, _, _ := strings.Cut(text, "\n")
	return line
}
