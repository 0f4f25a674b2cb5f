package worker

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strings"
)

// at puts path before the field of an *Error; another error becomes an
// ErrInvalid there.
func at(path string, err error) error {
	if err == nil {
		return nil
	}
	var e *Error
	if !errors.As(err, &e) {
		return Invalid(path, err.Error())
	}
	c := *e
	switch {
	case c.Field == "":
		c.Field = path
	case path != "" && strings.HasPrefix(c.Field, "["):
		c.Field = path + c.Field
	case path != "":
		c.Field = path + "." + c.Field
	}
	return &c
}

// object splits a JSON object into its fields and refuses keys that are not in
// known, and keys that are there twice: two readers would take different ones.
func object(raw []byte, what string, known []string) (map[string]json.RawMessage, error) {
	dec := json.NewDecoder(bytes.NewReader(raw))
	t, err := dec.Token()
	if err != nil {
		return nil, Invalid("", syntax(raw, err))
	}
	if t != json.Delim('{') {
		return nil, Invalid("", fmt.Sprintf("%s is a JSON object, not %s", what, jsonKind(raw)))
	}
	fields := map[string]json.RawMessage{}
	for dec.More() {
		t, err := dec.Token()
		if err != nil {
			return nil, Invalid("", syntax(raw, err))
		}
		key, _ := t.(string)
		if !slices.Contains(known, key) {
			return nil, Invalid(clip(key), fmt.Sprintf("%s has no such field%s", what, didYouMean(key, known)))
		}
		if _, twice := fields[key]; twice {
			return nil, Invalid(key, "is there twice")
		}
		var v json.RawMessage
		if err := dec.Decode(&v); err != nil {
			return nil, Invalid(key, syntax(raw, err))
		}
		if !bytes.Equal(v, []byte("null")) {
			fields[key] = v
		}
	}
	if _, err := dec.Token(); err != nil {
		return nil, Invalid("", syntax(raw, err))
	}
	if len(bytes.TrimSpace(raw[dec.InputOffset():])) > 0 {
		return nil, Invalid("", "something follows "+what)
	}
	return fields, nil
}

// plain decodes raw into v with messages for a person: it is for scalars and
// lists whose Go type says all there is to check.
func plain(raw []byte, v any) error {
	err := json.Unmarshal(raw, v)
	var e *Error
	var wrong *json.UnmarshalTypeError
	switch {
	case err == nil:
		return nil
	case errors.As(err, &e):
		return e
	case errors.As(err, &wrong):
		return Invalid(wrong.Field, fmt.Sprintf("wants %s, not %s", goKind(wrong.Type.Kind()), jsonValue(wrong.Value)))
	}
	return Invalid("", syntax(raw, err))
}

// syntax says at which line and column JSON is wrong.
func syntax(raw []byte, err error) string {
	var s *json.SyntaxError
	if !errors.As(err, &s) {
		return "no valid JSON: " + err.Error()
	}
	head := raw[:min(int(max(s.Offset-1, 0)), len(raw))]
	line := 1 + bytes.Count(head, []byte("\n"))
	column := len(head) - bytes.LastIndexByte(head, '\n')
	return fmt.Sprintf("no valid JSON: line %d, column %d: %s", line, column, s)
}

func jsonKind(raw []byte) string {
	raw = bytes.TrimLeft(raw, " \t\r\n")
	if len(raw) == 0 {
		return "nothing"
	}
	switch raw[0] {
	case '{':
		return "an object"
	case '[':
		return "a list"
	case '"':
		return "a text"
	case 't', 'f':
		return "true or false"
	case 'n':
		return "null"
	}
	return "a number"
}

// jsonValue is the Value of a json.UnmarshalTypeError in jsonKind's words.
func jsonValue(v string) string {
	switch v {
	case "object":
		return "an object"
	case "array":
		return "a list"
	case "string":
		return "a text"
	case "bool":
		return "true or false"
	case "number":
		return "a number"
	}
	return strings.TrimPrefix(v, "number ")
}

func goKind(k reflect.Kind) string {
	switch k {
	case reflect.Slice, reflect.Array:
		return "a list"
	case reflect.Int, reflect.Int64:
		return "a whole number"
	case reflect.Float64:
		return "a number"
	case reflect.String:
		return "a text"
	case reflect.Bool:
		return "true or false"
	}
	return "an object"
}

// clip keeps what a client sent short enough for a message.
func clip(s string) string {
	if len(s) > 40 {
		return s[:40] + "..."
	}
	return s
}
