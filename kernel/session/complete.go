package session

import (
	"context"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/gopherpod/gopherpod/kernel"
	"github.com/gopherpod/gopherpod/kernel/cell"
	"github.com/gopherpod/gopherpod/kernel/display"
	"github.com/gopherpod/gopherpod/kernel/session/frame"
)

var (
	magicName = regexp.MustCompile(`^[ \t]*(%%?)([\w.-]*)$`)
	magicArgs = regexp.MustCompile(`^[ \t]*%%?([A-Za-z_][\w.-]*)[ \t]`)
)

// completePatience is how long a magic may take to complete its arguments.
const completePatience = 2 * time.Second

// Complete lists the completions at pos.
func (s *Session) Complete(ctx context.Context, code string, pos int) (kernel.Completion, error) {
	if pos < 0 || pos > len(code) {
		return kernel.Completion{}, fmt.Errorf("session: position %d is outside of the %d bytes of code", pos, len(code))
	}
	start := strings.LastIndexByte(code[:pos], '\n') + 1
	line := code[start:pos]
	if m := magicName.FindStringSubmatch(line); m != nil {
		return s.completeMagic(m[2], pos), nil
	}
	if m := magicArgs.FindStringSubmatchIndex(line); m != nil && freeLines(code, strings.Count(code, "\n")+1)[strings.Count(code[:start], "\n")] != inside {
		return s.completeArgs(ctx, line[m[2]:m[3]], code, start+m[3], pos)
	}
	if m := shellWord.FindStringSubmatch(line); m != nil {
		return s.completeFiles(m[1], pos), nil
	}
	ms, from, to := s.book.Complete(goOnly(code), pos)
	if lit := cell.StringAt(code, pos); len(ms) == 0 && lit != "" {
		return s.completeFiles(lit[1:], pos), nil
	}
	c := kernel.Completion{Start: from, End: to}
	for _, m := range ms {
		c.Matches = append(c.Matches, kernel.Match{Text: m.Text, Type: m.Type, Signature: m.Signature})
	}
	return c, nil
}

// shellWord matches a shell command and captures its last word.
var shellWord = regexp.MustCompile(`^[ \t]*!(?:.*[ \t])?([^ \t]*)$`)

// completeFiles completes a path that ends at pos.
func (s *Session) completeFiles(path string, pos int) kernel.Completion {
	c := kernel.Completion{Start: pos - len(path), End: pos}
	for _, f := range s.files(path) {
		c.Matches = append(c.Matches, kernel.Match{Text: f, Type: "path"})
	}
	return c
}

func (s *Session) completeMagic(prefix string, pos int) kernel.Completion {
	p := s.super.Process()
	c := kernel.Completion{Start: pos - len(prefix), End: pos}
	for _, n := range s.magicNames(p) {
		if strings.HasPrefix(n, prefix) {
			c.Matches = append(c.Matches, kernel.Match{Text: n, Type: "magic"})
		}
	}
	return c
}

// completeArgs asks the magic to complete its own arguments.
func (s *Session) completeArgs(ctx context.Context, name, code string, from, pos int) (kernel.Completion, error) {
	none := kernel.Completion{Start: pos, End: pos}
	word := code[from:pos]
	word = word[strings.LastIndexAny(word, " \t")+1:]
	if words := s.ownWords(name, word); len(words) > 0 {
		c := kernel.Completion{Start: pos - len(word), End: pos}
		for _, w := range words {
			c.Matches = append(c.Matches, kernel.Match{Text: w, Type: "magic"})
		}
		return c, nil
	}
	p := s.super.Process()
	if p == nil || !p.IsReady() || !slices.ContainsFunc(p.Magics(), func(m frame.MagicInfo) bool { return m.Name == name && m.Completes }) {
		return none, nil
	}
	end := len(code)
	if i := strings.IndexByte(code[from:], '\n'); i >= 0 {
		end = from + i
	}
	ctx, cancel := context.WithTimeout(ctx, completePatience)
	defer cancel()
	e, err := p.Ask(ctx.Done(), frame.Command{Op: frame.Complete, Name: name, Text: code[from:end], Pos: pos - from})
	if err != nil || e.Err != "" {
		return none, nil
	}
	c := kernel.Completion{Start: from + e.Start, End: pos}
	for _, m := range e.Matches {
		c.Matches = append(c.Matches, kernel.Match{Text: m, Type: "magic"})
	}
	return c, nil
}

// goOnly replaces the magics of a cell by blanks, byte for byte, so that offsets
// stay the same.
func goOnly(code string) string {
	lines := strings.SplitAfter(code, "\n")
	if _, ok := wholeCell(lines); ok {
		return strings.Repeat(" ", len(code))
	}
	free := freeLines(code, len(lines))
	for i, l := range lines {
		text := strings.TrimRight(l, "\n")
		if seg, ok := magicOf(text); ok && free[i] != inside && (seg.kind != shell || free[i] == statement) {
			lines[i] = strings.Repeat(" ", len(text)) + l[len(text):]
		}
	}
	return strings.Join(lines, "")
}

// Inspect describes what is at pos: the documentation of a name or the help of a magic.
func (s *Session) Inspect(_ context.Context, code string, pos, detail int) (kernel.Bundle, bool, error) {
	if pos < 0 || pos > len(code) {
		return nil, false, fmt.Errorf("session: position %d is outside of the %d bytes of code", pos, len(code))
	}
	start := strings.LastIndexByte(code[:pos], '\n') + 1
	end := len(code)
	if i := strings.IndexByte(code[pos:], '\n'); i >= 0 {
		end = pos + i
	}
	if m := magicHelp.FindStringSubmatch(code[start:end]); m != nil {
		if text, ok := s.magicHelp(m[1]); ok {
			return kernel.Bundle{"text/plain": text}, true, nil
		}
	}
	b, ok, err := s.inspectGo(goOnly(code), pos, detail)
	if ok || err != nil {
		return b, ok, err
	}
	if text, magic := s.magicHelp(strings.TrimSpace(code)); magic { // "runpod_train?"
		return kernel.Bundle{"text/plain": text}, true, nil
	}
	return b, false, nil
}

var magicHelp = regexp.MustCompile(`^[ \t]*%%?([A-Za-z_][\w.-]*)`)

func (s *Session) magicHelp(name string) (string, bool) {
	if o, ok := owns()[name]; ok {
		return o.help, true
	}
	p := s.super.Process()
	if p == nil || !p.IsReady() {
		return "", false
	}
	for _, m := range p.Magics() {
		if m.Name == name {
			return m.Help, true
		}
	}
	return "", false
}

// IsComplete reports whether code can be run as it is. A cell magic is complete
// if it ends with an empty line.
func (s *Session) IsComplete(code string) (status, indent string) {
	if _, ok := wholeCell(strings.SplitAfter(code, "\n")); ok {
		if strings.HasSuffix(code, "\n\n") || !strings.Contains(code, "\n") && strings.HasSuffix(code, "?") {
			return "complete", ""
		}
		return "incomplete", ""
	}
	return cell.IsComplete(goOnly(code))
}

// Eval evaluates a user expression. It reads a variable or a field directly and
// runs anything else as a separate cell.
func (s *Session) Eval(ctx context.Context, expr string) (kernel.Bundle, error) {
	out := &evalOutput{}
	err := s.Execute(ctx, kernel.Cell{Source: expr, Count: s.sources.lastCount()}, out)
	if err != nil {
		return nil, err
	}
	if out.result == nil {
		return nil, evalError(nameUsage, "the expression has no value: "+expr)
	}
	return out.result, nil
}

// evalOutput is an Output that keeps the result of an expression and drops the rest.
type evalOutput struct{ result kernel.Bundle }

func (o *evalOutput) Stream(string, []byte)    {}
func (o *evalOutput) Display(display.Message)  {}
func (o *evalOutput) Result(m display.Message) { o.result = m.Data }
func (o *evalOutput) Clear(bool)               {}
func (o *evalOutput) Input(context.Context, string, bool) (string, error) {
	return "", kernel.ErrNoStdin
}
