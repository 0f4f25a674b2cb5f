package host

import (
	"fmt"
	"html"
	"reflect"
	"slices"
	"strings"
	"unicode/utf8"
)

// Limits on the table that shows a value.
const (
	maxTableRows = 20
	maxTableCols = 12
	maxCell      = 80 // runes
)

// asTable returns a value as an HTML table if it is a slice of structs, with a row per
// element; a map, with a row per entry in the order of the keys; or a slice of slices
// of numbers. Values that format themselves stay text. HTML sanitizers keep all of the
// table, see magics/render.
func asTable(v any) (string, bool) {
	r := reflect.ValueOf(v)
	if !r.IsValid() || writesItself(r.Type()) {
		return "", false
	}
	switch {
	case r.Kind() == reflect.Map && r.Len() > 0:
		return mapTable(r), true
	case (r.Kind() == reflect.Slice || r.Kind() == reflect.Array) && r.Len() > 0:
		return sliceTable(r)
	}
	return "", false
}

var (
	errorType     = reflect.TypeFor[error]()
	stringerType  = reflect.TypeFor[fmt.Stringer]()
	formatterType = reflect.TypeFor[fmt.Formatter]()
)

func writesItself(t reflect.Type) bool {
	return t.Implements(errorType) || t.Implements(stringerType) || t.Implements(formatterType)
}

func mapTable(r reflect.Value) string {
	keys := r.MapKeys()
	names := make(map[reflect.Value]string, len(keys))
	for _, k := range keys {
		names[k] = cellText(k)
	}
	slices.SortFunc(keys, func(a, b reflect.Value) int {
		switch {
		case a.CanInt() && b.CanInt():
			return compare(a.Int(), b.Int())
		case a.CanUint() && b.CanUint():
			return compare(a.Uint(), b.Uint())
		case a.CanFloat() && b.CanFloat():
			return compare(a.Float(), b.Float())
		}
		return strings.Compare(names[a], names[b])
	})
	t := tableText{title: fmt.Sprintf("%s, %d entries", typeName(r.Type()), r.Len()), header: []string{"key", "value"}}
	for _, i := range picked(len(keys), maxTableRows) {
		if i < 0 {
			t.rows = append(t.rows, []string{"⋮", "⋮"})
			continue
		}
		t.rows = append(t.rows, []string{names[keys[i]], cellText(r.MapIndex(keys[i]))})
	}
	return t.html()
}

func compare[T int64 | uint64 | float64](a, b T) int {
	switch {
	case a < b:
		return -1
	case a > b:
		return 1
	}
	return 0
}

func sliceTable(r reflect.Value) (string, bool) {
	e := r.Type().Elem()
	if writesItself(e) {
		return "", false
	}
	t := tableText{title: fmt.Sprintf("%s, %d elements", typeName(r.Type()), r.Len())}
	of := e
	if e.Kind() == reflect.Pointer {
		of = e.Elem()
	}
	switch {
	case of.Kind() == reflect.Struct && of.NumField() > 0 && of.NumField() <= maxTableCols:
		t.header = []string{""}
		for i := range of.NumField() {
			t.header = append(t.header, of.Field(i).Name)
		}
	case e.Kind() == reflect.Slice && number(e.Elem()) && r.Index(0).Len() > 0:
		n := r.Index(0).Len()
		for i := range r.Len() {
			if r.Index(i).Len() != n {
				return "", false
			}
		}
		t.title = fmt.Sprintf("%s %d×%d", typeName(r.Type()), r.Len(), n)
	default:
		return "", false
	}
	for _, i := range picked(r.Len(), maxTableRows) {
		t.rows = append(t.rows, t.row(r, i))
	}
	return t.html(), true
}

func number(t reflect.Type) bool {
	return t.Kind() >= reflect.Int && t.Kind() <= reflect.Float64 && !writesItself(t)
}

// typeName returns the type as the user writes it, if it can be written.
func typeName(t reflect.Type) string {
	if s, err := typeText(t, map[string]string{}); err == nil {
		return s
	}
	return t.String()
}

type tableText struct {
	title  string
	header []string // nil for none
	rows   [][]string
}

// row returns the row of element i of a slice; -1 stands for elements left out.
func (t tableText) row(r reflect.Value, i int) []string {
	if t.header == nil {
		v := r.Index(max(i, 0))
		var row []string
		for _, j := range picked(v.Len(), maxTableCols) {
			switch {
			case i < 0:
				row = append(row, "⋮")
			case j < 0:
				row = append(row, "…")
			case v.Index(j).CanFloat():
				row = append(row, fmt.Sprintf("%.4g", v.Index(j).Float()))
			default:
				row = append(row, cellText(v.Index(j)))
			}
		}
		return row
	}
	if i < 0 {
		return slices.Repeat([]string{"⋮"}, len(t.header))
	}
	v := r.Index(i)
	row := []string{fmt.Sprint(i)}
	if v.Kind() == reflect.Pointer {
		if v.IsNil() {
			return append(row, append([]string{"nil"}, make([]string, len(t.header)-2)...)...)
		}
		v = v.Elem()
	}
	for f := range v.NumField() {
		row = append(row, cellText(v.Field(f)))
	}
	return row
}

// cellText returns a value as one line of text.
func cellText(v reflect.Value) (s string) {
	s = strings.Join(strings.Fields(fmt.Sprintf("%+v", v)), " ")
	if utf8.RuneCountInString(s) > maxCell {
		s = string([]rune(s)[:maxCell]) + "…"
	}
	return s
}

func (t tableText) html() string {
	var b strings.Builder
	b.WriteString("<div>" + html.EscapeString(t.title) + "</div>\n<table border=\"1\">")
	if t.header != nil {
		b.WriteString("\n<tr>")
		for _, h := range t.header {
			b.WriteString("<td align=\"right\"><b>" + html.EscapeString(h) + "</b></td>")
		}
		b.WriteString("</tr>")
	}
	for _, row := range t.rows {
		b.WriteString("\n<tr>")
		for _, c := range row {
			b.WriteString("<td align=\"right\">" + html.EscapeString(c) + "</td>")
		}
		b.WriteString("</tr>")
	}
	b.WriteString("\n</table>")
	return b.String()
}
