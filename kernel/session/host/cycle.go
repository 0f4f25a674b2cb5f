package host

import (
	"fmt"
	"reflect"
	"strings"
)

// Package fmt recurses into a slice or map that contains itself until the stack
// overflows, which kills the process. This file finds such values first and prints
// them itself.

// A place is the target of a reference. The length distinguishes a slice from its parts.
type place struct {
	p   uintptr
	t   reflect.Type
	len int
}

func placeOf(v reflect.Value) (place, bool) {
	switch v.Kind() {
	case reflect.Slice:
		return place{v.Pointer(), v.Type(), v.Len()}, v.Len() > 0
	case reflect.Map, reflect.Pointer:
		return place{v.Pointer(), v.Type(), 0}, !v.IsNil()
	}
	return place{}, false
}

// Limits of the search: a value with more than maxVisits parts is taken to have no
// cycles, and one nested deeper than maxDepth is treated like a cyclic one.
const (
	maxVisits = 1 << 20
	maxDepth  = 1000
)

// A search looks for cycles in a value.
type search struct {
	above  map[place]bool // on the path to the current value
	visits int
}

// cyclic reports whether v contains itself in a way that package fmt would follow,
// or is nested too deep for package fmt.
func cyclic(v any) bool {
	if described(v) {
		return false
	}
	s := search{above: map[place]bool{}}
	return s.find(reflect.ValueOf(v), 0)
}

func (s *search) find(v reflect.Value, depth int) bool {
	if s.visits++; s.visits > maxVisits || !v.IsValid() {
		return false
	}
	if depth > maxDepth {
		return true
	}
	if v.Kind() == reflect.Pointer && depth > 0 {
		return false // fmt prints its address
	}
	if !holdsReferences(v.Type()) {
		return false
	}
	if at, ok := placeOf(v); ok {
		if s.above[at] {
			return true
		}
		s.above[at] = true
		defer delete(s.above, at)
	}
	return children(v, func(_ any, c reflect.Value) bool { return s.find(c, depth+1) })
}

// holdsReferences reports whether a value of the type can contain itself. Most
// large slices hold numbers or text and need no search.
func holdsReferences(t reflect.Type) bool {
	switch t.Kind() {
	case reflect.Pointer, reflect.Interface:
		return true
	case reflect.Array:
		return holdsReferences(t.Elem())
	case reflect.Slice:
		return mayNest(t.Elem())
	case reflect.Map:
		return mayNest(t.Key()) || mayNest(t.Elem())
	case reflect.Struct:
		for i := range t.NumField() {
			if mayNest(t.Field(i).Type) {
				return true
			}
		}
	}
	return false
}

// mayNest is like holdsReferences but does not look into slices and maps, whose type
// may be recursive.
func mayNest(t reflect.Type) bool {
	switch t.Kind() {
	case reflect.Pointer, reflect.Interface, reflect.Slice, reflect.Map:
		return true
	}
	return holdsReferences(t)
}

// children calls f with each value that v consists of until f returns true. The
// label is the name of a field or the key of an entry, and nil for other values.
func children(v reflect.Value, f func(label any, c reflect.Value) bool) bool {
	switch v.Kind() {
	case reflect.Pointer, reflect.Interface:
		return !v.IsNil() && f(nil, v.Elem())
	case reflect.Slice, reflect.Array:
		for i := range v.Len() {
			if f(nil, v.Index(i)) {
				return true
			}
		}
	case reflect.Map:
		for it := v.MapRange(); it.Next(); {
			if f(it.Key(), it.Value()) {
				return true
			}
		}
	case reflect.Struct:
		for i := range v.NumField() {
			if f(v.Type().Field(i).Name, v.Field(i)) {
				return true
			}
		}
	}
	return false
}

// cycleText returns the text of a value that contains itself, or "" if v does not.
func cycleText(v any) string {
	if !cyclic(v) {
		return ""
	}
	var b strings.Builder
	writeCycle(&b, reflect.ValueOf(v), map[place]bool{}, 0)
	return b.String()
}

// cycleDepth and cycleBytes limit how much of such a value is printed.
const (
	cycleDepth = 20
	cycleBytes = 4 << 10
)

func writeCycle(b *strings.Builder, v reflect.Value, above map[place]bool, depth int) {
	if !v.IsValid() {
		b.WriteString("<nil>")
		return
	}
	if at, ok := placeOf(v); ok {
		if above[at] {
			fmt.Fprintf(b, "…(the same %s again)", strings.ReplaceAll(v.Type().String(), "main.", ""))
			return
		}
		above[at] = true
		defer delete(above, at)
	}
	if depth > cycleDepth {
		b.WriteString("…")
		return
	}
	left, right := "", ""
	switch v.Kind() {
	case reflect.Slice, reflect.Array:
		left, right = "[", "]"
	case reflect.Map:
		left, right = "map[", "]"
	case reflect.Struct:
		left, right = "{", "}"
	case reflect.Pointer:
		left = "&"
		if v.IsNil() {
			left = "<nil>"
		}
	case reflect.Interface:
		if v.IsNil() {
			left = "<nil>"
		}
	default:
		fmt.Fprintf(b, "%v", v)
		return
	}
	b.WriteString(left)
	first := true
	children(v, func(label any, c reflect.Value) bool {
		if !first {
			b.WriteByte(' ')
		}
		first = false
		if b.Len() > cycleBytes {
			b.WriteString("…")
			return true
		}
		if label != nil {
			fmt.Fprintf(b, "%v:", label)
		}
		writeCycle(b, c, above, depth+1)
		return false
	})
	b.WriteString(right)
}
