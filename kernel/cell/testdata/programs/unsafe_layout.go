package main

import (
	"fmt"
	"unsafe"
)

type mixed struct {
	a bool
	b int64
	c uint16
	d [3]byte
}

func float64bits(f float64) uint64 { return *(*uint64)(unsafe.Pointer(&f)) }

func main() {
	var m mixed
	fmt.Println(unsafe.Sizeof(m), unsafe.Alignof(m.b), unsafe.Offsetof(m.c), unsafe.Offsetof(m.d))
	fmt.Printf("%#x\n", float64bits(1.0))
	arr := [4]int32{1, 2, 3, 4}
	p := (*int32)(unsafe.Add(unsafe.Pointer(&arr[0]), 8))
	*p = 30
	fmt.Println(arr, unsafe.Slice(&arr[1], 2))
	s := "hello"
	b := unsafe.Slice(unsafe.StringData(s), 3)
	fmt.Println(string(b), unsafe.String(&b[1], 2))
	const size = unsafe.Sizeof(uintptr(0))
	var buf [size]byte
	fmt.Println(len(buf))
}
