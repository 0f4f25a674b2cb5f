package magics

import (
	"fmt"
	"reflect"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/gopherpod/gopherpod/kernel/magic"
	"github.com/gopherpod/gopherpod/worker"
)

// usage returns an error for a mistake in the call, shown as one line.
func usage(format string, args ...any) error {
	return &magic.UsageError{Msg: fmt.Sprintf(format, args...)}
}

// words splits a line as a shell does: blanks separate; '...' keeps all as it is;
// "..." keeps blanks; a backslash keeps the next character, except in '...'.
// Outside '...', $name and ${name} become the value of that variable and $$ a
// dollar.
func words(line string, vars magic.Vars) ([]string, error) {
	s := splitter{rest: line, vars: vars}
	var out []string
	for {
		s.rest = strings.TrimLeftFunc(s.rest, unicode.IsSpace)
		if s.rest == "" {
			return out, nil
		}
		w, err := s.word()
		if err != nil {
			return nil, err
		}
		out = append(out, w)
	}
}

type splitter struct {
	rest string
	vars magic.Vars
}

func (s *splitter) word() (string, error) {
	var b strings.Builder
	for s.rest != "" {
		r, n := utf8.DecodeRuneInString(s.rest)
		switch {
		case unicode.IsSpace(r):
			return b.String(), nil
		case r == '\'':
			text, after, ok := strings.Cut(s.rest[1:], "'")
			if !ok {
				return "", usage("a ' is not closed")
			}
			b.WriteString(text)
			s.rest = after
			continue
		case r == '"':
			s.rest = s.rest[1:]
			if err := s.quoted(&b); err != nil {
				return "", err
			}
			continue
		case r == '\\' && len(s.rest) > n:
			s.rest = s.rest[n:]
			_, n = utf8.DecodeRuneInString(s.rest)
		case r == '$':
			if err := s.variable(&b); err != nil {
				return "", err
			}
			continue
		}
		b.WriteString(s.rest[:n]) // as it is, even if it is not UTF-8
		s.rest = s.rest[n:]
	}
	return b.String(), nil
}

// quoted reads up to the closing quote.
func (s *splitter) quoted(b *strings.Builder) error {
	for s.rest != "" {
		r, n := utf8.DecodeRuneInString(s.rest)
		switch {
		case r == '"':
			s.rest = s.rest[n:]
			return nil
		case r == '\\' && len(s.rest) > n:
			s.rest = s.rest[n:]
			_, n = utf8.DecodeRuneInString(s.rest)
		case r == '$':
			if err := s.variable(b); err != nil {
				return err
			}
			continue
		}
		b.WriteString(s.rest[:n]) // as it is, even if it is not UTF-8
		s.rest = s.rest[n:]
	}
	return usage(`a " is not closed`)
}

func (s *splitter) variable(b *strings.Builder) error {
	text, rest, err := variable(s.rest, s.vars)
	if err != nil {
		return err
	}
	b.WriteString(text)
	s.rest = rest
	return nil
}

// variable reads $$, $name or ${name} at the beginning of text.
func variable(text string, vars magic.Vars) (value, rest string, err error) {
	text = text[1:]
	if strings.HasPrefix(text, "$") {
		return "$", text[1:], nil
	}
	var name string
	if strings.HasPrefix(text, "{") {
		var ok bool
		if name, rest, ok = strings.Cut(text[1:], "}"); !ok {
			return "", "", usage("a ${ is not closed")
		}
	} else {
		end := strings.IndexFunc(text, func(r rune) bool { return r != '_' && !unicode.IsLetter(r) && !unicode.IsDigit(r) })
		if end < 0 {
			end = len(text)
		}
		name, rest = text[:end], text[end:]
	}
	if name == "" {
		return "", "", usage("want a variable's name after $; $$ is a dollar")
	}
	v, err := lookup(vars, name)
	if err != nil {
		return "", "", err
	}
	value, ok := textOf(v)
	if !ok {
		return "", "", usage("$%s is a %s; want a number, a string or a bool", name, v.Type())
	}
	return value, rest, nil
}

// expand replaces the variables in the body of a cell.
func expand(body string, vars magic.Vars) (string, error) {
	var b strings.Builder
	for {
		before, _, ok := strings.Cut(body, "$")
		b.WriteString(before)
		if !ok {
			return b.String(), nil
		}
		value, rest, err := variable(body[len(before):], vars)
		if err != nil {
			return "", err
		}
		b.WriteString(value)
		body = rest
	}
}

// textOf writes a simple value in the form that options take.
func textOf(v reflect.Value) (string, bool) {
	for v.Kind() == reflect.Pointer || v.Kind() == reflect.Interface {
		if v.IsNil() {
			return "", false
		}
		v = v.Elem()
	}
	switch v.Kind() {
	case reflect.String, reflect.Bool, reflect.Float32, reflect.Float64,
		reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64,
		reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64:
		if v.CanInterface() {
			return fmt.Sprint(v.Interface()), true
		}
		return fmt.Sprint(v), true
	}
	return "", false
}

// didYouMean returns the end of a message about an unknown name.
func didYouMean(name string, known []string) string {
	if n := worker.Nearest(name, known); n != "" {
		return fmt.Sprintf("; did you mean %s?", n)
	}
	return ""
}
