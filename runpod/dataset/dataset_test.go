package dataset_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"gonum.org/v1/gonum/mat"

	"github.com/gopherpod/gopherpod/runpod/dataset"
	"github.com/gopherpod/gopherpod/runpod/dataset/parquet"
	"github.com/gopherpod/gopherpod/tensors"
)

func read(t *testing.T, name string) (*dataset.Table, error) {
	t.Helper()
	return dataset.Read(t.Context(), filepath.Join("testdata", name), dataset.Options{Parquet: parquet.Read})
}

// The same frame, as pandas writes it into each format.
func TestFrames(t *testing.T) {
	want := mat.NewDense(4, 4, []float64{5.1, 3.5, 1, 1, 4.9, 3, 0, 2, 6.3, 3.3, 1, 3, 5.8, 2.7, 1, 4})
	for _, name := range []string{"pandas.csv", "pandas_index.csv", "pandas.parquet", "pandas_category.parquet"} {
		table, err := read(t, name)
		if err != nil {
			t.Error(err)
			continue
		}
		var wire bytes.Buffer
		if err := table.Encode(&wire); err != nil {
			t.Fatal(err)
		}
		if table, err = dataset.Decode(&wire); err != nil {
			t.Fatal(err)
		}
		d, err := table.Split("species", nil)
		if err != nil || !reflect.DeepEqual(d.Columns, []string{"length", "width", "wild", "n"}) ||
			!reflect.DeepEqual(d.Y, []string{"setosa", "setosa", "virginica", "virginica"}) ||
			!mat.EqualApprox(d.X.(mat.Matrix), want, 1e-6) {
			t.Errorf("%s: %+v, %v", name, d, err)
		}
		d, err = table.Split("N", []string{"width"})
		if err != nil || d.Y.(tensors.Tensor).Len() != 4 || mat.Sum(d.X.(mat.Matrix)) != 12.5 {
			t.Errorf("%s: %+v, %v", name, d, err)
		}
	}
}

func TestParquetTypes(t *testing.T) {
	table, err := read(t, "groups.parquet")
	if err != nil || table.Rows() != 5000 {
		t.Fatal(table, err)
	}
	if d, err := table.Split("", nil); err != nil || mat.Sum(d.X.(mat.Matrix)) != 4999*2500 || d.Y != nil {
		t.Error(err)
	}
	table, err = read(t, "dates.parquet")
	if err != nil || !reflect.DeepEqual(table.Columns[0].Texts, []string{"2020-01-02", ""}) || table.Columns[1].Texts[0] != "2020-01-02T03:04:05Z" {
		t.Error(table, err)
	}
	if table, err = read(t, "hole.parquet"); err != nil {
		t.Fatal(err)
	}
	if _, err = table.Split("species", nil); err == nil || err.Error() != "hole.parquet: row 2, column width holds no number (empty, NA or NaN); fill it in, or take the row or the column out" {
		t.Error(err)
	}
	if _, err := read(t, "lists.parquet"); err == nil || !strings.Contains(err.Error(), "column v holds lists") {
		t.Error(err)
	}
	broken := filepath.Join(t.TempDir(), "x.parquet")
	if err := os.WriteFile(broken, []byte("PAR1 no PAR1"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := parquet.Read(t.Context(), broken); !errors.Is(err, dataset.ErrFormat) {
		t.Error(err)
	}
}

func TestNumPy(t *testing.T) {
	for _, name := range []string{"f8.npy", "f4_fortran.npy", "f2.npy", "i4_big.npy", "u2.npy", "u8.npy", "version3.npy"} {
		table, err := read(t, name)
		if err != nil {
			t.Error(err)
			continue
		}
		values, err := table.Columns[0].Array.Float64s()
		if err != nil || !reflect.DeepEqual(values, []float64{0, 1, 2, 3, 4, 5}) || !reflect.DeepEqual(table.Columns[0].Array.Shape, []int{2, 3}) {
			t.Errorf("%s: %v, %v", name, values, err)
		}
	}
	table, err := read(t, "pictures_fortran.npy")
	if err != nil {
		t.Fatal(err)
	}
	d, err := table.Split("", nil)
	x := d.X.(tensors.Tensor)
	values, _ := x.Float64s()
	if err != nil || !reflect.DeepEqual(x.Shape, []int{2, 3, 4}) || values[5] != 5 || values[23] != 23 {
		t.Error(x, values, err)
	}
	for name, want := range map[string][]string{"texts.npy": {"setosa", "virgínica"}, "bytes.npy": {"a", "bcd"}} {
		if table, err := read(t, name); err != nil || !reflect.DeepEqual(table.Columns[0].Texts, want) {
			t.Errorf("%s: %v, %v", name, table, err)
		}
	}
	for name, want := range map[string]string{
		"complex.npy": "complex.npy: holds complex numbers",
		"object.npy":  "object.npy: holds Python objects, which want pickle",
		"records.npy": "records.npy: holds records with fields",
		"empty.npy":   "empty.npy: is empty, of shape [0 3]",
	} {
		if _, err := read(t, name); err == nil || !strings.HasPrefix(err.Error(), want) {
			t.Errorf("%v, want %s", err, want)
		}
	}
	for name, labels := range map[string]any{"train.npz": nil, "packed.npz": []string{"a", "b", "a"}} {
		table, err := read(t, name)
		if err != nil {
			t.Fatal(err)
		}
		d, err := table.Split("y", nil)
		if err != nil || d.X.(tensors.Tensor).Rows() != table.Rows() || labels != nil && !reflect.DeepEqual(d.Y, labels) {
			t.Errorf("%s: %+v, %v", name, d, err)
		}
	}
}

func TestCSV(t *testing.T) {
	for _, c := range []struct{ text, want string }{
		{"a,b\n1,2\n3,4\n", "[a b] 2 rows"},
		{"1,2\n3,4", "[column1 column2] 2 rows"},
		{"5.1,3.5,setosa\n4.9,3,virginica\n", "[column1 column2 column3] 2 rows"},
		{"\ufeffa;b\n1;2\n", "[a b] 1 rows"},
		{"a\tb\n1\t2\n", "[a b] 1 rows"},
		{"a, \"b, c\"\n1, 2\n", "[a b, c] 1 rows"},
		{"", "t.csv: has no rows"},
		{"a,b\n", "t.csv: has no rows"},
		{"a,b\n1,2\n3\n", "t.csv: line 3 has 1 fields and the first line has 2"},
		{"a,a\n1,2\n", "t.csv: has two columns called a; name them apart"},
		{"a,b\n1,\"2\n", "t.csv: line 2: extraneous or missing \" in quoted-field"},
	} {
		table, err := dataset.ParseCSV("t.csv", []byte(c.text))
		got := ""
		if err != nil {
			got = err.Error()
		} else {
			got = fmt.Sprintf("%v %d rows", table.Names(), table.Rows())
		}
		if got != c.want {
			t.Errorf("%q: %s, want %s", c.text, got, c.want)
		}
	}
}

func TestSplitRefuses(t *testing.T) {
	for _, c := range []struct {
		text, target, columns, want string
		kind                        error
	}{
		{"a,b\n1,\n3,4\n", "a", "", "t.csv: line 2, column b holds no number (empty, NA or NaN); fill it in, or take the row or the column out", dataset.ErrMissing},
		{"a,b\n1,NA\n3,NaN\n4,5", "a", "", "t.csv: line 2, column b holds no number (empty, NA or NaN) (2 in this column); fill it in, or take the row or the column out", dataset.ErrMissing},
		{"a,b\n1,2\n3,-inf\n", "a", "", "t.csv: line 3, column b is infinite; numbers have to be finite", dataset.ErrMissing},
		{"a,b\n1,1e999\n", "a", "", "t.csv: line 2, column b is infinite; numbers have to be finite", dataset.ErrMissing},
		{"a,b\n1,x\n\n3,\n", "b", "", "t.csv: line 4, column b is empty; a sample without a label cannot be learned from: take the row out", dataset.ErrMissing},
		{"a,b\n1,red\n", "a", "", `t.csv: line 2, column b holds the text "red", and samples are numbers; choose the columns of numbers with --columns, or turn the texts into numbers`, dataset.ErrText},
		{"a,b\n1,2\n", "c", "", "t.csv: has no column c; it has a, b", dataset.ErrColumn},
		{"a,b\n1,2\n", "a", "a", "t.csv: a cannot be sample and label at once", dataset.ErrColumn},
		{"a\n1\n", "a", "", "t.csv: has no column beside a", dataset.ErrColumn},
	} {
		table, err := dataset.ParseCSV("t.csv", []byte(c.text))
		if err != nil {
			t.Fatal(err)
		}
		var columns []string
		if c.columns != "" {
			columns = strings.Split(c.columns, ",")
		}
		if _, err := table.Split(c.target, columns); err == nil || err.Error() != c.want || !errors.Is(err, c.kind) {
			t.Errorf("%q: %v\nwant %s", c.text, err, c.want)
		}
	}
}

func TestValues(t *testing.T) {
	type kind string
	frame := struct {
		A, B    []float32
		Picture [][]float64
		Species []kind
		note    string
	}{[]float32{1, 2}, []float32{3, 4}, [][]float64{{5, 6}, {7, 8}}, []kind{"x", "y"}, "no column"}
	rows := []struct {
		A, B    int
		Species string
	}{{1, 3, "x"}, {2, 4, "y"}}
	for name, v := range map[string]any{"frame": &frame, "rows": rows, "map": map[string]any{}, "columns": map[string][]float64{"A": {1, 2}, "B": {3, 4}}} {
		table, ok, err := dataset.FromValue(name, reflect.ValueOf(v))
		if name == "map" {
			if ok {
				t.Error("a map of anything is no table")
			}
			continue
		}
		if !ok || err != nil {
			t.Errorf("%s: %v, %v", name, ok, err)
			continue
		}
		d, err := table.Split("A", []string{"B"})
		if err != nil || mat.Sum(d.X.(mat.Matrix)) != 7 || d.Y.(tensors.Tensor).Len() != 2 {
			t.Errorf("%s: %v, %v", name, d, err)
		}
	}
	table, _, err := dataset.FromValue("frame", reflect.ValueOf(frame))
	if err != nil {
		t.Fatal(err)
	}
	d, err := table.Split("species", nil)
	if r, c := d.X.(mat.Matrix).Dims(); err != nil || r != 2 || c != 4 || !reflect.DeepEqual(d.Y, []string{"x", "y"}) {
		t.Error(d, err)
	}
	for _, c := range []struct {
		v    any
		want string
	}{
		{struct{ A, B []int }{[]int{1}, []int{1, 2}}, "v: B has 2 rows and A has 1"},
		{struct{ A [][]int }{[][]int{{1}, {1, 2}}}, "v.A: is a [][]int: tensors: "},
		{struct{ A []int }{}, "v: A is empty"},
	} {
		if _, ok, err := dataset.FromValue("v", reflect.ValueOf(c.v)); !ok || err == nil || !strings.HasPrefix(err.Error(), c.want) {
			t.Errorf("%v: %v, want %s", c.v, err, c.want)
		}
	}
	for _, v := range []any{1, []float64{1}, mat.NewDense(1, 1, nil), [][]float64{{1}}, struct{ A int }{1}, (*struct{ A []int })(nil)} {
		if _, ok, err := dataset.FromValue("v", reflect.ValueOf(v)); ok || err != nil {
			t.Errorf("%T is no table: %v, %v", v, ok, err)
		}
	}
}

func TestReadRefuses(t *testing.T) {
	if _, err := dataset.Read(context.Background(), "missing.csv", dataset.Options{}); !errors.Is(err, os.ErrNotExist) {
		t.Error(err)
	}
	if _, err := dataset.Read(context.Background(), "x.xlsx", dataset.Options{}); err == nil || err.Error() != "x.xlsx: is read where it ends in .csv, .tsv, .npy, .npz, .parquet" {
		t.Error(err)
	}
	t.Setenv(dataset.EnvProgram, "")
	if _, err := dataset.Read(context.Background(), "testdata/pandas.parquet", dataset.Options{}); err == nil || !strings.Contains(err.Error(), "runpod/dataset/parquet") {
		t.Error(err)
	}
}

func FuzzParseNPY(f *testing.F) {
	files, err := filepath.Glob("testdata/*.npy")
	if err != nil || len(files) == 0 {
		f.Fatal("no files", err)
	}
	for _, name := range files {
		b, err := os.ReadFile(name)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(b)
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		c, err := dataset.ParseNPY("x", b)
		if err == nil && c.Texts == nil {
			if err := c.Array.Validate(); err != nil {
				t.Fatal(err)
			}
		}
	})
}

func FuzzParseCSV(f *testing.F) {
	for _, s := range []string{"a,b\n1,2\n", "1;2\n3;x", ",a\n0,1\n1,NA", "a\n\"x\ny\"", "\ufeffa\tb\n1\t2"} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		table, err := dataset.ParseCSV("x", b)
		if err != nil {
			return
		}
		for _, c := range table.Columns {
			if c.Rows() != table.Rows() || len(table.Lines) != table.Rows() {
				t.Fatalf("%s has %d rows of %d", c.Name, c.Rows(), table.Rows())
			}
		}
		_, _ = table.Split(table.Columns[0].Name, nil)
		var wire bytes.Buffer
		if err := table.Encode(&wire); err != nil {
			t.Fatal(err)
		}
		back, err := dataset.Decode(&wire)
		if err != nil || back.Rows() != table.Rows() {
			t.Fatal(back, err)
		}
	})
}

func FuzzDecode(f *testing.F) {
	f.Add([]byte(`[{"name":"a","dtype":"bool","shape":[2],"bytes":2}]` + "\n\x00\x01"))
	f.Add([]byte(`[{"name":"a","bytes":5}]` + "\n" + `["x"]`))
	f.Fuzz(func(t *testing.T, b []byte) {
		table, err := dataset.Decode(bytes.NewReader(b))
		if err == nil {
			_, _ = table.Split("", nil)
		}
	})
}
