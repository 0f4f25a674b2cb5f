package cgo

import (
	"fmt"
	"go/ast"
	"go/token"
	"strings"
)

// A meaning is how the cell expresses a use.
type meaning struct {
	as   string // the text that replaces C.name
	name string // the declared name
	decl string // its declaration
}

// inCell rewrites the text of a type with the cell's type names.
func (k *known) inCell(text string) string {
	text = strings.ReplaceAll(text, "_cgopackage.Incomplete", "struct{}") // only pointers to it can be used
	return typeName.ReplaceAllStringFunc(text, func(m string) string { return k.typeIn(strings.TrimPrefix(m, ctype)) })
}

// typeIn returns the cell's name of a type.
func (k *known) typeIn(name string) string {
	if k.basic(name) {
		return "C_" + name
	}
	return fmt.Sprintf("C_%s__%d", name, k.version)
}

// basic reports whether a type is the same in all C code: a number, or a pointer to
// a type without a name.
func (k *known) basic(name string) bool {
	text := strings.TrimPrefix(k.types[name], "= ")
	if other, ok := strings.CutPrefix(text, ctype); ok && isName(other) {
		return k.basic(other)
	}
	return text != "" && !strings.Contains(text, ctype) && !strings.Contains(text, "struct") && !strings.Contains(text, "Incomplete") && !strings.HasPrefix(name, "union_")
}

func isName(s string) bool {
	return !strings.ContainsFunc(s, func(r rune) bool {
		return r != '_' && (r < '0' || r > '9') && (r < 'A' || r > 'Z') && (r < 'a' || r > 'z')
	})
}

// meaningOf returns the meaning of a use; alias is the import name of the package with the C code.
func (k *known) meaningOf(u use, alias string) (m meaning, ok bool) {
	if t := k.twos[u.name]; u.two && t != nil {
		return meaning{"C2" + u.name, "C2" + u.name, k.wrapper("C2"+u.name, alias+".X2_"+u.name, t)}, true
	}
	if t := k.funcs[u.name]; t != nil && u.call {
		return meaning{"C_" + u.name, "C_" + u.name, k.wrapper("C_"+u.name, alias+".X_"+u.name, t)}, true
	}
	if _, ok := k.types[u.name]; ok {
		m := meaning{as: "C_" + u.name}
		if t := k.typeIn(u.name); t != m.as {
			m.name, m.decl = m.as, "type "+m.as+" = "+t
		}
		return m, true
	}
	if c, ok := k.consts[u.name]; ok {
		return meaning{"C_" + u.name, "C_" + u.name, fmt.Sprintf("const C_%s = %s", u.name, c)}, true
	}
	if t, ok := k.vars[u.name]; ok {
		name := "Cv" + u.name
		return meaning{"(*" + name + "())", name, fmt.Sprintf("func %s() %s { return (%s)(%s.V_%s) }", name, k.inCell(t), k.inCell(t), alias, u.name)}, true
	}
	if t := k.macros[u.name]; t != nil {
		name := "Cm" + u.name
		return meaning{name + "()", name, k.wrapper(name, alias+".M_"+u.name, t)}, true
	}
	if k.ptrs[u.name] {
		return meaning{"Cp" + u.name + "()", "Cp" + u.name, fmt.Sprintf("func Cp%s() unsafe.Pointer { return %s.P_%s }", u.name, alias, u.name)}, true
	}
	return m, false
}

// texts returns the texts of the types in a use.
func (k *known) texts(u use) []string {
	texts := []string{ctype + u.name, k.vars[u.name]}
	f := k.funcs[u.name]
	if m := k.macros[u.name]; m != nil {
		return append(texts, list(m.Results, same)[0].typ)
	}
	if u.two && k.twos[u.name] != nil {
		f = k.twos[u.name]
	}
	if f != nil && u.call {
		for _, p := range append(list(f.Params, same), list(f.Results, same)...) {
			texts = append(texts, p.typ)
		}
	}
	return texts
}

// wrapper returns the cell's function that calls a function of the package with the C
// code. Arguments and results travel by pointer, because the types belong to the cell.
func (k *known) wrapper(name, target string, t *ast.FuncType) string {
	params, results, args := list(t.Params, k.inCell), list(t.Results, k.inCell), []string{}
	for _, r := range results {
		args = append(args, "&"+r.name)
	}
	for _, p := range params {
		args = append(args, "&"+p.name)
	}
	return fmt.Sprintf("func %s(%s) (%s) { %s(%s); return }", name, join(params), join(results), target, strings.Join(args, ", "))
}

// A field is a parameter or result; those of type void are omitted.
type field struct{ name, typ string }

func list(l *ast.FieldList, rename func(string) string) (out []field) {
	if l == nil {
		return nil
	}
	for _, f := range l.List {
		typ := printed(token.NewFileSet(), f.Type)
		if typ == ctype+"void" && len(l.List) == 1 {
			continue
		}
		for _, n := range f.Names {
			out = append(out, field{n.Name, rename(typ)})
		}
		if f.Names == nil {
			out = append(out, field{fmt.Sprintf("r%d", len(out)+1), rename(typ)})
		}
	}
	return out
}

func join(fs []field) string {
	var parts []string
	for _, f := range fs {
		parts = append(parts, f.name+" "+f.typ)
	}
	return strings.Join(parts, ", ")
}

func same(s string) string { return s }

// shim returns the Go file beside the C code, with the functions that the cell's
// declarations call; line returns the code that uses a name in the file with the C code.
func (k *known) shim(uses []use) (text string, line func(use) string) {
	var b strings.Builder
	b.WriteString(`package c

import "unsafe"

// at returns the address in a pointer of one of the cell's types.
func at(p any) unsafe.Pointer { return (*[2]unsafe.Pointer)(unsafe.Pointer(&p))[1] }

`)
	seen := map[string]bool{}
	zeros := map[string]string{}
	for _, u := range uses {
		m, ok := k.meaningOf(u, "")
		if !ok || seen[m.as] {
			continue
		}
		seen[m.as] = true
		switch {
		case strings.HasPrefix(m.as, "(*"):
			fmt.Fprintf(&b, "var V_%s = unsafe.Pointer(_Cvar_%[1]s)\n", u.name)
		case m.name == "Cp"+u.name:
			fmt.Fprintf(&b, "var P_%s = _Cfpvar_fp_%[1]s\n", u.name)
		case m.name == "Cm"+u.name:
			caller(&b, "M_"+u.name, "_Cmacro_"+u.name, k.macros[u.name])
		case strings.HasPrefix(m.decl, "func C2"):
			zeros["2"+u.name] = caller(&b, "X2_"+u.name, "_C2func_"+u.name, k.twos[u.name])
		case strings.HasPrefix(m.decl, "func "):
			target := "_Cfunc_" + u.name
			if u.name == "malloc" {
				target = "_Cfunc__CMalloc"
			}
			zeros["1"+u.name] = caller(&b, "X_"+u.name, target, k.funcs[u.name])
		}
	}
	return b.String(), func(u use) string {
		switch {
		case u.two:
			return named(u, zeros["2"+u.name])
		case k.types[u.name] != "" && k.funcs[u.name] == nil:
			return "var _ C." + u.name
		case k.funcs[u.name] != nil && u.call && len(list(k.funcs[u.name].Results, same)) > 0:
			return "_ = " + named(u, zeros["1"+u.name])
		}
		return named(u, zeros["1"+u.name])
	}
}

// caller writes a function that takes pointers and calls target. It returns the
// variables to pass in the call that makes cmd/cgo generate the C function.
func caller(b *strings.Builder, name, target string, t *ast.FuncType) string {
	params, results := list(t.Params, same), list(t.Results, same)
	var takes, gets, gives, zeros, checks []string
	for _, r := range results {
		takes = append(takes, r.name+" any")
		gets = append(gets, fmt.Sprintf("*(*%s)(at(%s))", r.typ, r.name))
	}
	for _, p := range params {
		takes = append(takes, p.name+" any")
		value := fmt.Sprintf("*(*%s)(at(%s))", p.typ, p.name)
		gives = append(gives, value)
		zero := "z" + name + p.name
		zeros = append(zeros, zero)
		fmt.Fprintf(b, "var %s %s\n", zero, p.typ)
		if strings.HasPrefix(p.typ, "*") || p.typ == "unsafe.Pointer" {
			checks = append(checks, fmt.Sprintf("_cgoCheckPointer(%s, nil); ", value))
		}
	}
	assign := ""
	if len(gets) > 0 {
		assign = strings.Join(gets, ", ") + " = "
	}
	fmt.Fprintf(b, "func %s(%s) { %s%s%s(%s) }\n", name, strings.Join(takes, ", "), strings.Join(checks, ""), assign, target, strings.Join(gives, ", "))
	return strings.Join(zeros, ", ")
}
