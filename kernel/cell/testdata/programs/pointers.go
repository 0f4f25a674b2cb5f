package main

import "fmt"

type node struct {
	val  int
	next *node
}

func push(head **node, v int) { *head = &node{v, *head} }

func (n *node) sum() int {
	if n == nil {
		return 0
	}
	return n.val + n.next.sum()
}

func reverse(n *node) (prev *node) {
	for n != nil {
		n.next, prev, n = prev, n, n.next
	}
	return
}

func local() *int {
	x := 7
	return &x
}

func main() {
	x := 1
	p := &x
	pp := &p
	**pp = 5
	fmt.Println(x, *p == **pp, p == &x)
	var head *node
	for i := range 4 {
		push(&head, i)
	}
	fmt.Println(head.sum(), head.val)
	head = reverse(head)
	for n := head; n != nil; n = n.next {
		fmt.Print(n.val, " ")
	}
	a, b := local(), local()
	*a++
	fmt.Println(*a, *b, a != b)
	s := []int{1, 2, 3}
	q := &s[1]
	*q = 20
	fmt.Println(s)
	type big struct{ arr [3]int }
	bp := &big{}
	bp.arr[2] = 9
	cp := *bp
	cp.arr[2] = 1
	fmt.Println(bp.arr, cp.arr)
	f := new(func() string)
	*f = func() string { return "called" }
	var np *node
	fmt.Println((*f)(), np == nil, np.sum(), *new(42))
}
