package dataset

import (
	"archive/zip"
	"bytes"
	"cmp"
	"context"
	"fmt"
	"io"
	"strings"

	"github.com/gopherpod/gopherpod/tensors/memory"
)

// ParseNPZ reads an archive of arrays that numpy.savez or savez_compressed wrote. Each array
// is a column. Before it unpacks anything, it checks that the arrays together take at most
// half of the free memory, because a zip file of a megabyte can unpack to a gigabyte.
func ParseNPZ(name string, b []byte) (*Table, error) {
	return parseNPZ(context.Background(), name, b)
}

func parseNPZ(ctx context.Context, name string, b []byte) (*Table, error) {
	t := &Table{Name: name}
	z, err := zip.NewReader(bytes.NewReader(b), int64(len(b)))
	if err != nil {
		return nil, t.fail(ErrFormat, "is no archive of numpy.savez: %v", err)
	}
	limit := memory.Available() / 2
	var total uint64
	for _, f := range z.File {
		if total += f.UncompressedSize64; f.UncompressedSize64 > limit || total > limit {
			return nil, t.fail(ErrFormat, "unpacks to more than %.1f GiB, half of the memory that is free here; save the arrays in several files", float64(limit)/(1<<30))
		}
	}
	for _, f := range z.File {
		if ctx.Err() != nil {
			return nil, context.Cause(ctx)
		}
		member, ok := strings.CutSuffix(f.Name, ".npy")
		if !ok {
			return nil, t.fail(ErrFormat, "holds %s, which is no array", clip(f.Name))
		}
		raw, err := unpack(f)
		if err != nil {
			return nil, t.fail(ErrFormat, "%s: %v", clip(f.Name), err)
		}
		c, err := ParseNPY(name+", "+member, raw)
		if err != nil {
			return nil, err
		}
		c.Name = member
		t.Columns = append(t.Columns, c)
	}
	if len(t.Columns) == 0 {
		return nil, t.fail(ErrEmpty, "holds no arrays")
	}
	return t, nil
}

// unpack reads a member. It fails if the member is larger than the archive says.
func unpack(f *zip.File) ([]byte, error) {
	r, err := f.Open()
	if err != nil {
		return nil, err
	}
	defer r.Close()
	var b bytes.Buffer
	// archive/zip reports a member that is longer or shorter than its header says.
	if n, err := io.Copy(&b, io.LimitReader(r, int64(f.UncompressedSize64)+1)); err != nil || uint64(n) > f.UncompressedSize64 {
		return nil, cmp.Or(err, fmt.Errorf("unpacks to more than the %d bytes that the archive says", f.UncompressedSize64))
	}
	return b.Bytes(), nil
}
