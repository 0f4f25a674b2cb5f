package main

/*
#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct node { int value; struct node *next; } node;
typedef union { int32_t i; unsigned char b[4]; } word;
enum { SMALL = 1, LARGE = 1 << 20 };

static node *push(node *list, int value) {
	node *n = malloc(sizeof *n);
	n->value = value;
	n->next = list;
	return n;
}

static unsigned long long sum(const unsigned char *p, size_t n) {
	unsigned long long s = 0;
	while (n--) s += *p++;
	return s;
}

static int fails(int code) {
	errno = code;
	return -1;
}

static void order(int *a, int n, int (*less)(int, int)) {
	for (int i = 1; i < n; i++)
		for (int j = i; j > 0 && less(a[j], a[j-1]); j--) {
			int t = a[j]; a[j] = a[j-1]; a[j-1] = t;
		}
}

int down(int a, int b) { return a > b; }
int calls;
*/
import "C"

import (
	"fmt"
	"unsafe"
)

type list struct{ head *C.node }

func (l *list) push(v int) { l.head = C.push(l.head, C.int(v)) }

func (l *list) each(f func(int)) {
	for n := l.head; n != nil; n = n.next {
		f(int(n.value))
		C.calls++
	}
}

func main() {
	var l list
	for i := range 4 {
		l.push(i * i)
	}
	l.each(func(v int) { fmt.Print(v, " ") })
	fmt.Println(C.calls, C.SMALL, C.LARGE)
	b := []byte{1, 2, 250}
	fmt.Println(C.sum((*C.uchar)(unsafe.Pointer(&b[0])), C.size_t(len(b))))
	text := C.CString("hello")
	defer C.free(unsafe.Pointer(text))
	fmt.Println(C.strlen(text), C.GoStringN(text, 2), C.GoBytes(unsafe.Pointer(text), 3))
	if n, err := C.fails(C.ENOENT); err != nil {
		fmt.Println(n, err)
	}
	_, err := C.fails(0)
	fmt.Println(err)
	a := []C.int{3, 9, 1, 7}
	C.order(&a[0], C.int(len(a)), (*[0]byte)(C.down))
	fmt.Println(a)
	var w C.word
	*(*C.int32_t)(unsafe.Pointer(&w)) = 258
	fmt.Println(w, unsafe.Sizeof(w), C.sizeof_node)
	fmt.Printf("%T\n", []any{C.double(1), C.SMALL}[1])
}
