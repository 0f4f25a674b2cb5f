package main

import "fmt"

var (
	a    = b + 1
	b    = f()
	c    = func() int { trace("c"); return a + b }()
	_    = trace("blank")
	d, e = pair()
)

var table = map[string]func(int) int{
	"double": double,
	"inc":    func(n int) int { return n + step },
}

var step = initStep()

func initStep() int { trace("step"); return 3 }

func f() int { trace("f"); return x * 2 }

var x = 21

func pair() (int, string) { trace("pair"); return len(log), "e" }

var log []string

func trace(s string) bool { log = append(log, s); return true }

func double(n int) int { return 2 * n }

func init() { trace("init1") }
func init() { trace("init2"); d++ }

type T struct{ v int }

var ptr = &T{v: a}
var iface fmt.Stringer = ptr

func (t *T) String() string { return fmt.Sprint("T", t.v) }

func main() {
	fmt.Println(a, b, c, d, e, x)
	fmt.Println(log)
	fmt.Println(table["double"](4), table["inc"](4), iface, ptr.v)
}
