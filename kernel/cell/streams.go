package cell

import (
	"go/ast"
	"go/token"
	"go/types"
)

// streamNames maps the names that cells print with to their replacements in the
// runtime, which send the output of a goroutine to the cell that started it, even
// after that cell has ended.
var streamNames = map[string]string{
	"fmt.Print": "nbrt__.Print", "fmt.Printf": "nbrt__.Printf", "fmt.Println": "nbrt__.Println",
	"os.Stdout": "nbrt__.Stdout()", "os.Stderr": "nbrt__.Stderr()",
}

// stopNames maps functions that an interrupt must reach to their replacements.
var stopNames = map[string]string{
	"time.Sleep": "nbrt__.Sleep", "os.Exit": "nbrt__.Exit",
	"log.Fatal": "nbrt__.Fatal", "log.Fatalf": "nbrt__.Fatalf", "log.Fatalln": "nbrt__.Fatalln",
}

// runtimeName returns the runtime's replacement for an object of another package,
// or "" if there is none.
func (r *rewriter) runtimeName(n ast.Expr, obj types.Object) string {
	if obj == nil || obj.Pkg() == nil || r.namesOnly {
		return ""
	}
	name := obj.Pkg().Path() + "." + obj.Name()
	if to := stopNames[name]; to != "" && !r.c.p.s.cfg.NoChecks {
		return to
	}
	if r.targets[n] {
		return ""
	}
	return streamNames[name]
}

// target records expressions that need the variable itself: assignment targets
// and operands of &.
func (r *rewriter) target(n ast.Node) {
	switch n := n.(type) {
	case *ast.AssignStmt:
		for _, x := range n.Lhs {
			r.targets[ast.Unparen(x)] = true
		}
	case *ast.UnaryExpr:
		if n.Op == token.AND {
			r.targets[ast.Unparen(n.X)] = true
		}
	}
}
