package main

import (
	"fmt"
	"unsafe"
)

type S struct {
	a bool
	b int64
	c uint16
	d [3]byte
	e string
}

type Header struct {
	p   unsafe.Pointer
	len int
	cap int
}

func main() {
	var s S
	fmt.Println(unsafe.Sizeof(s), unsafe.Alignof(s.c), unsafe.Offsetof(s.b), unsafe.Offsetof(s.c), unsafe.Offsetof(s.d), unsafe.Offsetof(s.e))
	xs := []int32{1, 2, 3}
	h := (*Header)(unsafe.Pointer(&xs))
	fmt.Println(h.len, h.cap, *(*int32)(unsafe.Add(h.p, 4)))
	b := []byte("hello")
	str := unsafe.String(&b[0], len(b))
	fmt.Println(str, unsafe.StringData(str) == &b[0], len(unsafe.Slice(&xs[0], 2)))
	f := 1.5
	bits := *(*uint64)(unsafe.Pointer(&f))
	fmt.Printf("%#x\n", bits)
	arr := [4]uint16{1, 2, 3, 4}
	p := unsafe.Pointer(&arr)
	for k := uintptr(0); k < unsafe.Sizeof(arr); k += unsafe.Sizeof(arr[0]) {
		fmt.Print(*(*uint16)(unsafe.Pointer(uintptr(p) + k)), " ")
	}
	fmt.Println()
	const size = unsafe.Sizeof(struct {
		x byte
		y int32
	}{})
	var buf [size]byte
	fmt.Println(len(buf), unsafe.SliceData(xs) == &xs[0])
	ap := (*[2]int32)(xs)
	ap[1] = 20
	fmt.Println(xs, [3]int32(xs))
}
