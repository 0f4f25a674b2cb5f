package cell

import (
	"go/build"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// editing returns a notebook to complete in.
func editing(t testing.TB) *notebook {
	cfg := testConfig(t)
	cfg.Packages = func() []string { return []string{"encoding/json", "encoding/gob", "fmt", "internal/abi"} }
	cfg.Dir = func(path string) (string, error) { return filepath.Join(build.Default.GOROOT, "src", path), nil }
	nb := &notebook{t: t, Session: New(cfg)}
	nb.run(`import ("fmt"; "gonum.org/v1/gonum/mat")
type base struct { id int }
func (b *base) setID(n int) {}
// A point lies in the plane.
type point struct { base; posX, posY int; label string }
// norm is the length.
func (p point) norm() float64 { return 0 }
pt := point{}
pts := []*point{&pt}
M := mat.NewDense(2, 2, nil)
func makePoint(x, y int) (point, error) { return point{}, nil }
const maxPoints = 3
byName := map[string]point{}`)
	return nb
}

func TestComplete(t *testing.T) {
	nb := editing(t)
	for _, c := range []struct {
		src  string // | is the cursor
		want string // all texts, or with a + these among them
	}{
		{"fmt.Printl|", "Println"},
		{"fmt.Fpr|(x)", "Fprint Fprintf Fprintln"},
		{"pt.|", "base id label norm posX posY setID"},
		{"pt.pos|", "posX posY"},
		{"pts[0].n|", "norm"},
		{"byName[\"x\"].lab|", "label"},
		{"x := pt.no|", "norm"},
		{"if pt.po|", "posX posY"},
		{"for _, q := range pts { q.pos|", "posX posY"},
		{"for _, q := range pts {\n\tfmt.Println(q.la|)\n}", "label"},
		{"func f(q point) int {\n\treturn q.posX + q.posY|", "posY"},
		{"func (p *point) twice() float64 { return p.no|", "norm"},
		{"var loc = makeP|", "makePoint"},
		{"maxP|", "maxPoints"},
		{"M.T|", "T TRow Tr|some"},
		{"loc := 5\nlo|", "loc +"},
		{"func g(arg int) { ar|", "arg +"},
		{"pt = point{posX: 1, la|", "label"},
		{"pts = append(pts, &point{po|", "posX posY +"},
		{"swi|", "switch"},
		{"strings.Rep|", "Repeat Replace ReplaceAll Replacer"},
		{"switch v := any(pt).(type) { case po|", "point +"},
		{"type line struct { a, b poi|", "point"},
		{"go makeP|", "makePoint"},
		{"defer M.Clo|", "CloneFrom"},
		{"import \"encoding/|", "encoding/gob encoding/json"},
		{"import (\n\t\"fmt\"\n\tj \"encoding/j|", "encoding/json"},
		{"x := \"fmt.Pri|", ""},
		{"// fmt.Pri|", ""},
		{"PT.|", ""},
		{"PRINTL|", "println"},
		{"fmt.printl|", "Println"},
		{"broken := := 3\nmakeP|", "makePoint"},
		{"pt.norm().|", ""},
		{"func() { a := 1; func() { b := 2; _ = a + b; pt.norm|", "norm"},
		{"m := map[string]poin|", "point"},
		{"func h() (poin|", "point"},
		{"nb|", ""},
		{"|", "pt pts fmt mat makePoint len string +"},
	} {
		pos := strings.IndexByte(c.src, '|')
		src := strings.Replace(c.src, "|", "", 1)
		ms, start, end := nb.Complete(src, pos)
		var got []string
		for _, m := range ms {
			got = append(got, m.Text)
			if m.Type == "" {
				t.Errorf("%q: %s has no type", c.src, m.Text)
			}
		}
		if len(ms) > 0 && (end != pos || start > end || !strings.EqualFold(ms[0].Text[:end-start], src[start:end])) {
			t.Errorf("%q: replaces %q with %q", c.src, src[start:end], ms[0].Text)
		}
		want := strings.Fields(strings.ReplaceAll(c.want, "|some", ""))
		if n := len(want); n > 0 && want[n-1] == "+" || strings.Contains(c.want, "|some") {
			for _, w := range want {
				if w != "+" && !strings.Contains(c.want, "|some") && !slices.Contains(got, w) {
					t.Errorf("%q: no %s in %v", c.src, w, got)
				}
			}
			continue
		}
		if !slices.Equal(got, want) {
			t.Errorf("%q: %v, want %v", c.src, got, want)
		}
	}
}

func TestCompleteKinds(t *testing.T) {
	nb := editing(t)
	for src, want := range map[string]Match{
		"makePoi":     {"makePoint", "function", "func(x int, y int) (point, error)"},
		"pt.posX":     {"posX", "field", "int"},
		"pt.norm":     {"norm", "function", "func() float64"},
		"fm":          {"fmt", "module", "fmt"},
		"fmt.Stringe": {"Stringer", "class", "fmt.Stringer"},
		"byNam":       {"byName", "instance", "map[string]point"},
		"retur":       {"return", "keyword", ""},
		"bytes.Compa": {"Compare", "function", "func(a []byte, b []byte) int"},
	} {
		ms, _, _ := nb.Complete(src, len(src))
		if len(ms) != 1 || ms[0] != want {
			t.Errorf("%q: %+v, want %+v", src, ms, want)
		}
	}
}

func TestInspect(t *testing.T) {
	nb := editing(t)
	for _, c := range []struct{ src, name, kind, signature, doc string }{
		{"fmt.Printl|n(1)", "fmt.Println", "func", "func fmt.Println(a ...any) (n int, err error)", "Println formats using the default formats"},
		{"fmt.Println(|1)", "fmt.Println", "func", "func fmt.Println(", "Spaces are always added"},
		{"fm|t.Println", "fmt", "package", "package fmt", "Package fmt implements formatted I/O"},
		{"pt.no|rm()", "point.norm", "method", "func (point).norm() float64", "norm is the length."},
		{"poi|nt{}", "point", "type", "type point struct{base; posX int; posY int; label string}", "A point lies in the plane."},
		{"pt.pos|X", "point.posX", "field", "field posX int", ""},
		{"byN|ame", "byName", "var", "var byName map[string]point", ""},
		{"x := 5\nx| + 1", "x", "var", "var x int", ""},
		{"maxPoin|ts", "maxPoints", "const", "const maxPoints untyped int = 3", ""},
		{"le|n(pts)", "len", "builtin", "", "The len built-in function returns the length"},
		{"strings.Rep|eat", "strings.Repeat", "func", "func strings.Repeat(s string, count int) string", "Repeat returns a new string"},
		{"var b strings.Builder\nb.WriteStr|ing(", "Builder.WriteString", "method", "func (*strings.Builder).WriteString(s string) (int, error)", "WriteString appends the contents"},
		{"fmt.Stringe|r", "fmt.Stringer", "type", "type Stringer interface {", "Stringer is implemented by any value"},
		{"makePoint(1, |", "makePoint", "func", "func makePoint(x int, y int) (point, error)", ""},
	} {
		pos := strings.IndexByte(c.src, '|')
		info, ok := nb.Inspect(strings.Replace(c.src, "|", "", 1), pos, 0)
		if !ok || info.Name != c.name || info.Kind != c.kind || !strings.HasPrefix(info.Signature, c.signature) || !strings.Contains(info.Doc, c.doc) {
			t.Errorf("%q: %v %+v", c.src, ok, info)
		}
		if info.Source != "" {
			t.Errorf("%q: source without being asked", c.src)
		}
	}
	for _, src := range []string{"", "nosuch", "pt.nosuch", "1 + 2"} {
		if info, ok := nb.Inspect(src, len(src), 0); ok {
			t.Errorf("%q: %+v", src, info)
		}
	}
	info, ok := nb.Inspect("makePoint", 4, 1)
	if !ok || !strings.HasPrefix(info.Source, "func makePoint(x, y int)") || info.Cell != 1 {
		t.Errorf("%+v", info)
	}
}
