package dataset

import (
	"archive/zip"
	"bytes"
	"fmt"
	"io"
	"strings"
)

// maxMember bounds what one array of an archive unpacks to: 4 GiB.
const maxMember = 4 << 30

// ParseNPZ reads an archive of arrays that numpy.savez or savez_compressed wrote. Each
// array is a column.
func ParseNPZ(name string, b []byte) (*Table, error) {
	t := &Table{Name: name}
	z, err := zip.NewReader(bytes.NewReader(b), int64(len(b)))
	if err != nil {
		return nil, t.fail(ErrFormat, "is no archive of numpy.savez: %v", err)
	}
	for _, f := range z.File {
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

func unpack(f *zip.File) ([]byte, error) {
	r, err := f.Open()
	if err != nil {
		return nil, err
	}
	defer r.Close()
	b, err := io.ReadAll(io.LimitReader(r, maxMember+1))
	if err == nil && len(b) > maxMember {
		err = fmt.Errorf("unpacks to more than %d bytes", maxMember)
	}
	return b, err
}
