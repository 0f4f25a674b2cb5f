// Package parquet reads Parquet files as tables. It is separate from package dataset because
// its library, parquet-go, adds megabytes to a program; a notebook's session lets the
// gopherpod program read the file instead.
package parquet

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/parquet-go/parquet-go"
	"github.com/parquet-go/parquet-go/format"

	"github.com/gopherpod/gopherpod/runpod/dataset"
	"github.com/gopherpod/gopherpod/tensors"
)

// Read reads the whole file at path. Numbers of all widths become float64, and null becomes
// NaN; texts stay texts, and null becomes ""; booleans become 0 and 1; dates and times
// become texts. Read leaves out the index that pandas writes (__index_level_0__). It returns
// an error for columns of lists or structs. Errors about the content are *dataset.Error.
func Read(ctx context.Context, path string) (t *dataset.Table, err error) {
	name := filepath.Base(path)
	defer func() {
		if p := recover(); p != nil { // the library panics on some broken files
			err = fmt.Errorf("%v", p)
		}
		var known *dataset.Error
		if err != nil && ctx.Err() == nil && !errors.Is(err, os.ErrNotExist) && !errors.As(err, &known) {
			err = &dataset.Error{Name: name, Kind: dataset.ErrFormat, Text: "cannot be read as Parquet: " + err.Error()}
		}
	}()
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return nil, err
	}
	file, err := parquet.OpenFile(f, info.Size(), parquet.SkipBloomFilters(true), parquet.SkipPageIndex(true))
	if err != nil {
		return nil, err
	}
	t = &dataset.Table{Name: name}
	for _, path := range file.Schema().Columns() {
		leaf, ok := file.Schema().Lookup(path...)
		if !ok || strings.HasPrefix(path[0], "__index_level_") {
			continue
		}
		if leaf.MaxRepetitionLevel > 0 || len(path) > 1 {
			return nil, &dataset.Error{Name: name, Kind: dataset.ErrFormat, Text: fmt.Sprintf("column %s holds lists or structs; want numbers or texts", path[0])}
		}
		c, err := column(ctx, file, leaf)
		if err != nil {
			return nil, fmt.Errorf("column %s: %w", path[0], err)
		}
		c.Name = path[0]
		t.Columns = append(t.Columns, c)
	}
	if t.Rows() == 0 {
		return nil, &dataset.Error{Name: name, Kind: dataset.ErrEmpty, Text: "has no rows"}
	}
	return t, nil
}

// column reads one column over all row groups.
func column(ctx context.Context, file *parquet.File, leaf parquet.LeafColumn) (dataset.Column, error) {
	number, text := converter(leaf.Node.Type())
	if number == nil && text == nil {
		return dataset.Column{}, fmt.Errorf("the type %s is not read", leaf.Node.Type())
	}
	var c dataset.Column
	var values []float64
	for _, group := range file.RowGroups() {
		err := each(ctx, group.ColumnChunks()[leaf.ColumnIndex], func(v parquet.Value) {
			switch {
			case text != nil && v.IsNull():
				c.Texts = append(c.Texts, "")
			case text != nil:
				c.Texts = append(c.Texts, text(v))
			case v.IsNull():
				values = append(values, math.NaN())
			default:
				values = append(values, number(v))
			}
		})
		if err != nil {
			return c, err
		}
	}
	if text != nil || len(values) == 0 {
		return c, nil
	}
	var err error
	c.Array, err = tensors.From(values)
	return c, err
}

// each reads the values of a chunk in order.
func each(ctx context.Context, chunk parquet.ColumnChunk, take func(parquet.Value)) (err error) {
	pages := chunk.Pages()
	defer func() { err = errors.Join(err, pages.Close()) }()
	buffer := make([]parquet.Value, 1024)
	for ctx.Err() == nil {
		page, err := pages.ReadPage()
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return err
		}
		values := page.Values()
		for {
			n, err := values.ReadValues(buffer)
			for _, v := range buffer[:n] {
				take(v)
			}
			if err == io.EOF {
				break
			}
			if err != nil {
				return err
			}
		}
		parquet.Release(page)
	}
	return context.Cause(ctx)
}

// converter returns a function that converts values of a type to numbers, or one that
// converts them to texts.
func converter(t parquet.Type) (number func(parquet.Value) float64, text func(parquet.Value) string) {
	logical := t.LogicalType()
	scale, unsigned := 1.0, false
	if logical != nil {
		switch l := logical.Value.(type) {
		case *format.DateType:
			return nil, func(v parquet.Value) string {
				return time.Unix(0, 0).UTC().AddDate(0, 0, int(v.Int32())).Format(time.DateOnly)
			}
		case *format.TimestampType:
			unit := l.Unit.Value.Duration()
			return nil, func(v parquet.Value) string {
				n, per := v.Int64(), int64(time.Second/unit)
				return time.Unix(n/per, n%per*int64(unit)).UTC().Format(time.RFC3339Nano)
			}
		case *format.IntType:
			unsigned = !l.IsSigned
		case *format.DecimalType:
			scale = math.Pow10(-int(l.Scale))
		}
	}
	switch t.Kind() {
	case parquet.Boolean:
		return func(v parquet.Value) float64 {
			if v.Boolean() {
				return 1
			}
			return 0
		}, nil
	case parquet.Int32:
		if unsigned {
			return func(v parquet.Value) float64 { return float64(v.Uint32()) }, nil
		}
		return func(v parquet.Value) float64 { return scale * float64(v.Int32()) }, nil
	case parquet.Int64:
		if unsigned {
			return func(v parquet.Value) float64 { return float64(v.Uint64()) }, nil
		}
		return func(v parquet.Value) float64 { return scale * float64(v.Int64()) }, nil
	case parquet.Float:
		return func(v parquet.Value) float64 { return float64(v.Float()) }, nil
	case parquet.Double:
		return func(v parquet.Value) float64 { return v.Double() }, nil
	case parquet.ByteArray:
		if scale != 1 {
			return nil, nil
		}
		return nil, func(v parquet.Value) string { return string(v.ByteArray()) }
	}
	return nil, nil
}
