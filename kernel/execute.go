package kernel

import (
	"encoding/json"
	"regexp"
	"strings"
)

// executeRequest is the content of execute_request.
type executeRequest struct {
	Code            string            `json:"code"`
	Silent          bool              `json:"silent"`
	StoreHistory    bool              `json:"store_history"`
	UserExpressions map[string]string `json:"user_expressions"`
	AllowStdin      bool              `json:"allow_stdin"`
	StopOnError     bool              `json:"stop_on_error"`
}

// runCells executes cells, one after the other, until the kernel stops.
func (s *server) runCells() {
	for {
		r, ok := s.cells.pop(s.ctx)
		if !ok {
			return
		}
		s.turns.begin()
		s.pub.cellStatus(r, "busy")
		aborted := s.execute(r)
		s.pub.cellStatus(r, "idle")
		s.turns.end(1)
		s.abort(aborted)
	}
}

// execute runs one cell: execute_input, outputs, reply. If the cell fails, execute
// returns the cells that must not run after it.
func (s *server) execute(r *request) (aborted []*request) {
	in := executeRequest{StoreHistory: true, StopOnError: true}
	if err := r.parse(&in); err != nil {
		s.reply(r, s.executeReply(nil, err))
		return nil
	}
	in.StoreHistory = in.StoreHistory && !in.Silent
	out := &output{
		s: s, parent: r.RawHeader, silent: in.Silent, count: s.count,
		pending: map[string][]byte{},
		clean:   map[string]func(string, bool) string{},
		stdin: &stdinRoute{
			allowed: in.AllowStdin, identity: r.peer.Identity(), identities: r.Identities, cell: r.Header.MsgID,
		},
	}
	if s.opts.Begin != nil {
		s.opts.Begin(in.Code)
	}
	if !in.Silent {
		s.pub.send(r.RawHeader, "execute_input", content{"code": in.Code, "execution_count": s.count})
	}
	if in.StoreHistory {
		s.hist.Add(s.count, s.redact.text(in.Code))
	}
	err := s.evaluate(r, in, out)
	reply := s.executeReply(out, err)
	if err == nil {
		reply["user_expressions"] = s.userExpressions(in.UserExpressions)
	}
	if why := s.hist.Failure(); why != nil {
		out.Stream("stderr", []byte("cells are not kept for later sessions: "+why.Error()+"\n"))
	}
	out.flush()
	if err != nil && !in.Silent {
		c := errorContent(err)
		delete(c, "status")
		s.pub.send(r.RawHeader, "error", c)
	}
	if in.StoreHistory {
		if text := out.resultText(); text != "" {
			s.hist.SetOutput(s.count, s.redact.text(text))
		}
		s.count++
	}
	if err != nil && in.StopOnError {
		aborted = s.gather()
	}
	s.reply(r, reply)
	return aborted
}

// evaluate hands the cell to the evaluator, or shows help for "name?".
func (s *server) evaluate(r *request, in executeRequest, out *output) error {
	cell := Cell{Source: in.Code, Count: s.count, ID: cellID(r.Metadata), Interactive: in.AllowStdin}
	return guard(func() error {
		if name, detail, ok := helpFor(in.Code); ok {
			return s.page(name, detail, out)
		}
		return s.ev.Execute(s.ctx, cell, out)
	})
}

// cellID returns the id of the cell in its notebook, or "" if the front end sends none.
func cellID(metadata json.RawMessage) string {
	var md struct {
		CellID string `json:"cellId"`
	}
	if json.Unmarshal(metadata, &md) != nil {
		return ""
	}
	return md.CellID
}

func (s *server) executeReply(out *output, err error) content {
	c := content{}
	if err != nil {
		c = errorContent(err)
	}
	c["execution_count"] = s.count
	c["user_expressions"] = content{}
	c["payload"] = []any{}
	if out != nil && err == nil {
		c["payload"] = out.payloads()
	}
	return c
}

// userExpressions evaluates the expressions that the front end asks for after a
// cell. An expression that fails is answered with its error.
func (s *server) userExpressions(exprs map[string]string) content {
	out := content{}
	for name, expr := range exprs {
		var b Bundle
		err := guard(func() (err error) {
			b, err = s.ev.Eval(s.ctx, expr)
			return err
		})
		if err != nil {
			out[name] = errorContent(err)
			continue
		}
		out[name] = content{"status": "ok", "data": object(b), "metadata": content{}}
	}
	return out
}

// helpCall matches "name?", "pkg.Name?" and, for more detail, "name??", and the same
// with the question marks first. Magics answer "%name?" themselves.
var helpCall = regexp.MustCompile(`^\s*(?:([\pL_][\pL_\pN.]*)(\?\??)|(\?\??)((?:%%?)?[\pL_][\pL_\pN.]*))\s*$`)

func helpFor(code string) (name string, detail int, ok bool) {
	m := helpCall.FindStringSubmatch(code)
	if m == nil {
		return "", 0, false
	}
	return m[1] + m[4], len(m[2]+m[3]) - 1, true
}

// page shows the help on a name in the pager.
func (s *server) page(name string, detail int, out *output) error {
	b, ok, err := s.ev.Inspect(s.ctx, name, len(name), detail)
	if err != nil {
		return err
	}
	if !ok {
		return &EvalError{Name: "UsageError", Value: "nothing is known of " + strings.TrimSpace(name)}
	}
	out.Page(b)
	return nil
}
