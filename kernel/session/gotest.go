package session

import (
	"cmp"
	"errors"
	"fmt"
	"go/ast"
	"go/doc"
	"go/parser"
	"go/token"
	"maps"
	"regexp"
	"slices"
	"strings"

	"github.com/gopherpod/gopherpod/kernel"
	"github.com/gopherpod/gopherpod/kernel/cell"
)

const testHelp = `%test [-run Regexp] [-skip Regexp] [-v] [-short] [-count n] [-failfast] runs the functions TestXxx, ExampleXxx and the seeds of
FuzzXxx that the notebook has, as go test does; %%test runs those of its cell. What fails makes the cell fail.
They run in the session: they see its variables, and a panic fails its test.`

const benchHelp = `%bench [-bench Regexp] [-benchmem] [-benchtime 1s|100x] [-count n] runs the functions BenchmarkXxx that the notebook has, as
go test -bench does; %%bench runs those of its cell.`

// testOptions are the options of go test that make sense in a session. Those that
// are true take no value.
var testOptions = map[string]bool{"run": false, "skip": false, "v": true, "short": true, "count": false, "failfast": true, "parallel": false,
	"bench": false, "benchmem": true, "benchtime": false, "shuffle": false}

func (s *Session) testMagic(x *execution, seg segment) error  { return s.goTest(x, seg, false) }
func (s *Session) benchMagic(x *execution, seg segment) error { return s.goTest(x, seg, true) }

// testArgs reads the options of %test and %bench.
func testArgs(line string, bench bool) (map[string]string, error) {
	// Set the defaults, because the flags of package testing keep earlier values.
	opts := map[string]string{"run": "", "skip": "", "v": "false", "short": "false", "count": "1", "failfast": "false", "bench": "", "benchmem": "false",
		"benchtime": "1s", "shuffle": "off"}
	if bench {
		opts["run"], opts["bench"] = "^$", "."
	}
	words := strings.Fields(line)
	for i := 0; i < len(words); i++ {
		name, value, has := strings.Cut(strings.TrimLeft(words[i], "-"), "=")
		alone, ok := testOptions[name]
		if !ok && bench && !strings.HasPrefix(words[i], "-") {
			opts["bench"] = words[i]
			continue
		}
		if !ok || !strings.HasPrefix(words[i], "-") {
			return nil, usage("unknown option %s; there are -%s", words[i], strings.Join(optionNames(), ", -"))
		}
		if !has {
			value = "true"
			if !alone {
				if i++; i == len(words) {
					return nil, usage("-%s needs a value", name)
				}
				value = words[i]
			}
		}
		opts[name] = strings.Trim(value, `"'`)
	}
	return opts, nil
}

func optionNames() (names []string) {
	for n := range testOptions {
		names = append(names, n)
	}
	slices.Sort(names)
	return names
}

var testFunc = regexp.MustCompile(`(?m)^func[ \t]+((?:Test|Benchmark|Fuzz|Example)[\pL\pN_]*)\(`)

// goTest runs the tests or benchmarks of the notebook in its session.
func (s *Session) goTest(x *execution, seg segment, bench bool) error {
	opts, err := testArgs(seg.args, bench)
	if err != nil {
		return err
	}
	only := map[string]bool{}
	if seg.kind == cellMagic {
		for _, m := range testFunc.FindAllStringSubmatch(seg.body, -1) {
			only[m[1]] = true
		}
		if len(only) == 0 {
			return usage("the cell has no function TestXxx, ExampleXxx, FuzzXxx or BenchmarkXxx")
		}
		if err := s.goSegment(x, "\n"+seg.body); err != nil {
			return err
		}
	}
	code, n := s.testCode(opts, only)
	if n == 0 {
		return usage("there is no function of a test or a benchmark: func TestXxx(t *testing.T), func BenchmarkXxx(b *testing.B)")
	}
	imports := map[string]string{"nb_testing": "testing", "nb_flag": "flag", "nb_deps": "testing/internal/testdeps", "nb_fmt": "fmt", "nb_rt": runtimePath}
	_, err = s.runUnit(x, func() (*cell.Unit, error) { return s.book.PrepareCall(x.ctx, x.progress, x.cell.Count, code, imports) })
	if ee, ok := errors.AsType[*kernel.EvalError](err); ok && ee.Value == "panic: "+testsFailed {
		return evalError("TestFailure", testsFailed)
	}
	return err
}

const testsFailed = "tests failed"

// testCode returns the Go code that runs the tests, and how many there are. It does
// what the main function that go test generates does, except that a panic fails its
// test instead of crashing the process.
func (s *Session) testCode(opts map[string]string, only map[string]bool) (code string, n int) {
	lists := map[string][]string{}
	names := s.book.Names()
	slices.SortStableFunc(names, func(a, b cell.Name) int { return cmp.Compare(a.Cell, b.Cell) })
	for _, f := range names {
		if f.Kind != "func" || len(only) > 0 && !only[f.Name] {
			continue
		}
		for kind, prefix := range map[string]string{"T": "Test", "B": "Benchmark", "F": "Fuzz"} {
			if strings.HasPrefix(f.Name, prefix) && strings.Contains(f.Type, "*testing."+kind) {
				lists[prefix] = append(lists[prefix], fmt.Sprintf(
					"{%q, func(t *nb_testing.%s) { over := false; defer func() { if r := recover(); r != nil { t.Fatalf(\"panic: %%v\", r) }; "+
						"if !over && !t.Failed() && !t.Skipped() { t.Fatalf(\"os.Exit or log.Fatal was called\") } }(); %s(t); over = true }},", f.Name, kind, f.Name))
				n++
			}
		}
		if strings.HasPrefix(f.Name, "Example") && f.Type == "func()" {
			if ex := s.example(f); ex != nil && (ex.Output != "" || ex.EmptyOutput) {
				lists["Example"] = append(lists["Example"], fmt.Sprintf("{%q, %s, %q, %v},", f.Name, f.Name, ex.Output, ex.Unordered))
				n++
			}
		}
	}
	var b strings.Builder
	b.WriteString("func() {\nnb_rt.Testing()\nnb_testing.Init()\n")
	for _, name := range slices.Sorted(maps.Keys(opts)) {
		fmt.Fprintf(&b, "if err := nb_flag.Set(\"test.%s\", %q); err != nil { nb_fmt.Println(\"-%[1]s:\", err); return }\n", name, opts[name])
	}
	b.WriteString("nb_flag.CommandLine.Parse(nil)\nif nb_testing.MainStart(nb_deps.TestDeps{}, ")
	for _, l := range []struct{ prefix, typ string }{{"Test", "InternalTest"}, {"Benchmark", "InternalBenchmark"}, {"Fuzz", "InternalFuzzTarget"}, {"Example", "InternalExample"}} {
		fmt.Fprintf(&b, "[]nb_testing.%s{%s}, ", l.typ, strings.Join(lists[l.prefix], ""))
	}
	fmt.Fprintf(&b, ").Run() != 0 { panic(%q) }\n}()\n", testsFailed)
	return strings.Replace(b.String(), ", ).Run", ").Run", 1), n
}

// example reads the expected output of an example from the source of its cell.
func (s *Session) example(f cell.Name) *doc.Example {
	src := s.sources.text(f.Cell)
	i := strings.Index(src, "func "+f.Name+"(")
	if i < 0 {
		return nil
	}
	fset := token.NewFileSet()
	file, _ := parser.ParseFile(fset, "example_test.go", "package p\n"+src[i:], parser.ParseComments|parser.SkipObjectResolution)
	if file == nil {
		return nil
	}
	file.Decls = slices.DeleteFunc(file.Decls, func(d ast.Decl) bool { _, ok := d.(*ast.FuncDecl); return !ok })
	for _, e := range doc.Examples(file) {
		if "Example"+e.Name == f.Name {
			return e
		}
	}
	return nil
}
