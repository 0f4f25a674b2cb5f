package main

import (
	"fmt"
	"io"
	"strings"
)

type (
	ID      int
	Name    = string
	Handler func(Name) (ID, error)
	Table   map[ID][]Name
	Nested  struct {
		A struct {
			B struct{ C []struct{ D int } }
		}
		F  func(int) func() string
		Ch chan<- <-chan int
	}
	Both interface {
		io.Reader
		io.Writer
	}
	Rec  []Rec
	RecF func() RecF
	RecM map[string]RecM
	Ptr  *Ptr
)

func (h Handler) Call(n Name) ID {
	id, err := h(n)
	if err != nil {
		return -1
	}
	return id
}

func (t Table) Add(id ID, n ...Name) Table { t[id] = append(t[id], n...); return t }

type rw struct {
	strings.Builder
	*strings.Reader
}

func (r *rw) Len() int { return r.Builder.Len() }

type Opt func(*opts)
type opts struct {
	a int
	b string
}

type Stringish interface{ ~string }

func join[S Stringish](xs ...S) (out S) {
	for _, x := range xs {
		out += x
	}
	return
}

type Hex uint8

func (h Hex) String() string { return fmt.Sprintf("0x%02x", uint8(h)) }

func main() {
	h := Handler(func(n Name) (ID, error) {
		if n == "" {
			return 0, io.EOF
		}
		return ID(len(n)), nil
	})
	fmt.Println(h.Call("abc"), h.Call(""), Table{}.Add(1, "a", "b"))
	var n Nested
	n.A.B.C = append(n.A.B.C, struct{ D int }{4})
	n.F = func(i int) func() string { return func() string { return fmt.Sprint(i) } }
	fmt.Println(n.A.B.C[0].D, n.F(3)())
	r := Rec{Rec{}, Rec{Rec{}}}
	fmt.Println(len(r), len(r[1]), r)
	var f RecF
	k := 0
	f = func() RecF {
		if k++; k > 2 {
			return nil
		}
		return f
	}
	for g := f; g != nil; g = g() {
	}
	fmt.Println(k, RecM{"a": {"b": nil}})
	var p Ptr
	p = &p
	fmt.Println(*p == p)
	x := &rw{Reader: strings.NewReader("in")}
	var b Both = x
	fmt.Fprint(b, "out")
	buf := make([]byte, 5)
	m, _ := b.Read(buf)
	fmt.Println(x.Len(), x.Builder.String(), string(buf[:m]))
	type S string
	fmt.Println(join(S("a"), "b"), join("x", "y"))
	var e1 interface{ String() string } = Hex(255)
	var e2 fmt.Stringer = e1
	fmt.Println(e2, []Hex{1, 2}, map[Hex]Hex{3: 4}, struct{ H Hex }{5})
	fmt.Printf("%v %d %x %s\n", Hex(16), Hex(16), Hex(16), Hex(16))
	var arr [ID(3)]Name
	fmt.Println(len(arr), len([...]int{9: 1}))
	func(o ...Opt) {
		var c opts
		for _, f := range o {
			f(&c)
		}
		fmt.Printf("%+v\n", c)
	}(func(o *opts) { o.a = 1 }, func(o *opts) { o.b = "z" })
}
