package dataset_test

import (
	"archive/zip"
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"testing"

	"gonum.org/v1/gonum/mat"

	"github.com/gopherpod/gopherpod/runpod/dataset"
	"github.com/gopherpod/gopherpod/runpod/dataset/parquet"
	"github.com/gopherpod/gopherpod/tensors"
	"github.com/gopherpod/gopherpod/tensors/memory"
)

func read(t *testing.T, name string) (*dataset.Table, error) {
	t.Helper()
	return dataset.Read(t.Context(), filepath.Join("testdata", name), dataset.Options{Parquet: parquet.Read})
}

// pandas has written the same frame in each format.
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
		{"a,a\n1,2\n", "t.csv: has two columns called a; rename one of them"},
		{",a,b\n0,1,2\n1,3,4\n", "[a b] 2 rows"},        // pandas' index
		{",a,b\n17,1,2\n4,3,4\n", "[a b] 2 rows"},       // after rows were dropped and sorted
		{"Unnamed: 0,a\n0,1\n1,3\n", "[a] 2 rows"},      // read and written twice
		{",Unnamed: 0,a\n0,0,1\n1,1,3\n", "[a] 2 rows"}, // and written once more
		{"Unnamed: 0.1,Unnamed: 0,a\n0,0,1\n1,1,3\n", "[a] 2 rows"},
		{"Unnamed: 0,b,Unnamed: 0.1\n0,0,1\n1,1,3\n", "[b Unnamed: 0.1] 2 rows"}, // not behind another index
		{",Unnamed: 0,a\n0,1,1\n1,1,3\n", "[Unnamed: 0 a] 2 rows"},
		{"Unnamed: 0.1,Unnamed: 0\n0,0\n1,1\n", "[Unnamed: 0] 2 rows"}, // nothing else is left
		{"\"\",\"a\"\n\"1\",2\n\"2\",3\n", "[a] 2 rows"},               // R's write.csv
		{"\"a\",\"b\"\n\"x\",1,2\n\"y\",3,4\n", "[a b] 2 rows"},        // R's write.table with row names
		{"a,b\n1,1,2\n1,3,4\n", "t.csv: line 2 has 3 fields and the first line has 2"},
		{",a\n1,2\n1,3\n", "[column1 a] 2 rows"},   // no index: a value repeats
		{",a\n1.5,2\n1,3\n", "[column1 a] 2 rows"}, // no index: not whole
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

func TestIndexIsSaid(t *testing.T) {
	for text, notes := range map[string]int{",a\n0,1\n1,3\n": 1, "b,a\n0,1\n1,3\n": 0} {
		table, err := dataset.ParseCSV("t.csv", []byte(text))
		if err != nil || len(table.Notes) != notes || notes > 0 && !strings.Contains(table.Notes[0], "an index, not a feature") {
			t.Errorf("%q: %q, %v; want %d notes about an index", text, table.Notes, err, notes)
		}
	}
}

// Numbers in Go's syntax that are not numbers in a CSV file.
func TestCSVNumbers(t *testing.T) {
	for text, number := range map[string]bool{
		"1_0": false, "1_000.5": false, "0x10": false, "0X1p-2": false, "10": true, "-1.5e-3": true, "+.5": true, "1e400": true, "1 0": false, "10%": false,
	} {
		table, err := dataset.ParseCSV("t.csv", []byte("a,b\n"+text+",x\n"))
		if err != nil {
			t.Fatal(err)
		}
		if got := table.Columns[0].Texts == nil; got != number {
			t.Errorf("%q: number %v, want %v", text, got, number)
		}
	}
}

func TestCSVEncodings(t *testing.T) {
	for _, c := range []struct{ bytes, encoding, want string }{
		{"name\nM\xfcller\n", "", `t.csv: line 2 is not UTF-8 ("M?ller"); name the encoding, such as --encoding latin1 or cp1252`},
		{"name\nM\xfcller\n", "latin1", "Müller"},
		{"name\n5 \x80\n", "CP1252", "5 €"},
		{"name\nM\xc3\xbcller\n", "utf-8", "Müller"},
		{"\xff\xfen\x00a\x00m\x00e\x00\n\x00M\x00\xfc\x00\n\x00", "", "Mü"},
		{"\xfe\xff\x00n\x00a\x00m\x00e\x00\n\x00M\x00\xfc\x00\n", "", "Mü"},
		{"n\x00a\x00\n\x00M\x00\xfc\x00\n\x00", "", "t.csv: line 1 holds a NUL byte, which text has not; if the file is UTF-16, give --encoding utf-16"},
		{"n\x00a\x00\n\x00M\x00u\x00\n\x00", "", "t.csv: line 1 holds a NUL byte, which text has not; if the file is UTF-16, give --encoding utf-16"},
		{"n\x00a\x00\n\x00M\x00u\x00\n\x00", "utf-16", "Mu"},
		{"n\x00a\x00\n\x00M\x00u\x00\n\x00", "latin1", "t.csv: line 1 holds a NUL byte, which text has not; if the file is UTF-16, give --encoding utf-16"},
		{"n\x00\n\x00M\x00\x00\xd8\n\x00", "utf-16", "t.csv: line 2 is not utf-16 (\"M\ufffd\")"},
		{"\xef\xbb\xbfname\nM\xfc\n", "", `t.csv: line 2 is not UTF-8 ("M?"); name the encoding, such as --encoding latin1 or cp1252`},
		{"name\nx\n", "klingon", `t.csv: encoding "klingon" is unknown; known are cp1252, iso-8859-1, iso-8859-15, latin1, utf-16, utf-8, windows-1252`},
	} {
		path := filepath.Join(t.TempDir(), "t.csv")
		if err := os.WriteFile(path, []byte(c.bytes), 0o600); err != nil {
			t.Fatal(err)
		}
		table, err := dataset.Read(t.Context(), path, dataset.Options{Encoding: c.encoding})
		got := ""
		if err != nil {
			got = err.Error()
		} else {
			got = table.Columns[0].Texts[0]
		}
		if got != c.want {
			t.Errorf("%q as %q: %s, want %s", c.bytes, c.encoding, got, c.want)
		}
	}
}

// 60,000 columns are read in one pass over each, and a read stops when its context is done.
func TestWideCSV(t *testing.T) {
	var b strings.Builder
	const width = 60000
	for row := range 4 {
		for i := range width {
			if i > 0 {
				b.WriteByte(',')
			}
			if row == 0 {
				b.WriteByte('c')
			}
			b.WriteString(strconv.Itoa(i * row * row))
			if row == 0 {
				b.WriteString(strconv.Itoa(i))
			}
		}
		b.WriteByte('\n')
	}
	path := filepath.Join(t.TempDir(), "wide.csv")
	if err := os.WriteFile(path, []byte(b.String()), 0o600); err != nil {
		t.Fatal(err)
	}
	table, err := dataset.Read(t.Context(), path, dataset.Options{})
	if err != nil {
		t.Fatal(err)
	}
	columns, err := table.Order(table.Names()[1:])
	if err != nil {
		t.Fatal(err)
	}
	d, err := table.Split(table.Names()[0], columns)
	if err != nil || len(d.Columns) != width-1 {
		t.Fatal(len(d.Columns), err)
	}
	ctx, cancel := context.WithCancelCause(t.Context())
	cancel(errors.New("SIGTERM"))
	if _, err := dataset.Read(ctx, path, dataset.Options{}); err == nil || err.Error() != "SIGTERM" {
		t.Error(err)
	}
}

func TestOrder(t *testing.T) {
	table, err := dataset.ParseCSV("test.csv", []byte("Width,length,species\n1,2,a\n"))
	if err != nil {
		t.Fatal(err)
	}
	if names, err := table.Order([]string{"length", "width"}); err != nil || !slices.Equal(names, []string{"length", "Width"}) {
		t.Error(names, err)
	}
	want := "test.csv: has no column height; the model was trained on the columns length, height, and the file has Width, length, species; rename them, or choose with --columns"
	if _, err := table.Order([]string{"length", "height"}); !errors.Is(err, dataset.ErrColumn) || err.Error() != want {
		t.Error(err)
	}
	want = "test.csv: has the column Width, and the model was trained on width and WIDTH; rename the columns as the model knows them, or choose with --columns"
	if names, err := table.Order([]string{"width", "WIDTH"}); !errors.Is(err, dataset.ErrColumn) || err.Error() != want {
		t.Error(names, err)
	}
	if _, err := table.Split("species", []string{"width", "Width"}); !errors.Is(err, dataset.ErrColumn) || err.Error() != "test.csv: Width is chosen twice" {
		t.Error(err)
	}
}

// An archive of a megabyte that unpacks to more memory than the machine has is refused
// before anything is unpacked, whether it has one array or many.
func TestArchiveBomb(t *testing.T) {
	var b bytes.Buffer
	z := zip.NewWriter(&b)
	for i := range 64 {
		w, err := z.CreateRaw(&zip.FileHeader{Name: fmt.Sprintf("a%d.npy", i), Method: zip.Deflate, UncompressedSize64: memory.Available() / 32, CompressedSize64: 4})
		if err != nil {
			t.Fatal(err)
		}
		w.Write([]byte("oops"))
	}
	z.Close()
	if _, err := dataset.ParseNPZ("bomb.npz", b.Bytes()); err == nil || !strings.Contains(err.Error(), "half of the memory that is free here") {
		t.Error(err)
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
		{"a\n1\n", "a", "", "t.csv: has no column besides a", dataset.ErrColumn},
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
	addFiles(f, "testdata/*.npy")
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

// Several target columns are a row of labels each, and none of them a feature.
func TestSeveralTargets(t *testing.T) {
	path := filepath.Join(t.TempDir(), "t.csv")
	if err := os.WriteFile(path, []byte("x,a,b\n5,1,true\n6,0,false\n7,1,false\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	table, err := dataset.Read(t.Context(), path, dataset.Options{})
	if err != nil {
		t.Fatal(err)
	}
	d, err := table.Split("a, b", nil)
	if err != nil {
		t.Fatal(err)
	}
	Y, X := d.Y.(*mat.Dense), d.X.(*mat.Dense)
	if !mat.Equal(Y, mat.NewDense(3, 2, []float64{1, 1, 0, 0, 1, 0})) || !mat.Equal(X, mat.NewDense(3, 1, []float64{5, 6, 7})) || !slices.Equal(d.Columns, []string{"x"}) {
		t.Errorf("%v, %v, %v", X, Y, d.Columns)
	}
	for target, want := range map[string]string{"a,c": "has no column c", "a,A": "names a twice", "a,": "has no column"} {
		if _, err := table.Split(target, nil); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %s", target, err, want)
		}
	}
	if _, err := table.Split("a,b", []string{"x", "b"}); err == nil || !strings.Contains(err.Error(), "b cannot be sample and label at once") {
		t.Error(err)
	}
}
