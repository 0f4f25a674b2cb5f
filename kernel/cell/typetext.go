package cell

import (
	"fmt"
	"go/token"
	"go/types"
	"strings"
)

// A typeWriter writes types as Go source for generated files, or for the check.
type typeWriter struct {
	p     *plan
	imps  map[string]string // import names used -> paths
	deps  []*symbol         // symbols named
	check bool              // use the user's names, not link names

	b    strings.Builder
	fail bool
}

// text returns t as source. It returns false if t cannot be written outside the
// package or function that declares it.
func (w *typeWriter) text(t types.Type) (string, bool) {
	w.b.Reset()
	w.fail = false
	w.write(t)
	return w.b.String(), !w.fail
}

func (w *typeWriter) write(t types.Type) {
	switch t := t.(type) {
	case *types.Basic:
		w.basic(t)
	case *types.Alias:
		w.alias(t)
	case *types.Named:
		w.name(t.Obj())
		w.typeArgs(t.TypeArgs())
	case *types.TypeParam:
		w.b.WriteString(t.Obj().Name())
	case *types.Pointer:
		w.prefix("*", t.Elem())
	case *types.Slice:
		w.prefix("[]", t.Elem())
	case *types.Array:
		w.prefix(fmt.Sprintf("[%d]", t.Len()), t.Elem())
	case *types.Map:
		w.b.WriteString("map[")
		w.write(t.Key())
		w.prefix("]", t.Elem())
	case *types.Chan:
		w.channel(t)
	case *types.Signature:
		w.b.WriteString("func")
		w.signature(t)
	case *types.Struct:
		w.structure(t)
	case *types.Interface:
		w.iface(t)
	case *types.Union:
		for i := range t.Len() {
			if i > 0 {
				w.b.WriteString(" | ")
			}
			if t.Term(i).Tilde() {
				w.b.WriteByte('~')
			}
			w.write(t.Term(i).Type())
		}
	default:
		w.fail = true
	}
}

func (w *typeWriter) prefix(s string, elem types.Type) {
	w.b.WriteString(s)
	w.write(elem)
}

func (w *typeWriter) basic(t *types.Basic) {
	switch {
	case t.Kind() == types.UnsafePointer:
		w.pkg("unsafe")
		w.b.WriteString("Pointer")
	case t.Kind() == types.Invalid || t.Info()&types.IsUntyped != 0:
		w.fail = true
	default:
		w.b.WriteString(t.Name())
	}
}

func (w *typeWriter) pkg(path string) {
	a := w.p.s.alias(path)
	w.imps[a] = path
	w.b.WriteString(a + ".")
}

// alias writes the name of an alias if it has a name here, otherwise the type it stands for.
func (w *typeWriter) alias(t *types.Alias) {
	obj := t.Obj()
	if obj.Pkg() == nil {
		w.b.WriteString(obj.Name())
		return
	}
	if !w.nameable(obj) {
		w.write(types.Unalias(t))
		return
	}
	w.name(obj)
	w.typeArgs(t.TypeArgs())
}

func (w *typeWriter) typeArgs(args *types.TypeList) {
	if args.Len() == 0 {
		return
	}
	w.b.WriteByte('[')
	for i := range args.Len() {
		if i > 0 {
			w.b.WriteString(", ")
		}
		w.write(args.At(i))
	}
	w.b.WriteByte(']')
}

func (w *typeWriter) nameable(obj *types.TypeName) bool {
	if obj.Pkg() == nil {
		return true
	}
	if obj.Pkg().Path() == pkgPath {
		return w.p.symbol(obj) != nil
	}
	path := "/" + obj.Pkg().Path() + "/"
	hidden := strings.Contains(path, "/internal/") || strings.Contains(path, "/vendor/")
	return obj.Exported() && !hidden && obj.Parent() == obj.Pkg().Scope()
}

func (w *typeWriter) name(obj *types.TypeName) {
	switch {
	case !w.nameable(obj):
		w.fail = true
	case obj.Pkg() == nil:
		w.b.WriteString(obj.Name())
	case obj.Pkg().Path() == pkgPath:
		sym := w.p.symbol(obj)
		w.deps = append(w.deps, sym)
		switch {
		case !w.check:
			w.b.WriteString(sym.link)
		case w.p.base.scope[sym.name] == sym:
			w.b.WriteString(sym.name)
		default:
			w.b.WriteString(w.p.proxy(sym))
		}
	default:
		w.pkg(obj.Pkg().Path())
		w.b.WriteString(obj.Name())
	}
}

func (w *typeWriter) channel(t *types.Chan) {
	switch t.Dir() {
	case types.SendOnly:
		w.prefix("chan<- ", t.Elem())
	case types.RecvOnly:
		w.prefix("<-chan ", t.Elem())
	default:
		w.b.WriteString("chan (")
		w.write(t.Elem())
		w.b.WriteByte(')')
	}
}

func (w *typeWriter) signature(t *types.Signature) {
	w.tuple(t.Params(), t.Variadic())
	if t.Results().Len() > 0 {
		w.b.WriteByte(' ')
		w.tuple(t.Results(), false)
	}
}

func (w *typeWriter) tuple(t *types.Tuple, variadic bool) {
	w.b.WriteByte('(')
	for i := range t.Len() {
		if i > 0 {
			w.b.WriteString(", ")
		}
		typ := t.At(i).Type()
		if variadic && i == t.Len()-1 {
			if s, ok := typ.(*types.Slice); ok {
				w.prefix("...", s.Elem())
				continue
			}
		}
		w.write(typ)
	}
	w.b.WriteByte(')')
}

func (w *typeWriter) structure(t *types.Struct) {
	w.b.WriteString("struct{")
	for i := range t.NumFields() {
		f := t.Field(i)
		if i > 0 {
			w.b.WriteString("; ")
		}
		if foreign(f) {
			w.fail = true
		}
		if !f.Embedded() {
			w.b.WriteString(f.Name() + " ")
		}
		w.write(f.Type())
		if tag := t.Tag(i); tag != "" {
			fmt.Fprintf(&w.b, " %q", tag)
		}
	}
	w.b.WriteByte('}')
}

func (w *typeWriter) iface(t *types.Interface) {
	if t.NumExplicitMethods() == 0 && t.NumEmbeddeds() == 0 {
		w.b.WriteString("interface{}")
		return
	}
	w.b.WriteString("interface{")
	sep := ""
	for i := range t.NumExplicitMethods() {
		m := t.ExplicitMethod(i)
		if foreign(m) {
			w.fail = true
		}
		w.b.WriteString(sep + m.Name())
		w.signature(m.Signature())
		sep = "; "
	}
	for i := range t.NumEmbeddeds() {
		w.b.WriteString(sep)
		w.write(t.EmbeddedType(i))
		sep = "; "
	}
	w.b.WriteByte('}')
}

// foreign reports whether a field or method is unexported and belongs to another package.
func foreign(obj types.Object) bool {
	return !token.IsExported(obj.Name()) && obj.Pkg() != nil && obj.Pkg().Path() != pkgPath
}

// symbol returns the notebook's symbol for an object of go/types, or nil.
func (p *plan) symbol(obj types.Object) *symbol {
	if sym := p.objs[obj]; sym != nil {
		return sym
	}
	return p.s.objs[obj]
}
