package cell

import (
	"go/ast"
	"go/token"
	"go/types"
	"strings"
)

// An Info describes a name.
type Info struct {
	// Name is the qualified name: "fmt.Println", "point.norm".
	Name string
	// Kind is "func", "method", "type", "var", "const", "field", "package",
	// or "builtin".
	Kind string
	// Signature is the declaration on one line, such as "func Println(a ...any) (n int, err error)".
	Signature string
	// Doc is the documentation, as plain text.
	Doc string
	// Source is the user's text of a declaration in the notebook, for detail 1.
	Source string
	// Cell is the cell that defines it, or 0 if no cell does.
	Cell int
	// Path is the import path of its package, if any.
	Path string
}

// Inspect describes the name at the byte offset pos of a cell, or the function
// whose arguments surround pos. Detail 1 adds the source. It returns false if
// nothing is known about the name.
func (s *Session) Inspect(src string, pos, detail int) (Info, bool) {
	pos = min(max(pos, 0), len(src))
	start, end := inspected(src, pos)
	if start == end {
		return Info{}, false
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	v := s.view(src[:end], start)
	if v == nil {
		return Info{}, false
	}
	defer v.close()
	obj := v.c.info.Uses[v.id]
	if obj == nil {
		obj = v.c.info.Defs[v.id]
	}
	if obj == nil {
		if obj = s.autoImported(v); obj == nil {
			return Info{}, false
		}
	}
	info := s.describeObject(v, obj)
	if detail == 0 {
		info.Source = ""
	}
	return info, true
}

// inspected returns the identifier at pos or, inside the arguments of a call,
// the identifier of the function.
func inspected(src string, pos int) (start, end int) {
	start, end = wordStart(src, pos), wordEnd(src, pos)
	if start < end && (src[start] < '0' || src[start] > '9') {
		return start, end
	}
	depth := 0
	for i := pos - 1; i >= 0; i-- {
		switch src[i] {
		case ')', ']', '}':
			depth++
		case '[', '{':
			depth--
		case '(':
			if depth == 0 {
				return wordStart(src, i), i
			}
			depth--
		case '\n', ';':
			if depth == 0 {
				return 0, 0
			}
		}
		if depth < 0 {
			return 0, 0
		}
	}
	return 0, 0
}

func wordEnd(src string, pos int) int {
	for i, r := range src[pos:] {
		if !isWord(r) {
			return pos + i
		}
	}
	return len(src)
}

// autoImported finds a member of a package that is not imported yet.
func (s *Session) autoImported(v *view) types.Object {
	name := v.id.Name
	if v.sel != nil {
		id, ok := v.sel.X.(*ast.Ident)
		if !ok {
			return nil
		}
		name = id.Name
	}
	path := s.cfg.AutoImports[name]
	if path == "" {
		return nil
	}
	pkg, err := s.imp.Import(path)
	if err != nil {
		return nil
	}
	if v.sel != nil {
		return pkg.Scope().Lookup(v.sel.Sel.Name)
	}
	return types.NewPkgName(token.NoPos, s.pkg, name, pkg)
}

func (s *Session) describeObject(v *view, obj types.Object) Info {
	info := Info{Name: obj.Name(), Signature: Clean(types.ObjectString(obj, qualifier))}
	if obj.Pkg() != nil && obj.Pkg() != s.pkg {
		info.Path = obj.Pkg().Path()
	}
	switch o := obj.(type) {
	case *types.PkgName:
		info.Kind, info.Path = "package", o.Imported().Path()
		info.Signature = "package " + o.Imported().Name() + ` // import "` + info.Path + `"`
		info.Doc = s.docs.lookup(s.cfg.Dir, info.Path, "", "")
		return info
	case *types.Builtin:
		info.Kind = "builtin"
		info.Signature = ""
		info.Doc = s.docs.lookup(s.cfg.Dir, "builtin", obj.Name(), "")
		return info
	case *types.Func:
		info.Kind = "func"
		if o.Signature().Recv() != nil {
			info.Kind = "method"
		}
	case *types.TypeName:
		info.Kind = "type"
		info.Signature = typeSignature(o)
	case *types.Const:
		info.Kind = "const"
		info.Signature += " = " + o.Val().String()
	case *types.Var:
		info.Kind = "var"
		if o.IsField() {
			info.Kind = "field"
		}
	}
	owner := ownerName(v, obj)
	if owner != "" {
		info.Name = owner + "." + info.Name
	} else if info.Path != "" {
		info.Name = obj.Pkg().Name() + "." + info.Name
	}
	if info.Path != "" {
		info.Doc = s.docs.lookup(s.cfg.Dir, info.Path, obj.Name(), owner)
		if info.Kind == "type" {
			info.Signature = s.docs.declaration(s.cfg.Dir, info.Path, obj.Name(), info.Signature)
		}
	}
	s.ownSource(&info, obj)
	return info
}

// typeSignature returns the declaration of a type, without the body if it is large.
func typeSignature(o *types.TypeName) string {
	if o.Pkg() == nil {
		return "type " + o.Name()
	}
	text := Clean(types.ObjectString(o, qualifier))
	if len(text) > 200 {
		if head, _, ok := strings.Cut(text, "{"); ok {
			return head + "{...}"
		}
	}
	return text
}

func qualifier(p *types.Package) string {
	if p.Path() == pkgPath {
		return ""
	}
	return p.Name()
}

// ownerName returns the name of the type that declares a selected method or field.
func ownerName(v *view, obj types.Object) string {
	var t types.Type
	switch o := obj.(type) {
	case *types.Func:
		if recv := o.Signature().Recv(); recv != nil {
			t = recv.Type()
		}
	case *types.Var:
		if o.IsField() && v.sel != nil {
			if sel := v.c.info.Selections[v.sel]; sel != nil {
				t = sel.Recv()
			}
		}
	}
	if p, ok := t.(*types.Pointer); ok {
		t = p.Elem()
	}
	if n, ok := t.(*types.Named); ok {
		return n.Obj().Name()
	}
	return ""
}

// ownSource adds the notebook's declaration of obj, with its comment.
func (s *Session) ownSource(info *Info, obj types.Object) {
	if obj.Pkg() != s.pkg {
		return
	}
	d := s.declOf(obj)
	if d == nil {
		return
	}
	info.Cell, info.Source = d.cell, d.src
	lines := s.lines[d.cell]
	from := d.line - 1
	for from > 0 && from <= len(lines) && strings.HasPrefix(strings.TrimSpace(lines[from-1]), "//") {
		from--
	}
	var doc []string
	for i := from; i < d.line-1 && i < len(lines); i++ {
		doc = append(doc, strings.TrimSpace(strings.TrimPrefix(strings.TrimSpace(lines[i]), "//")))
	}
	if d.kind != varKind {
		info.Doc = strings.Join(doc, "\n")
	}
}

// declOf returns the declaration of a current symbol or of one of its methods.
func (s *Session) declOf(obj types.Object) *decl {
	if sym := s.objs[obj]; sym != nil {
		return sym.decl
	}
	f, ok := obj.(*types.Func)
	if !ok || f.Signature().Recv() == nil {
		return nil
	}
	t := f.Signature().Recv().Type()
	if p, ok := t.(*types.Pointer); ok {
		t = p.Elem()
	}
	n, ok := t.(*types.Named)
	if !ok {
		return nil
	}
	sym := s.objs[n.Obj()]
	if sym == nil {
		return nil
	}
	for _, m := range sym.decl.methods {
		if m.name == f.Name() {
			return m
		}
	}
	return nil
}
