package main

import (
	"fmt"
	"strings"
	"unicode/utf8"
)

func reverse(s string) string {
	r := []rune(s)
	for i, j := 0, len(r)-1; i < j; i, j = i+1, j-1 {
		r[i], r[j] = r[j], r[i]
	}
	return string(r)
}

func main() {
	s := "héllo, 世界"
	fmt.Println(len(s), utf8.RuneCountInString(s), s[1], s[1:3])
	for i, r := range "aé世" {
		fmt.Printf("%d:%c(%U) ", i, r, r)
	}
	fmt.Println(reverse(s))
	b := []byte("abc")
	b[0] = 'X'
	fmt.Println(string(b), string(rune(65)))
	raw := `back\slash
second "line"`
	fmt.Println(raw, len(raw))
	fmt.Println("a"+"b" < "b", "abc"[1], "tab\tquote\"\x41\u00e9\U0001F600")
	var sb strings.Builder
	for i := range 3 {
		fmt.Fprintf(&sb, "<%d>", i)
	}
	fmt.Println(sb.String(), strings.Fields(" a b  c "))
	for i := range len(b) {
		fmt.Print(b[i], " ")
	}
	fmt.Printf("%q %x %s\n", "hi\n", "hi", []string{"p", "q"})
}
