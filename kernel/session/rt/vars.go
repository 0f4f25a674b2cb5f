package rt

import (
	"fmt"
	"maps"
	"reflect"
	"slices"
	"sync"
)

var (
	varsMu sync.Mutex
	vars   = map[string]reflect.Value{} // addressable
	taken  = map[string]any{}
)

// Var registers the variable that p points to under its name.
func Var(name string, p any) {
	varsMu.Lock()
	defer varsMu.Unlock()
	vars[name] = reflect.ValueOf(p).Elem()
}

// Lookup returns a variable as an addressable value.
func Lookup(name string) (reflect.Value, bool) {
	varsMu.Lock()
	defer varsMu.Unlock()
	v, ok := vars[name]
	return v, ok
}

// Names lists the variables, sorted.
func Names() []string {
	varsMu.Lock()
	defer varsMu.Unlock()
	return slices.Sorted(maps.Keys(vars))
}

// Drop forgets variables that were redefined as something else, or reset.
func Drop(names ...string) {
	varsMu.Lock()
	defer varsMu.Unlock()
	for _, n := range names {
		delete(vars, n)
	}
}

// Put stores a value for the cell that declares it as a variable.
func Put(name string, v any) {
	varsMu.Lock()
	defer varsMu.Unlock()
	taken[name] = v
}

// Take returns what Put stored under the name. It panics if the value has
// another type: the cell was generated for another value.
func Take[T any](name string) T {
	varsMu.Lock()
	v, ok := taken[name]
	delete(taken, name)
	varsMu.Unlock()
	t, is := v.(T)
	if !is && (v != nil || !ok) {
		panic(fmt.Sprintf("the value for %s is a %T", name, v))
	}
	return t
}

// Zero clears a variable that nothing refers to any more, so that what it held
// can be collected.
func Zero[T any](p *T) { *p = *new(T) }
