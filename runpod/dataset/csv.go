package dataset

import (
	"bytes"
	"context"
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

// ParseCSV reads comma-separated values as RFC 4180 defines them, or values separated by
// semicolons or tabs if the first line has more of those. The first line names the columns,
// unless one of its fields is a number. A column is numeric if all its fields are decimal
// numbers or missing: empty, NA, N/A, NaN, null, None, ?. Fields that are numbers only in
// Go, such as 1_0 and 0x10, are text.
//
// ParseCSV leaves out an index, which is not a feature: a first column of distinct whole
// numbers or distinct texts that has no name, as pandas and R write it, or that is called
// "Unnamed: 0", as pandas names it after reading its own file, and behind it those that are
// called "Unnamed: 0" or "Unnamed: 0.1", which come from files that were read and written
// several times. Table.Notes then says so.
//
// The text is UTF-8, or UTF-16 with a byte order mark. For other text, the error names the
// line; set Options.Encoding to read it.
func ParseCSV(name string, b []byte) (*Table, error) {
	return parseText(context.Background(), name, b, Options{}, 0)
}

// parseText reads CSV. If comma is 0, the first line decides which separator it is.
func parseText(ctx context.Context, name string, b []byte, o Options, comma rune) (*Table, error) {
	t := &Table{Name: name}
	b, err := t.decodeText(b, o.Encoding)
	if err != nil {
		return nil, err
	}
	if comma == 0 {
		comma = separator(b)
	}
	records, header, rowNames, err := t.records(ctx, b, comma)
	if err != nil {
		return nil, err
	}
	if len(records) == 0 {
		return nil, t.fail(ErrEmpty, "has no rows")
	}
	seen := map[string]bool{}
	indices := 0 // columns from the first that are left out
	for i := range records[0] {
		if ctx.Err() != nil {
			return nil, context.Cause(ctx)
		}
		c := Column{}
		if header != nil {
			c.Name = strings.TrimSpace(header[i])
		}
		if err := c.fill(records, i); err != nil {
			return nil, t.fail(ErrFormat, "column %s: %v", c.Name, err)
		}
		index := header != nil && i == indices && len(header) > i+1 && isIndexName(c.Name, i) && isIndex(c)
		if i == 0 && rowNames && !index {
			return nil, t.fail(ErrFormat, "line %d has %d fields and the first line has %d", t.Lines[0], len(header), len(header)-1)
		}
		if index {
			indices++
			which := "the first column, which has no name and"
			if i > 0 {
				which = fmt.Sprintf("column %d, %s, which has", i+1, c.Name)
			}
			t.note("left out " + which + " a different value in each row: an index, not a feature")
			continue
		}
		if c.Name == "" {
			c.Name = fmt.Sprintf("column%d", i+1)
		}
		if seen[c.Name] {
			return nil, t.fail(ErrFormat, "has two columns called %s; rename one of them", clip(c.Name))
		}
		seen[c.Name] = true
		t.Columns = append(t.Columns, c)
	}
	return t, nil
}

// separator returns the character that separates the fields of the first line.
func separator(b []byte) rune {
	first, _, _ := bytes.Cut(b, []byte("\n"))
	comma := ','
	for _, r := range []rune{';', '\t'} {
		if bytes.Count(first, []byte(string(r))) > bytes.Count(first, []byte(string(comma))) {
			comma = r
		}
	}
	return comma
}

// records splits the text into rows of equal length. header is nil if the first line holds
// data. If the header is one field shorter than the rows, records adds an empty first name
// and rowNames is true, because R's write.table writes row names that way.
func (t *Table) records(ctx context.Context, b []byte, comma rune) (records [][]string, header []string, rowNames bool, err error) {
	r := csv.NewReader(bytes.NewReader(b))
	r.Comma, r.FieldsPerRecord, r.TrimLeadingSpace = comma, -1, comma != '\t'
	width := -1
	for {
		if ctx.Err() != nil {
			return nil, nil, false, context.Cause(ctx)
		}
		record, err := r.Read()
		if err == io.EOF {
			return records, header, rowNames, nil
		}
		if err != nil {
			return nil, nil, false, t.csvError(err)
		}
		line, _ := r.FieldPos(0)
		if width < 0 {
			width = len(record)
			if !slices.ContainsFunc(record, isNumber) {
				header = record
				continue
			}
		}
		if header != nil && len(records) == 0 && len(record) == width+1 {
			width, header, rowNames = len(record), append([]string{""}, header...), true
		}
		if len(record) != width {
			return nil, nil, false, t.fail(ErrFormat, "line %d has %d fields and the first line has %d", line, len(record), width)
		}
		records, t.Lines = append(records, record), append(t.Lines, line)
	}
}

func (t *Table) csvError(err error) error {
	var p *csv.ParseError
	if errors.As(err, &p) {
		return t.fail(ErrFormat, "line %d: %v", p.Line, p.Err)
	}
	return t.fail(ErrFormat, "%v", err)
}

// fill reads column i of the records: as numbers if all fields are numbers.
func (c *Column) fill(records [][]string, i int) (err error) {
	values := make([]float64, len(records))
	known := false
	for k, record := range records {
		s := strings.TrimSpace(record[i])
		if missing(s) {
			values[k] = math.NaN()
			continue
		}
		var ok bool
		if values[k], ok = number(s); !ok {
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
			c.Texts[k] = strings.Clone(s) // so that it does not keep the whole line in memory
		}
	}
	return nil
}

// missing reports whether a field stands for a missing value.
func missing(s string) bool {
	switch s {
	case "", "NA", "N/A", "n/a", "NaN", "nan", "-nan", "NULL", "null", "None", "<NA>", "?":
		return true
	}
	return false
}

// number reads a decimal number. It does not accept all that strconv does: in a CSV file,
// 1_0 and 0x10 are identifiers and not numbers.
func number(s string) (float64, bool) {
	if strings.ContainsAny(s, "_xX") {
		return 0, false
	}
	v, err := strconv.ParseFloat(s, 64)
	return v, err == nil || errors.Is(err, strconv.ErrRange)
}

func isNumber(s string) bool {
	s = strings.TrimSpace(s)
	_, ok := number(s)
	return ok && !missing(s)
}

// isIndexName reports whether name is one that index columns have at place i: none at the
// first, or the names that pandas gives to a first column without a name, "Unnamed: 0" and,
// if there is one of that name, "Unnamed: 0.1".
func isIndexName(name string, i int) bool {
	return i == 0 && name == "" || name == "Unnamed: 0" || strings.HasPrefix(name, "Unnamed: 0.")
}

// isIndex reports whether a column has a different whole number, or a different
// text, in each row.
func isIndex(c Column) bool {
	if c.Texts != nil {
		return distinct(c.Texts) && !slices.Contains(c.Texts, "")
	}
	values, err := c.Array.Float64s()
	if err != nil {
		return false
	}
	return distinct(values) && !slices.ContainsFunc(values, func(v float64) bool { return v != math.Trunc(v) })
}

func distinct[T comparable](values []T) bool {
	seen := make(map[T]bool, len(values))
	for _, v := range values {
		if seen[v] {
			return false
		}
		seen[v] = true
	}
	return true
}
