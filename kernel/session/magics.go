package session

import (
	"fmt"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/gopherpod/gopherpod/kernel/magic"
	"github.com/gopherpod/gopherpod/kernel/session/frame"
	"github.com/gopherpod/gopherpod/kernel/session/supervisor"
	"github.com/gopherpod/gopherpod/tensors/wording"
)

// An own is a magic of the kernel process: it works on the notebook, not on
// values.
type own struct {
	kind    magic.Kind
	summary string
	help    string
	run     func(s *Session, x *execution, seg segment) error
}

// owns returns the kernel's own magics. It is a function, not a variable, because
// %lsmagic refers to it.
func owns() map[string]own {
	return map[string]own{
		"go":          {magic.Line, "versions of modules; go's other commands", goHelp, (*Session).goCommand},
		"goflags":     {magic.Line, "set build tags for what cells import", goflagsHelp, (*Session).goflags},
		"go111module": {magic.Line, "of gophernotes: modules are always on here", "%go111module changes nothing: modules are always on.", (*Session).go111module},
		"help":        {magic.Line, "list the magics", "%help lists all magics, as %lsmagic does; %help name shows the help of one.", (*Session).lsmagic},
		"test":        {magic.Line | magic.Cell, "run the tests of the notebook", testHelp, (*Session).testMagic},
		"bench":       {magic.Line | magic.Cell, "run the benchmarks of the notebook", benchHelp, (*Session).benchMagic},
		"load":        {magic.Line, "put a file into the cell", loadHelp, (*Session).load},
		"run":         {magic.Line, "run a Go file in the session", runHelp, (*Session).runFile},
		"doc":         {magic.Line, "show the documentation of a name", docHelp, (*Session).doc},
		"lsmagic":     {magic.Line, "list the magics", "%lsmagic lists all magics with a line on each; %name? shows the help of one.", (*Session).lsmagic},
		"who":         {magic.Line, "list the variables with type, shape and size", "%who [name ...] lists the variables, or those named.", (*Session).who},
		"time":        {magic.Line | magic.Cell, "run Go and say how long it took", "%time statement, or %%time on the first line of a cell. The time is that of the run; compiling is shown apart.", (*Session).time},
		"reset":       {magic.Line, "forget all variables, functions, types and imports", "%reset ends the session process and starts a new, empty one.", (*Session).reset},
	}
}

// go111module runs %go111module, with which notebooks written for gophernotes begin.
func (s *Session) go111module(x *execution, seg segment) error {
	switch seg.args {
	case "", "on", "auto":
	case "off":
		x.out.Stream("stderr", []byte("%go111module off changes nothing: there is no GOPATH here, modules are always on\n"))
	default:
		return usage("%%go111module: want on, off or auto, got %s", seg.args)
	}
	return nil
}

// magic runs a magic, of the kernel or of the session process.
func (s *Session) magic(x *execution, seg segment) error {
	sign, need := "%", magic.Line
	if seg.kind == cellMagic {
		sign, need = "%%", magic.Cell
	}
	if o, ok := owns()[seg.name]; ok {
		if wantsHelp(seg) {
			return s.help(x, seg.name)
		}
		if o.kind&need == 0 {
			return usage("%s%s does not exist, only %s%s", sign, seg.name, otherSign(sign), seg.name)
		}
		return o.run(s, x, seg)
	}
	p, err := s.process(x)
	if err != nil {
		return err
	}
	i := slices.IndexFunc(p.Magics(), func(m frame.MagicInfo) bool { return m.Name == seg.name })
	if i < 0 {
		return s.unknownMagic(sign, seg.name, p)
	}
	if wantsHelp(seg) && seg.kind != shell {
		return s.help(x, seg.name)
	}
	if magic.Kind(p.Magics()[i].Kind)&need == 0 {
		return usage("%s%s does not exist, only %s%s", sign, seg.name, otherSign(sign), seg.name)
	}
	s.setAgain(x, make(chan struct{}))
	defer s.setAgain(x, nil)
	_, err = s.start(x, p, frame.Command{Op: frame.Magic, Name: seg.name, Text: seg.args, Body: seg.body, IsCell: seg.kind == cellMagic,
		Interactive: x.cell.Interactive}, func() {})
	if name, value, ok := strings.Cut(seg.args, "="); ok && err == nil && seg.name == "env" {
		s.super.Setenv(strings.TrimSpace(name), strings.TrimSpace(value))
	}
	return err
}

func otherSign(sign string) string {
	if sign == "%" {
		return "%%"
	}
	return "%"
}

func wantsHelp(seg segment) bool {
	f := strings.Fields(seg.args)
	return slices.Contains(f, "--help") || len(f) == 1 && f[0] == "-h"
}

func (s *Session) unknownMagic(sign, name string, p *supervisor.Process) error {
	if best := wording.Nearest(name, s.magicNames(p)); best != "" {
		return usage("unknown magic %s%s; did you mean %s%s?", sign, name, sign, best)
	}
	return usage("unknown magic %s%s; %%lsmagic lists them", sign, name)
}

func (s *Session) magicNames(p *supervisor.Process) (names []string) {
	for n := range owns() {
		names = append(names, n)
	}
	if p != nil && p.IsReady() {
		for _, m := range p.Magics() {
			names = append(names, m.Name)
		}
	}
	slices.Sort(names)
	return names
}

// help shows the help of a magic.
func (s *Session) help(x *execution, name string) error {
	text := ""
	if o, ok := owns()[name]; ok {
		text = o.help
	} else {
		p, err := s.process(x)
		if err != nil {
			return err
		}
		i := slices.IndexFunc(p.Magics(), func(m frame.MagicInfo) bool { return m.Name == name })
		if i < 0 {
			return s.unknownMagic("%", name, p)
		}
		text = p.Magics()[i].Help
	}
	x.out.Stream("stdout", []byte(strings.TrimRight(text, "\n")+"\n"))
	return nil
}

func (s *Session) lsmagic(x *execution, seg segment) error {
	if seg.args != "" {
		return s.help(x, strings.TrimLeft(seg.args, "%"))
	}
	p, err := s.process(x)
	if err != nil {
		return err
	}
	infos := slices.Clone(p.Magics())
	for n, o := range owns() {
		infos = append(infos, frame.MagicInfo{Name: n, Kind: uint8(o.kind), Summary: o.summary})
	}
	slices.SortFunc(infos, func(a, b frame.MagicInfo) int { return strings.Compare(a.Name, b.Name) })
	var b strings.Builder
	w := tabwriter.NewWriter(&b, 0, 0, 2, ' ', 0)
	for _, m := range infos {
		var forms []string
		if magic.Kind(m.Kind)&magic.Line != 0 {
			forms = append(forms, "%"+m.Name)
		}
		if magic.Kind(m.Kind)&magic.Cell != 0 {
			forms = append(forms, "%%"+m.Name)
		}
		fmt.Fprintf(w, "%s\t%s\n", strings.Join(forms, " "), m.Summary)
	}
	fmt.Fprintf(w, "!command\trun a command of the shell\n")
	w.Flush()
	x.out.Stream("stdout", []byte(b.String()))
	return nil
}

// who lists the variables.
func (s *Session) who(x *execution, seg segment) error {
	p, err := s.process(x)
	if err != nil {
		return err
	}
	e, err := p.Ask(x.ctx.Done(), frame.Command{Op: frame.Vars})
	if err != nil {
		return s.lost(p, err)
	}
	types := map[string]string{}
	for _, n := range s.book.Names() {
		if n.Kind == "var" {
			types[n.Name] = n.Type
		}
	}
	var b strings.Builder
	w := tabwriter.NewWriter(&b, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "name\ttype\tshape\tbytes\tvalue")
	n := 0
	wanted := strings.Fields(seg.args)
	for _, w := range wanted {
		if types[w] == "" {
			return usage("%%who: %s is no variable", w)
		}
	}
	for _, v := range e.Vars {
		t, ok := types[v.Name]
		if !ok || len(wanted) > 0 && !slices.Contains(wanted, v.Name) {
			continue
		}
		n++
		fmt.Fprintf(w, "%s\t%s\t%s\t%d\t%s\n", v.Name, t, v.Shape, v.Bytes, v.Text)
	}
	w.Flush()
	if n == 0 {
		b.Reset()
		b.WriteString("no variables\n")
	}
	x.out.Stream("stdout", []byte(b.String()))
	return nil
}

// time runs Go and reports how long it took.
func (s *Session) time(x *execution, seg segment) error {
	code := seg.args
	if seg.kind == cellMagic {
		if seg.args != "" {
			return usage("%%%%time measures the lines below it and takes no arguments, got %s", seg.args)
		}
		code = "\n" + seg.body
	}
	if strings.TrimSpace(code) == "" {
		return usage("%%time needs a statement: %%time f()")
	}
	begin := time.Now()
	e, err := s.runCode(x, code)
	if err != nil {
		return err
	}
	run := time.Duration(e.Micros[2]) * time.Microsecond
	x.out.Stream("stdout", fmt.Appendf(nil, "run %v, compile and load %v\n", run, (time.Since(begin)-run).Round(time.Millisecond)))
	return nil
}

// reset forgets everything.
func (s *Session) reset(x *execution, seg segment) error {
	if seg.args != "" {
		return usage("%%reset takes no arguments, because it forgets everything: got %s", seg.args)
	}
	return s.empty(x)
}
