package main

import "fmt"

type Visitor func(int) Visitor

func counter() (inc func() int, reset func()) {
	n := 0
	return func() int { n++; return n }, func() { n = 0 }
}

func compose[A, B, C any](f func(A) B, g func(B) C) func(A) C { return func(a A) C { return g(f(a)) } }

func memo[K comparable, V any](f func(func(K) V, K) V) func(K) V {
	m := map[K]V{}
	var self func(K) V
	self = func(k K) V {
		if v, ok := m[k]; ok {
			return v
		}
		v := f(self, k)
		m[k] = v
		return v
	}
	return self
}

type state func(*machine) state
type machine struct {
	in  string
	pos int
	out []string
}

func start(m *machine) state {
	if m.pos == len(m.in) {
		return nil
	}
	if m.in[m.pos] >= '0' && m.in[m.pos] <= '9' {
		return digits
	}
	m.pos++
	return start
}

func digits(m *machine) state {
	from := m.pos
	for m.pos < len(m.in) && m.in[m.pos] >= '0' && m.in[m.pos] <= '9' {
		m.pos++
	}
	m.out = append(m.out, m.in[from:m.pos])
	return start
}

func even(n int) bool { return n == 0 || odd(n-1) }
func odd(n int) bool  { return n != 0 && even(n-1) }

func hanoi(n int, a, b, c string, move func(string, string)) {
	if n > 0 {
		hanoi(n-1, a, c, b, move)
		move(a, c)
		hanoi(n-1, b, a, c, move)
	}
}

func ack(m, n int) int {
	switch {
	case m == 0:
		return n + 1
	case n == 0:
		return ack(m-1, 1)
	}
	return ack(m-1, ack(m, n-1))
}

func main() {
	inc, reset := counter()
	fmt.Print(inc(), inc(), inc())
	reset()
	fmt.Println(inc())
	f := compose(func(i int) float64 { return float64(i) / 2 }, func(f float64) string { return fmt.Sprintf("<%g>", f) })
	fmt.Println(f(5))
	fib := memo(func(self func(int) int, n int) int {
		if n < 2 {
			return n
		}
		return self(n-1) + self(n-2)
	})
	fmt.Println(fib(80))
	m := &machine{in: "a12b345c"}
	for s := state(start); s != nil; {
		s = s(m)
	}
	fmt.Println(m.out, even(10), odd(7))
	moves := 0
	hanoi(5, "A", "B", "C", func(string, string) { moves++ })
	fmt.Println(moves, ack(2, 3))
	var visit Visitor
	seen := []int{}
	visit = func(i int) Visitor {
		seen = append(seen, i)
		if i > 2 {
			return nil
		}
		return visit
	}
	for v, i := visit, 0; v != nil; i++ {
		v = v(i)
	}
	fmt.Println(seen)
	y := func(f func(func(int) int) func(int) int) func(int) int {
		type rec func(rec) func(int) int
		return func(r rec) func(int) int { return r(r) }(func(r rec) func(int) int {
			return f(func(n int) int { return r(r)(n) })
		})
	}
	fmt.Println(y(func(self func(int) int) func(int) int {
		return func(n int) int {
			if n <= 1 {
				return 1
			}
			return n * self(n-1)
		}
	})(10))
}
