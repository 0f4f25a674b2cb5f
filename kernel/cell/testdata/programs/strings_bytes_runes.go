package main

import (
	"bytes"
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"
)

type Str string

func (s Str) Rev() Str {
	r := []rune(s)
	for i, j := 0, len(r)-1; i < j; i, j = i+1, j-1 {
		r[i], r[j] = r[j], r[i]
	}
	return Str(r)
}

func main() {
	s := "héllo, 世界\xff!"
	for i, r := range s {
		fmt.Print(i, ":", string(r), " ")
	}
	fmt.Println(len(s), utf8.RuneCountInString(s), utf8.ValidString(s))
	fmt.Println(Str("añb").Rev(), s[1], s[1:3], string(rune(0x4e16)), []byte("é"), []rune("é世"))
	fmt.Printf("%q %+q %x\n", s, s, "é")
	var sb strings.Builder
	for i := range 3 {
		fmt.Fprintf(&sb, "%d-", i)
	}
	fmt.Println(sb.String(), strings.Title("foo bar"), strings.Fields("  a b\tc\n"), strings.Split("a,b,,c", ","))
	fmt.Println(strings.FieldsFunc("a1b22c", unicode.IsDigit), strings.EqualFold("ÄB", "äb"), strings.Count("cheese", "e"), strings.Index("chicken", "ken"))
	b := bytes.NewBufferString("line1\nline2")
	l, err := b.ReadString('\n')
	fmt.Printf("%q %v %q\n", l, err, b.String())
	raw := `multi
line	"raw" \n`
	fmt.Println(raw, len(raw))
	switch c := s[0]; {
	case 'a' <= c && c <= 'z':
		fmt.Println("lower")
	}
	fmt.Println("a" < "b", "Z" < "a", "ab" > "a", "x"+string('y')+fmt.Sprint('z'))
	m := map[rune]int{}
	for _, r := range "mississippi" {
		m[r]++
	}
	fmt.Println(m['s'], m['i'], m['z'])
	bs := []byte("abc")
	str := string(bs)
	bs[0] = 'X'
	fmt.Println(str, string(bs), strings.NewReplacer("a", "1", "b", "2").Replace("abc"))
	for part := range strings.SplitSeq("x|y|z", "|") {
		fmt.Print(part, ";")
	}
	before, after, ok := strings.Cut("key=val=x", "=")
	fmt.Println(before, after, ok, "\a\b\f\v\\\""[3] == '\v', '\'')
}
