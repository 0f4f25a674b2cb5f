package main

import (
	"flag"
	"fmt"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
)

const module = "github.com/gopherpod/gopherpod/"

// update writes generated pages instead of comparing them: go generate .
var update = flag.Bool("update", false, "write the generated pages")

// rules says which of our packages a package may import, and what the package is: the
// direction in which knowledge flows. In the manner of Go's own go/build/deps_test.go,
// a package comes after those it imports, so there are no cycles, and nobody has to
// search for the arrow that points the wrong way. A line is
//
//	package < what it imports # its one idea
//
// The test fails if an import is missing here, and if a line permits one that nobody
// uses. Test files may import more. ARCHITECTURE.md's table is generated from it: after
// a change, run go generate . and commit both.
const rules = `
# What lies below everything: these know nothing of ours.
tensors/wording < # what messages say in words: the nearest known word, sizes in bytes, lists of names
tensors/pause < # waits, unless the context ends
tensors/environ < # variables in files of NAME=value lines, and which names are those of secrets
tensors/bigjson < # JSON with large strings at memory speed
tensors/printable < # text of any origin, fit for a terminal and a page
tensors/python < # which Python of this machine runs our worker and checks a body
tensors/sqlfile < # what a SQLite file needs on the disk; gives free pages back
tensors/scratch < # private folders that go with their process, on a disk where programs can be made
tensors/memory < # how much memory is free, for decoders that refuse before they allocate
tensors < # Go arrays on the wire

# The contract between client and worker, and the worker.
worker/contract < # hyperparameters, words, operations and limits as tables, which Go and Python read
worker < tensors, tensors/bigjson, tensors/printable, tensors/wording, worker/contract # operations, models, events, results, errors
worker/contract/generate < worker/contract # the command that writes what is made from the tables
worker/address < tensors/pause # what a worker may read from and write to on the network: its operator's rules
worker/engine/sgemm < # matrix products in float32, with the same bits on any number of cores
worker/engine < tensors, tensors/memory, worker, worker/address, worker/contract, worker/engine/sgemm # trains on the CPU, in Go
worker/policy < # what RunPod allows in a job's policy
worker/local < tensors/scratch, tensors, worker, worker/engine, worker/policy # RunPod's API on this machine: client plane, worker plane, management
worker/local/pytorch < tensors/environ, tensors/printable, tensors/python, worker, worker/contract, worker/local # jobs that need PyTorch, each in a process of its own
worker/local/embedded < tensors/environ, worker/engine, worker/local, worker/local/pytorch # a notebook's endpoint, in a process of its own
worker/local/serve < worker/address, worker/engine, worker/local # the command gopherpod local

# The client of RunPod.
runpod/settings < tensors/environ # what the user has set: environment, .env, keyring, config.toml; whose address may have whose key
runpod/settings/keyring < runpod/settings # the system's keyring, for the environment of the kernel process and the command line
runpod < runpod/settings, tensors/bigjson, tensors/pause, tensors/printable, worker/policy # client of the job API and the management API
runpod/shape < # judges requests and answers of the management API by RunPod's own schema, in tests
runpod/runpodtest < runpod, runpod/shape # a server that expects the requests that a test lists
runpod/store < tensors, tensors/wording # data by digest, in a folder; sending, fetching, pruning
runpod/store/s3 < runpod, runpod/settings, runpod/store, tensors/pause # the same in S3 and in RunPod's network volumes
runpod/store/storetest < runpod/store, tensors # what every store must do
runpod/deploy < runpod, runpod/settings, runpod/store, runpod/store/s3, tensors/pause, tensors/wording # the endpoint that runs the worker, made and found again; looking after endpoints
runpod/dataset < runpod/settings, tensors, tensors/memory, tensors/wording # CSV, .npy, .npz and structs of slices as named columns
runpod/dataset/parquet < runpod/dataset, tensors, tensors/memory # Parquet, read in a process of its own for a session
runpod/export/gocode < # the functions that an exported Go file consists of
runpod/export < tensors, worker # a trained model for others: .pt, ONNX, Go source; writes, never reads
runpod/runs < runpod/settings, tensors/scratch # the run store: what was trained, at what price, with what result
runpod/runs/sqlite < runpod/runs, runpod/settings, tensors/sqlfile # the run store's file
runpod/place < runpod, runpod/runs, runpod/settings, runpod/store, runpod/store/s3, worker # which endpoint, store, price and key apply
runpod/budget < runpod, runpod/place, runpod/runs, runpod/settings # refuses what would cost more than the user allows, and records what jobs cost
runpod/transfer < runpod, runpod/budget, runpod/place, runpod/store, tensors, tensors/bigjson, tensors/wording, worker # a request's arrays to where the workers read them, large results back; what is retried
runpod/train < runpod, runpod/budget, runpod/export, runpod/place, runpod/runs, runpod/store, runpod/transfer, tensors, tensors/pause, tensors/printable, tensors/python, tensors/wording, worker, worker/contract # train, evaluate, predict as typed calls; data of any size
runpod/track < runpod/settings, runpod/train, worker, worker/contract # an observer of a training that logs it to MLflow, TensorBoard and W&B (offline runs)
runpod/train/traintest < runpod, tensors, worker, worker/local # endpoints and data for tests of trainings
runpod/sweep < runpod, runpod/budget, runpod/place, runpod/train, tensors, worker, worker/contract # the search for hyperparameters
runpod/warm < runpod, runpod/budget, runpod/place, runpod/runs, tensors/pause, worker # keeps a worker up for a while, and leaves nothing behind

# The kernel, which knows nothing of RunPod: other magics could stand in for ours.
kernel/display < # rich output from a cell
kernel/wire < # Jupyter messages as bytes: frames, signatures
kernel/zmtp < # sockets that outlive their clients, on zmq4's connections
kernel/history < tensors/sqlfile, tensors/wording # cells across sessions, in SQLite
kernel < kernel/display, kernel/history, kernel/wire, kernel/zmtp # the Jupyter server; evaluator.go is the contract with what runs cells
kernel/kerneltest < kernel, kernel/wire, kernel/zmtp # an in-process client and a fake evaluator; the official suite; real front ends
kernel/magic < kernel/display # what a magic is: as net/http's Handler
kernel/cell < tensors/wording # a cell's source to Go files to compile; completion, inspection
kernel/cell/celltest < # Go programs of others as cells, for tests
kernel/cgo < # C code of a cell to a package of its own, and Go declarations instead of C's names
kernel/build < tensors/scratch # files to a shared object: fast mode and classic mode; the host
kernel/session/frame < kernel/display # what the kernel process and the session process say to each other
kernel/session/reap < # ends what cells have started, with the session
kernel/session/rt/lm < # goroutine labels and link names
kernel/session/rt < kernel/session/rt/lm # what generated cells call
kernel/session/host < kernel/display, kernel/magic, kernel/session/frame, kernel/session/reap, kernel/session/rt # the session process: its loop
kernel/session/plain < kernel/session/host # a session program without our magics
kernel/session/internal/testmagics < kernel/display, kernel/magic, kernel/session/host # a session program with magics for tests
kernel/session/notebook < kernel/build, kernel/cell, kernel/cgo, tensors/scratch # cells, modules, C code and libraries of a notebook
kernel/session/supervisor < kernel/session/frame, kernel/session/reap # the session's process: its start, environment, streams and end
kernel/session < kernel, kernel/build, kernel/cell, kernel/cgo, kernel/display, kernel/magic, kernel/session/frame, kernel/session/notebook, kernel/session/reap, kernel/session/supervisor, tensors/wording # the evaluator over notebook and supervisor
kernel/spec < # the kernelspec
kernel/setup < kernel, kernel/build, kernel/spec, tensors/python, tensors/scratch # install, doctor, a kernel whose host is missing
kernel/secrets < tensors/environ # keeps keys out of what is published
kernel/check < kernel/secrets # looks through a notebook before it is shared

# Magics and the command line: what people type.
magics/render < kernel/display, tensors/printable, worker, worker/contract # outputs for every viewer
magics < kernel/check, kernel/display, kernel/magic, kernel/secrets, magics/render, runpod, runpod/budget, runpod/dataset, runpod/deploy, runpod/export, runpod/runs, runpod/settings, runpod/store/s3, runpod/sweep, runpod/track, runpod/train, runpod/warm, tensors/printable, tensors/wording, worker, worker/contract # one magic a file
magics/session < kernel/session/host, magics, magics/render # the session program: the loop with our magics
magics/terminal < kernel, kernel/build, kernel/check, kernel/display, kernel/history, kernel/magic, kernel/secrets, kernel/session, kernel/setup, kernel/spec, magics, runpod, runpod/budget, runpod/dataset, runpod/dataset/parquet, runpod/deploy, runpod/export, runpod/runs, runpod/runs/sqlite, runpod/settings, runpod/settings/keyring, runpod/train, tensors/pause, tensors/python, tensors/scratch, tensors/sqlfile, tensors/wording, worker, worker/local, worker/local/embedded, worker/local/serve # the command line, which wires everything: one cobra.Command a word, exit codes, completion
`

// linked says which packages of others our packages in the session program import, and
// why: they reach libhost.so, so every session maps them and every installation compiles
// them. The test fails on one that is missing and on one that is no longer used.
const linked = `
github.com/BurntSushi/toml # the key in ~/.runpod/config.toml, which RunPod's own programs write
github.com/distribution/reference # names of images, as container engines read them: two small packages
github.com/joho/godotenv # .env beside a notebook
github.com/klauspost/compress # zstd, in which arrays and states travel
github.com/minio/minio-go/v7 # network volumes and buckets speak S3
github.com/segmentio/asm # base64 at memory speed: a request is mostly base64
github.com/spf13/pflag # options of magics
github.com/vmihailenco/msgpack/v5 # frames between kernel and session
go.yaml.in/yaml/v3 # a model_config may be YAML
golang.org/x/text # encodings of CSV files
gonum.org/v1/gonum # matrices: what people pass to a training and get from a model
gonum.org/v1/plot # curves and pictures below a cell
`

// never says what a package and all that it imports must not reach, and why.
const never = `
kernel !< runpod # the kernel knows magics by their interface alone
kernel !< magics # the same
kernel !< worker # the same
runpod !< kernel # a Go program trains without a notebook
runpod !< magics # the same
worker !< runpod # a server does not know its clients
worker !< kernel # the same
tensors !< worker # arrays know no training
tensors !< runpod # the same
magics/session !< runpod/runs/sqlite # a database in the session costs 8 MB and half a minute of compiling, and dies with it
magics/session !< runpod/dataset/parquet # a large library for a file that is seldom read: gopherpod data reads it
magics/session !< worker/local # the endpoint outlives the session
magics/session !< runpod/settings/keyring # D-Bus: the kernel process asks the keyring, and passes on what it has
magics/session !< magics/terminal # cobra is for the command line
`

// A rule is a line of rules.
type rule struct {
	pkg, idea string
	imports   []string
}

// parseRules reads "a < b, c # idea" a line.
func parseRules(t *testing.T, text, arrow string) (list []rule) {
	t.Helper()
	for line := range strings.Lines(text) {
		if line = strings.TrimSpace(line); line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		left, idea, ok := strings.Cut(line, " # ")
		if !ok || idea == "" {
			t.Fatalf("%q has no reason: want \"package %s imports # reason\"", line, arrow)
		}
		pkg, imports, _ := strings.Cut(left, arrow)
		r := rule{pkg: strings.TrimSpace(pkg), idea: idea}
		for _, i := range strings.Split(imports, ",") {
			if i = strings.TrimSpace(i); i != "" {
				r.imports = append(r.imports, i)
			}
		}
		list = append(list, r)
	}
	return list
}

// A graph holds what each of our packages imports, without its tests.
type graph struct {
	ours, others map[string][]string
}

func readGraph(t *testing.T) graph {
	t.Helper()
	g := graph{map[string][]string{}, map[string][]string{}}
	err := filepath.WalkDir(".", func(name string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() && (d.Name() == "testdata" || strings.HasPrefix(d.Name(), ".") && name != ".") {
			return filepath.SkipDir
		}
		pkg := path.Dir(filepath.ToSlash(name))
		if pkg == "." || strings.HasPrefix(pkg, "bench") || !strings.HasSuffix(name, ".go") || strings.HasSuffix(name, "_test.go") {
			return nil
		}
		file, err := parser.ParseFile(token.NewFileSet(), name, nil, parser.ImportsOnly)
		if err != nil {
			return err
		}
		for _, spec := range file.Imports {
			imported, err := strconv.Unquote(spec.Path.Value)
			if err != nil {
				return err
			}
			first, _, _ := strings.Cut(imported, "/")
			switch ours, ok := strings.CutPrefix(imported, module); {
			case ok && !slices.Contains(g.ours[pkg], ours):
				g.ours[pkg] = append(g.ours[pkg], ours)
			case !ok && strings.Contains(first, "."):
				g.others[pkg] = append(g.others[pkg], imported)
			}
		}
		if _, ok := g.ours[pkg]; !ok {
			g.ours[pkg] = nil
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if len(g.ours) < 40 {
		t.Fatalf("found %d packages only: the test has lost the tree", len(g.ours))
	}
	return g
}

// reach adds pkg and all that it imports to seen.
func (g graph) reach(pkg string, seen map[string]bool) {
	if seen[pkg] {
		return
	}
	seen[pkg] = true
	for _, i := range g.ours[pkg] {
		g.reach(i, seen)
	}
}

func TestImportsGoOneWay(t *testing.T) {
	g := readGraph(t)
	above := map[string]bool{}
	for _, r := range parseRules(t, rules, "<") {
		imported, ok := g.ours[r.pkg]
		if !ok {
			t.Errorf("%s: the rules name a package that does not exist", r.pkg)
		}
		for _, i := range r.imports {
			if !above[i] {
				t.Errorf("%s < %s: want %s above %s in the rules, so that imports go one way", r.pkg, i, i, r.pkg)
			}
			if !slices.Contains(imported, i) {
				t.Errorf("%s < %s: nobody uses this permission; remove it", r.pkg, i)
			}
		}
		for _, i := range imported {
			if !slices.Contains(r.imports, i) {
				t.Errorf("%s imports %s, and the rules do not permit it: a new arrow is a decision", r.pkg, i)
			}
		}
		if above[r.pkg] {
			t.Errorf("%s stands twice in the rules", r.pkg)
		}
		above[r.pkg] = true
	}
	for pkg := range g.ours {
		if !above[pkg] {
			t.Errorf("%s is not in the rules: add a line with its one idea", pkg)
		}
	}
}

func TestInvariantsHold(t *testing.T) {
	g := readGraph(t)
	below := func(pkg, of string) bool { return pkg == of || strings.HasPrefix(pkg, of+"/") }
	for _, r := range parseRules(t, never, "!<") {
		seen := map[string]bool{}
		for pkg := range g.ours {
			if below(pkg, r.pkg) {
				g.reach(pkg, seen)
			}
		}
		if len(seen) == 0 || len(r.imports) != 1 {
			t.Errorf("%s !< %v: want packages that exist", r.pkg, r.imports)
		}
		for pkg := range seen {
			if below(pkg, r.imports[0]) {
				t.Errorf("%s reaches %s, which it never may: %s", r.pkg, pkg, r.idea)
			}
		}
	}
}

// alone says which package alone does what leads to several answers if others do it too:
// imports a package of others, or calls a function.
var alone = []struct{ what, pkg, below, why string }{
	{"github.com/joho/godotenv", "tensors/environ", ".", "one reader of .env"},
	{"github.com/BurntSushi/toml", "runpod/settings", ".", "one reader of config.toml"},
	{"github.com/zalando/go-keyring", "runpod/settings/keyring", ".", "one reader of the keyring"},
	{"os.Getenv", "runpod/settings", "runpod", "one order of the sources: the environment, .env, the keyring, config.toml"},
	{"os.LookupEnv", "runpod/settings", "runpod", "the same"},
	{"os.Environ", "runpod/settings", "runpod", "the same"},
}

// TestOneReader: what is written in alone is done in one package. Packages for tests
// (runpod/store/storetest) may.
func TestOneReader(t *testing.T) {
	used := map[string]bool{}
	err := filepath.WalkDir(".", func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			if err == nil && name != "." && (d.Name() == "testdata" || strings.HasSuffix(d.Name(), "test") || strings.HasPrefix(d.Name(), ".")) {
				return filepath.SkipDir
			}
			return err
		}
		if !strings.HasSuffix(name, ".go") || strings.HasSuffix(name, "_test.go") {
			return nil
		}
		b, err := os.ReadFile(name)
		if err != nil {
			return err
		}
		pkg := path.Dir(filepath.ToSlash(name))
		for _, a := range alone {
			does := strings.Contains(string(b), strconv.Quote(a.what)) || strings.Contains(string(b), a.what+"(")
			switch {
			case !does || a.below != "." && pkg != a.below && !strings.HasPrefix(pkg, a.below+"/"):
			case pkg == a.pkg:
				used[a.what] = true
			case name != "main_test.go":
				t.Errorf("%s: %s is for %s alone: %s", name, a.what, a.pkg, a.why)
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if !used["os.Getenv"] || !used["github.com/joho/godotenv"] {
		t.Error("found no use at all: the test has lost the tree")
	}
}

func TestSessionLinksFewPackages(t *testing.T) {
	g := readGraph(t)
	seen, used := map[string]bool{}, map[string]bool{}
	g.reach("magics/session", seen)
	permitted := parseRules(t, linked, "<")
	for pkg := range seen {
		for _, other := range g.others[pkg] {
			i := slices.IndexFunc(permitted, func(r rule) bool { return other == r.pkg || strings.HasPrefix(other, r.pkg+"/") })
			if i < 0 {
				t.Errorf("%s imports %s, which would reach libhost.so: add it to linked with a reason, or do without", pkg, other)
				continue
			}
			used[permitted[i].pkg] = true
		}
	}
	for _, r := range permitted {
		if !used[r.pkg] {
			t.Errorf("%s: nothing in the session program imports it; remove it from linked", r.pkg)
		}
	}
}

// TestArchitectureShowsTheRules: the table of packages is the rules, and that of the
// invariants is never.
func TestArchitectureShowsTheRules(t *testing.T) {
	var b strings.Builder
	b.WriteString("| package | its one idea | imports, of ours |\n|---|---|---|\n| `main.go` | carries our source and starts the command line | magics/terminal |\n")
	list := parseRules(t, rules, "<")
	slices.SortFunc(list, func(a, b rule) int { return strings.Compare(a.pkg, b.pkg) })
	for _, r := range list {
		imports := strings.Join(r.imports, ", ")
		if imports == "" {
			imports = "nothing"
		}
		fmt.Fprintf(&b, "| `%s` | %s | %s |\n", r.pkg, strings.ReplaceAll(r.idea, "|", "\\|"), imports)
	}
	b.WriteString("| `worker/pytorch` | the GPU worker, in Python | the contract, through worker/contract and golden vectors |\n")
	replaceBetween(t, "ARCHITECTURE.md", "imports", b.String())

	b.Reset()
	for _, r := range parseRules(t, never, "!<") {
		fmt.Fprintf(&b, "- `%s` never imports `%s`, not through others either: %s.\n", r.pkg, r.imports[0], r.idea)
	}
	replaceBetween(t, "ARCHITECTURE.md", "invariants", b.String())
}

// replaceBetween compares what is between the marks of a page with text, or writes it.
func replaceBetween(t *testing.T, page, mark, text string) {
	t.Helper()
	b, err := os.ReadFile(page)
	if err != nil {
		t.Fatal(err)
	}
	begin, end := "<!-- "+mark+": generated from main_test.go by go generate . -->\n", "<!-- end of "+mark+" -->\n"
	before, rest, ok := strings.Cut(string(b), begin)
	now, after, ok2 := strings.Cut(rest, end)
	if !ok || !ok2 {
		t.Fatalf("%s has no marks %q and %q", page, begin, end)
	}
	if now == text {
		return
	}
	if !*update {
		t.Errorf("%s: %s is stale; run go generate . and commit it", page, mark)
		return
	}
	if err := os.WriteFile(page, []byte(before+begin+text+end+after), 0o644); err != nil {
		t.Fatal(err)
	}
}

// TestFlowsStartWhereThePageSays: each function that ARCHITECTURE.md names with its file
// is in that file.
func TestFlowsStartWhereThePageSays(t *testing.T) {
	b, err := os.ReadFile("ARCHITECTURE.md")
	if err != nil {
		t.Fatal(err)
	}
	_, table, _ := strings.Cut(string(b), "## Where the flows start\n")
	table, _, _ = strings.Cut(table, "\n## ")
	places := regexp.MustCompile("`([a-z_/]+\\.go)`, (?:\\w+\\.)?(\\w+)").FindAllStringSubmatch(table, -1)
	if len(places) < 8 {
		t.Fatalf("found %d places only", len(places))
	}
	for _, p := range places {
		source, err := os.ReadFile(p[1])
		if err != nil {
			t.Error(err)
		} else if !regexp.MustCompile(`(?m)^func (\([^)]*\) )?` + p[2] + `\(`).Match(source) {
			t.Errorf("%s has no function %s", p[1], p[2])
		}
	}
}
