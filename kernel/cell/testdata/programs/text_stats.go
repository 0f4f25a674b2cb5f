package main

import (
	"bufio"
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"
	"unicode"
)

const text = `the quick brown fox jumps over the lazy dog.
The dog sleeps; the fox runs!`

func words(s string) []string {
	return strings.FieldsFunc(strings.ToLower(s), func(r rune) bool { return !unicode.IsLetter(r) })
}

func main() {
	count := map[string]int{}
	for _, w := range words(text) {
		count[w]++
	}
	keys := slices.SortedFunc(maps.Keys(count), func(a, b string) int {
		return cmp.Or(count[b]-count[a], strings.Compare(a, b))
	})
	for _, k := range keys[:4] {
		fmt.Printf("%-6s %d\n", k, count[k])
	}
	sc := bufio.NewScanner(strings.NewReader(text))
	lines := 0
	for sc.Scan() {
		lines++
		fmt.Println(lines, len(sc.Text()), strings.Title(strings.Fields(sc.Text())[1]))
	}
	r := strings.NewReplacer("fox", "cat", "dog", "cow")
	fmt.Println(r.Replace(text[:19]), strings.Count(text, "the"))
	before, after, found := strings.Cut("key=value=x", "=")
	fmt.Println(before, after, found, strings.TrimFunc("--x--", func(r rune) bool { return r == '-' }))
}
