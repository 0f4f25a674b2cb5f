package dataset

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"

	"gonum.org/v1/gonum/mat"

	"github.com/gopherpod/gopherpod/tensors"
	"github.com/gopherpod/gopherpod/tensors/wording"
)

// A Table has named columns. Each row is a sample.
type Table struct {
	Name    string // name of the file or variable, for errors
	Columns []Column
	Lines   []int // the line of each row in the file; nil if there are no lines
	// Notes say what the reader decided, one sentence each, such as which index it left
	// out. They are shown to the user.
	Notes []string
}

func (t *Table) note(text string) { t.Notes = append(t.Notes, text) }

// A Column is numbers or texts.
type Column struct {
	Name string // empty if the file gives none
	// Array has the numbers: [rows], or [rows, ...] if a row has several. A missing number
	// is NaN.
	Array tensors.Tensor
	Texts []string // instead of Array; a missing text is ""
}

// Rows returns the number of rows of the column.
func (c Column) Rows() int {
	if c.Texts != nil {
		return len(c.Texts)
	}
	return c.Array.Rows()
}

// Rows returns the number of rows of the first column.
func (t *Table) Rows() int {
	if len(t.Columns) == 0 {
		return 0
	}
	return t.Columns[0].Rows()
}

// Names lists the columns.
func (t *Table) Names() []string {
	var names []string
	for _, c := range t.Columns {
		names = append(names, c.Name)
	}
	return names
}

// The kinds of an Error.
var (
	ErrFormat  = errors.New("not what its name says")
	ErrColumn  = errors.New("no such column")
	ErrMissing = errors.New("a value is missing")
	ErrText    = errors.New("text instead of numbers")
	ErrEmpty   = errors.New("no rows")
)

// An Error says what is wrong with a file or variable.
type Error struct {
	Name string // name of the file or variable
	Text string // what is wrong with it, and what to do
	Kind error  // one of the above
}

func (e *Error) Error() string { return e.Name + ": " + e.Text }

// Unwrap returns the kind.
func (e *Error) Unwrap() error { return e.Kind }

func (t *Table) fail(kind error, format string, values ...any) error {
	return &Error{Name: t.Name, Text: fmt.Sprintf(format, values...), Kind: kind}
}

// place says where a row is: the line in the file if there are lines, else the row number.
func (t *Table) place(row int, c Column) string {
	where := fmt.Sprintf("row %d", row)
	if row < len(t.Lines) {
		where = fmt.Sprintf("line %d", t.Lines[row])
	}
	if c.Name == "" {
		return where
	}
	return where + ", column " + c.Name
}

// find returns the column called name.
func (t *Table) find(name string) (Column, error) {
	return t.index().find(t, name)
}

// A columnIndex finds columns by name, so that finding thousands takes only one pass.
type columnIndex map[string]int

func (t *Table) index() columnIndex {
	index := make(columnIndex, len(t.Columns))
	for i, c := range t.Columns {
		index[c.Name] = i
	}
	return index
}

// find returns the column called name. If there is none, it ignores case.
func (index columnIndex) find(t *Table, name string) (Column, error) {
	i, ok := index[name]
	if !ok {
		i = slices.IndexFunc(t.Columns, func(c Column) bool { return strings.EqualFold(c.Name, name) })
	}
	if i < 0 {
		return Column{}, t.fail(ErrColumn, "has no column %s; it has %s", name, wording.List(t.Names()))
	}
	return t.Columns[i], nil
}

// Order returns the names of the table's columns that match those of a model, in the model's
// order. It compares names, never positions. If the table lacks one of them, the error has
// both lists.
func (t *Table) Order(model []string) ([]string, error) {
	index, names := t.index(), []string{}
	for _, name := range model {
		c, err := index.find(t, name)
		if err != nil {
			return nil, t.fail(ErrColumn, "has no column %s; the model was trained on the columns %s, and the file has %s; rename them, or choose with --columns",
				clip(name), wording.List(model), wording.List(t.Names()))
		}
		if i := slices.Index(names, c.Name); i >= 0 {
			return nil, t.fail(ErrColumn, "has the column %s, and the model was trained on %s and %s; rename the columns as the model knows them, or choose with --columns",
				clip(c.Name), clip(model[i]), clip(name))
		}
		names = append(names, c.Name)
	}
	return names, nil
}

// Data is samples and labels. X is a *mat.Dense, or a tensors.Tensor of more than two
// dimensions. Y is a tensors.Tensor, a []string of class names, or nil.
type Data struct {
	X, Y    any
	Columns []string // the columns of X
}

// Split returns the columns as samples and the target as labels. Without columns, all but
// the target are samples; with an empty target, there are no labels. Unless a column is
// called "a,b,c", the target "a,b,c" names several columns of numbers, so that each row has
// several labels. Columns of true and false become 1 and 0. Other texts are an error in
// samples, and names of classes in labels.
func (t *Table) Split(target string, columns []string) (Data, error) {
	var d Data
	if t.Rows() == 0 {
		return d, t.fail(ErrEmpty, "has no rows")
	}
	rows := 0
	targets, err := t.targets(target)
	if err != nil {
		return d, err
	}
	isTarget := func(c Column) bool {
		return slices.ContainsFunc(targets, func(y Column) bool { return y.Name == c.Name })
	}
	switch len(targets) {
	case 0:
	case 1:
		rows = targets[0].Rows()
		d.Y, err = t.labels(targets[0])
	default:
		rows = targets[0].Rows()
		d.Y, err = t.samples(slices.Clone(targets), rows)
	}
	if err != nil {
		return d, err
	}
	var chosen []Column
	index, twice := t.index(), map[string]bool{}
	for _, name := range columns {
		c, err := index.find(t, name)
		if err != nil {
			return d, err
		}
		if isTarget(c) {
			return d, t.fail(ErrColumn, "%s cannot be sample and label at once", c.Name)
		}
		if twice[c.Name] {
			return d, t.fail(ErrColumn, "%s is chosen twice", c.Name)
		}
		twice[c.Name] = true
		chosen = append(chosen, c)
	}
	if len(columns) == 0 {
		chosen = slices.DeleteFunc(slices.Clone(t.Columns), isTarget)
	}
	if len(chosen) == 0 {
		return d, t.fail(ErrColumn, "has no column besides %s", target)
	}
	if rows == 0 {
		rows = chosen[0].Rows()
	}
	d.X, err = t.samples(chosen, rows)
	for _, c := range chosen {
		d.Columns = append(d.Columns, c.Name)
	}
	return d, err
}

// targets finds the columns of the target.
func (t *Table) targets(target string) ([]Column, error) {
	if target == "" {
		return nil, nil
	}
	names := []string{target}
	if _, err := t.find(target); err != nil {
		names = strings.Split(target, ",")
	}
	var all []Column
	for _, name := range names {
		c, err := t.find(strings.TrimSpace(name))
		if err != nil {
			return nil, err
		}
		if slices.ContainsFunc(all, func(y Column) bool { return y.Name == c.Name }) {
			return nil, t.fail(ErrColumn, "the target names %s twice", c.Name)
		}
		all = append(all, c)
	}
	return all, nil
}

// labels returns the values of the target.
func (t *Table) labels(c Column) (any, error) {
	if c.Texts == nil {
		return c.Array, t.finite(c)
	}
	if i := slices.Index(c.Texts, ""); i >= 0 {
		return nil, t.fail(ErrMissing, "%s is empty; a sample without a label cannot be learned from: take the row out", t.place(i, c))
	}
	return c.Texts, nil
}

// samples joins the columns. Columns with one number per row become a matrix.
func (t *Table) samples(chosen []Column, rows int) (any, error) {
	width := 0
	for i, c := range chosen {
		if c.Rows() != rows {
			return nil, t.fail(ErrFormat, "%s has %d rows and another column has %d", c.Name, c.Rows(), rows)
		}
		numbers, err := t.numbers(c)
		if err != nil {
			return nil, err
		}
		chosen[i].Array, chosen[i].Texts = numbers, nil
		if err := t.finite(chosen[i]); err != nil {
			return nil, err
		}
		width += numbers.Cols()
	}
	if first := chosen[0].Array; len(chosen) == 1 && len(first.Shape) > 1 {
		return first, nil // unchanged, so that float32 and the shape of images are kept
	}
	x := make([]float64, rows*width)
	at := 0
	for _, c := range chosen {
		values, err := c.Array.Float64s()
		if err != nil {
			return nil, t.fail(ErrFormat, "column %s: %v", c.Name, err)
		}
		n := c.Array.Cols()
		for i := range rows {
			copy(x[i*width+at:], values[i*n:(i+1)*n])
		}
		at += n
	}
	return mat.NewDense(rows, width, x), nil
}

// numbers returns a column as numbers. Texts are an error, except true and false.
func (t *Table) numbers(c Column) (tensors.Tensor, error) {
	if c.Texts == nil {
		return c.Array, nil
	}
	values := make([]float64, len(c.Texts))
	for i, s := range c.Texts {
		switch strings.ToLower(s) {
		case "true":
			values[i] = 1
		case "false":
		case "":
			values[i] = math.NaN()
		default:
			return c.Array, t.fail(ErrText, "%s holds the text %q, and samples are numbers; choose the columns of numbers with --columns, or turn the texts into numbers", t.place(i, c), clip(s))
		}
	}
	return tensors.From(values)
}

// finite returns an error if a number is missing or infinite.
func (t *Table) finite(c Column) error {
	var bad *tensors.NonFiniteError
	if err := c.Array.CheckFinite(); !errors.As(err, &bad) {
		return err
	}
	more := ""
	if bad.Count > 1 {
		more = fmt.Sprintf(" (%d in this column)", bad.Count)
	}
	if math.IsNaN(bad.Value) {
		return t.fail(ErrMissing, "%s holds no number (empty, NA or NaN)%s; fill it in, or take the row or the column out", t.place(bad.Index[0], c), more)
	}
	return t.fail(ErrMissing, "%s is infinite%s; numbers have to be finite", t.place(bad.Index[0], c), more)
}

func clip(s string) string {
	if r := []rune(s); len(r) > 40 {
		return string(r[:40]) + "..."
	}
	return s
}
