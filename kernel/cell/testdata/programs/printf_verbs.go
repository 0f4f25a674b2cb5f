package main

import (
	"fmt"
	"os"
	"strings"
	"text/tabwriter"
	"text/template"
)

type P struct {
	X, Y int
	name string
}
type V struct{ a, b any }

func (p P) GoString() string { return "P!" }

type W int

func (w W) Format(f fmt.State, c rune) {
	wd, ok := f.Width()
	fmt.Fprintf(f, "W<%c %d %v %v>", c, wd, ok, f.Flag('+'))
}

func main() {
	p := P{1, 2, "n"}
	fmt.Printf("%v %+v %#v %T\n", p, p, p, p)
	fmt.Printf("%v %+v %#v\n", V{1, "x"}, V{nil, 2.5}, V{1, []string{"a"}})
	fmt.Printf("%5d|%-5d|%05d|%+d|%x|%X|%o|%b|%c|%U|%q\n", 42, 42, 42, 42, 255, 255, 8, 5, 'é', 'é', 'x')
	fmt.Printf("%8.3f|%-8.2f|%e|%g|%6.2f%%\n", 3.14159, 2.5, 123456.789, 1e21, 99.5)
	fmt.Printf("%s|%q|%x|%10s|%-10s|%.2s\n", "hi", "a\"b", "hi", "r", "l", "trunc")
	fmt.Printf("%t %v %p %v\n", true, nil, nil, []any{1, "a", nil})
	fmt.Printf("%[2]d %[1]d %*d %v\n", 1, 2, 5, 42, &p)
	fmt.Printf("%d %!d(x) %z\n", "s", 1)
	fmt.Printf("%+d|%08.3f|%W|%+10v\n", W(1), W(2), W(3), W(4))
	fmt.Printf("%v %v %v %v\n", map[string]int{"b": 1, "a": 2}, [2]bool{true}, struct{}{}, &[]int{1})
	fmt.Printf("%#x %#o %# x %x\n", 255, 8, "abc", []byte{1, 0xab})
	w := tabwriter.NewWriter(os.Stdout, 0, 8, 1, '.', tabwriter.AlignRight)
	fmt.Fprintln(w, "a\tbbb\tc")
	fmt.Fprintln(w, "aaaa\tb\tcc")
	w.Flush()
	tm := template.Must(template.New("t").Funcs(template.FuncMap{"up": strings.ToUpper}).Parse("{{range $i, $x := .}}{{$i}}:{{.X | printf \"%03d\"}} {{up \"z\"}} {{end}}\n"))
	tm.Execute(os.Stdout, []P{{1, 2, ""}, {30, 4, ""}})
	var a, b int
	var s string
	n, err := fmt.Sscanf("7-8 nine", "%d-%d %s", &a, &b, &s)
	fmt.Println(n, err, a, b, s)
	fmt.Print("a", 1, 2, "b", "c", 3.0, '\n', "\n")
	fmt.Println(fmt.Sprint(), fmt.Sprintln("x") == "x\n")
}
