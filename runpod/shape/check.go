package shape

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"math/big"
	"net/url"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"time"
	"unicode/utf8"
)

// A Shape is a JSON Schema, reduced to what the management API uses of it, with the
// parts of allOf merged.
type Shape struct {
	Ref     string   `json:"ref,omitempty"` // if set, everything else is empty
	Type    []string `json:"type,omitempty"`
	Enum    []any    `json:"enum,omitempty"`
	Pattern string   `json:"pattern,omitempty"`
	Format  string   `json:"format,omitempty"` // date-time, uri; for numbers it adds nothing
	Min     *float64 `json:"min,omitempty"`
	Max     *float64 `json:"max,omitempty"`
	// AtLeast is the minimum number of characters, items or properties, AtMost the maximum.
	AtLeast int  `json:"atLeast,omitempty"`
	AtMost  *int `json:"atMost,omitempty"`
	Unique  bool `json:"unique,omitempty"`

	Items      *Shape              `json:"items,omitempty"`
	Properties map[string]*Shape   `json:"properties,omitempty"`
	Values     *Shape              `json:"values,omitempty"` // properties that are not listed
	Closed     bool                `json:"closed,omitempty"` // no other properties are allowed
	Required   []string            `json:"required,omitempty"`
	Needs      map[string][]string `json:"needs,omitempty"` // properties that a property requires beside it

	OneOf []*Shape `json:"oneOf,omitempty"`
	AnyOf []*Shape `json:"anyOf,omitempty"`
	Not   *Shape   `json:"not,omitempty"`
	Rules []Rule   `json:"rules,omitempty"`
}

// A Rule is a shape for values that match another shape.
type Rule struct {
	If   *Shape `json:"if"`
	Then *Shape `json:"then"`
}

// Check checks a JSON text against the named shape.
func (t *Table) Check(name string, text []byte) error {
	if t.Shapes[name] == nil {
		return fmt.Errorf("the table has no shape %q", name)
	}
	d := json.NewDecoder(bytes.NewReader(text))
	d.UseNumber()
	var v any
	if err := d.Decode(&v); err != nil {
		return fmt.Errorf("want JSON of shape %s, got %.200q: %w", name, text, err)
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return fmt.Errorf("want one JSON value of shape %s, got more: %.200q", name, text)
	}
	return t.check(&Shape{Ref: name}, v, name)
}

func (t *Table) resolve(s *Shape) *Shape {
	for s != nil && s.Ref != "" {
		s = t.Shapes[s.Ref]
	}
	return s
}

// check checks one value; at is its location, for the error.
func (t *Table) check(s *Shape, v any, at string) error {
	ref := s.Ref
	if s = t.resolve(s); s == nil {
		return fmt.Errorf("%s: the table has no shape %q", at, ref)
	}
	wrong := func(format string, args ...any) error {
		return fmt.Errorf("%s: want %s, got %s", at, fmt.Sprintf(format, args...), text(v))
	}
	if len(s.Type) > 0 && !slices.ContainsFunc(s.Type, func(want string) bool { return isType(v, want) }) {
		return wrong("%s", strings.Join(s.Type, " or "))
	}
	if s.Enum != nil && !slices.ContainsFunc(s.Enum, func(e any) bool { return reflect.DeepEqual(e, v) }) {
		return wrong("one of %v", s.Enum)
	}
	var err error
	switch v := v.(type) {
	case string:
		err = s.checkText(v, wrong)
	case json.Number:
		err = s.checkNumber(v, wrong)
	case []any:
		err = t.checkList(s, v, at, wrong)
	case map[string]any:
		err = t.checkObject(s, v, at, wrong)
	}
	if err != nil {
		return err
	}
	return t.checkCombined(s, v, at, wrong)
}

func text(v any) string {
	b, _ := json.Marshal(v)
	return fmt.Sprintf("%.200s", b)
}

func isType(v any, want string) bool {
	switch v := v.(type) {
	case nil:
		return want == "null"
	case bool:
		return want == "boolean"
	case string:
		return want == "string"
	case []any:
		return want == "array"
	case map[string]any:
		return want == "object"
	case json.Number:
		r, ok := new(big.Rat).SetString(string(v))
		return want == "number" && ok || want == "integer" && ok && r.IsInt()
	}
	return false
}

type wrongFunc = func(format string, args ...any) error

func (s *Shape) checkText(v string, wrong wrongFunc) error {
	if utf8.RuneCountInString(v) < s.AtLeast {
		return wrong("%d characters or more", s.AtLeast)
	}
	if s.Pattern != "" {
		re, err := regexp.Compile(s.Pattern)
		if err != nil {
			return err
		}
		if !re.MatchString(v) {
			return wrong("a match of %s", s.Pattern)
		}
	}
	switch s.Format {
	case "date-time":
		if _, err := time.Parse(time.RFC3339, v); err != nil {
			return wrong("a time as in RFC 3339")
		}
	case "uri":
		if u, err := url.Parse(v); err != nil || !u.IsAbs() {
			return wrong("an address with its scheme")
		}
	}
	return nil
}

func (s *Shape) checkNumber(n json.Number, wrong wrongFunc) error {
	f, err := n.Float64()
	switch {
	case err != nil:
		return wrong("a number")
	case s.Min != nil && f < *s.Min:
		return wrong("%v or more", *s.Min)
	case s.Max != nil && f > *s.Max:
		return wrong("%v or less", *s.Max)
	}
	return nil
}

func (t *Table) checkList(s *Shape, list []any, at string, wrong wrongFunc) error {
	if len(list) < s.AtLeast {
		return wrong("%d items or more", s.AtLeast)
	}
	if s.AtMost != nil && len(list) > *s.AtMost {
		return wrong("%d items or fewer", *s.AtMost)
	}
	for i, v := range list {
		if s.Unique && slices.ContainsFunc(list[:i], func(o any) bool { return reflect.DeepEqual(o, v) }) {
			return wrong("each item once")
		}
		if s.Items == nil {
			continue
		}
		if err := t.check(s.Items, v, fmt.Sprintf("%s[%d]", at, i)); err != nil {
			return err
		}
	}
	return nil
}

func (t *Table) checkObject(s *Shape, m map[string]any, at string, wrong wrongFunc) error {
	if len(m) < s.AtLeast {
		return wrong("%d properties or more", s.AtLeast)
	}
	for _, name := range s.Required {
		if _, ok := m[name]; !ok {
			return fmt.Errorf("%s: %s is missing in %s", at, name, text(m))
		}
	}
	for _, name := range slices.Sorted(maps.Keys(m)) {
		for _, other := range s.Needs[name] {
			if _, ok := m[other]; !ok {
				return fmt.Errorf("%s: %s wants %s beside it", at, name, other)
			}
		}
		p := s.Properties[name]
		if p == nil {
			p = s.Values
		}
		if p == nil {
			if s.Closed {
				return fmt.Errorf("%s: unknown property %s", at, name)
			}
			continue
		}
		if err := t.check(p, m[name], at+"."+name); err != nil {
			return err
		}
	}
	return nil
}

// checkCombined checks oneOf, anyOf and not, and if together with then.
func (t *Table) checkCombined(s *Shape, v any, at string, wrong wrongFunc) error {
	count := func(list []*Shape) (n int, all error) {
		for _, o := range list {
			err := t.check(o, v, at)
			if err == nil {
				n++
			}
			all = errors.Join(all, err)
		}
		return n, all
	}
	if n, err := count(s.OneOf); s.OneOf != nil && n != 1 {
		return fmt.Errorf("%s matches %d of the shapes it may have, want 1: %w", at, n, err)
	}
	if n, err := count(s.AnyOf); s.AnyOf != nil && n == 0 {
		return fmt.Errorf("%s matches none of the shapes it may have: %w", at, err)
	}
	if s.Not != nil && t.check(s.Not, v, at) == nil {
		return wrong("another shape")
	}
	for _, r := range s.Rules {
		if t.check(r.If, v, at) != nil {
			continue
		}
		if err := t.check(r.Then, v, at); err != nil {
			return err
		}
	}
	return nil
}
