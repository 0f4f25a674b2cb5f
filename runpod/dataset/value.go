package dataset

import (
	"fmt"
	"maps"
	"reflect"
	"slices"

	"github.com/gopherpod/gopherpod/tensors"
)

// FromValue returns a Go value that has columns as a table. ok is false if it has none:
//
//	struct{ Length []float64; Species []string }    a field is a column
//	[]struct{ Length float64; Species string }      an element is a row
//	map[string][]float64                            a key is a column
//
// and pointers to these. Unexported fields are left out. Elements are strings, or anything
// that tensors.From accepts.
func FromValue(name string, v reflect.Value) (t *Table, ok bool, err error) {
	for v.Kind() == reflect.Pointer || v.Kind() == reflect.Interface {
		if v.IsNil() {
			return nil, false, nil
		}
		v = v.Elem()
	}
	t = &Table{Name: name}
	switch {
	case !v.IsValid():
		return nil, false, nil
	case v.Kind() == reflect.Struct && isColumns(v.Type()):
		for i := range v.NumField() {
			if f := v.Type().Field(i); f.IsExported() {
				if err := t.add(f.Name, v.Field(i)); err != nil {
					return nil, true, err
				}
			}
		}
	case v.Kind() == reflect.Map && v.Type().Key().Kind() == reflect.String && isList(v.Type().Elem()):
		columns := map[string]reflect.Value{}
		for i := v.MapRange(); i.Next(); {
			columns[i.Key().String()] = i.Value()
		}
		for _, key := range slices.Sorted(maps.Keys(columns)) {
			if err := t.add(key, columns[key]); err != nil {
				return nil, true, err
			}
		}
	case isList(v.Type()) && isRow(v.Type().Elem()):
		if err := t.addRows(v); err != nil {
			return nil, true, err
		}
	default:
		return nil, false, nil
	}
	if t.Rows() == 0 {
		return nil, true, t.fail(ErrEmpty, "has no rows")
	}
	for _, c := range t.Columns {
		if c.Rows() != t.Rows() {
			return nil, true, t.fail(ErrFormat, "%s has %d rows and %s has %d", c.Name, c.Rows(), t.Columns[0].Name, t.Rows())
		}
	}
	return t, true, nil
}

func isList(t reflect.Type) bool { return t.Kind() == reflect.Slice || t.Kind() == reflect.Array }

// isColumns reports whether all exported fields of a struct are slices.
func isColumns(t reflect.Type) bool {
	n := 0
	for i := range t.NumField() {
		f := t.Field(i)
		if !f.IsExported() {
			continue
		}
		if !isList(f.Type) {
			return false
		}
		n++
	}
	return n > 0
}

// isRow reports whether a type is a struct of numbers and texts.
func isRow(t reflect.Type) bool {
	if t.Kind() != reflect.Struct {
		return false
	}
	n := 0
	for i := range t.NumField() {
		f := t.Field(i)
		if !f.IsExported() {
			continue
		}
		if k := f.Type.Kind(); k != reflect.String && k != reflect.Bool && (k < reflect.Int || k > reflect.Float64 || k == reflect.Uintptr) {
			return false
		}
		n++
	}
	return n > 0
}

// addRows adds the columns of rows.
func (t *Table) addRows(v reflect.Value) error {
	row := v.Type().Elem()
	for i := range row.NumField() {
		f := row.Field(i)
		if !f.IsExported() {
			continue
		}
		column := reflect.MakeSlice(reflect.SliceOf(f.Type), v.Len(), v.Len())
		for k := range v.Len() {
			column.Index(k).Set(v.Index(k).Field(i))
		}
		if err := t.add(f.Name, column); err != nil {
			return err
		}
	}
	return nil
}

func (t *Table) add(name string, v reflect.Value) error {
	c := Column{Name: name}
	if v.Type().Elem().Kind() == reflect.String {
		c.Texts = make([]string, v.Len())
		for i := range c.Texts {
			c.Texts[i] = v.Index(i).String()
		}
		t.Columns = append(t.Columns, c)
		return nil
	}
	if v.Len() == 0 {
		return t.fail(ErrEmpty, "%s is empty", name)
	}
	var err error
	if c.Array, err = tensors.FromValue(v); err != nil {
		return &Error{Name: t.Name + "." + name, Text: fmt.Sprintf("is a %v: %v", v.Type(), err), Kind: ErrFormat}
	}
	t.Columns = append(t.Columns, c)
	return nil
}
