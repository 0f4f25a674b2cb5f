package session

import (
	"os"
	"path/filepath"
	"testing"
)

// TestEmbed tests go:embed in cells: relative to the notebook, with all types, and with
// the errors of the go command and the compiler.
func TestEmbed(t *testing.T) {
	e2e(t)
	n := newSession(t)
	write(t, n.o.Dir, map[string]string{"data.txt": "one\n", "web/a.html": "<a>", "web/sub/b.html": "<b>", "web/.hidden": "h", "web/_x": "x", "two words.txt": "two",
		"other/go.mod": "module other\n", "other/x.txt": "x"})
	if err := os.Mkdir(filepath.Join(n.o.Dir, "empty"), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink("data.txt", filepath.Join(n.o.Dir, "link.txt")); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct{ src, want string }{
		{"import _ \"embed\"\n\n//go:embed data.txt\nvar text string\ntext", "result:one\n"},
		{"text", "result:one\n"},
		{"func get() string { return text }\nget()", "result:one\n"},
		{"//go:embed data.txt\n// A comment.\nvar raw []byte\nraw[0] = 'O'\nstring(raw)", "result:One\n"},
		{"type Page string\n//go:embed \"two words.txt\"\nvar page Page\npage", "result:two"},
		{"import (\"embed\"; \"io/fs\")\n//go:embed web data.txt\nvar files embed.FS\nvar names []string\nfs.WalkDir(files, \".\", func(p string, d fs.DirEntry, err error) error { names = append(names, p); return err })\nnames",
			"result:[. data.txt web web/a.html web/sub web/sub/b.html]"},
		{"var (\n\t//go:embed all:web\n\tall embed.FS\n\tplain = 3\n)\nb, err := all.ReadFile(\"web/.hidden\")\nfmt.Println(string(b), err, plain)", "stdout:h <nil> 3\n"},
		{"package main\n\nimport _ \"embed\"\n\n//go:embed web/*.html\nvar html string\n\nfunc main() { fmt.Println(html) }", "stdout:<a>\n"},
		{"%cd web\n//go:embed data.txt\nvar after string\nafter", ""},
	} {
		if got := n.ok(c.src); got != c.want && c.want != "" {
			t.Errorf("%s\n%q, want %q", c.src, got, c.want)
		}
	}
	write(t, n.o.Dir, map[string]string{"data.txt": "changed\n"})
	if got := n.ok("//go:embed data.txt\nvar text string\nget()"); got != "result:changed\n" {
		t.Errorf("after a change: %q", got)
	}
	for _, c := range []struct{ src, want string }{
		{"//go:embed none.txt\nvar a string", "pattern none.txt: no matching files found"},
		{"//go:embed ../data.txt\nvar a string", "pattern ../data.txt: invalid pattern syntax"},
		{"//go:embed [\nvar a string", "pattern [: invalid pattern syntax"},
		{"//go:embed empty\nvar a embed.FS", "pattern empty: cannot embed directory empty: contains no embeddable files"},
		{"//go:embed other\nvar a embed.FS", "pattern other: cannot embed directory other: in different module"},
		{"//go:embed link.txt\nvar a string", "pattern link.txt: cannot embed irregular file link.txt"},
		{"//go:embed data.txt web\nvar a string", "invalid go:embed: multiple files for type string"},
		{"//go:embed data.txt\nvar a int", "go:embed cannot apply to var of type int"},
		{"//go:embed data.txt\nvar a, b string", "go:embed cannot apply to multiple vars"},
		{"//go:embed data.txt\nvar a = \"x\"", "go:embed cannot apply to var with initializer"},
		{"//go:embed\nvar a string", "usage: //go:embed pattern"},
		{"//go:embed \"data\nvar a string", "invalid quoted string"},
		{"//go:embed data.txt\nfunc f() {}", "misplaced go:embed directive"},
		{"func f() {\n//go:embed data.txt\nvar a string\n_ = a\n}", "misplaced go:embed directive"},
	} {
		n.run(c.src).failed(t, "CompileError", c.want)
	}
}
