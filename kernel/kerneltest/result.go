package kerneltest

import "strings"

// A Request is the content of execute_request; the zero value of a field is the
// protocol's default.
type Request struct {
	Code            string
	Silent          bool
	NoHistory       bool // store_history false
	GoOnAfterError  bool // stop_on_error false
	AllowStdin      bool
	UserExpressions map[string]string
}

func (r Request) content() map[string]any {
	exprs := r.UserExpressions
	if exprs == nil {
		exprs = map[string]string{}
	}
	return map[string]any{
		"code": r.Code, "silent": r.Silent, "store_history": !r.NoHistory, "user_expressions": exprs,
		"allow_stdin": r.AllowStdin, "stop_on_error": !r.GoOnAfterError,
	}
}

// A Result is what one cell did: its reply, and what it published between busy
// and idle.
type Result struct {
	ID       string
	Reply    Message
	Messages []Message
}

// Execute runs a cell and waits for its reply and its idle.
func (c *Client) Execute(code string) Result {
	c.t.Helper()
	return c.ExecuteRequest(Request{Code: code, AllowStdin: c.answers() != nil})
}

// ExecuteRequest is Execute with the fields of the request.
func (c *Client) ExecuteRequest(r Request) Result {
	c.t.Helper()
	return c.Wait(c.Start(r))
}

// Start sends a cell and returns the msg_id at once.
func (c *Client) Start(r Request) string {
	c.t.Helper()
	return c.Send(Shell, "execute_request", r.content())
}

// Wait waits for the reply and the idle of a cell that was started.
func (c *Client) Wait(id string) Result {
	c.t.Helper()
	r := Result{ID: id, Reply: c.Reply(id)}
	c.Idle(id)
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, m := range c.cells[id] {
		if m.Type() != "status" {
			r.Messages = append(r.Messages, m)
		}
	}
	return r
}

// Status returns "ok", "error" or "aborted".
func (r Result) Status() string { s, _ := r.Reply.Content["status"].(string); return s }

// Count returns the execution_count of the reply.
func (r Result) Count() int { n, _ := r.Reply.Content["execution_count"].(float64); return int(n) }

// Stdout returns the text of stdout.
func (r Result) Stdout() string { return r.text("stdout") }

// Stderr returns the text of stderr.
func (r Result) Stderr() string { return r.text("stderr") }

func (r Result) text(name string) string {
	var b strings.Builder
	for _, m := range r.Of("stream") {
		if m.Content["name"] == name {
			b.WriteString(m.Content["text"].(string))
		}
	}
	return b.String()
}

// Of returns the messages of a type.
func (r Result) Of(msgType string) []Message {
	var out []Message
	for _, m := range r.Messages {
		if m.Type() == msgType {
			out = append(out, m)
		}
	}
	return out
}

// Text returns the text/plain of the execute_result, "" if there is none.
func (r Result) Text() string {
	for _, m := range r.Of("execute_result") {
		data, _ := m.Content["data"].(map[string]any)
		text, _ := data["text/plain"].(string)
		return text
	}
	return ""
}

// Error returns the name and the value of the error of the reply, "" for none.
func (r Result) Error() (name, value string) {
	name, _ = r.Reply.Content["ename"].(string)
	value, _ = r.Reply.Content["evalue"].(string)
	return name, value
}

// Types lists the types of what was published, without status and execute_input.
func (r Result) Types() []string {
	types := []string{}
	for _, m := range r.Messages {
		if m.Type() != "execute_input" {
			types = append(types, m.Type())
		}
	}
	return types
}
