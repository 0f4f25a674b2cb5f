package build

import (
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// object returns the part of an object file that undefined reads.
func object(names ...string) []byte {
	o := make([]byte, headerBlocks+4*19)
	copy(o, goobjMagic)
	at := len(o)
	for _, n := range names {
		o = append(o, n...)
	}
	from := len(o)
	for _, n := range names {
		s := make([]byte, symSize)
		binary.LittleEndian.PutUint32(s, uint32(len(n)))
		binary.LittleEndian.PutUint32(s[4:], uint32(at))
		at += len(n)
		o = append(o, s...)
	}
	binary.LittleEndian.PutUint32(o[headerBlocks+4*blockRefs:], uint32(from))
	binary.LittleEndian.PutUint32(o[headerBlocks+4*(blockRefs+1):], uint32(len(o)))
	return o
}

func ar(members ...string) []byte {
	b := arMagic
	for i, m := range members {
		b += fmt.Sprintf("%-16s%-12d%-6d%-6d%-8o%-10d`\n%s", fmt.Sprintf("m%d.o", i), 0, 0, 0, 0o644, len(m), m)
		if len(m)%2 == 1 {
			b += "\x00"
		}
	}
	return []byte(b)
}

func TestUndefined(t *testing.T) {
	got, err := undefined(ar("go object linux\n!\n"+string(object("fmt.Println", "", "type:int")), "no object", string(object("runtime.x"))))
	if err != nil || strings.Join(got, " ") != "fmt.Println type:int runtime.x" {
		t.Errorf("got %v, %v", got, err)
	}
}

func TestUndefinedRejects(t *testing.T) {
	put := func(o []byte, at int, v uint32) string {
		o = slices.Clone(o)
		binary.LittleEndian.PutUint32(o[at:], v)
		return string(o)
	}
	good := object("a")
	for _, c := range []struct{ name, in, want string }{
		{"nothing", "", ""},
		{"no archive", "hello", ""},
		{"no object", string(ar("text")), ""},
		{"half a header", arMagic + "abc", "a member of 3 bytes"},
		{"no size", arMagic + strings.Repeat("x", arHeader), "member size"},
		{"too large", strings.Replace(string(ar("text")), "4         `", "400       `", 1), "member size"},
		{"cut off", string(ar(goobjMagic)), "header cut off"},
		{"backwards", string(ar(put(good, headerBlocks+4*blockRefs, 1<<30))), "references at"},
		{"behind the end", string(ar(put(good, headerBlocks+4*(blockRefs+1), 1<<30))), "references at"},
		{"no multiple", string(ar(put(good, headerBlocks+4*(blockRefs+1), uint32(len(good)-1)))), "references at"},
		{"long name", string(ar(put(good, len(good)-symSize, 1<<25))), "a name of"},
		{"name outside", string(ar(put(good, len(good)-symSize+4, 1<<25))), "a name of"},
	} {
		if _, err := undefined([]byte(c.in)); !errors.Is(err, errObject) || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: got %v", c.name, err)
		}
	}
}

func FuzzUndefined(f *testing.F) {
	f.Add(ar(string(object("fmt.Println"))))
	f.Fuzz(func(_ *testing.T, b []byte) { undefined(b) })
}

// TestUndefinedOfCompiler fails if the installed Go writes objects in another format.
func TestUndefinedOfCompiler(t *testing.T) {
	dir := t.TempDir()
	src := filepath.Join(dir, "x.go")
	if err := os.WriteFile(src, []byte("package x\n\nvar m = map[string]int{}\n\nfunc F() any { println(len(m)); return m }\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	out := filepath.Join(dir, "x.a")
	if b, err := exec.Command("go", "tool", "compile", "-p", "x", "-dynlink", "-linkshared", "-pack", "-o", out, src).CombinedOutput(); err != nil {
		t.Skipf("the compiler: %v %s", err, b)
	}
	b, err := os.ReadFile(out)
	if err != nil {
		t.Fatal(err)
	}
	names, err := undefined(b)
	for _, want := range []string{"runtime.printint", "type:int"} {
		if !slices.Contains(names, want) {
			t.Errorf("%s is not among %v (%v): the object format has changed", want, names, err)
		}
	}
}

func TestExported(t *testing.T) {
	for in, want := range map[string]string{
		"fmt.Println":             "fmt.Println",
		"type:int":                "type:int",
		"type:*[]uint8":           "type:*[]uint8",
		"type:runtime.moduledata": "type:runtime.moduledata",
		"go:string.\"a@b\"":       "go:string.\"a@b\"",
	} {
		if got := exported(in); got != want {
			t.Errorf("%s: got %s", in, got)
		}
	}
	long := exported("type:map[string]interface {}")
	if !strings.HasPrefix(long, "type:") || len(long) != len("type:")+8 {
		t.Errorf("got %s", long)
	}
	if dot := exported("type:.eq.struct { a int; b string }"); !strings.HasPrefix(dot, "type:.") || len(dot) != len("type:.")+8 {
		t.Errorf("got %s", dot)
	}
	if g := exported("p.F[go.shape.struct { x@y }].func1"); !strings.HasPrefix(g, "p.F[") || !strings.HasSuffix(g, "].func1") || len(g) != len("p.F[].func1")+8 {
		t.Errorf("got %s", g)
	}
}
