package main

import "fmt"

type größe struct{ höhe, breite float64 }

func (g größe) fläche() float64 { return g.höhe * g.breite }

const π = 3.14159

var Δ = 0.5

func 加(a, b int) int { return a + b }

func main() {
	g := größe{2, 3}
	fmt.Println(g.fläche(), 加(1, 2), π*Δ)
	日本 := map[string]int{"東京": 1}
	日本["大阪"]++
	fmt.Println(len(日本), 日本["東京"])
	ñ := "ok"
	fmt.Printf("%s %v %+v\n", ñ, g, g)
}
