package cgo

import (
	"bytes"
	"context"
	"fmt"
	"go/ast"
	"go/parser"
	"go/printer"
	"go/token"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// A Compiler runs "go list -compiled" in a folder with one package and returns the files
// that would be compiled or, if it fails, what it printed.
type Compiler func(ctx context.Context, dir string) (files []string, output string, err error)

// A known holds what cmd/cgo says about C's names.
type known struct {
	types  map[string]string // name -> its Go text, as it follows "type name "
	order  []string          // of types
	funcs  map[string]*ast.FuncType
	twos   map[string]*ast.FuncType // with errno
	consts map[string]string
	vars   map[string]string // name -> type of the pointer to it
	ptrs   map[string]bool   // functions as values
	macros map[string]*ast.FuncType
	// version distinguishes the structs of different C code, whose layouts may differ: a
	// function of an earlier cell keeps its own.
	version int
}

const (
	ctype     = "_Ctype_"
	probeFile = "c.go"
)

// header precedes the C code in its file. Hidden visibility keeps the definitions from
// other libraries of the process: the code of an edited cell is another version with
// the same names.
const header = "package c\n\n/*\n#cgo CFLAGS: -fvisibility=hidden\n"

// file returns a Go file with the C code and a function that has a line for each name of
// the cell; lines maps line numbers to names.
func file(preamble string, uses []use, line func(use) string) (text string, lines map[int]use) {
	var b strings.Builder
	b.WriteString(header + preamble + "*/\nimport \"C\"\n\nfunc _() {\n")
	lines = map[int]use{}
	seen := map[string]bool{}
	for _, u := range uses {
		if l := line(u); !seen[l] {
			seen[l] = true
			lines[strings.Count(b.String(), "\n")+1] = u
			b.WriteString("\t" + l + "\n")
		}
	}
	b.WriteString("}\n")
	return b.String(), lines
}

// named returns code that uses a name as the cell does; args are the arguments of a call.
func named(u use, args string) string {
	switch {
	case u.two:
		return fmt.Sprintf("if a, b := C.%s(%s); true { _, _ = a, b }", u.name, args)
	case u.call:
		return fmt.Sprintf("C.%s(%s)", u.name, args)
	}
	return "_ = C." + u.name
}

// probe asks cmd/cgo what names are. It leaves out guesses that do not exist.
func probe(ctx context.Context, run Compiler, dir, module string, s *source, uses []use) (*known, []use, error) {
	if strings.Contains(s.preamble, "*/") {
		return nil, nil, &Error{Line: s.line, Col: 1, Msg: "the C code contains */, which ends its comment", Hint: "write comments in the C code with //"}
	}
	for {
		text, lines := file(s.preamble, uses, func(u use) string { return named(u, "") })
		if err := write(dir, map[string]string{"go.mod": "module " + module + "\n\ngo 1.26\n", probeFile: text}); err != nil {
			return nil, nil, err
		}
		files, output, err := run(ctx, dir)
		if err != nil {
			fewer := without(uses, output, lines)
			if len(fewer) == len(uses) || ctx.Err() != nil {
				return nil, nil, s.located(output, lines, err)
			}
			uses = fewer
			continue
		}
		for _, f := range files { // the files have other names in the go command's cache
			b, err := os.ReadFile(f)
			if err != nil {
				return nil, nil, fmt.Errorf("cgo: %w", err)
			}
			if bytes.Contains(b, []byte("func _Cgo_ptr(")) {
				k, err := read(f, b)
				return k, uses, err
			}
		}
		return nil, nil, fmt.Errorf("cgo: the go command wrote no types for the C code")
	}
}

// without leaves out the guesses that the output complains about.
func without(uses []use, output string, lines map[int]use) []use {
	bad := map[string]bool{}
	for _, m := range place.FindAllStringSubmatch(output, -1) {
		line, _ := strconv.Atoi(m[1])
		if u, ok := lines[line]; ok && u.guess {
			bad[u.name] = true
		}
	}
	return slices.DeleteFunc(slices.Clone(uses), func(u use) bool { return u.guess && bad[u.name] })
}

var word = regexp.MustCompile(`[A-Za-z_]\w*|\S`)

var noCode = regexp.MustCompile(`(?s)//[^\n]*|/\*.*?\*/|"(?:\\.|[^"\\])*"|'(?:\\.|[^'\\])*'|(?m:^[ \t]*#(?:[^\n]*\\\n)*[^\n]*)`)

// defined returns the functions and variables that C code seems to define, for later cells:
// they exist in the package made of this code and in no other.
func defined(code string) (uses []use) {
	var statement []string
	depth := 0
	add := func(name string, call bool) { uses = append(uses, use{name: name, call: call, guess: true}) }
	for _, w := range word.FindAllString(noCode.ReplaceAllString(code, " "), -1) {
		if depth == 0 {
			n := len(statement)
			identifier := n > 1 && isWord(statement[n-1]) && (isWord(statement[n-2]) || statement[n-2] == "*") && statement[0] != "typedef"
			switch {
			case w == "(" && identifier && !slices.Contains(statement, "(") && !slices.Contains(statement, "="):
				add(statement[n-1], true)
			case (w == "=" || w == ";" || w == "[") && identifier && !slices.Contains(statement, "(") && !slices.Contains(statement, "=") &&
				statement[0] != "static" && statement[0] != "extern" && statement[n-2] != "struct" && statement[n-2] != "union" && statement[n-2] != "enum":
				add(statement[n-1], false)
			}
			statement = append(statement, w)
		}
		switch w {
		case "{":
			depth++
		case "}":
			if depth--; depth <= 0 {
				depth = 0
				if slices.Contains(statement, "(") { // a function's body
					statement = nil
				}
			}
		case ";":
			if depth == 0 {
				statement = nil
			}
		}
	}
	return uses
}

func isWord(s string) bool {
	return s[0] == '_' || s[0] >= 'A' && s[0] <= 'Z' || s[0] >= 'a' && s[0] <= 'z'
}

func write(dir string, files map[string]string) error {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return fmt.Errorf("cgo: %w", err)
	}
	for name, text := range files {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			return fmt.Errorf("cgo: %w", err)
		}
	}
	return nil
}

var place = regexp.MustCompile(regexp.QuoteMeta(probeFile) + `:(\d+):(\d+): (.*)`)

// located returns the first error of the C compiler or of cmd/cgo, at its position in the cell.
func (s *source) located(output string, lines map[int]use, err error) error {
	first, hint := "", ""
	for _, l := range strings.Split(output, "\n") {
		if m := place.FindStringSubmatch(l); m != nil {
			line, _ := strconv.Atoi(m[1])
			col, _ := strconv.Atoi(m[2])
			msg := strings.TrimPrefix(strings.TrimPrefix(m[3], "fatal "), "error: ")
			if strings.HasPrefix(msg, "warning: ") || strings.HasPrefix(msg, "note: ") {
				continue
			}
			if u, ok := lines[line]; ok {
				return &Error{Line: u.line, Col: u.col, Msg: msg}
			}
			if n := line - strings.Count(header, "\n") - 1; n >= 0 && n <= strings.Count(s.preamble, "\n") {
				return &Error{Line: s.line + n, Col: max(col, 1), Msg: "C: " + msg}
			}
			first = msg
		} else if l = strings.TrimSpace(l); first == "" && l != "" && !strings.HasPrefix(l, "#") {
			first = strings.TrimPrefix(l, "cgo: ")
		}
	}
	if strings.Contains(first, "C compiler") {
		hint = "install one (Debian: apt-get install gcc), then restart the kernel"
	}
	if first == "" {
		first = err.Error()
	}
	line, col := position(s.text, s.from)
	return &Error{Line: line, Col: col, Msg: first, Hint: hint}
}

func position(text string, at int) (line, col int) {
	return strings.Count(text[:at], "\n") + 1, at - strings.LastIndexByte(text[:at], '\n')
}

// read reads the file in which cmd/cgo declares C's names in Go.
func read(path string, text []byte) (*known, error) {
	fset := token.NewFileSet()
	f, err := parser.ParseFile(fset, path, text, parser.SkipObjectResolution)
	if err != nil {
		return nil, fmt.Errorf("cgo: %w", err)
	}
	k := &known{types: map[string]string{}, funcs: map[string]*ast.FuncType{}, twos: map[string]*ast.FuncType{}, consts: map[string]string{}, vars: map[string]string{}, ptrs: map[string]bool{}, macros: map[string]*ast.FuncType{}}
	for _, d := range f.Decls {
		switch d := d.(type) {
		case *ast.FuncDecl:
			if name, ok := strings.CutPrefix(d.Name.Name, "_Cfunc_"); ok {
				k.funcs[name] = d.Type
			} else if name, ok := strings.CutPrefix(d.Name.Name, "_C2func_"); ok {
				k.twos[name] = d.Type
			} else if name, ok := strings.CutPrefix(d.Name.Name, "_Cmacro_"); ok {
				k.macros[name] = d.Type
			}
		case *ast.GenDecl:
			for _, spec := range d.Specs {
				k.spec(fset, spec)
			}
		}
	}
	if t := k.funcs["_CMalloc"]; t != nil {
		k.funcs["malloc"] = t
	}
	return k, nil
}

func (k *known) spec(fset *token.FileSet, spec ast.Spec) {
	switch spec := spec.(type) {
	case *ast.TypeSpec:
		if name, ok := strings.CutPrefix(spec.Name.Name, ctype); ok {
			alias := ""
			if spec.Assign.IsValid() {
				alias = "= "
			}
			k.types[name] = alias + printed(fset, spec.Type)
			k.order = append(k.order, name)
		}
	case *ast.ValueSpec:
		name := spec.Names[0].Name
		for _, p := range []string{"_Ciconst_", "_Cfconst_", "_Csconst_"} {
			if c, ok := strings.CutPrefix(name, p); ok && len(spec.Values) == 1 {
				k.consts[c] = printed(fset, spec.Values[0])
			}
		}
		if v, ok := strings.CutPrefix(name, "_Cvar_"); ok {
			k.vars[v] = printed(fset, spec.Type)
		}
		if v, ok := strings.CutPrefix(name, "_Cfpvar_fp_"); ok {
			k.ptrs[v] = true
		}
	}
}

func printed(fset *token.FileSet, n ast.Node) string {
	var b bytes.Buffer
	_ = printer.Fprint(&b, fset, n) // writing to memory does not fail
	return b.String()
}

// reached lists the types that the texts name and, recursively, the types that these name,
// sorted.
func (k *known) reached(texts ...string) (names []string) {
	todo := map[string]bool{}
	var visit func(text string)
	visit = func(text string) {
		for _, m := range typeName.FindAllStringSubmatch(text, -1) {
			if _, there := k.types[m[1]]; there && !todo[m[1]] {
				todo[m[1]] = true
				visit(k.types[m[1]])
			}
		}
	}
	for _, t := range texts {
		visit(t)
	}
	for _, n := range k.order {
		if todo[n] {
			names = append(names, n)
		}
	}
	slices.Sort(names)
	return names
}

var typeName = regexp.MustCompile(`\b` + ctype + `(\w+)`)
