package main

import (
	"fmt"
	"strings"
)

type stateFn func(*lexer) stateFn

type lexer struct {
	in  string
	pos int
	out []string
}

func lexText(l *lexer) stateFn {
	rest := l.in[l.pos:]
	if i := strings.Index(rest, "{{"); i >= 0 {
		l.emit("text", rest[:i])
		l.pos += i + 2
		return lexAction
	}
	l.emit("text", rest)
	return nil
}

func lexAction(l *lexer) stateFn {
	rest := l.in[l.pos:]
	i := strings.Index(rest, "}}")
	if i < 0 {
		l.emit("error", "unclosed")
		return nil
	}
	l.emit("action", strings.TrimSpace(rest[:i]))
	l.pos += i + 2
	return lexText
}

func (l *lexer) emit(kind, s string) {
	if s != "" {
		l.out = append(l.out, kind+":"+s)
	}
}

func run(in string) []string {
	l := &lexer{in: in}
	for f := stateFn(lexText); f != nil; {
		f = f(l)
	}
	return l.out
}

func main() {
	fmt.Printf("%q\n", run("a {{ b }} c{{d}}"))
	fmt.Printf("%q\n", run("x{{y"))
}
