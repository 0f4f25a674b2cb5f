package main

import "fmt"

type (
	meters   float64
	duration int64
	id       string
)

const (
	km     meters   = 1000
	second duration = 1e9
	root   id       = "root"
)

func (m meters) feet() float64 { return float64(m) * 3.28 }

func speed(m meters, d duration) float64 { return float64(m) / (float64(d) / float64(second)) }

func main() {
	dist := 2 * km
	fmt.Println(dist, dist.feet(), speed(dist, 10*second))
	fmt.Printf("%T %T %T %v\n", dist, second, root, root+"/x")
	var d duration = 3
	d *= second
	fmt.Println(d, d == 3*second, len(root))
	const scale = 2.5
	var i int = scale * 4
	fmt.Println(i, 10/scale)
}
