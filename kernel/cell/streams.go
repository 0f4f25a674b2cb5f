package cell

import (
	"go/ast"
	"go/token"
	"go/types"
)

// streamNames are what cells print with, and what the run-time has in their
// place: a goroutine that outlives its cell goes on printing into its own cell.
var streamNames = map[string]string{
	"fmt.Print": "nbrt__.Print", "fmt.Printf": "nbrt__.Printf", "fmt.Println": "nbrt__.Println",
	"os.Stdout": "nbrt__.Stdout()", "os.Stderr": "nbrt__.Stderr()",
}

// stopNames are what stands in for functions that an interrupt is to reach.
var stopNames = map[string]string{
	"time.Sleep": "nbrt__.Sleep", "os.Exit": "nbrt__.Exit",
	"log.Fatal": "nbrt__.Fatal", "log.Fatalf": "nbrt__.Fatalf", "log.Fatalln": "nbrt__.Fatalln",
}

// runtimeName is what stands for an object of another package in compiled code,
// empty where the object itself does.
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

// target notes the expressions that need the variable itself: what is assigned
// to, and what has its address taken.
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
