package host

import (
	"fmt"
	"go/token"
	"path"
	"reflect"
	"strconv"
	"strings"
)

// cellPackage is the import path that cells are compiled with.
const cellPackage = "nb"

// typeText returns a type as Go source. It adds the packages that the source refers to
// to imports, which maps names to paths. It fails for a type that source outside the
// type's package cannot name.
func typeText(t reflect.Type, imports map[string]string) (string, error) {
	if t.Name() != "" {
		return namedText(t, imports)
	}
	elem := func(format string) (string, error) {
		s, err := typeText(t.Elem(), imports)
		return fmt.Sprintf(format, s), err
	}
	switch t.Kind() {
	case reflect.Pointer:
		return elem("*%s")
	case reflect.Slice:
		return elem("[]%s")
	case reflect.Array:
		return elem("[" + strconv.Itoa(t.Len()) + "]%s")
	case reflect.Chan:
		return elem(map[reflect.ChanDir]string{reflect.BothDir: "chan (%s)", reflect.RecvDir: "<-chan (%s)", reflect.SendDir: "chan<- (%s)"}[t.ChanDir()])
	case reflect.Map:
		k, err := typeText(t.Key(), imports)
		if err != nil {
			return "", err
		}
		return elem("map[" + k + "]%s")
	case reflect.Func:
		return funcText(t, imports)
	case reflect.Struct:
		return structText(t, imports)
	case reflect.Interface:
		if t.NumMethod() == 0 {
			return "any", nil
		}
	}
	return "", &UnwritableError{t}
}

// An UnwritableError reports a type that Go source outside its package cannot name.
type UnwritableError struct{ Type reflect.Type }

func (e *UnwritableError) Error() string {
	return fmt.Sprintf("a variable cannot have the type %v outside of its package", e.Type)
}

func namedText(t reflect.Type, imports map[string]string) (string, error) {
	p := t.PkgPath()
	if p == "" || p == cellPackage {
		return t.Name(), nil
	}
	if !token.IsExported(t.Name()) || strings.Contains(t.Name(), "[") || strings.Contains("/"+p+"/", "/internal/") {
		return "", &UnwritableError{t}
	}
	// The package's own name is what String shows before the dot.
	base, _, _ := strings.Cut(t.String(), ".")
	name := base
	for i := 2; imports[name] != "" && imports[name] != p; i++ {
		name = base + strconv.Itoa(i)
	}
	if !token.IsIdentifier(name) {
		name = path.Base(p)
	}
	imports[name] = p
	return name + "." + t.Name(), nil
}

func funcText(t reflect.Type, imports map[string]string) (string, error) {
	var in, out []string
	for i := range t.NumIn() {
		p, dots := t.In(i), ""
		if t.IsVariadic() && i == t.NumIn()-1 {
			p, dots = p.Elem(), "..."
		}
		s, err := typeText(p, imports)
		if err != nil {
			return "", err
		}
		in = append(in, dots+s)
	}
	for i := range t.NumOut() {
		s, err := typeText(t.Out(i), imports)
		if err != nil {
			return "", err
		}
		out = append(out, s)
	}
	return fmt.Sprintf("func(%s) (%s)", strings.Join(in, ", "), strings.Join(out, ", ")), nil
}

func structText(t reflect.Type, imports map[string]string) (string, error) {
	var fs []string
	for i := range t.NumField() {
		f := t.Field(i)
		if f.PkgPath != "" && f.PkgPath != cellPackage {
			return "", &UnwritableError{t}
		}
		s, err := typeText(f.Type, imports)
		if err != nil {
			return "", err
		}
		if !f.Anonymous {
			s = f.Name + " " + s
		}
		if f.Tag != "" {
			s += " " + strconv.Quote(string(f.Tag))
		}
		fs = append(fs, s)
	}
	return "struct{ " + strings.Join(fs, "; ") + " }", nil
}
