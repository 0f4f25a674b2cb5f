package bigjson

import (
	"encoding"
	"encoding/json"
	"reflect"
	"strings"
	"unsafe"
)

// Marshal is json.Marshal with the result in segments. The segments between long
// strings are new; the long strings are v's own memory, which must not change until the
// segments have been written. Unlike json.Marshal it does not escape <, > and & in long
// strings.
func Marshal(v any) (Segments, error) { return marshal(v, MinLen) }

func marshal(v any, min int) (Segments, error) {
	h := holder{min: min, prefix: newPrefix()}
	light := h.lighten(reflect.ValueOf(v))
	if len(h.long) == 0 || h.tooDeep {
		return whole(v)
	}
	b, err := json.Marshal(light.Interface())
	if err != nil {
		return whole(v) // a type that refuses a token, such as json.Number, may accept the string
	}
	s, ok := h.splice(b)
	if !ok {
		return whole(v)
	}
	return s, nil
}

func whole(v any) (Segments, error) {
	b, err := json.Marshal(v)
	if err != nil {
		return nil, err
	}
	return Segments{b}, nil
}

// A holder keeps the strings that the tokens stand for.
type holder struct {
	min     int
	prefix  string
	long    [][]byte
	depth   int
	tooDeep bool
}

// maxDepth is the depth at which a value may be a cycle; encoding/json then reports
// the cycle.
const maxDepth = 1000

// hold returns the token for s.
func (h *holder) hold(s []byte) string {
	h.long = append(h.long, s)
	return string(appendToken(nil, h.prefix, len(h.long)-1))
}

// splice cuts JSON at its tokens. It reports false unless it found every token: a method
// of some type has then changed one.
func (h *holder) splice(b []byte) (out Segments, ok bool) {
	met := make([]bool, len(h.long))
	count := 0
	for {
		from, to, i := nextToken(b, h.prefix, len(h.long))
		if i < 0 {
			return append(out, b), count == len(h.long)
		}
		out = append(out, b[:from+1], h.long[i])
		b = b[to-1:]
		if !met[i] {
			met[i] = true
			count++
		}
	}
}

var (
	jsonMarshaler = reflect.TypeFor[json.Marshaler]()
	textMarshaler = reflect.TypeFor[encoding.TextMarshaler]()
)

// marshalsItself reports whether a type has a method that would see tokens.
func marshalsItself(t reflect.Type) bool {
	if t == rawMessage {
		return false
	}
	return t.Implements(jsonMarshaler) || t.Implements(textMarshaler) ||
		reflect.PointerTo(t).Implements(jsonMarshaler) || reflect.PointerTo(t).Implements(textMarshaler)
}

// lighten returns v with tokens for its long strings. Values without long strings are
// returned as they are; the path to one is copied, and v does not change.
func (h *holder) lighten(v reflect.Value) reflect.Value {
	if h.tooDeep || !v.IsValid() || marshalsItself(v.Type()) {
		return v
	}
	h.depth++
	defer func() { h.depth-- }()
	if h.tooDeep = h.depth > maxDepth; h.tooDeep {
		return v
	}
	switch v.Kind() {
	case reflect.String:
		return h.lightenString(v)
	case reflect.Pointer, reflect.Interface:
		if v.IsNil() {
			return v
		}
		before := len(h.long)
		inner := h.lighten(v.Elem())
		if len(h.long) == before {
			return v
		}
		if v.Kind() == reflect.Interface {
			own := reflect.New(v.Type()).Elem()
			own.Set(inner)
			return own
		}
		own := reflect.New(v.Type().Elem())
		own.Elem().Set(inner)
		return own
	case reflect.Slice:
		if v.Type() == rawMessage {
			return h.lightenRaw(v)
		}
		return h.lightenEach(v, func() reflect.Value {
			own := reflect.MakeSlice(v.Type(), v.Len(), v.Len())
			reflect.Copy(own, v)
			return own
		})
	case reflect.Array:
		return h.lightenEach(v, func() reflect.Value { return copyOf(v) })
	case reflect.Struct:
		return h.lightenStruct(v)
	case reflect.Map:
		return h.lightenMap(v)
	}
	return v
}

func copyOf(v reflect.Value) reflect.Value {
	own := reflect.New(v.Type()).Elem()
	own.Set(v)
	return own
}

func (h *holder) lightenString(v reflect.Value) reflect.Value {
	s := v.String()
	if len(s) < h.min {
		return v
	}
	b := unsafe.Slice(unsafe.StringData(s), len(s))
	if plain(b) < len(b) {
		return v
	}
	own := reflect.New(v.Type()).Elem()
	own.SetString(h.hold(b))
	return own
}

// lightenRaw replaces the long strings in a piece of JSON with tokens.
func (h *holder) lightenRaw(v reflect.Value) reflect.Value {
	raw := v.Bytes()
	if len(raw) < h.min {
		return v
	}
	spans := longStrings(raw, h.min)
	if len(spans) == 0 {
		return v
	}
	var skeleton []byte
	done := 0
	for _, s := range spans {
		skeleton = append(skeleton, raw[done:s.from]...)
		skeleton = append(skeleton, h.hold(raw[s.from:s.to])...)
		done = s.to
	}
	own := reflect.New(v.Type()).Elem()
	own.SetBytes(append(skeleton, raw[done:]...))
	return own
}

func (h *holder) lightenEach(v reflect.Value, clone func() reflect.Value) reflect.Value {
	if !mayHold(v.Type().Elem()) {
		return v
	}
	var own reflect.Value
	for i := range v.Len() {
		before := len(h.long)
		light := h.lighten(v.Index(i))
		if len(h.long) == before {
			continue
		}
		if !own.IsValid() {
			own = clone()
		}
		own.Index(i).Set(light)
	}
	if !own.IsValid() {
		return v
	}
	return own
}

func (h *holder) lightenStruct(v reflect.Value) reflect.Value {
	var own reflect.Value
	for i := range v.NumField() {
		f := v.Type().Field(i)
		tag := f.Tag.Get("json")
		if !f.IsExported() || tag == "-" || strings.Contains(tag, ",string") {
			continue
		}
		before := len(h.long)
		light := h.lighten(v.Field(i))
		if len(h.long) == before {
			continue
		}
		if !own.IsValid() {
			own = copyOf(v)
		}
		own.Field(i).Set(light)
	}
	if !own.IsValid() {
		return v
	}
	return own
}

func (h *holder) lightenMap(v reflect.Value) reflect.Value {
	if !mayHold(v.Type().Elem()) {
		return v
	}
	var own reflect.Value
	for it := v.MapRange(); it.Next(); {
		before := len(h.long)
		light := h.lighten(it.Value())
		if len(h.long) == before {
			continue
		}
		if !own.IsValid() {
			own = reflect.MakeMapWithSize(v.Type(), v.Len())
			for all := v.MapRange(); all.Next(); {
				own.SetMapIndex(all.Key(), all.Value())
			}
		}
		own.SetMapIndex(it.Key(), light)
	}
	if !own.IsValid() {
		return v
	}
	return own
}
