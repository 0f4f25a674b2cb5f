package cell

import (
	"fmt"
	"go/ast"
	"go/constant"
	"go/token"
	"go/types"
	"strings"
)

// stopCheck is the text at the start of loops and functions. Unless something
// should stop, it costs a load and a branch.
const stopCheck = "if nbatomic__.LoadUint32(&nbrt__.Flag) != 0 { nbrt__.Stop() };"

// haltCase is the case that ends a select on an interrupt. The endless loop
// keeps the select a terminating statement.
const haltCase = "case <-nbrt__.Intr(): nbrt__.Halt(); for {};"

// instrument makes the code below n interruptible and guards goroutines against
// panics. It reports whether to walk the children of n.
func (r *rewriter) instrument(n ast.Node) bool {
	if g, ok := n.(*ast.GoStmt); ok {
		return r.goStmt(g)
	}
	if r.c.p.s.cfg.NoChecks {
		return true
	}
	switch n := n.(type) {
	case *ast.FuncDecl:
		if n.Body != nil {
			r.entryCheck(n.Body)
		}
	case *ast.ForStmt:
		r.forStmt(n)
	case *ast.RangeStmt:
		return r.rangeStmt(n)
	case *ast.BranchStmt:
		r.gotoStmt(n)
	case *ast.SelectStmt:
		r.selectStmt(n)
	case *ast.SendStmt:
		if !r.inComm[n] && r.inList[n] {
			r.edits.open(r.off(n.Pos()), "select { case ")
			r.edits.close(r.end(n), ": case <-nbrt__.Intr(): nbrt__.Halt() }")
		}
	case *ast.UnaryExpr:
		r.receive(n)
	case *ast.ExprStmt:
		r.syncCall(n)
	}
	return true
}

// gotoStmt adds the check to a jump backwards, which makes a loop.
func (r *rewriter) gotoStmt(n *ast.BranchStmt) {
	if n.Tok != token.GOTO {
		return
	}
	if label := r.c.info.Uses[n.Label]; label == nil || label.Pos() < n.Pos() {
		r.edits.open(r.off(n.Pos()), stopCheck+r.mark(n.Pos()))
	}
}

// syncCalls maps the methods of package sync that wait to their replacements.
var syncCalls = map[string]string{
	"(*sync.Mutex).Lock": "Lock", "(*sync.RWMutex).Lock": "LockRW", "(*sync.RWMutex).RLock": "RLock",
	"(*sync.WaitGroup).Wait": "WaitGroup", "(*sync.Cond).Wait": "CondWait",
}

// syncCall replaces x.Lock() and similar calls with a call that takes a pointer
// to the lock, which may be embedded in x.
func (r *rewriter) syncCall(n *ast.ExprStmt) {
	call, ok := ast.Unparen(n.X).(*ast.CallExpr)
	if !ok {
		return
	}
	fun, ok := ast.Unparen(call.Fun).(*ast.SelectorExpr)
	if !ok {
		return
	}
	sel := r.c.info.Selections[fun]
	if sel == nil || sel.Kind() != types.MethodVal {
		return
	}
	name := syncCalls[sel.Obj().(*types.Func).FullName()]
	path, last, ok := r.embedded(sel)
	if name == "" || !ok {
		return
	}
	open := "nbrt__." + name + "("
	if !isPointer(last) {
		open += "&"
	}
	r.edits.open(r.off(call.Pos()), open+r.mark(call.Pos()))
	r.edits.replace(r.end(fun.X), r.end(call)-r.end(fun.X), path+")"+r.mark(call.End()))
	r.skipped[fun.Sel] = true
}

// embedded returns the path from a method's operand to its receiver through
// embedded fields, which the user's text does not name, and the receiver's type.
func (r *rewriter) embedded(sel *types.Selection) (path string, t types.Type, ok bool) {
	t = sel.Recv()
	for _, i := range sel.Index()[:len(sel.Index())-1] {
		if p, ok := t.Underlying().(*types.Pointer); ok {
			t = p.Elem()
		}
		s, ok := t.Underlying().(*types.Struct)
		if !ok {
			return "", nil, false
		}
		f := s.Field(i)
		if f.Pkg() == r.c.p.s.pkg && f.Name() != "Mutex" && f.Name() != "RWMutex" && f.Name() != "WaitGroup" && f.Name() != "Cond" {
			return "", nil, false // generated code may use another name for it
		}
		if f.Pkg() != r.c.p.s.pkg && !f.Exported() {
			return "", nil, false
		}
		path += "." + f.Name()
		t = f.Type()
	}
	return path, t, true
}

// entryCheck puts a check at the start of a function that calls other functions.
// A function without calls ends by itself or in a loop, which has its own check.
func (r *rewriter) entryCheck(body *ast.BlockStmt) {
	if !r.c.p.s.cfg.NoChecks && r.calls(body) {
		r.inBody(body, stopCheck)
	}
}

// calls reports whether code calls anything except builtins and conversions.
func (r *rewriter) calls(n ast.Node) bool {
	found := false
	ast.Inspect(n, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.FuncLit:
			return false
		case *ast.CallExpr:
			if _, ok := ast.Unparen(n.Fun).(*ast.FuncLit); ok {
				found = true
			}
			if tv := r.c.info.Types[n.Fun]; !tv.IsType() && !tv.IsBuiltin() {
				found = true
			}
		}
		return !found
	})
	return found
}

// receive replaces <-ch if a generic call can infer the channel's type.
func (r *rewriter) receive(n *ast.UnaryExpr) {
	if n.Op != token.ARROW || r.inComm[n] || !plainChan(r.c.info.TypeOf(n.X)) {
		return
	}
	call := "nbrt__.Recv("
	if tuple, ok := r.c.info.TypeOf(n).(*types.Tuple); ok {
		if tuple.Len() != 2 || !isBool(tuple.At(1).Type()) {
			return
		}
		call = "nbrt__.Recv2("
	}
	r.edits.replace(r.off(n.OpPos), 2, call)
	r.edits.close(r.end(n), ")")
}

func isBool(t types.Type) bool {
	return t == types.Typ[types.Bool] || t == types.Typ[types.UntypedBool]
}

// plainChan reports whether t is a channel and not a type parameter.
func plainChan(t types.Type) bool {
	if t == nil {
		return false
	}
	if _, ok := types.Unalias(t).(*types.TypeParam); ok {
		return false
	}
	_, ok := t.Underlying().(*types.Chan)
	return ok
}

func (r *rewriter) selectStmt(n *ast.SelectStmt) {
	hasDefault := false
	for _, s := range n.Body.List {
		c := s.(*ast.CommClause)
		switch comm := c.Comm.(type) {
		case nil:
			hasDefault = true
		case *ast.SendStmt:
			r.inComm[comm] = true
		case *ast.ExprStmt:
			r.inComm[ast.Unparen(comm.X)] = true
		case *ast.AssignStmt:
			r.inComm[ast.Unparen(comm.Rhs[0])] = true
		}
	}
	if !hasDefault {
		r.inBody(n.Body, haltCase)
	}
}

func (r *rewriter) rangeStmt(n *ast.RangeStmt) bool {
	if plainChan(r.c.info.TypeOf(n.X)) {
		r.rangeChan(n)
		return false
	}
	if !r.bounded(n) {
		r.inBody(n.Body, stopCheck)
	}
	return true
}

// rangeChan rewrites a range over a channel as a loop of receives.
func (r *rewriter) rangeChan(n *ast.RangeStmt) {
	from, x := r.off(n.Pos()), r.off(n.X.Pos())
	r.edits.replace(from, x-from, "for nbch__ := "+r.mark(n.X.Pos()))
	r.edits.close(r.end(n.X), "; ; ")
	v, assign := "_", ""
	if id, ok := n.Key.(*ast.Ident); n.Key != nil && !(ok && id.Name == "_") {
		key := r.c.rewriter(r.g, r.pt)
		key.namesOnly = true
		key.walk(n.Key)
		r.uses = append(r.uses, key.uses...)
		v, assign = "nbv__", key.edits.applyRange(r.pt.src, r.off(n.Key.Pos()), r.end(n.Key))+" "+n.Tok.String()+" nbv__;"
	}
	r.inBody(n.Body, v+", nbok__ := nbrt__.Recv2(nbch__); if !nbok__ { break };"+assign)
	r.walk(n.X)
	r.walk(n.Body)
}

// checkEvery is the number of iterations of a counted loop between two checks.
const checkEvery = 1 << 16

// forStmt adds the check to a loop. A loop with a short body that only counts up
// to a fixed bound is cut into runs of checkEvery iterations, each as fast as
// without checks:
//
//	for i := a; i < b; i++ { body }
//	for i := a; i < b;     { CHECK; end := min(b, i+checkEvery); from := i; i = end; for i := from; i < end; i++ { body } }
func (r *rewriter) forStmt(n *ast.ForStmt) {
	name, bound := r.counted(n)
	if name == "" {
		r.inBody(n.Body, stopCheck)
		return
	}
	r.edits.replace(r.off(n.Post.Pos()), r.end(n.Post)-r.off(n.Post.Pos()), "")
	r.skipped[n.Post] = true
	r.inBody(n.Body, fmt.Sprintf("%[1]snbe__ := %[2]s; nbe__ = %[3]s; if nbe__-%[2]s > %[4]d { nbe__ = %[2]s + %[4]d }; nbs__ := %[2]s; %[2]s = nbe__; for %[2]s := nbs__; %[2]s < nbe__; %[2]s++ {",
		stopCheck, name, bound, checkEvery))
	r.edits.close(r.end(n), "}")
}

// counted returns the variable and the bound of such a loop, or "" for other loops.
func (r *rewriter) counted(n *ast.ForStmt) (name, bound string) {
	init, ok := n.Init.(*ast.AssignStmt)
	post, ok2 := n.Post.(*ast.IncDecStmt)
	cond, ok3 := n.Cond.(*ast.BinaryExpr)
	if !ok || !ok2 || !ok3 || init.Tok != token.DEFINE || len(init.Lhs) != 1 || post.Tok != token.INC || cond.Op != token.LSS {
		return "", ""
	}
	id, ok := init.Lhs[0].(*ast.Ident)
	if !ok {
		return "", ""
	}
	v, ok := r.c.info.Defs[id].(*types.Var)
	if !ok || r.c.symbolOf(v) != nil || !r.means(post.X, v) || !r.means(cond.X, v) || !countable(v.Type()) {
		return "", ""
	}
	if !plainBody(n.Body) || r.calls(n.Body) || r.copies(n.Body) || !r.leaves(n.Body, v) {
		return "", ""
	}
	switch b := ast.Unparen(cond.Y).(type) {
	case *ast.BasicLit:
	case *ast.Ident:
		if !r.fixed(b, n.Body) {
			return "", ""
		}
	case *ast.CallExpr: // len(x)
		if len(b.Args) != 1 || !r.c.info.Types[b.Fun].IsBuiltin() {
			return "", ""
		}
		if x, ok := b.Args[0].(*ast.Ident); !ok || !r.fixed(x, n.Body) {
			return "", ""
		}
	default:
		return "", ""
	}
	return id.Name, r.plainText(cond.Y)
}

// countable reports whether a type can hold checkEvery.
func countable(t types.Type) bool {
	b, ok := t.Underlying().(*types.Basic)
	if !ok {
		return false
	}
	switch b.Kind() {
	case types.Int, types.Int32, types.Int64, types.Uint, types.Uint32, types.Uint64, types.Uintptr:
		return true
	}
	return false
}

// fixed reports whether id is a constant, or a variable that the loop's body does not change.
func (r *rewriter) fixed(id *ast.Ident, body *ast.BlockStmt) bool {
	switch o := r.c.info.Uses[id].(type) {
	case *types.Const:
		return true
	case *types.Var:
		return r.leaves(body, o)
	}
	return false
}

// leaves reports whether code leaves a variable unchanged, also through pointers,
// and does not break out of the loop whose body it is.
func (r *rewriter) leaves(n ast.Node, v *types.Var) bool {
	ok := true
	change := func(x ast.Expr) {
		_, star := ast.Unparen(x).(*ast.StarExpr)
		ok = ok && !star && !r.means(x, v)
	}
	ast.Inspect(n, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.AssignStmt:
			for _, x := range n.Lhs {
				change(x)
			}
		case *ast.IncDecStmt:
			change(n.X)
		case *ast.UnaryExpr:
			ok = ok && !(n.Op == token.AND && r.means(n.X, v))
		case *ast.BranchStmt:
			ok = ok && n.Tok == token.CONTINUE && n.Label == nil
		}
		return ok
	})
	return ok
}

// means reports whether e refers to the variable.
func (r *rewriter) means(e ast.Expr, v *types.Var) bool {
	id, ok := ast.Unparen(e).(*ast.Ident)
	return ok && r.c.info.Uses[id] == v
}

// copies reports whether code may copy much memory in one step.
func (r *rewriter) copies(n ast.Node) bool {
	found := false
	ast.Inspect(n, func(n ast.Node) bool {
		if call, ok := n.(*ast.CallExpr); ok {
			if id, ok := ast.Unparen(call.Fun).(*ast.Ident); ok {
				switch id.Name {
				case "append", "copy", "clear", "make", "print", "println":
					found = true
				}
			}
			if tv := r.c.info.Types[call.Fun]; tv.IsType() {
				if b, ok := tv.Type.Underlying().(*types.Basic); !ok || b.Info()&types.IsNumeric == 0 {
					found = true
				}
			}
		}
		if e, ok := n.(*ast.BinaryExpr); ok {
			found = found || r.isString(e)
		}
		if a, ok := n.(*ast.AssignStmt); ok && a.Tok == token.ADD_ASSIGN {
			found = found || r.isString(a.Lhs[0])
		}
		return !found
	})
	return found
}

func (r *rewriter) isString(e ast.Expr) bool {
	t := r.c.info.TypeOf(e)
	if t == nil {
		return false
	}
	b, ok := t.Underlying().(*types.Basic)
	return ok && b.Info()&types.IsString != 0
}

// maxUnchecked is how many iterations a loop over an integer may run without a check.
const maxUnchecked = 1 << 16

// bounded reports whether a range loop is certain to end soon: it ranges over
// data, and nothing in its body can take long.
func (r *rewriter) bounded(n *ast.RangeStmt) bool {
	tv := r.c.info.Types[n.X]
	if tv.Type == nil {
		return false
	}
	switch t := tv.Type.Underlying().(type) {
	case *types.Slice, *types.Array, *types.Map, *types.Pointer:
	case *types.Basic:
		if t.Info()&types.IsString == 0 {
			if tv.Value == nil {
				return false
			}
			if v, ok := constant.Int64Val(constant.ToInt(tv.Value)); !ok || v > maxUnchecked {
				return false
			}
		}
	default:
		return false
	}
	return !r.calls(n.Body) && plainBody(n.Body)
}

// plainBody reports whether a loop's body has no loops, literals or channels.
func plainBody(b *ast.BlockStmt) bool {
	plain := true
	ast.Inspect(b, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.ForStmt, *ast.RangeStmt, *ast.FuncLit, *ast.SelectStmt, *ast.SendStmt, *ast.GoStmt, *ast.DeferStmt:
			plain = false
		case *ast.BranchStmt:
			plain = plain && n.Tok != token.GOTO
		case *ast.UnaryExpr:
			plain = plain && n.Op != token.ARROW
		}
		return plain
	})
	return plain
}

// goStmt guards a goroutine against panics. Go evaluates the function and its
// arguments before the goroutine starts, so the generated code does too.
func (r *rewriter) goStmt(n *ast.GoStmt) bool {
	if lit, ok := ast.Unparen(n.Call.Fun).(*ast.FuncLit); ok {
		r.inBody(lit.Body, "defer nbrt__.Guard();")
		return true
	}
	call := n.Call
	fun, names, ok := r.goOperands(call)
	if !ok {
		return true
	}
	if call.Ellipsis.IsValid() {
		fun.args += "..."
	}
	launch := fmt.Sprintf("go func() { defer nbrt__.Guard(); %s(%s) }()", fun.name, fun.args)
	if len(names) > 0 {
		r.edits.replace(r.off(n.Pos()), 2, "{ "+strings.Join(names, ", ")+" :=")
	} else {
		r.edits.replace(r.off(n.Pos()), 2, "{ ")
	}
	from, to := r.off(call.Fun.Pos()), r.end(call.Fun)
	lparen, rparen := r.off(call.Lparen), r.off(call.Rparen)
	if fun.static {
		r.edits.replace(from, to-from, "")
		r.edits.replace(lparen, 1, "")
	} else {
		sep := ""
		if len(call.Args) > 0 {
			sep = ", "
		}
		r.walk(call.Fun)
		r.edits.replace(lparen, 1, sep)
	}
	if call.Ellipsis.IsValid() {
		r.edits.replace(r.off(call.Ellipsis), 3, "")
	}
	for _, a := range call.Args {
		r.walk(a)
	}
	// A comma after the last argument would end the list of values.
	tail := rparen
	if len(call.Args) > 0 {
		tail = r.end(call.Args[len(call.Args)-1])
		if call.Ellipsis.IsValid() {
			tail = r.off(call.Ellipsis) + 3
		}
	}
	end := "; "
	if len(names) == 0 {
		end = ""
	}
	newlines := strings.Repeat("\n", strings.Count(r.pt.src[tail:rparen], "\n"))
	r.edits.replace(tail, rparen+1-tail, end+launch+" }"+newlines)
	return false
}

// A goCall is the call that the goroutine makes with the evaluated values.
type goCall struct {
	name, args string
	static     bool // name is the function itself
}

// goOperands assigns names to the values that are evaluated before a goroutine
// starts. It returns false if the call has to stay as it is.
func (r *rewriter) goOperands(call *ast.CallExpr) (goCall, []string, bool) {
	var names []string
	fun := goCall{name: "nbf__"}
	if text, ok := r.staticFunc(call.Fun); ok {
		fun = goCall{name: text, static: true}
	} else {
		names = append(names, fun.name)
	}
	var args []string
	for i, a := range call.Args {
		if tuple, ok := r.c.info.TypeOf(a).(*types.Tuple); ok && len(call.Args) == 1 {
			if !fun.static {
				return fun, nil, false // f(g()) with an evaluated f: two lists of values
			}
			for j := range tuple.Len() {
				args = append(args, fmt.Sprintf("nba%d__", j))
			}
			break
		}
		if !r.typedArg(a) {
			return fun, nil, false
		}
		args = append(args, fmt.Sprintf("nba%d__", i))
	}
	names = append(names, args...)
	fun.args = strings.Join(args, ", ")
	return fun, names, true
}

// typedArg returns an argument with its type written out if the type would
// otherwise come from the parameter: constants, nil, comparisons and shifts.
func (r *rewriter) typedArg(a ast.Expr) bool {
	tv := r.c.info.Types[a]
	if tv.IsType() { // go new(T) and go make(T) are useless
		return false
	}
	untyped := tv.Value != nil || tv.IsNil()
	if b, ok := ast.Unparen(a).(*ast.BinaryExpr); ok {
		switch b.Op {
		case token.EQL, token.NEQ, token.LSS, token.LEQ, token.GTR, token.GEQ, token.SHL, token.SHR, token.LAND, token.LOR:
			untyped = true
		}
	}
	if !untyped {
		return true
	}
	w := &typeWriter{p: r.c.p, imps: map[string]string{}}
	text, ok := w.text(tv.Type)
	if !ok {
		return false
	}
	for name, path := range w.imps {
		r.imps[name] = path
	}
	for _, sym := range w.deps {
		r.uses = append(r.uses, use{off: -1, sym: sym, name: sym.name})
	}
	r.edits.open(r.off(a.Pos()), "("+text+")(")
	r.edits.close(r.end(a), ")")
	return true
}

// staticFunc returns the text of a called function that needs no evaluation: a
// declared function, generic or not, or a builtin.
func (r *rewriter) staticFunc(e ast.Expr) (string, bool) {
	var id *ast.Ident
	switch f := ast.Unparen(e).(type) {
	case *ast.Ident:
		id = f
	case *ast.SelectorExpr:
		x, ok := f.X.(*ast.Ident)
		if !ok {
			return "", false
		}
		if _, ok := r.c.info.Uses[x].(*types.PkgName); !ok {
			return "", false
		}
		id = f.Sel
	case *ast.IndexExpr:
		if _, ok := r.staticFunc(f.X); !ok || !r.c.info.Types[f.Index].IsType() {
			return "", false
		}
		return r.plainText(e), true
	case *ast.IndexListExpr:
		return r.plainText(e), true
	default:
		return "", false
	}
	switch r.c.info.Uses[id].(type) {
	case *types.Func, *types.Builtin:
		return r.plainText(e), true
	}
	return "", false
}

// plainText returns an expression with its names rewritten and no other change.
// The names count as used.
func (r *rewriter) plainText(e ast.Expr) string {
	sub := r.c.rewriter(r.g, r.pt)
	sub.namesOnly = true
	sub.walk(e)
	r.uses = append(r.uses, sub.uses...)
	for name, path := range sub.imps {
		r.imps[name] = path
	}
	return sub.edits.applyRange(r.pt.src, r.off(e.Pos()), r.end(e))
}
