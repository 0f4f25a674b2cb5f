package worker

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/gopherpod/gopherpod/worker/contract"
)

// ParseModel reads a model as people write it in a cell: the line form (see
// ParseLayers), the model_config as JSON or YAML, its list of layers alone, or Python
// (see PythonModel).
func ParseModel(body string) (*ModelConfig, error) {
	text := strings.TrimSpace(body)
	m := &ModelConfig{Type: "sequential"}
	if IsPython(text) {
		return ParsePython(body)
	}
	if isYAML(text) {
		b, err := yamlToJSON(body)
		if err != nil {
			return nil, err
		}
		text = string(b)
	}
	switch {
	case text == "":
		return nil, Invalid("model", "the body is empty; it wants "+modelForms)
	case text[0] == '[':
		layers, err := decodeLayers([]byte(text), 0)
		if err != nil {
			return nil, at("layers", err)
		}
		m.Layers = layers
	case text[0] == '{':
		if err := m.UnmarshalJSON([]byte(text)); err != nil {
			return nil, err
		}
	default:
		return ParseLayers(body)
	}
	if len(m.Layers) == 0 && m.Other == nil {
		return nil, Invalid("layers", "the model has no layers")
	}
	return m, nil
}

const modelForms = `a list of layers, one a line ("linear 64"), the JSON or YAML model_config, or Python ("class Net(nn.Module):")`

// ParseLayers reads the line form of a model:
//
//	# comment            // comment
//	linear 64
//	relu
//	dropout 0.2
//	conv2d 16 kernel_size=3 padding=1
//	residual {
//	  linear 64
//	  tanh
//	} {                  # the shortcut; may be left out
//	  linear 64
//	}
//	branches merge=add {
//	  linear 8
//	} {
//	  linear 8
//	}
//
// Values without a name are those of the row's Positional, in order. Several numbers
// are joined by a comma or an x: kernel_size=3x3. Errors begin with the line.
func ParseLayers(text string) (*ModelConfig, error) {
	p := &layerParser{lines: strings.Split(text, "\n")}
	layers, err := p.block(0)
	if err == nil && len(layers) == 0 {
		err = Invalid("model", "the body has no layers; it wants "+modelForms)
	}
	if err != nil {
		return nil, err
	}
	return &ModelConfig{Type: "sequential", Layers: layers}, nil
}

type layerParser struct {
	lines []string
	next  int // index of the next line
	total int
}

func (p *layerParser) fail(format string, values ...any) error {
	return Invalid("", fmt.Sprintf("line %d: ", p.next)+fmt.Sprintf(format, values...))
}

// line returns the next line that holds anything, without its comment.
func (p *layerParser) line() (string, bool) {
	for p.next < len(p.lines) {
		s := p.lines[p.next]
		p.next++
		if i := strings.IndexByte(s, '#'); i >= 0 {
			s = s[:i]
		}
		if i := strings.Index(s, "//"); i >= 0 {
			s = s[:i]
		}
		if s = strings.TrimSpace(s); s != "" {
			return s, true
		}
	}
	return "", false
}

// block reads layers up to the end, or for depth > 0 up to the closing brace,
// which is left as the line before next.
func (p *layerParser) block(depth int) ([]Layer, error) {
	layers := []Layer{}
	for {
		line, ok := p.line()
		switch {
		case !ok && depth > 0:
			return nil, p.fail("the block is not closed; } is missing")
		case !ok:
			return layers, nil
		case line[0] == '}' && depth == 0:
			return nil, p.fail("} closes nothing")
		case line[0] == '}':
			return layers, nil
		}
		if p.total++; p.total > maxLayers {
			return nil, p.fail("more than %d layers", maxLayers)
		}
		l, err := p.layer(line, depth)
		if err != nil {
			return nil, err
		}
		layers = append(layers, l)
	}
}

func (p *layerParser) layer(line string, depth int) (Layer, error) {
	head, opens := strings.CutSuffix(line, "{")
	words := strings.Fields(head)
	if len(words) == 0 {
		return Layer{}, p.fail("{ wants residual or branches before it")
	}
	kind, ok := LookupKind(words[0])
	if !ok {
		return Layer{}, p.unknown(words[0])
	}
	l := Layer{Type: kind.Name, Params: map[string]any{}}
	if kind.Name == "reshape" && len(words) > 2 && !strings.Contains(head, "=") {
		words = []string{words[0], strings.Join(words[1:], ",")} // reshape 1 8 8
	}
	at := p.next
	positional := kind.Positional
	for _, w := range words[1:] {
		name, value, named := strings.Cut(w, "=")
		if !named {
			if len(positional) == 0 {
				return Layer{}, p.tooMany(kind, w)
			}
			name, value, positional = positional[0], w, positional[1:]
		}
		if err := p.assign(&l, kind, name, value); err != nil {
			return Layer{}, err
		}
	}
	composite := kind.container()
	switch {
	case opens && !composite:
		return Layer{}, p.fail("%s takes no block", kind.Name)
	case composite && !opens:
		return Layer{}, p.fail("%s wants its layers in a block: %s {", kind.Name, kind.Name)
	case composite && depth >= maxDepth:
		return Layer{}, p.fail("layers within layers, more than %d deep", maxDepth)
	case composite:
		if err := p.inner(&l, depth); err != nil {
			return Layer{}, err
		}
	}
	if err := l.complete(kind); err != nil {
		p.next = at
		return Layer{}, p.wrap(err)
	}
	return l, nil
}

// inner reads the blocks of a residual or of branches.
func (p *layerParser) inner(l *Layer, depth int) error {
	var blocks [][]Layer
	for {
		layers, err := p.block(depth + 1)
		if err != nil {
			return err
		}
		blocks = append(blocks, layers)
		closing := strings.TrimSpace(strings.TrimPrefix(stripComment(p.lines[p.next-1]), "}"))
		if closing == "" {
			break
		}
		if closing != "{" && closing != "shortcut {" {
			return p.fail("after } comes nothing, or { for another block, not %q", clip(closing))
		}
	}
	switch {
	case l.Type == "branches":
		l.Params["branches"] = blocks
	case len(blocks) > 2:
		return p.fail("residual takes one block, and one for the shortcut")
	default:
		l.Params["layers"] = blocks[0]
		if len(blocks) == 2 {
			l.Params["shortcut"] = blocks[1]
		}
	}
	return nil
}

func stripComment(s string) string {
	p := layerParser{lines: []string{s}}
	s, _ = p.line()
	return s
}

func (p *layerParser) unknown(name string) error {
	hint := didYouMean(name, contract.LayerNames())
	if hint == "" {
		hint = "; the body is " + modelForms
	}
	return p.fail("unknown layer %q%s", clip(name), hint)
}

func (p *layerParser) tooMany(kind *Kind, word string) error {
	if kind.Name == "linear" {
		return p.fail("linear takes one number, the outputs; %q is too many (inputs are inferred, or in_features=...)", clip(word))
	}
	if len(kind.Positional) == 0 && len(kind.Params) == 0 {
		return p.fail("%s takes no values, got %q", kind.Name, clip(word))
	}
	return p.fail("%q is too many for %s; values by name: %s", clip(word), kind.Name, strings.Join(kind.ParamNames(), ", "))
}

func (p *layerParser) wrap(err error) error {
	if e, ok := err.(*Error); ok && e.Field != "" {
		return p.fail("%s %s", e.Field, e.Message)
	}
	return p.fail("%s", err)
}

// assign parses value as the type of the parameter called name.
func (p *layerParser) assign(l *Layer, kind *Kind, name, value string) error {
	param, ok := kind.Param(name)
	if !ok || holdsLayers(*param) {
		return p.fail("%s has no parameter %q%s", kind.Name, clip(name), didYouMean(name, kind.ParamNames()))
	}
	if _, twice := l.Params[param.Name]; twice {
		return p.fail("%s: %s is given twice", kind.Name, param.Name)
	}
	v, want := parseParam(param, value)
	if v == nil {
		return p.fail("%s: %s is %q, wants %s", kind.Name, param.Name, clip(value), want)
	}
	if err := kind.check(param, v); err != nil {
		return p.wrap(at(name, err))
	}
	l.Params[param.Name] = v
	return nil
}

// parseParam reads the value of a parameter in the line form. If the value is not of the
// type, it returns nil and what the parameter wants.
func parseParam(p *contract.Parameter, value string) (v any, want string) {
	switch p.Type {
	case contract.Integer:
		if n, err := strconv.Atoi(value); err == nil {
			return n, ""
		}
		return nil, "a whole number"
	case contract.Number:
		if f, err := strconv.ParseFloat(value, 64); err == nil {
			return f, ""
		}
		return nil, "a number"
	case contract.Boolean:
		switch strings.ToLower(value) {
		case "true":
			return true, ""
		case "false":
			return false, ""
		}
		return nil, "true or false"
	case contract.Choice:
		return value, ""
	}
	if slices.Contains(p.Values, value) {
		return value, ""
	}
	var ints []int
	for _, s := range strings.FieldsFunc(strings.Trim(value, "()[]"), func(r rune) bool { return r == ',' || r == 'x' }) {
		n, err := strconv.Atoi(s)
		if err != nil {
			return nil, "whole numbers, as 3 or 3x3"
		}
		ints = append(ints, n)
	}
	switch len(ints) {
	case 0:
		return nil, "whole numbers, as 3 or 3x3"
	case 1:
		return ints[0], ""
	}
	return ints, ""
}
