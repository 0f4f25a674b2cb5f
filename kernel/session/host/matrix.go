package host

import (
	"fmt"
	"reflect"
	"strings"
	"unicode/utf8"
)

// A matrix is a gonum matrix; the interface avoids the import.
type matrix interface {
	Dims() (r, c int)
	At(i, j int) float64
}

// A grid is a matrix to show. It has only the first and last rows and columns of a
// large one.
type grid struct {
	m          matrix
	name       string // type
	rows, cols int
}

const (
	maxRows = 12
	maxCols = 12
)

// asMatrix recognizes matrices, including those passed by value: mat.Dense has its
// methods on the pointer.
func asMatrix(v any) (grid, bool) {
	m, ok := v.(matrix)
	if !ok {
		r := reflect.ValueOf(v)
		if r.Kind() != reflect.Struct {
			return grid{}, false
		}
		p := reflect.New(r.Type())
		if m, ok = p.Interface().(matrix); !ok {
			return grid{}, false
		}
		p.Elem().Set(r)
	}
	if isNil(m) {
		return grid{}, false
	}
	g := grid{m: m, name: strings.TrimPrefix(fmt.Sprintf("%T", v), "*")}
	g.rows, g.cols = m.Dims()
	return g, true
}

// picked lists which of n indices to show; -1 stands for those left out.
func picked(n, limit int) (is []int) {
	if n <= limit {
		for i := range n {
			is = append(is, i)
		}
		return is
	}
	half := limit / 2
	for i := range half {
		is = append(is, i)
	}
	is = append(is, -1)
	for i := n - half; i < n; i++ {
		is = append(is, i)
	}
	return is
}

// cells returns the shown elements as text.
func (g grid) cells() (rows [][]string) {
	cols := picked(g.cols, maxCols)
	for _, i := range picked(g.rows, maxRows) {
		var row []string
		for _, j := range cols {
			switch {
			case i < 0 && j < 0:
				row = append(row, "⋱")
			case i < 0:
				row = append(row, "⋮")
			case j < 0:
				row = append(row, "…")
			default:
				row = append(row, fmt.Sprintf("%.4g", g.m.At(i, j)))
			}
		}
		rows = append(rows, row)
	}
	return rows
}

func (g grid) title() string { return fmt.Sprintf("%s %d×%d", g.name, g.rows, g.cols) }

// text returns the shape and the elements in columns.
func (g grid) text() string {
	var b strings.Builder
	b.WriteString(g.title())
	rows := g.cells()
	width := make([]int, 0, maxCols+1)
	for _, r := range rows {
		for j, c := range r {
			if j == len(width) {
				width = append(width, 0)
			}
			width[j] = max(width[j], utf8.RuneCountInString(c))
		}
	}
	for _, r := range rows {
		b.WriteString("\n[")
		for j, c := range r {
			if j > 0 {
				b.WriteString("  ")
			}
			b.WriteString(strings.Repeat(" ", width[j]-utf8.RuneCountInString(c)) + c)
		}
		b.WriteString("]")
	}
	return b.String()
}

// html returns the same as a table.
func (g grid) html() string { return tableText{title: g.title(), rows: g.cells()}.html() }
