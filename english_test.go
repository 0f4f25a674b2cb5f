package main

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
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
	{`\b(tells?|says?|knows?) if\b`, "reports whether"},
	{`, for (it|they|there|nobody|nothing|he|we|you|who|that|this|the [a-z]+) (is|are|was|were|has|have|had|can|cannot|does|do|may|must|would|needs?|takes?)\b`, "because"},
	{`\b[Aa]n earlier (is|of|that|which)\b`, "name what is earlier: a prior run"},
	{`(^|[.;:] )Of (a|an|the|each|all|other|larger|longer|those|these|what|bytes|such) `, "put it behind the verb: each trial of a sweep"},
	{`\b(stands?|stood) (at|on|beside|between|before|below|above|there|where|in (it|a|an|the))\b`, "is"},
	{`\b(tells?|told) (\w+ )?of (a|an|it|one|each|what|that|more)\b`, "reports"},
	{`\blies? (in|at|on|beside|behind|where)\b`, "is in"},
	{`\bof no use\b|\bof (interest|use) (to|for)\b`, "say who uses it and for what"},
	{`\b(has|have|had) not (the|a|an|any)\b`, "does not have"},
	{`\bsees? to it\b`, "say what it does"},
	{`\bwould else\b`, "otherwise"},
	{`\bin the place of\b`, "instead of"},
	{`\bshall\b`, "has to, will"},
	{`\b(is|are) to be (seen|found|had)\b`, "is available, shows"},
	{`\bnobody can be\b`, "say what is missing"},
	{`\bbut for (the|a|an|what|that|those)\b`, "except"},
	{`\bit is no (plain|error|table|list|number|model)\b`, "say what is wanted: want a plain https address"},
	{`\bone too many\b`, "unexpected argument"},
	{`\b(who|what) it is one to\b|\bthat is one to\b`, "name it"},
}

// TestPlainEnglish: comments, texts of the program and pages do without the phrases above.
func TestPlainEnglish(t *testing.T) {
	phrases := make([]*regexp.Regexp, len(unclear))
	for i, u := range unclear {
		phrases[i] = regexp.MustCompile(u.phrase)
	}
	check := func(place, text string) {
		text = strings.Join(strings.Fields(text), " ")
		for i, p := range phrases {
			if hit := p.FindString(text); hit != "" {
				t.Errorf("%s: %q: write %s", place, strings.TrimSpace(hit), unclear[i].plain)
			}
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
				check(name+":"+strconv.Itoa(i+1), line)
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
}

// goTexts passes the comments of a file to check and, if it is not a test, its strings.
func goTexts(t *testing.T, name string, check func(place, text string)) (texts int) {
	set := token.NewFileSet()
	file, err := parser.ParseFile(set, name, nil, parser.ParseComments|parser.SkipObjectResolution)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range file.Comments {
		texts++
		check(set.Position(c.Pos()).String(), c.Text())
	}
	if strings.HasSuffix(name, "_test.go") {
		return texts
	}
	ast.Inspect(file, func(n ast.Node) bool {
		if lit, ok := n.(*ast.BasicLit); ok && lit.Kind == token.STRING {
			if s, err := strconv.Unquote(lit.Value); err == nil && strings.Contains(s, " ") {
				texts++
				check(set.Position(lit.Pos()).String(), s)
			}
		}
		return true
	})
	return texts
}
