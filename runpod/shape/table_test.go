package shape

import (
	"bytes"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

var rewrite = flag.Bool("rewrite", false, "write the table anew from RunPod's schema")

// openapiPath is RunPod's schema without its prose. It is next to the module on machines that
// have the shared references.
const openapiPath = "../shared/reference/runpod-v2-shapes.json"

// The table agrees with RunPod's schema.
func TestTable(t *testing.T) {
	dir := root(t)
	source := filepath.Join(dir, filepath.FromSlash(openapiPath))
	if f := os.Getenv("GOPHERPOD_RUNPOD_SHAPES"); f != "" {
		source = f
	}
	openapi, err := os.ReadFile(source)
	if errors.Is(err, fs.ErrNotExist) && !*rewrite {
		t.Skip("RunPod's schema is not here: ", err)
	}
	if err != nil {
		t.Fatal(err)
	}
	want, err := compact(openapi)
	if err != nil {
		t.Fatal(err)
	}
	name := filepath.Join(dir, filepath.FromSlash(tablePath))
	if *rewrite {
		if err := os.WriteFile(name, want, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	got, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got, want) {
		t.Errorf("%s is not what %s says: go test ./runpod/shape -run TestTable -rewrite, and read the difference", tablePath, source)
	}
}

// used lists the parts of the API that client, deploy or the local endpoint use.
var used = []string{"/v2/serverless", "/v2/templates", "/v2/network-volumes", "/v2/registries", "/v2/catalog", "/v2/billing"}

// compact makes the table from an OpenAPI document. An unknown keyword is an error, so
// that no rule is lost.
func compact(openapi []byte) ([]byte, error) {
	c := &compactor{shapes: map[string]*Shape{}}
	d := json.NewDecoder(bytes.NewReader(openapi))
	d.UseNumber()
	if err := d.Decode(&c.doc); err != nil {
		return nil, err
	}
	table := Table{Operations: map[string]Operation{}, Shapes: c.shapes}
	table.Source, _ = c.doc["source"].(string)
	for path, item := range c.doc["paths"].(map[string]any) {
		if !slices.ContainsFunc(used, func(u string) bool { return path == u || strings.HasPrefix(path, u+"/") }) {
			continue
		}
		for method, op := range item.(map[string]any) {
			if method != "parameters" {
				table.Operations[strings.ToUpper(method)+" "+path] = c.operation(op.(map[string]any))
			}
		}
	}
	c.named(Problem)
	return layout(table), errors.Join(c.errs...)
}

// layout writes each operation or shape on its own line, so that a diff is readable.
func layout(t Table) []byte {
	var b bytes.Buffer
	fmt.Fprintf(&b, "{\n\"source\": %s,\n\"operations\": {\n", line(t.Source))
	for i, k := range slices.Sorted(maps.Keys(t.Operations)) {
		fmt.Fprintf(&b, "%s%s: %s", comma(i), line(k), line(t.Operations[k]))
	}
	b.WriteString("\n},\n\"shapes\": {\n")
	for i, k := range slices.Sorted(maps.Keys(t.Shapes)) {
		fmt.Fprintf(&b, "%s%s: %s", comma(i), line(k), line(t.Shapes[k]))
	}
	b.WriteString("\n}\n}\n")
	return b.Bytes()
}

func comma(i int) string {
	if i == 0 {
		return ""
	}
	return ",\n"
}

func line(v any) string {
	b, err := json.Marshal(v)
	if err != nil {
		panic(err)
	}
	return string(b)
}

type compactor struct {
	doc    map[string]any
	shapes map[string]*Shape
	errs   []error
}

// at returns what a reference refers to.
func (c *compactor) at(ref string) map[string]any {
	v := any(c.doc)
	for part := range strings.SplitSeq(strings.TrimPrefix(ref, "#/"), "/") {
		v = v.(map[string]any)[part]
	}
	return v.(map[string]any)
}

// follow returns the object itself, or the object that it refers to.
func (c *compactor) follow(v any) map[string]any {
	m := v.(map[string]any)
	if ref, ok := m["$ref"].(string); ok {
		return c.at(ref)
	}
	return m
}

func (c *compactor) operation(op map[string]any) Operation {
	out := Operation{Query: map[string]*Shape{}, Answers: map[string]string{}}
	parameters, _ := op["parameters"].([]any)
	for _, p := range parameters {
		p := c.follow(p)
		if p["in"] == "query" {
			out.Query[p["name"].(string)] = c.shape(p["schema"].(map[string]any))
			if p["schema"].(map[string]any)["type"] == "array" && p["explode"] != false {
				c.errs = append(c.errs, fmt.Errorf("parameter %v: Request reads lists with commas only", p["name"]))
			}
		}
	}
	if body, ok := op["requestBody"].(map[string]any); ok {
		out.Body = c.content(body, "application/json")
	}
	for status, answer := range op["responses"].(map[string]any) {
		answer := c.follow(answer)
		name := c.content(answer, "application/json")
		if name == "" {
			name = c.content(answer, "application/problem+json")
		}
		if status != "default" {
			out.Answers[status] = name
		}
	}
	return out
}

// content returns the name of a body's shape.
func (c *compactor) content(body map[string]any, media string) string {
	content, _ := body["content"].(map[string]any)
	m, ok := content[media].(map[string]any)
	if !ok {
		return ""
	}
	ref := m["schema"].(map[string]any)["$ref"].(string)
	return c.named(ref[strings.LastIndexByte(ref, '/')+1:])
}

// named adds the shape of that name to the table.
func (c *compactor) named(name string) string {
	if c.shapes[name] == nil {
		c.shapes[name] = new(Shape) // for a shape that contains itself
		*c.shapes[name] = *c.shape(c.at("#/components/schemas/" + name))
	}
	return name
}

// shape reduces one schema.
func (c *compactor) shape(m map[string]any) *Shape {
	if ref, ok := m["$ref"].(string); ok {
		return &Shape{Ref: c.named(ref[strings.LastIndexByte(ref, '/')+1:])}
	}
	if all, ok := m["allOf"].([]any); ok && len(all) == 1 && !slices.ContainsFunc(slices.Collect(maps.Keys(m)), func(k string) bool { return k != "allOf" && k != "default" }) {
		return c.shape(all[0].(map[string]any))
	}
	s := new(Shape)
	for _, k := range slices.Sorted(maps.Keys(m)) {
		c.keyword(s, k, m[k])
	}
	if m["if"] != nil {
		s.Rules = append(s.Rules, Rule{c.shape(m["if"].(map[string]any)), c.shape(m["then"].(map[string]any))})
	}
	slices.Sort(s.Required)
	return s
}

func (c *compactor) keyword(s *Shape, k string, v any) {
	switch k {
	case "type":
		s.Type = stringsOf(v)
	case "enum":
		s.Enum = v.([]any)
	case "const":
		s.Enum = []any{v}
	case "pattern":
		s.Pattern = v.(string)
	case "format":
		if v == "date-time" || v == "uri" {
			s.Format = v.(string)
		}
	case "minimum":
		s.Min = new(number(v))
	case "maximum":
		s.Max = new(number(v))
	case "minLength", "minItems", "minProperties":
		s.AtLeast = int(number(v))
	case "maxItems":
		s.AtMost = new(int(number(v)))
	case "uniqueItems":
		s.Unique = v.(bool)
	case "required":
		s.Required = append(s.Required, stringsOf(v)...)
	case "dependentRequired":
		s.Needs = map[string][]string{}
		for name, others := range v.(map[string]any) {
			s.Needs[name] = stringsOf(others)
		}
	case "items":
		s.Items = c.shape(v.(map[string]any))
	case "not":
		s.Not = c.shape(v.(map[string]any))
	case "oneOf":
		s.OneOf = c.list(v)
	case "anyOf":
		s.AnyOf = c.list(v)
	case "properties":
		for name, p := range v.(map[string]any) {
			c.property(s, name, c.shape(p.(map[string]any)))
		}
	case "additionalProperties":
		if m, ok := v.(map[string]any); ok {
			s.Values = c.shape(m)
		} else {
			s.Closed = s.Closed || v == false
		}
	case "unevaluatedProperties":
		s.Closed = s.Closed || v == false
	case "allOf":
		for _, part := range v.([]any) {
			c.add(s, c.shape(c.follow(part)))
		}
	case "if", "then": // both at once, in shape
	case "default", "example", "examples", "x-enum-varnames", "discriminator": // say nothing about which values are right
	default:
		c.errs = append(c.errs, fmt.Errorf("a keyword that this does not know: %s: %s", k, line(v)))
	}
}

// add merges a part of allOf into s.
func (c *compactor) add(s, part *Shape) {
	for name, p := range part.Properties {
		c.property(s, name, p)
	}
	s.Required = append(s.Required, part.Required...)
	s.Rules = append(s.Rules, part.Rules...)
	s.Closed = s.Closed || part.Closed
	if part.Needs != nil {
		s.Needs = part.Needs
	}
	if part.Type != nil {
		s.Type = part.Type
	}
	rest := *part
	rest.Properties, rest.Required, rest.Rules, rest.Closed, rest.Needs, rest.Type = nil, nil, nil, false, nil, nil
	if line(rest) != "{}" {
		c.errs = append(c.errs, fmt.Errorf("a part of allOf that this cannot put together: %s", line(rest)))
	}
}

// property adds a property. If the property already exists, it keeps the rules of both.
func (c *compactor) property(s *Shape, name string, p *Shape) {
	if s.Properties == nil {
		s.Properties = map[string]*Shape{}
	}
	old := s.Properties[name]
	switch {
	case old == nil || line(old) == line(p) || line(old) == line(Shape{Type: p.Type}):
		s.Properties[name] = p
	case line(p) == line(Shape{Type: old.Type}): // says less
	default:
		c.errs = append(c.errs, fmt.Errorf("property %s: %s and %s", name, line(old), line(p)))
	}
}

func (c *compactor) list(v any) (out []*Shape) {
	for _, m := range v.([]any) {
		out = append(out, c.shape(m.(map[string]any)))
	}
	return out
}

func stringsOf(v any) (out []string) {
	if s, ok := v.(string); ok {
		return []string{s}
	}
	for _, s := range v.([]any) {
		out = append(out, s.(string))
	}
	return out
}

func number(v any) float64 {
	f, err := v.(json.Number).Float64()
	if err != nil {
		panic(err)
	}
	return f
}
