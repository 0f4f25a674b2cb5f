package main

import (
	"bytes"
	"fmt"
	"os"
	"strings"
	"text/tabwriter"
	"text/template"
)

type row struct {
	Name  string
	Items []string
}

type point struct{ X, Y int }

func (p point) Format(f fmt.State, c rune) { fmt.Fprintf(f, "P<%c %d,%d>", c, p.X, p.Y) }

type secret string

func (secret) GoString() string { return "hidden" }

func main() {
	fmt.Printf("%v %+v %#v %T|\n", row{"a", nil}, row{"b", []string{"x"}}, row{"c", nil}, row{})
	fmt.Printf("%v %s %#v\n", point{1, 2}, point{3, 4}, secret("s"))
	fmt.Printf("%8s|%-8s|%08.3f|%+d|%x|%X|%#x|%q\n", "r", "l", 3.14159, 5, "hex", 255, 255, 'q')
	fmt.Printf("%[2]d %[1]d %d%% %*d|%-*d|\n", 1, 2, 50, 5, 1, 4)
	t := template.Must(template.New("t").Parse("{{.Name}}:{{range $i, $e := .Items}} {{$i}}={{$e | printf \"%q\"}}{{end}}\n"))
	t.Execute(os.Stdout, row{"list", []string{"a", "b"}})
	var buf bytes.Buffer
	w := tabwriter.NewWriter(&buf, 0, 0, 1, '.', 0)
	fmt.Fprintln(w, "a\tbb\tc")
	fmt.Fprintln(w, "aaa\tb\tc")
	w.Flush()
	fmt.Print(buf.String())
	fmt.Println(strings.Repeat("=", 10), strings.Map(func(r rune) rune { return r + 1 }, "HAL"))
	var a, b int
	n, err := fmt.Sscanf("10-20", "%d-%d", &a, &b)
	fmt.Println(n, err, a+b)
}
