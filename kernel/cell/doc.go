// Package cell turns the source of a notebook cell into Go files to compile.
//
// All cells of a notebook belong to one Go package, import path "nb", name
// main. A cell becomes a small set of files: the declarations of earlier cells
// that it needs, its own declarations, its variables without initialisers, and
// one function with its statements. This package compiles nothing and runs
// nothing; packages build and session do that.
//
//	split.go       a cell's text -> chunks: one declaration or statement each
//	parse.go       chunks -> the parsed cell; all syntax errors at once
//	decl.go        declarations, symbols and the state of a notebook
//	plan.go        which declarations are new, unchanged, or follow a redefinition
//	scope.go       what the check sees of the notebook
//	check.go       go/types over the cell, on top of the objects of earlier cells
//	session.go     Session, its configuration; prepare.go: the steps of Session.Prepare
//	define.go      a variable that a magic defines
//	language.go    the version of the language, and hints about newer ones
//	hoist.go       variables of the cell become variables of the notebook
//	rewrite.go     user names -> link names; edit.go changes text at offsets
//	streams.go     fmt.Println and os.Stdout write to the cell that started the goroutine
//	plaincall.go   calls that need no generated code
//	statements.go  the statements of the cell: hoisted variables, the last expression
//	instrument.go  interrupt checks, channel operations, goroutines
//	embed.go       go:embed directives
//	slots.go       late binding for function literals that outlive their cell
//	unused.go      unused variables and labels are allowed
//	links.go       link names and their removal from messages
//	typetext.go    types as text
//	render.go      writes the files of a Unit
//	errors.go      diagnostics with source line and caret
//	autoimport.go  imports added automatically, hints
//	view.go        an unfinished cell, checked as far as possible
//	complete.go    completion; inspect.go and docs.go: inspection
//	iscomplete.go  whether more lines are needed
//
// # Names
//
// A declaration has the user's name and a link name, the identifier in the
// generated code. The first version has Link = Name; an incompatible
// redefinition gets a new link name (pointᐟ2), so that one symbol name always has
// one content in the process. go/types never sees link names: it checks a cell
// as the user wrote it, in a package scope that holds the current objects under
// the user's names. Its messages therefore need no translation.
//
// # The runtime
//
// Generated code calls the package Config.Runtime under the import name nbrt__:
//
//	Flag uint32                    nonzero while a cell should stop; read atomically in loops
//	Stop()                         the slow path of that check
//	Intr() <-chan struct{}         closed when the calling cell is interrupted
//	Halt()                         panics with the interrupt
//	Sleep(time.Duration)           replaces time.Sleep
//	Print, Printf, Println, Stdout(), Stderr()  replace their namesakes in fmt and os
//	Recv[T](<-chan T) T            replaces <-ch
//	Recv2[T](<-chan T) (T, bool)   replaces v, ok := <-ch
//	Guard()                        deferred in goroutines; recovers and reports
//	Show(...any)                   the last expression
//	ShowError(error)               a last call that returns only an error; nil is not shown
//	Var(name string, ptr any)      registers a variable
//	Take[T any](name string) T     the value that a magic made for a variable
//	Zero[T any](p *T)              sets *p to its zero value (frees what it held)
//	False bool, Keep(...any)       fast mode: keep AddModuleData and nbamd.F reachable
package cell
