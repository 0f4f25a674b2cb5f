package cell

import "go/types"

// PlainCall reports whether a path of names denotes a method, of a variable or of one of
// its fields, that can be called without compiling anything: it is exported, has no
// arguments and one result that is not an error, and its type belongs to another package.
// Types of the notebook do not qualify, because their methods may have been redefined.
func (s *Session) PlainCall(path []string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	sym := s.state.scope[path[0]]
	if sym == nil || sym.decl.kind != varKind || len(path) < 2 {
		return false
	}
	t := sym.obj.Type()
	for i, name := range path[1:] {
		obj, _, _ := types.LookupFieldOrMethod(t, true, s.pkg, name)
		switch o := obj.(type) {
		case *types.Var:
			if !o.Exported() || i == len(path)-2 {
				return false
			}
			t = o.Type()
		case *types.Func:
			sig := o.Signature()
			if i < len(path)-2 || !o.Exported() || o.Pkg() == nil || o.Pkg() == s.pkg || sig.Params().Len() != 0 || sig.Results().Len() != 1 {
				return false
			}
			return !types.Identical(sig.Results().At(0).Type(), types.Universe.Lookup("error").Type())
		default:
			return false
		}
	}
	return false
}
