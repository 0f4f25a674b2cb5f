package main

import (
	"errors"
	"fmt"
	"slices"
)

type setter[T any] interface {
	*T
	set(string)
}

type item struct{ v string }

func (i *item) set(s string) { i.v = s }

func build[T any, P setter[T]](names []string) []T {
	out := make([]T, len(names))
	for i, n := range names {
		P(&out[i]).set(n)
	}
	return out
}

type cache[K comparable, V any] struct {
	m    map[K]V
	load func(K) (V, error)
}

func newCache[K comparable, V any](load func(K) (V, error)) *cache[K, V] {
	return &cache[K, V]{m: map[K]V{}, load: load}
}

func (c *cache[K, V]) get(k K) (V, error) {
	if v, ok := c.m[k]; ok {
		return v, nil
	}
	v, err := c.load(k)
	if err != nil {
		var zero V
		return zero, fmt.Errorf("get %v: %w", k, err)
	}
	c.m[k] = v
	return v, nil
}

var errOdd = errors.New("odd")

func equal[T comparable](a, b T) bool { return a == b }

func count[T interface{ ~[]byte | ~string }](s T, b byte) (n int) {
	for i := range len(s) {
		if s[i] == b {
			n++
		}
	}
	return
}

func main() {
	fmt.Println(build[item]([]string{"a", "b"}))
	c := newCache(func(n int) (string, error) {
		if n%2 == 1 {
			return "", errOdd
		}
		return fmt.Sprint("v", n), nil
	})
	fmt.Println(c.get(2))
	_, err := c.get(3)
	fmt.Println(err, errors.Is(err, errOdd))
	fmt.Println(equal("a", "a"), equal[any](1, "1"), count("banana", 'a'), count([]byte("xx"), 'x'))
	xs := []int{3, 1, 2}
	slices.SortFunc(xs, func(a, b int) int { return b - a })
	fmt.Println(xs)
}
