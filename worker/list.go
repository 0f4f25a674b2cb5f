package worker

import (
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"unsafe"

	"github.com/gopherpod/gopherpod/tensors"
)

// ParseList reads a plain JSON list of numbers, or of lists of the same length,
// as a float64 tensor. The texts "NaN", "Infinity" and "-Infinity" are numbers
// too. Errors name the place: "[3][1]". An empty list has a size of 0.
func ParseList(raw []byte) (tensors.Tensor, error) {
	p := listParser{s: raw}
	p.space()
	if p.at() != '[' {
		return tensors.Tensor{}, Invalid("", fmt.Sprintf("is %s, wants a list", jsonKind(raw)))
	}
	p.values = make([]float64, 0, len(raw)/8) // most numbers take more than 8 bytes
	if err := p.list(0); err != nil {
		return tensors.Tensor{}, err
	}
	if p.space(); p.i != len(raw) {
		return tensors.Tensor{}, Invalid("", "something follows the list")
	}
	t, err := tensors.From(p.values)
	if err != nil {
		return tensors.Tensor{DType: tensors.Float64, Shape: p.shape}, nil // empty: the caller says what is missing
	}
	return t.Reshape(p.shape...)
}

type listParser struct {
	s      []byte
	i      int
	shape  []int // sizes, as the first list of each depth has them
	path   []int // where the parser is
	leaf   int   // depth of the numbers, 0 before the first
	values []float64
}

func (p *listParser) at() byte {
	if p.i < len(p.s) {
		return p.s[p.i]
	}
	return 0
}

func (p *listParser) space() {
	for p.i < len(p.s) && (p.s[p.i] == ' ' || p.s[p.i] == '\n' || p.s[p.i] == '\t' || p.s[p.i] == '\r') {
		p.i++
	}
}

func (p *listParser) fail(format string, values ...any) error {
	var b strings.Builder
	for _, n := range p.path {
		fmt.Fprintf(&b, "[%d]", n)
	}
	return Invalid(b.String(), fmt.Sprintf(format, values...))
}

// maxListDepth bounds the recursion; tensors has the same bound.
const maxListDepth = 64

// list reads one list; p.at() is its bracket.
func (p *listParser) list(depth int) error {
	if depth == maxListDepth {
		return p.fail("lists within lists, more than %d deep", maxListDepth)
	}
	p.i++
	p.path = append(p.path, 0)
	n := 0
	for p.space(); p.at() != ']'; n++ {
		p.path[depth] = n
		if n > 0 {
			if p.at() != ',' {
				return p.fail("wants , or ]")
			}
			p.i++
			p.space()
		}
		if err := p.element(depth); err != nil {
			return err
		}
		p.space()
	}
	p.i++
	p.path = p.path[:depth]
	return p.close(depth, n)
}

// close compares the length of a list with that of the first of its depth.
func (p *listParser) close(depth, n int) error {
	for len(p.shape) <= depth {
		p.shape = append(p.shape, -1)
	}
	if p.shape[depth] < 0 {
		p.shape[depth] = n
	}
	if n != p.shape[depth] {
		return p.fail("has %d elements, those before have %d", n, p.shape[depth])
	}
	if n == 0 && depth+1 < len(p.shape) || n > 0 && p.leaf > 0 && depth+1 > p.leaf {
		return p.fail("is not as deep as those before")
	}
	return nil
}

func (p *listParser) element(depth int) error {
	if p.at() == '[' {
		if p.leaf > 0 && depth+1 >= p.leaf {
			return p.fail("is a list, a number was expected")
		}
		return p.list(depth + 1)
	}
	if p.leaf == 0 && !slices.Contains(p.shape, 0) && len(p.shape) <= depth+1 {
		p.leaf = depth + 1
	}
	if p.leaf != depth+1 {
		return p.fail("is a number, a list was expected")
	}
	v, err := p.number()
	if err != nil {
		return err
	}
	p.values = append(p.values, v)
	return nil
}

func (p *listParser) number() (float64, error) {
	start := p.i
	if p.at() == '"' {
		end := start + 1
		for end < len(p.s) && p.s[end] != '"' && end-start < 12 {
			end++
		}
		p.i = min(end+1, len(p.s))
		switch string(p.s[start:p.i]) {
		case `"NaN"`:
			return math.NaN(), nil
		case `"Infinity"`:
			return math.Inf(1), nil
		case `"-Infinity"`:
			return math.Inf(-1), nil
		}
		return 0, p.fail("is the text %s, wants a number", p.s[start:p.i])
	}
	for p.i < len(p.s) && inNumber(p.s[p.i]) {
		p.i++
	}
	if p.i == start {
		return 0, p.fail("is %s, wants a number", jsonKind(p.s[min(start, len(p.s)):]))
	}
	word := p.s[start:p.i]
	v, err := strconv.ParseFloat(unsafe.String(&word[0], len(word)), 64)
	if err != nil {
		return 0, p.fail("%s is no number that a float64 holds", clip(string(word)))
	}
	return v, nil
}

func inNumber(c byte) bool {
	return c >= '0' && c <= '9' || c == '.' || c == '-' || c == '+' || c == 'e' || c == 'E'
}
