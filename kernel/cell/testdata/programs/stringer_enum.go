package main

import (
	"fmt"
	"strings"
)

type suit int

const (
	clubs suit = iota
	diamonds
	hearts
	spades
	suits
)

var names = [suits]string{clubs: "C", diamonds: "D", hearts: "H", spades: "S"}

func (s suit) String() string { return names[s] }

type card struct {
	suit
	rank int
}

func (c card) String() string { return fmt.Sprint(c.rank, c.suit) }

type hand []card

func (h hand) String() string {
	parts := make([]string, len(h))
	for i, c := range h {
		parts[i] = c.String()
	}
	return "[" + strings.Join(parts, " ") + "]"
}

type err string

func (e err) Error() string { return "err: " + string(e) }

func main() {
	h := hand{{clubs, 2}, {suit: spades, rank: 14}}
	fmt.Println(h, h[0], hearts, []suit{0, 3})
	fmt.Printf("%v %d %s %x|%6s|%-4v|\n", hearts, hearts, hearts, h[0].rank, hearts, spades)
	m := map[suit]card{hearts: {hearts, 3}, clubs: {clubs, 9}}
	fmt.Println(m, err("x"), error(err("y")))
	fmt.Printf("%v %+v\n", struct{ S suit }{diamonds}, &struct{ C card }{h[1]})
}
