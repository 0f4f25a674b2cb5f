package host

import (
	"context"
	"fmt"
	"reflect"
	"regexp"
	"strings"
	"time"

	"github.com/gopherpod/gopherpod/kernel/session/frame"
	"github.com/gopherpod/gopherpod/kernel/session/rt"
)

// describeTime is how long the methods of one variable may take when variables are
// listed.
const describeTime = time.Second

// describeAll lists the variables for the user.
func describeAll() (all []frame.VarInfo) {
	for _, name := range rt.Names() {
		v, ok := rt.Lookup(name)
		if !ok {
			continue
		}
		found := make(chan frame.VarInfo, 1)
		if cut := rt.Aside(nil, describeTime, nil, func() { found <- describe(name, v) }); cut == rt.NotCut && len(found) == 1 {
			all = append(all, <-found)
			continue
		}
		all = append(all, frame.VarInfo{Name: name, Type: strings.ReplaceAll(v.Type().String(), "main.", ""), Text: "cannot be shown: its methods do not return"})
	}
	return all
}

func describe(name string, v reflect.Value) (info frame.VarInfo) {
	info = frame.VarInfo{Name: name, Type: strings.ReplaceAll(v.Type().String(), "main.", "")}
	// Another goroutine may be changing the value, and its methods are the user's.
	defer func() {
		if r := recover(); r != nil {
			info.Text = fmt.Sprintf("cannot be shown: %v", r)
		}
	}()
	info.Bytes = size(v, 5)
	if g, ok := asMatrix(v.Interface()); ok {
		info.Shape = fmt.Sprintf("%d×%d", g.rows, g.cols)
		return info
	}
	switch v.Kind() {
	case reflect.Slice, reflect.Map, reflect.Chan, reflect.Array:
		info.Shape = fmt.Sprintf("len %d", v.Len())
	}
	text := cycleText(v.Interface())
	if text == "" {
		text = whoText(v, whoDepth)
	}
	info.Text, _, _ = strings.Cut(text, "\n")
	if r := []rune(info.Text); len(r) > 60 {
		info.Text = string(r[:59]) + "…"
	}
	return info
}

// address matches a pointer as fmt prints it.
var address = regexp.MustCompile(`\(?0x[0-9a-f]{6,}\)?`)

// whoDepth limits how many pointers whoText follows, because they may form a cycle.
const whoDepth = 10

// whoText returns a value as text without addresses, which mean nothing to the user and
// differ from run to run.
func whoText(v reflect.Value, depth int) string {
	if depth == 0 {
		return "…"
	}
	switch v.Kind() {
	case reflect.Func, reflect.Chan, reflect.UnsafePointer:
		if v.IsNil() {
			return "nil"
		}
		return ""
	case reflect.Pointer:
		if k := v.Type().Elem().Kind(); !v.IsNil() && k != reflect.Struct && !described(v.Interface()) {
			return "&" + whoText(v.Elem(), depth-1)
		}
	case reflect.Interface:
		if !v.IsNil() {
			return whoText(v.Elem(), depth-1)
		}
	case reflect.String, reflect.Bool, reflect.Int, reflect.Int64, reflect.Uint64, reflect.Float64:
		return textOf(v.Interface())
	}
	return address.ReplaceAllString(textOf(v.Interface()), "…")
}

// described reports whether a value prints itself.
func described(v any) bool {
	switch v.(type) {
	case error, fmt.Stringer, fmt.Formatter:
		return true
	}
	return false
}

// size estimates how many bytes a value holds, following a few levels of references.
func size(v reflect.Value, depth int) int64 {
	n := int64(v.Type().Size())
	if depth == 0 {
		return n
	}
	switch v.Kind() {
	case reflect.String:
		n += int64(v.Len())
	case reflect.Slice:
		n += int64(v.Cap()) * int64(v.Type().Elem().Size())
		if k := v.Type().Elem().Kind(); (k == reflect.Slice || k == reflect.String) && v.Len() > 0 {
			// Assume that all elements are the same size.
			first := v.Index(0)
			n += int64(v.Len()) * (size(first, depth-1) - int64(first.Type().Size()))
		}
	case reflect.Map:
		n += int64(v.Len()) * int64(v.Type().Key().Size()+v.Type().Elem().Size())
	case reflect.Pointer, reflect.Interface:
		if !v.IsNil() {
			n += size(v.Elem(), depth-1)
		}
	case reflect.Struct:
		for i := range v.NumField() {
			f := v.Field(i)
			n += size(f, depth-1) - int64(f.Type().Size())
		}
	}
	return n
}

// value describes the value of a variable or field, such as x or x.y.z. It serves
// cells that consist of nothing else, and user expressions.
func (h *host) value(c frame.Command) {
	v, ok := find(strings.Split(c.Text, "."))
	if !ok {
		h.reply(c, frame.Event{Err: "unknown"})
		return
	}
	m, cut := h.shown(nil, []any{v.Interface()})
	if cut == rt.CutByUser {
		h.reply(c, frame.Event{Err: "interrupted"})
		return
	}
	h.reply(c, frame.Event{Message: frame.Pack(m.Described())})
}

// find returns the value at a path of a variable and fields.
func find(names []string) (v reflect.Value, ok bool) {
	v, ok = rt.Lookup(names[0])
	for _, n := range names[1:] {
		if !ok {
			break
		}
		if v.Kind() == reflect.Pointer && !v.IsNil() {
			v = v.Elem()
		}
		if v.Kind() != reflect.Struct {
			return v, false
		}
		v = v.FieldByName(n)
		ok = v.IsValid() && v.CanInterface()
	}
	return v, ok
}

// call runs the method that c.Name ends with as a separate cell and shows its
// result. The kernel has checked that the method exists.
func (h *host) call(c frame.Command) {
	h.start(c, &execution{patience: cellPatience}, func(context.Context) error {
		names := strings.Split(c.Name, ".")
		v, ok := find(names[:len(names)-1])
		var m reflect.Value
		if ok && v.CanAddr() {
			m = v.Addr().MethodByName(names[len(names)-1])
		}
		if ok && !m.IsValid() {
			m = v.MethodByName(names[len(names)-1])
		}
		if !m.IsValid() {
			return fmt.Errorf("there is no method %s", c.Name)
		}
		for _, r := range m.Call(nil) {
			rt.Show(r.Interface())
		}
		return nil
	})
}
