package main

import (
	"errors"
	"fmt"
	"strconv"
)

type Stack[T any] struct{ items []T }

func (s *Stack[T]) Push(x ...T) *Stack[T] { s.items = append(s.items, x...); return s }
func (s *Stack[T]) Pop() (x T, err error) {
	if len(s.items) == 0 {
		return x, ErrEmpty
	}
	x = s.items[len(s.items)-1]
	s.items = s.items[:len(s.items)-1]
	return
}

var ErrEmpty = errors.New("empty")

type Popper[T any] interface{ Pop() (T, error) }

func drain[T any, P Popper[T]](p P) (out []T) {
	for {
		x, err := p.Pop()
		if err != nil {
			return
		}
		out = append(out, x)
	}
}

type Option[T any] func(*T)

func Build[T any](opts ...Option[T]) *T {
	t := new(T)
	for _, o := range opts {
		o(t)
	}
	return t
}

type Cfg struct {
	Port int
	Host string
}

func WithPort(p int) Option[Cfg] { return func(c *Cfg) { c.Port = p } }

type Num interface{ ~int | ~float64 }
type MyInt int

func (m MyInt) String() string { return "MyInt" + strconv.Itoa(int(m)) }

func Fold[T, A any](xs []T, a A, f func(A, T) A) A {
	for _, x := range xs {
		a = f(a, x)
	}
	return a
}

func Ptr[T any](v T) *T { return &v }

func PtrTo[T any, P interface {
	*T
	Set(string)
}](s string) T {
	var t T
	P(&t).Set(s)
	return t
}

type Name struct{ s string }

func (n *Name) Set(s string) { n.s = s }

func zero[T any]() (z T) { return }

func typeName[T any]() string { return fmt.Sprintf("%T", *new(T)) }

func sw[T any](v T) string {
	switch x := any(v).(type) {
	case int:
		return "int"
	case fmt.Stringer:
		return x.String()
	case []T:
		return "slice of T"
	}
	return "?"
}

type Cache[K comparable, V any] struct {
	m    map[K]V
	make func(K) (V, error)
}

func NewCache[K comparable, V any](f func(K) (V, error)) *Cache[K, V] {
	return &Cache[K, V]{map[K]V{}, f}
}

func (c *Cache[K, V]) Get(k K) (V, error) {
	if v, ok := c.m[k]; ok {
		return v, nil
	}
	v, err := c.make(k)
	if err == nil {
		c.m[k] = v
	}
	return v, err
}

type Either[L, R any] struct {
	l *L
	r *R
}

func Left[L, R any](l L) Either[L, R] { return Either[L, R]{l: &l} }
func (e Either[L, R]) Match(f func(L), g func(R)) {
	if e.l != nil {
		f(*e.l)
	} else {
		g(*e.r)
	}
}

func main() {
	s := new(Stack[string]).Push("a", "b").Push("c")
	fmt.Println(drain[string](s))
	_, err := s.Pop()
	fmt.Println(errors.Is(err, ErrEmpty))
	fmt.Println(*Build(WithPort(80), func(c *Cfg) { c.Host = "h" }))
	fmt.Println(Fold([]MyInt{1, 2}, "", func(a string, m MyInt) string { return a + m.String() }))
	fmt.Println(*Ptr(3), PtrTo[Name]("x"), zero[float64](), zero[*int]() == nil, typeName[map[string][]int](), typeName[MyInt]())
	fmt.Println(sw(1), sw(MyInt(2)), sw("s"))
	c := NewCache(strconv.Atoi)
	fmt.Println(c.Get("12"))
	_, err = c.Get("x")
	fmt.Println(err, len(c.m))
	Left[int, string](5).Match(func(i int) { fmt.Println("left", i) }, func(string) {})
	fmt.Printf("%T %T\n", s, Left[int, error](1))
	var p Popper[string] = s
	_, ok := p.(*Stack[string])
	fmt.Println(ok)
	fn := Fold[int, int]
	fmt.Println(fn([]int{1, 2, 3}, 10, func(a, x int) int { return a - x }))
}
