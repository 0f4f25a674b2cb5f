package bigjson

import (
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"io"
	"reflect"
	"slices"
)

// Options are those of a json.Decoder.
type Options struct {
	DisallowUnknownFields bool
	UseNumber             bool

	min int // MinLen when 0; tests set it
}

// Unmarshal is json.Unmarshal, except that strings of MinLen bytes and more, and
// json.RawMessages that contain them, share text's memory: text must not change
// while v is in use. Offsets in errors count from the start of the skeleton.
//
// If a long string does not arrive in v unchanged, because nothing in v takes it or a
// type decodes itself and transforms it, encoding/json decodes the whole text instead.
// One case goes unnoticed: an UnmarshalJSON that keeps a string twice, once where
// reflection cannot reach it.
func Unmarshal(text []byte, v any) error { return Options{}.Unmarshal(text, v) }

// Unmarshal is the function Unmarshal with options.
func (o Options) Unmarshal(text []byte, v any) error {
	d := take(text, cmp.Or(o.min, MinLen))
	if len(d.spans) == 0 {
		return o.plain(text, v)
	}
	err := o.plain(d.skeleton, v)
	var syntax *json.SyntaxError
	if errors.As(err, &syntax) || errors.Is(err, io.ErrUnexpectedEOF) {
		return err // the skeleton is well-formed if the text is
	}
	if err == nil && d.fill(reflect.ValueOf(v)) && !slices.Contains(d.met, false) {
		return nil
	}
	return o.plain(text, v)
}

func (o Options) plain(text []byte, v any) error {
	if !o.DisallowUnknownFields && !o.UseNumber {
		return json.Unmarshal(text, v)
	}
	dec := json.NewDecoder(bytes.NewReader(text))
	if o.DisallowUnknownFields {
		dec.DisallowUnknownFields()
	}
	if o.UseNumber {
		dec.UseNumber()
	}
	if err := dec.Decode(v); err != nil {
		if errors.Is(err, io.EOF) {
			return io.ErrUnexpectedEOF
		}
		return err
	}
	if _, err := dec.Token(); err != io.EOF {
		// json.Unmarshal has the error message for what follows the value.
		return json.Unmarshal(text, new(json.RawMessage))
	}
	return nil
}

var rawMessage = reflect.TypeFor[json.RawMessage]()

// fill replaces the tokens in v with the long strings. It reports false if it met a
// value that it cannot set.
func (d *document) fill(v reflect.Value) bool {
	switch v.Kind() {
	case reflect.Pointer:
		return v.IsNil() || d.fill(v.Elem())
	case reflect.String:
		if long, ok := d.restore(v.String()); ok {
			if !v.CanSet() {
				return false
			}
			v.SetString(long)
		}
	case reflect.Slice:
		if v.Type() == rawMessage {
			if whole, ok := d.restoreRaw(v.Bytes()); ok {
				if !v.CanSet() {
					return false
				}
				v.SetBytes(whole)
			}
			return true
		}
		return d.fillEach(v)
	case reflect.Array:
		return d.fillEach(v)
	case reflect.Struct:
		for i := range v.NumField() {
			f := v.Type().Field(i)
			if (f.IsExported() || f.Anonymous) && !d.fill(v.Field(i)) {
				return false
			}
		}
	case reflect.Map:
		return d.fillMap(v)
	case reflect.Interface:
		return d.fillInterface(v)
	}
	return true
}

func (d *document) fillEach(v reflect.Value) bool {
	if !mayHold(v.Type().Elem()) {
		return true
	}
	for i := range v.Len() {
		if !d.fill(v.Index(i)) {
			return false
		}
	}
	return true
}

// mayHold reports whether a type can contain a string. Long lists of numbers need not
// be walked.
func mayHold(t reflect.Type) bool {
	for t.Kind() == reflect.Slice || t.Kind() == reflect.Array || t.Kind() == reflect.Pointer {
		if t == rawMessage {
			return true
		}
		t = t.Elem()
	}
	switch t.Kind() {
	case reflect.String, reflect.Struct, reflect.Map, reflect.Interface:
		return true
	}
	return false
}

// fillMap replaces values by copies, since values in maps cannot be set.
func (d *document) fillMap(v reflect.Value) bool {
	if !mayHold(v.Type().Elem()) {
		return true
	}
	for it := v.MapRange(); it.Next(); {
		own := reflect.New(v.Type().Elem()).Elem()
		own.Set(it.Value())
		if !d.fill(own) {
			return false
		}
		v.SetMapIndex(it.Key(), own)
	}
	return true
}

// fillInterface replaces a string, and walks what is reached by reference.
func (d *document) fillInterface(v reflect.Value) bool {
	if v.IsNil() {
		return true
	}
	own := reflect.New(v.Elem().Type()).Elem()
	own.Set(v.Elem())
	if !d.fill(own) || !v.CanSet() {
		return false
	}
	if own.Kind() == reflect.String {
		v.Set(own)
	}
	return true
}
