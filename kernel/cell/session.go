package cell

import (
	"go/importer"
	"go/token"
	"go/types"
	"io"
	"maps"
	"runtime"
	"slices"
	"strings"
	"sync"
)

// pkgPath is the import path of the package that all cells belong to.
const pkgPath = "nb"

// A Config sets what cells may import and how their code is generated. Importer
// and Runtime are required.
type Config struct {
	// Importer opens the export data of an import path: an archive or an export
	// file of the gc compiler. It returns an error if the package is not available.
	Importer func(path string) (io.ReadCloser, error)
	// Runtime is the import path of the package that generated code calls.
	Runtime string
	// GoVersion is the version of the Go that compiles cells, such as go1.27.3, and
	// thus the language version of cells. The default is the version that built this
	// program.
	GoVersion string
	// Dir is the source folder of an import path, for documentation. Optional.
	Dir func(path string) (string, error)
	// Current returns the current import path of a package, because an edited package is
	// compiled under a new path. Code that names the package follows; existing values keep
	// the earlier types. Optional.
	Current func(path string) string
	// Embed lists the files that a pattern of a go:embed directive names. Optional.
	Embed func(pattern string) (files []string, err error)
	// Packages lists the import paths that may be completed. Optional.
	Packages func() []string
	// NoChecks omits interrupt checks.
	NoChecks bool
	// Fast adds what the fast mode of package build needs to every cell.
	Fast bool
	// AutoNames maps a name that can be used without its package to the package
	// that declares it: Display, as in gophernotes. Optional.
	AutoNames map[string]string
	// AutoImports maps a package name to the import path that is added automatically
	// when a cell uses the name and nothing else defines it. See StdImports.
	AutoImports map[string]string
}

// A Session knows the declarations of a notebook. Prepare, Commit, Reset, Names
// and DefineVar must not be called concurrently; Complete and Inspect may be
// called at any time.
type Session struct {
	cfg Config

	mu      sync.Mutex
	fset    *token.FileSet
	imp     types.Importer
	pkg     *types.Package // the identity of package nb; its scope is replaced before each check
	state   *state
	objs    map[types.Object]*symbol // all versions ever committed
	used    map[string]int           // link names in use, for good: name -> number of versions
	locals  map[token.Pos]string     // names given to function-local types
	aliases map[string]string
	units   map[int]int      // how often a cell number was prepared
	lines   map[int][]string // source lines of the cells, for diagnostics
	docs    docCache
}

// New makes the Session of an empty notebook.
func New(cfg Config) *Session {
	s := &Session{
		cfg:     cfg,
		fset:    token.NewFileSet(),
		pkg:     types.NewPackage(pkgPath, "main"),
		state:   newState(),
		objs:    map[types.Object]*symbol{},
		used:    map[string]int{},
		locals:  map[token.Pos]string{},
		aliases: map[string]string{},
		units:   map[int]int{},
		lines:   map[int][]string{},
	}
	s.newImporter()
	return s
}

func (s *Session) newImporter() {
	s.imp = importer.ForCompiler(s.fset, "gc", func(path string) (io.ReadCloser, error) { return s.cfg.Importer(path) })
}

// current returns the current path of a package.
func (s *Session) current(path string) string {
	if s.cfg.Current == nil {
		return path
	}
	return s.cfg.Current(path)
}

// A Unit is a prepared cell: the files to compile, and the changes that Commit applies.
type Unit struct {
	// N is the number of the cell, as in In[N].
	N int
	// Entry is the symbol of the function that runs the cell: PluginPath + ".main".
	Entry string
	// PluginPath is unique for each Unit of a Session.
	PluginPath string
	// Files maps the names of the Go files of package main to their content. They
	// are compiled with the import path "nb".
	Files map[string]string
	// Imports lists the import paths that Files use, sorted, including the runtime.
	Imports []string
	// Imported lists the import paths of the cell's own import declarations. They are
	// part of the session from now on, even if no code uses them yet.
	Imported []string
	// Embeds are the patterns of the cell's go:embed directives and their files.
	Embeds map[string][]string
	// Empty is set if there is nothing to compile: only comments or imports.
	// Commit the unit all the same.
	Empty bool
	// Warnings describe what the cell changed for older code.
	Warnings []string
	// AutoImported lists the paths added by Config.AutoImports.
	AutoImported []string

	next   *state
	objs   map[types.Object]*symbol
	pinned []*symbol
}

// A Name is a name that the notebook defines.
type Name struct {
	Name string
	Kind string // "var", "func", "type", "const" or "import"
	Type string // type text; of an import its path
	Cell int    // where it was defined; 0 for imports
}

// Commit adds the declarations of u to the notebook. Call it when the unit has
// been built, linked and loaded, before it runs: from then on its variables
// exist, even if the cell panics.
func (s *Session) Commit(u *Unit) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if u.next == nil {
		return
	}
	s.state = u.next
	maps.Copy(s.objs, u.objs)
	for _, sym := range u.pinned {
		sym.pinned = true
	}
}

// Reset handles the death of the session process. Variables are forgotten, and so
// are the functions and types that use them. Imports and other functions, types
// and constants stay, because they are only text. It returns what was lost.
func (s *Session) Reset() []Name {
	s.mu.Lock()
	defer s.mu.Unlock()
	next := s.state.clone()
	lost := map[*symbol]bool{}
	for name, sym := range s.state.scope {
		if sym.dependsOnVar() {
			lost[sym] = true
			delete(next.scope, name)
		}
	}
	next.vars, next.slots = map[string]*decl{}, map[string][]*symbol{}
	s.state = next
	return s.names(func(sym *symbol) bool { return lost[sym] }, lost)
}

// Restart forgets everything (%reset), including what is known about packages:
// the next process may load other versions of them.
func (s *Session) Restart() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.state, s.objs = newState(), map[types.Object]*symbol{}
	s.newImporter()
}

// Names lists what the notebook defines, sorted by name: variables, functions,
// types, constants and imports.
func (s *Session) Names() []Name {
	s.mu.Lock()
	defer s.mu.Unlock()
	out := s.names(nil, nil)
	for name, imp := range s.state.imports {
		out = append(out, Name{Name: name, Kind: "import", Type: imp.path})
	}
	slices.SortFunc(out, byName)
	return out
}

func byName(a, b Name) int { return strings.Compare(a.Name, b.Name) }

// names lists the symbols that satisfy keep, of the scope or, if only is not nil, of only.
func (s *Session) names(keep func(*symbol) bool, only map[*symbol]bool) []Name {
	var out []Name
	add := func(sym *symbol) {
		if keep == nil || keep(sym) {
			out = append(out, Name{Name: sym.name, Kind: sym.decl.kind.String(), Type: typeString(sym.obj.Type()), Cell: sym.decl.cell})
		}
	}
	if only != nil {
		for sym := range only {
			add(sym)
		}
	} else {
		for _, sym := range s.state.scope {
			add(sym)
		}
	}
	slices.SortFunc(out, byName)
	return out
}

// typeString returns a type as the user would write it.
func typeString(t types.Type) string {
	if t == nil {
		return ""
	}
	return Clean(types.TypeString(t, func(p *types.Package) string {
		if p.Path() == pkgPath {
			return ""
		}
		return p.Name()
	}))
}

var sizes = types.SizesFor("gc", runtime.GOARCH)
