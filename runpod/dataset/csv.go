package dataset

import (
	"bytes"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"math"
	"slices"
	"strconv"
	"strings"

	"github.com/gopherpod/gopherpod/tensors"
)

// ParseCSV reads comma-separated values as RFC 4180 has them, or with semicolons or
// tabs where the first line has more of those. The first line names the columns,
// unless one of its fields is a number. A column is of numbers where all its fields
// are, but those that are missing: empty, NA, N/A, NaN, null, None, ?. A first column
// without a name that counts the rows is the index that pandas writes, and is left
// out.
func ParseCSV(name string, b []byte) (*Table, error) {
	b = bytes.TrimPrefix(b, []byte("\ufeff"))
	first, _, _ := bytes.Cut(b, []byte("\n"))
	comma := ','
	for _, r := range []rune{';', '\t'} {
		if bytes.Count(first, []byte(string(r))) > bytes.Count(first, []byte(string(comma))) {
			comma = r
		}
	}
	return parseCSV(name, b, comma)
}

func parseCSV(name string, b []byte, comma rune) (*Table, error) {
	t := &Table{Name: name}
	r := csv.NewReader(bytes.NewReader(bytes.TrimPrefix(b, []byte("\ufeff"))))
	r.Comma, r.FieldsPerRecord, r.TrimLeadingSpace = comma, -1, comma != '\t'
	var records [][]string
	var header []string
	width := -1
	for {
		record, err := r.Read()
		if err == io.EOF {
			break
		}
		if err != nil {
			return nil, t.csvError(err)
		}
		line, _ := r.FieldPos(0)
		if width < 0 {
			width = len(record)
			if !slices.ContainsFunc(record, isNumber) {
				header = record
				continue
			}
		}
		if len(record) != width {
			return nil, t.fail(ErrFormat, "line %d has %d fields and the first line has %d", line, len(record), width)
		}
		records, t.Lines = append(records, record), append(t.Lines, line)
	}
	if len(records) == 0 {
		return nil, t.fail(ErrEmpty, "has no rows")
	}
	for i := range width {
		c := Column{Name: fmt.Sprintf("column%d", i+1)}
		if header != nil {
			c.Name = strings.TrimSpace(header[i])
		}
		if err := c.fill(records, i); err != nil {
			return nil, t.fail(ErrFormat, "column %s: %v", c.Name, err)
		}
		if c.Name == "" && i == 0 && width > 1 && counts(c) {
			continue
		}
		if c.Name == "" {
			c.Name = fmt.Sprintf("column%d", i+1)
		}
		if slices.Contains(t.Names(), c.Name) {
			return nil, t.fail(ErrFormat, "has two columns called %s; name them apart", clip(c.Name))
		}
		t.Columns = append(t.Columns, c)
	}
	return t, nil
}

func (t *Table) csvError(err error) error {
	var p *csv.ParseError
	if errors.As(err, &p) {
		return t.fail(ErrFormat, "line %d: %v", p.Line, p.Err)
	}
	return t.fail(ErrFormat, "%v", err)
}

// fill reads column i of the records: as numbers where all are.
func (c *Column) fill(records [][]string, i int) (err error) {
	values := make([]float64, len(records))
	known := false
	for k, record := range records {
		s := strings.TrimSpace(record[i])
		if missing(s) {
			values[k] = math.NaN()
			continue
		}
		if values[k], err = strconv.ParseFloat(s, 64); err != nil && !errors.Is(err, strconv.ErrRange) {
			return c.texts(records, i)
		}
		known = true
	}
	if !known {
		return c.texts(records, i)
	}
	c.Array, err = tensors.From(values)
	return err
}

func (c *Column) texts(records [][]string, i int) error {
	c.Texts = make([]string, len(records))
	for k, record := range records {
		if s := strings.TrimSpace(record[i]); !missing(s) {
			c.Texts[k] = strings.Clone(s) // not the whole line
		}
	}
	return nil
}

// missing tells whether a field stands for nothing.
func missing(s string) bool {
	switch s {
	case "", "NA", "N/A", "n/a", "NaN", "nan", "-nan", "NULL", "null", "None", "<NA>", "?":
		return true
	}
	return false
}

func isNumber(s string) bool {
	_, err := strconv.ParseFloat(strings.TrimSpace(s), 64)
	return err == nil && !missing(strings.TrimSpace(s))
}

// counts tells whether a column is 0, 1, 2, ...
func counts(c Column) bool {
	if c.Texts != nil {
		return false
	}
	values, err := c.Array.Float64s()
	if err != nil {
		return false
	}
	for i, v := range values {
		if v != float64(i) {
			return false
		}
	}
	return true
}
