package main

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// unclear lists phrases that made readers of this project stop, with the plain form.
var unclear = []struct{ phrase, plain string }{
	{`\b(tells?|says?) whether\b`, "reports whether"},
	{`\bmend(s|ed|ing)?\b`, "fix"},
	{`\banew\b`, "again"},
	{`\b(is|are) wanted\b`, "want X, got Y"},
	{`\bmanieth\b`, "every n-th"},
	{`\bmakes no sense\b`, "unexpected"},
	{`\bthat (is|are) none\b`, `say what it is not: "not a parts list"`},
	{`\b(for|of|to|by|from) who\b`, "for clients that, for callers that"},
	{`(^|[.;:] )Who [a-z]+s\b[^?]*$`, "a client that, whoever"},
	{`(^|[.;:] )Where [^.?]*, `, "If"},
	{`\b(nil|false|true|empty|zero|none|nothing|fails|refused) where\b`, "if"},
	{`(""|-1|\b0) where\b`, "if"},
	{`\bwhere (there (is|are) (no|none)|nothing|nobody)\b`, "if"},
	{`\b[Tt]ime-outs?\b`, "timeout"},
	{`\bwithout a word\b`, "say what is not sent"},
}

// englishLater are folders and files that have not been rewritten yet. Take an entry
// out when its text is plain; do not add any.
var englishLater = []string{
	"kernel/build",
	"kernel/session",
	"kernel/session/frame",
	"kernel/session/host",
	"kernel/session/rt",
	"kernel/session/rt/lm",
	"kernel/session/supervisor",
	"magics",
	"runpod/place",
	"runpod/sweep",
	"runpod/train",
	"runpod/transfer",
	"worker",
	"worker/contract",
}

// TestPlainEnglish: comments, texts of the program and pages do without the phrases above.
func TestPlainEnglish(t *testing.T) {
	phrases := make([]*regexp.Regexp, len(unclear))
	for i, u := range unclear {
		phrases[i] = regexp.MustCompile(u.phrase)
	}
	used := map[string]bool{}
	check := func(name, place, text string) {
		text = strings.Join(strings.Fields(text), " ")
		for i, p := range phrases {
			hit := p.FindString(text)
			if hit == "" {
				continue
			}
			later := slices.IndexFunc(englishLater, func(l string) bool { return l == name || l == filepath.ToSlash(filepath.Dir(name)) })
			if later >= 0 {
				used[englishLater[later]] = true
				continue
			}
			t.Errorf("%s: %q: write %s", place, strings.TrimSpace(hit), unclear[i].plain)
		}
	}
	texts := 0
	err := filepath.WalkDir(".", func(name string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		name = filepath.ToSlash(name)
		if d.IsDir() && name != "." && (d.Name() == "testdata" || d.Name() == "shared" || d.Name() == "node_modules" || strings.HasPrefix(d.Name(), ".")) {
			return filepath.SkipDir
		}
		switch {
		case strings.HasSuffix(name, ".md"):
			b, err := os.ReadFile(name)
			if err != nil {
				return err
			}
			texts++
			for i, line := range strings.Split(string(b), "\n") {
				check(name, name+":"+strconv.Itoa(i+1), line)
			}
		case strings.HasSuffix(name, ".go") && name != "english_test.go":
			texts += goTexts(t, name, check)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if texts < 2000 {
		t.Fatalf("looked at %d texts only: the test has lost the tree", texts)
	}
	for _, l := range englishLater {
		if !used[l] {
			t.Logf("%s has none of the phrases any more: take it out of englishLater", l)
		}
	}
}

// goTexts passes the comments of a file to check and, if it is not a test, its strings.
func goTexts(t *testing.T, name string, check func(name, place, text string)) (texts int) {
	set := token.NewFileSet()
	file, err := parser.ParseFile(set, name, nil, parser.ParseComments|parser.SkipObjectResolution)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range file.Comments {
		texts++
		check(name, set.Position(c.Pos()).String(), c.Text())
	}
	if strings.HasSuffix(name, "_test.go") {
		return texts
	}
	ast.Inspect(file, func(n ast.Node) bool {
		if lit, ok := n.(*ast.BasicLit); ok && lit.Kind == token.STRING {
			if s, err := strconv.Unquote(lit.Value); err == nil && strings.Contains(s, " ") {
				texts++
				check(name, set.Position(lit.Pos()).String(), s)
			}
		}
		return true
	})
	return texts
}
