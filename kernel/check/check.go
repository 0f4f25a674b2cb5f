// Package check examines a notebook before it is shared: for keys and tokens, for
// paths that name a person, for outputs that are huge or that GitHub does not show.
//
// It recognises secrets by their form and by the values that this machine knows (package
// kernel/secrets); a finding never contains the secret.
package check

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"regexp"
	"strings"

	"github.com/gopherpod/gopherpod/kernel/secrets"
)

// A Kind is a category of finding.
type Kind string

const (
	Secret Kind = "secret"        // a key, a token, a password
	Path   Kind = "home path"     // a path that names a person
	Huge   Kind = "huge output"   // more than MaxOutput
	Hidden Kind = "not on GitHub" // a script or a style, which GitHub drops
	Order  Kind = "order"         // cells that were not run from top to bottom
)

// Grave reports whether a notebook with the finding should not be shared.
func (k Kind) Grave() bool { return k == Secret || k == Path }

// MaxOutput is the most bytes that an output may have. GitHub shows notebooks of up to
// a few megabytes; review tools give up earlier.
const MaxOutput = 1 << 20

// A Finding is one place in a notebook.
type Finding struct {
	Kind  Kind   `json:"kind"`
	Cell  int    `json:"cell,omitempty"`  // counted from 1; 0: the notebook's metadata
	Where string `json:"where"`           // "source", "output 2", "metadata"
	Line  int    `json:"line,omitempty"`  // in the text, from 1
	Text  string `json:"text"`            // a description, without the secret
	Bytes int    `json:"bytes,omitempty"` // size of a huge output
}

// String returns the finding on one line.
func (f Finding) String() string {
	s := fmt.Sprintf("cell %d, %s", f.Cell, f.Where)
	if f.Cell == 0 {
		s = f.Where
	}
	if f.Line > 0 {
		s += fmt.Sprintf(", line %d", f.Line)
	}
	return fmt.Sprintf("%s: %s: %s", s, f.Kind, f.Text)
}

// ErrNotebook is the error for a file that is not a notebook.
var ErrNotebook = errors.New("not a Jupyter notebook")

// maxNotebook is the largest notebook to read, in bytes.
const maxNotebook = 512 << 20

// Notebook examines the notebook that it reads from r. Redact masks the secrets that this
// machine knows, as secrets.Redactor does; home is the user's home folder or "".
func Notebook(r io.Reader, redact func(string) string, home string) ([]Finding, error) {
	c := &checker{redact: redact, home: home}
	_, err := c.read(r)
	return c.found, err
}

// Fix returns the notebook with secrets masked, home paths shortened to ~ and huge
// outputs removed, and the findings. The rest is unchanged.
func Fix(r io.Reader, redact func(string) string, home string) ([]byte, []Finding, error) {
	c := &checker{redact: redact, home: home, fix: true}
	nb, err := c.read(r)
	if err != nil {
		return nil, nil, err
	}
	var b bytes.Buffer
	enc := json.NewEncoder(&b) // the layout that nbformat writes: sorted keys, indent of one space, no escapes
	enc.SetEscapeHTML(false)
	enc.SetIndent("", " ")
	if err := enc.Encode(nb); err != nil {
		return nil, nil, err
	}
	return b.Bytes(), c.found, nil
}

// File runs Notebook on a file.
func File(name string, redact func(string) string) ([]Finding, error) {
	f, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	home, _ := os.UserHomeDir()
	found, err := Notebook(f, redact, home)
	if err != nil {
		err = fmt.Errorf("%s: %w", name, err)
	}
	return found, err
}

type checker struct {
	redact func(string) string
	home   string
	fix    bool
	found  []Finding
	at     Finding // the place that is being examined
}

func (c *checker) add(k Kind, line int, format string, args ...any) {
	f := c.at
	f.Kind, f.Line, f.Text = k, line, fmt.Sprintf(format, args...)
	c.found = append(c.found, f)
}

func (c *checker) read(r io.Reader) (map[string]any, error) {
	d := json.NewDecoder(io.LimitReader(r, maxNotebook))
	d.UseNumber()
	var nb map[string]any
	if err := d.Decode(&nb); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrNotebook, err)
	}
	cells, ok := nb["cells"].([]any)
	if _, version := nb["nbformat"]; !ok || !version {
		return nil, fmt.Errorf("%w: want nbformat 4 with cells", ErrNotebook)
	}
	c.at = Finding{Where: "metadata"}
	nb["metadata"] = c.value(nb["metadata"])
	last := 0
	for i, x := range cells {
		cell, ok := x.(map[string]any)
		if !ok {
			return nil, fmt.Errorf("%w: cell %d is not an object", ErrNotebook, i+1)
		}
		c.cell(i+1, cell, &last)
	}
	return nb, nil
}

func (c *checker) cell(number int, cell map[string]any, last *int) {
	c.at = Finding{Cell: number, Where: "source"}
	cell["source"] = c.value(cell["source"])
	c.at.Where = "metadata"
	cell["metadata"] = c.value(cell["metadata"])
	c.at.Where = "attachments"
	if a, ok := cell["attachments"]; ok {
		cell["attachments"] = c.value(a)
	}
	if n, ok := cell["execution_count"].(json.Number); ok {
		if v, err := n.Int64(); err == nil {
			if int(v) <= *last {
				c.add(Order, 0, "it ran as number %d, but a cell above it ran as number %d; restart and run all before sharing", v, *last)
			}
			*last = int(v)
		}
	}
	outputs, _ := cell["outputs"].([]any)
	for i, o := range outputs {
		c.at = Finding{Cell: number, Where: fmt.Sprintf("output %d", i+1)}
		b, err := json.Marshal(o)
		if err == nil && len(b) > MaxOutput {
			c.add(Huge, 0, "%.1f MB; clear it, or show less", float64(len(b))/1e6)
			c.found[len(c.found)-1].Bytes = len(b)
			if c.fix {
				outputs[i] = map[string]any{"output_type": "stream", "name": "stdout", "text": fmt.Sprintf("(an output of %.1f MB was removed)\n", float64(len(b))/1e6)}
				continue
			}
		}
		c.hidden(o)
		outputs[i] = c.value(o)
	}
}

var dropped = regexp.MustCompile(`(?i)<(script|style)\b`)

// hidden finds outputs that GitHub does not show, or shows only in part.
func (c *checker) hidden(output any) {
	o, _ := output.(map[string]any)
	data, _ := o["data"].(map[string]any)
	html := joined(data["text/html"])
	if m := dropped.FindString(html); m != "" {
		c.add(Hidden, 0, "its HTML has %s>, which GitHub and untrusted notebooks drop", strings.ToLower(m))
	}
	if _, js := data["application/javascript"]; js && data["text/html"] == nil && data["image/png"] == nil {
		c.add(Hidden, 0, "it is JavaScript, which GitHub does not run")
	}
}

// joined returns a multi-line string of nbformat as one string.
func joined(x any) string {
	switch x := x.(type) {
	case string:
		return x
	case []any:
		var b strings.Builder
		for _, line := range x {
			s, _ := line.(string)
			b.WriteString(s)
		}
		return b.String()
	}
	return ""
}

// value examines all strings in x. It returns x, with the findings fixed if called by Fix.
func (c *checker) value(x any) any {
	switch x := x.(type) {
	case string:
		return c.text(x, 1)
	case []any:
		line := 1
		for i, e := range x {
			if s, ok := e.(string); ok {
				x[i] = c.text(s, line)
				line += strings.Count(s, "\n")
			} else {
				x[i] = c.value(e)
			}
		}
	case map[string]any:
		for k, v := range x {
			if strings.HasPrefix(k, "image/") && k != "image/svg+xml" {
				continue // base64 contains no words
			}
			x[k] = c.value(v)
		}
	}
	return x
}

var (
	assigned = regexp.MustCompile("(?i)(?:api_?key|token|secret|passw(?:or)?d|credentials?)[\"'`]?\\s*(?::=|[:=,])\\s*[\"'`]([^\"'`\\s]{10,})[\"'`]")
	private  = regexp.MustCompile(`-----BEGIN [A-Z ]*PRIVATE KEY-----`)
	withPass = regexp.MustCompile(`[a-z][a-z0-9+.-]*://[^/\s:@"'<>]+:([^/\s@"'<>]{3,})@`)
	homes    = regexp.MustCompile(`(?:/home/|/Users/|[A-Za-z]:\\+Users\\+)([A-Za-z0-9._-]+)`)
)

// shared lists names of home folders that do not identify a person.
var shared = map[string]bool{"jovyan": true, "user": true, "username": true, "you": true, "me": true, "shared": true, "public": true, "runner": true, "vscode": true}

func (c *checker) text(s string, first int) string {
	lines := strings.SplitAfter(s, "\n")
	for i, line := range lines {
		lines[i] = c.line(line, first+i)
	}
	return strings.Join(lines, "")
}

func (c *checker) line(s string, number int) string {
	out := c.redact(s)
	if out != s {
		c.add(Secret, number, "a key or token; revoke it: anyone who saw the notebook has it")
	}
	mask := func(re *regexp.Regexp, group int, what string, is func(string) bool) {
		for _, m := range re.FindAllStringSubmatchIndex(out, -1) {
			if word := out[m[2*group]:m[2*group+1]]; strings.Contains(word, secrets.Mask) || !is(word) {
				continue
			}
			c.add(Secret, number, "%s", what)
		}
		out = re.ReplaceAllStringFunc(out, func(whole string) string {
			m := re.FindStringSubmatchIndex(whole)
			if !is(whole[m[2*group]:m[2*group+1]]) {
				return whole
			}
			return whole[:m[2*group]] + secrets.Mask + whole[m[2*group+1]:]
		})
	}
	always := func(string) bool { return true }
	mask(assigned, 1, "a value that looks like a key or a password", random)
	mask(private, 0, "a private key", always)
	mask(withPass, 1, "a password in an address", always)
	if c.home != "" && len(c.home) > 1 && c.home != "/root" && strings.Contains(out, c.home) {
		c.add(Path, number, "your home folder")
		out = strings.ReplaceAll(out, c.home, "~")
	}
	for _, m := range homes.FindAllStringSubmatchIndex(out, -1) {
		if name := out[m[2]:m[3]]; !shared[strings.ToLower(name)] {
			c.add(Path, number, "a home folder, with the name of its owner")
		}
	}
	if !c.fix {
		return s
	}
	return homes.ReplaceAllStringFunc(out, func(whole string) string {
		if shared[strings.ToLower(homes.FindStringSubmatch(whole)[1])] {
			return whole
		}
		return "~"
	})
}

// random reports whether a text looks random: it has a Shannon entropy of at least 3 bits
// per character. Words and placeholders have less, keys have more.
func random(s string) bool {
	if strings.ContainsAny(s, "<>{}$(") || strings.Trim(s, "x*.X-") == "" {
		return false
	}
	counts := map[rune]int{}
	n := 0
	for _, r := range s {
		counts[r]++
		n++
	}
	bits := 0.0
	for _, k := range counts {
		p := float64(k) / float64(n)
		bits -= p * math.Log2(p)
	}
	return bits >= 3
}
