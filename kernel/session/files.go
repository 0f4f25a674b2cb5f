package session

import (
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"unicode"

	"github.com/gopherpod/gopherpod/kernel"
	"github.com/gopherpod/gopherpod/kernel/session/frame"
)

const (
	loadHelp = `%load file puts the text of the file into the cell, in place of the magic.`
	runHelp  = `%run file.go [arguments] runs a Go file in the session, as if its text were the cell: func main is called with the arguments in
os.Args, and what the file declares stays. Quotes keep blanks. For a program of its own: !go run file.go`
)

// load runs the magic %load.
func (s *Session) load(x *execution, seg segment) error {
	text, err := s.readFile("load", seg.args)
	if err != nil {
		return err
	}
	if p, ok := x.out.(kernel.Payloads); ok {
		p.NextInput("// %load "+seg.args+"\n"+text, true)
		return nil
	}
	x.out.Stream("stdout", []byte(text))
	return nil
}

// runFile runs the magic %run.
func (s *Session) runFile(x *execution, seg segment) error {
	args, ok := words(seg.args)
	if !ok {
		return usage("%%run %s: a quote is not closed", seg.args)
	}
	if len(args) == 0 {
		args = []string{""}
	}
	text, err := s.readFile("run", args[0])
	if err != nil {
		return err
	}
	f, err := parser.ParseFile(token.NewFileSet(), args[0], text, parser.PackageClauseOnly)
	if err == nil && f.Name.Name != "main" {
		return usage("%s is of package %s: import it instead; %%run takes files of package main", args[0], f.Name.Name)
	}
	p, err := s.process(x)
	if err != nil {
		return err
	}
	p.Send(frame.Command{Op: frame.Args, Names: args})
	defer p.Send(frame.Command{Op: frame.Args})
	return s.goSegment(x, text)
}

// words splits a line at its blanks, except between quotes. ok is false if a quote is not
// closed.
func words(line string) (out []string, ok bool) {
	var w strings.Builder
	quote, open := rune(0), false
	for _, r := range line {
		switch {
		case quote != 0:
			if r == quote {
				quote = 0
			} else {
				w.WriteRune(r)
			}
		case r == '"' || r == '\'':
			quote, open = r, true
		case unicode.IsSpace(r):
			if open {
				out = append(out, w.String())
				w.Reset()
			}
			open = false
		default:
			open = true
			w.WriteRune(r)
		}
	}
	if open {
		out = append(out, w.String())
	}
	return out, quote == 0
}

func (s *Session) readFile(magic, arg string) (string, error) {
	if arg == "" {
		return "", usage("%%%s needs the name of a file", magic)
	}
	name := strings.Trim(arg, `"'`)
	if !filepath.IsAbs(name) {
		name = filepath.Join(s.super.Dir(), name)
	}
	b, err := os.ReadFile(name)
	if err != nil {
		return "", usage("%v", err)
	}
	return string(b), nil
}

// files lists the files and folders whose paths begin with prefix.
func (s *Session) files(prefix string) (out []string) {
	dir, base := filepath.Split(prefix)
	at := dir
	if strings.HasPrefix(at, "~/") {
		if home, err := os.UserHomeDir(); err == nil {
			at = home + at[1:]
		}
	}
	if !filepath.IsAbs(at) {
		at = filepath.Join(s.super.Dir(), at)
	}
	all, err := os.ReadDir(at)
	if err != nil {
		return nil
	}
	for _, e := range all {
		name := e.Name()
		if !strings.HasPrefix(name, base) || base == "" && strings.HasPrefix(name, ".") {
			continue
		}
		if i, err := os.Stat(filepath.Join(at, name)); err == nil && i.IsDir() {
			name += "/"
		}
		out = append(out, dir+name)
	}
	return out
}

// ownWords completes the last word of a magic's line, for magics that have no
// completion of their own in the session process.
func (s *Session) ownWords(name, word string) (out []string) {
	switch name {
	case "test", "bench":
		for _, o := range optionNames() {
			out = append(out, "-"+o)
		}
	case "go":
		out = []string{"get", "list", "version", "doc", "--restart", "mod", "env", "vet"}
		out = append(out, s.book.Imported()...)
	case "who", "doc":
		for _, n := range s.book.Names() {
			if name == "doc" || n.Kind == "var" {
				out = append(out, n.Name)
			}
		}
	case "env":
		for _, kv := range s.super.Environment() {
			k, _, _ := strings.Cut(kv, "=")
			out = append(out, k)
		}
	case "writefile":
		out = append([]string{"-a"}, s.files(word)...)
	case "load", "run", "cd", "bash":
		out = s.files(word)
	}
	out = slices.DeleteFunc(out, func(w string) bool {
		return !strings.HasPrefix(w, word) || name == "cd" && !strings.HasSuffix(w, "/") || name == "run" && !strings.HasSuffix(w, "/") && !strings.HasSuffix(w, ".go")
	})
	slices.Sort(out)
	return slices.Compact(out)
}
