package cell

import (
	"go/constant"
	"go/token"
	"go/types"
	"slices"
	"strconv"
	"strings"

	"github.com/gopherpod/gopherpod/tensors/wording"
)

// StdImports maps package names to import paths: the standard library and
// gonum's common packages. It leaves out names that belong to more than one package. It
// is meant for Config.AutoImports.
func StdImports() map[string]string {
	out := map[string]string{}
	for _, path := range strings.Fields(stdPaths) {
		out[path[strings.LastIndexByte(path, '/')+1:]] = path
	}
	return out
}

// rand and template are left out: each is the name of two packages.
const stdPaths = `bufio bytes cmp compress/gzip container/heap container/list container/ring context crypto/md5 crypto/sha1
crypto/sha256 crypto/sha512 database/sql embed encoding/base64 encoding/binary encoding/csv encoding/gob encoding/hex
encoding/json encoding/xml errors expvar flag fmt hash/crc32 hash/fnv html image image/color image/draw image/gif
image/jpeg image/png io io/fs iter log log/slog maps math math/big math/bits math/cmplx mime net net/http net/url os
os/exec os/signal path path/filepath reflect regexp runtime runtime/debug slices sort strconv strings sync sync/atomic
syscall testing text/tabwriter time unicode unicode/utf16 unicode/utf8 unique unsafe
gonum.org/v1/gonum/mat gonum.org/v1/gonum/stat gonum.org/v1/gonum/floats gonum.org/v1/gonum/optimize`

// autoImport adds imports for undefined names. It reports whether it added one,
// so that the caller checks again.
func (p *plan) autoImport(errs Errors) bool {
	again := false
	for _, e := range errs {
		name, ok := strings.CutPrefix(e.Msg, "undefined: ")
		if !ok || p.autos[name] != "" {
			continue
		}
		if path := p.s.cfg.AutoNames[name]; path != "" {
			p.autos[name] = path
			again = true
			continue
		}
		path := p.s.cfg.AutoImports[name]
		if member := p.selected(e, name); path == "" && member != "" {
			path = p.s.packageNamed(name, member)
		}
		if path == "" {
			continue
		}
		if _, err := p.s.imp.Import(path); err == nil {
			p.autos[name] = path
			again = true
		}
	}
	return again
}

// selected returns the exported name selected from the undefined name, as in
// undefined.Name, or "" if there is none.
func (p *plan) selected(e Diagnostic, name string) string {
	lines := p.s.lines[e.Cell]
	if e.Line < 1 || e.Line > len(lines) || e.Col < 1 || e.Col-1+len(name) > len(lines[e.Line-1]) {
		return ""
	}
	rest, ok := strings.CutPrefix(lines[e.Line-1][e.Col-1+len(name):], ".")
	if !ok || !token.IsExported(rest) {
		return ""
	}
	if end := strings.IndexFunc(rest, func(r rune) bool { return !isWord(r) }); end >= 0 {
		rest = rest[:end]
	}
	return rest
}

// applyAutos applies the imports that autoImport found.
func (p *plan) applyAutos() {
	for _, name := range sortedKeys(p.autos) {
		path := p.autos[name]
		if path != p.s.cfg.AutoNames[name] {
			p.addImport(name, path)
		} else if !slices.Contains(p.next.dots, path) {
			p.next.dots = append(slices.Clone(p.next.dots), path)
		}
	}
}

func (p *plan) autoPaths() []string {
	var out []string
	for _, name := range sortedKeys(p.autos) {
		out = append(out, p.autos[name])
	}
	return out
}

// hints adds the next step to common errors.
func (p *plan) hints(errs Errors) Errors {
	for i, e := range errs {
		if e.Hint != "" {
			continue
		}
		if name, ok := strings.CutPrefix(e.Msg, "undefined: "); ok {
			errs[i].Hint = p.undefinedHint(name)
		} else {
			errs[i].Hint = p.versionHint(e.Msg)
		}
	}
	return errs
}

// ambiguousHint returns a hint for a name that belongs to more than one package.
func ambiguousHint(name string) string {
	switch name {
	case "rand":
		return `import "math/rand/v2" or "crypto/rand"`
	case "template":
		return `import "text/template" or "html/template"`
	case "plot":
		return `import "gonum.org/v1/plot"`
	}
	return ""
}

func (p *plan) undefinedHint(name string) string {
	if hint := ambiguousHint(name); hint != "" {
		return hint
	}
	if path := p.s.cfg.AutoImports[name]; path != "" {
		return "import " + strconv.Quote(path)
	}
	if paths := p.s.packagesNamed(name); len(paths) > 0 {
		for i, path := range paths {
			paths[i] = strconv.Quote(path)
		}
		return "import " + strings.Join(paths, " or ")
	}
	var known []string
	for n := range p.next.scope {
		known = append(known, n)
	}
	for n := range p.next.imports {
		known = append(known, n)
	}
	for n := range p.s.cfg.AutoImports {
		known = append(known, n)
	}
	if near := wording.Nearest(name, known); near != "" {
		return "did you mean " + near + "?"
	}
	return ""
}

// packageNamed returns the import path of the known package with that name and
// member, or "" if there is none or more than one.
func (s *Session) packageNamed(name, member string) string {
	found := slices.DeleteFunc(s.packagesNamed(name), func(path string) bool {
		pkg, err := s.imp.Import(path)
		return err != nil || pkg.Scope().Lookup(member) == nil
	})
	if len(found) == 1 {
		return found[0]
	}
	return ""
}

// packagesNamed returns the importable paths whose last element is the name. If
// the last element is a version, the element before it counts.
func (s *Session) packagesNamed(name string) (found []string) {
	if s.cfg.Packages == nil {
		return nil
	}
	for _, path := range s.cfg.Packages() {
		last := path[strings.LastIndexByte(path, '/')+1:]
		if rest, ok := strings.CutSuffix(path, "/"+last); ok && len(last) > 1 && last[0] == 'v' && strings.Trim(last[1:], "0123456789") == "" {
			last = rest[strings.LastIndexByte(rest, '/')+1:]
		}
		if last != name || strings.Contains("/"+path+"/", "/internal/") || s.current(path) != path {
			continue
		}
		if pkg, err := s.imp.Import(path); err == nil && pkg.Name() == name {
			found = append(found, path)
		}
	}
	return found
}

// versionHint explains an error about a type that was redefined: values made
// before the redefinition keep the earlier type.
func (p *plan) versionHint(msg string) string {
	for _, name := range sortedKeys(p.next.scope) {
		sym := p.next.scope[name]
		if sym.decl.kind != typeKind || !mentions(msg, name) || p.s.used[sym.link] < 1 || !strings.Contains(msg, "cannot use") {
			continue
		}
		if p.s.used[name] > 0 && sym.link != name {
			return name + " was defined again in In[" + strconv.Itoa(sym.decl.cell) + "]; values made before have the earlier type: run their cells again"
		}
	}
	return ""
}

// mentions reports whether msg has name as a word.
func mentions(msg, name string) bool {
	for _, w := range strings.FieldsFunc(msg, func(r rune) bool { return !isWord(r) }) {
		if w == name {
			return true
		}
	}
	return false
}

// representable reports whether an integer constant fits a type.
func representable(v constant.Value, t *types.Basic) bool {
	i := constant.ToInt(v)
	if i.Kind() != constant.Int {
		return true
	}
	if t.Info()&types.IsUnsigned != 0 {
		_, exact := constant.Uint64Val(i)
		return exact
	}
	n, exact := constant.Int64Val(i)
	return exact && (t.Kind() != types.Int32 || n == int64(int32(n)))
}
