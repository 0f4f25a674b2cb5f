package main

import (
	"fmt"
	"strconv"
)

type expr interface {
	eval(env map[string]float64) float64
}

type (
	num    float64
	ident  string
	binary struct {
		op   byte
		l, r expr
	}
	unary struct{ x expr }
)

func (n num) eval(map[string]float64) float64       { return float64(n) }
func (v ident) eval(env map[string]float64) float64 { return env[string(v)] }
func (u unary) eval(env map[string]float64) float64 { return -u.x.eval(env) }
func (b binary) eval(env map[string]float64) float64 {
	l, r := b.l.eval(env), b.r.eval(env)
	switch b.op {
	case '+':
		return l + r
	case '-':
		return l - r
	case '*':
		return l * r
	}
	return l / r
}

type parser struct {
	s string
	i int
}

func (p *parser) peek() byte {
	for p.i < len(p.s) && p.s[p.i] == ' ' {
		p.i++
	}
	if p.i == len(p.s) {
		return 0
	}
	return p.s[p.i]
}

func (p *parser) expr() expr {
	l := p.term()
	for c := p.peek(); c == '+' || c == '-'; c = p.peek() {
		p.i++
		l = binary{c, l, p.term()}
	}
	return l
}

func (p *parser) term() expr {
	l := p.factor()
	for c := p.peek(); c == '*' || c == '/'; c = p.peek() {
		p.i++
		l = binary{c, l, p.factor()}
	}
	return l
}

func (p *parser) factor() expr {
	switch c := p.peek(); {
	case c == '(':
		p.i++
		e := p.expr()
		p.peek()
		p.i++
		return e
	case c == '-':
		p.i++
		return unary{p.factor()}
	case c >= '0' && c <= '9':
		j := p.i
		for p.i < len(p.s) && (p.s[p.i] >= '0' && p.s[p.i] <= '9' || p.s[p.i] == '.') {
			p.i++
		}
		f, _ := strconv.ParseFloat(p.s[j:p.i], 64)
		return num(f)
	}
	p.i++
	return ident(p.s[p.i-1 : p.i])
}

func main() {
	env := map[string]float64{"x": 3}
	for _, s := range []string{"1 + 2*3", "(1+2)*3", "-x * 2 - 4/8", "2*(x+(1-x))"} {
		p := &parser{s: s}
		fmt.Println(s, "=", p.expr().eval(env))
	}
	fmt.Printf("%#v\n", (&parser{s: "x+1"}).expr())
}
