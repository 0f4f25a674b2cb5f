package dataset

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"

	"github.com/gopherpod/gopherpod/tensors"
)

// A wireTable is the first line of an encoded table, in JSON. It describes the columns, which
// follow one after the other: numbers as their bytes, texts as a JSON list.
type wireTable struct {
	Columns []wireColumn `json:"columns"`
	Notes   []string     `json:"notes,omitempty"`
}

type wireColumn struct {
	Name  string `json:"name"`
	DType string `json:"dtype,omitempty"` // empty: texts
	Shape []int  `json:"shape,omitempty"`
	Bytes int    `json:"bytes"`
}

// maxHeader is the largest first line; 64 MB are enough for a million columns.
const maxHeader = 64 << 20

// Encode writes the table for Decode.
func (t *Table) Encode(w io.Writer) error {
	var head []wireColumn
	var parts [][]byte
	for _, c := range t.Columns {
		h, part := wireColumn{Name: c.Name}, c.Array.Data
		if c.Texts != nil {
			var err error
			if part, err = json.Marshal(c.Texts); err != nil {
				return err
			}
		} else {
			h.DType, h.Shape = c.Array.DType.String(), c.Array.Shape
		}
		h.Bytes = len(part)
		head, parts = append(head, h), append(parts, part)
	}
	line, err := json.Marshal(wireTable{Columns: head, Notes: t.Notes})
	if err != nil {
		return err
	}
	parts = append([][]byte{append(line, '\n')}, parts...)
	for _, part := range parts {
		if _, err := w.Write(part); err != nil {
			return err
		}
	}
	return nil
}

// Decode reads what Encode wrote.
func Decode(r io.Reader) (*Table, error) {
	b := bufio.NewReaderSize(r, 1<<16)
	line, err := readLine(b)
	if err != nil {
		return nil, err
	}
	var head wireTable
	if err := json.Unmarshal(line, &head); err != nil {
		return nil, fmt.Errorf("the first line: %w", err)
	}
	t := &Table{Notes: head.Notes}
	for _, h := range head.Columns {
		if h.Bytes < 0 {
			return nil, fmt.Errorf("column %s has %d bytes", h.Name, h.Bytes)
		}
		// Let memory grow with the data, so that a wrong length takes no memory.
		part, err := io.ReadAll(io.LimitReader(b, int64(h.Bytes)))
		if err == nil && len(part) < h.Bytes {
			err = io.ErrUnexpectedEOF
		}
		if err != nil {
			return nil, fmt.Errorf("column %s: %w", h.Name, err)
		}
		c := Column{Name: h.Name}
		if h.DType == "" {
			if err = json.Unmarshal(part, &c.Texts); err == nil && c.Texts == nil {
				err = fmt.Errorf("not a list of texts")
			}
		} else {
			c.Array.Shape, c.Array.Data = h.Shape, part
			if c.Array.DType, err = tensors.ParseDType(h.DType); err == nil {
				err = c.Array.Validate()
			}
		}
		if err != nil {
			return nil, fmt.Errorf("column %s: %w", h.Name, err)
		}
		t.Columns = append(t.Columns, c)
	}
	return t, nil
}

func readLine(b *bufio.Reader) ([]byte, error) {
	var line []byte
	for {
		part, err := b.ReadSlice('\n')
		line = append(line, part...)
		if err != bufio.ErrBufferFull {
			return line, err
		}
		if len(line) > maxHeader {
			return nil, fmt.Errorf("the first line has more than %d bytes", maxHeader)
		}
	}
}
