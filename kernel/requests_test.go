package kernel_test

import (
	"encoding/json"
	"fmt"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"github.com/gopherpod/gopherpod/kernel"
	"github.com/gopherpod/gopherpod/kernel/kerneltest"
)

func historyTail(c *kerneltest.Client, n int) []string {
	m := c.Request(kerneltest.Shell, "history_request", map[string]any{"hist_access_type": "tail", "n": n, "raw": true, "output": false})
	return historySources(m)
}

func historySources(m kerneltest.Message) []string {
	var got []string
	list, _ := m.Content["history"].([]any)
	for _, e := range list {
		got = append(got, e.([]any)[2].(string))
	}
	return got
}

func TestKernelInfo(t *testing.T) {
	c := kerneltest.Start(t, basic())
	for _, ch := range []kerneltest.Channel{kerneltest.Shell, kerneltest.Control} {
		m := c.Request(ch, "kernel_info_request", struct{}{})
		lang, _ := m.Content["language_info"].(map[string]any)
		if m.Type() != "kernel_info_reply" || m.Content["status"] != "ok" || m.Content["protocol_version"] != "5.5" ||
			lang["name"] != "go" || lang["file_extension"] != ".go" || lang["mimetype"] != "text/x-go" {
			t.Errorf("%v", m.Content)
		}
	}
	m := c.Request(kerneltest.Shell, "connect_request", struct{}{})
	if m.Content["shell_port"] != 1.0 || m.Content["hb_port"] != 5.0 {
		t.Errorf("%v", m.Content)
	}
}

// The first message that a client gets confirms its subscription, even if the
// kernel was already busy.
func TestWelcome(t *testing.T) {
	first := kerneltest.Start(t, basic())
	long := first.Start(kerneltest.Request{Code: "say and wait"})
	first.Output(long, "stream")
	c := kerneltest.Connect(t, first.Conn)
	if m := c.IOPub()[0]; m.Type() != "iopub_welcome" || m.Content["subscription"] != "" || m.ParentID != "" {
		t.Errorf("%s %v", m.Type(), m.Content)
	}
	c.Request(kerneltest.Control, "interrupt_request", struct{}{})
	c.Idle(long) // every client sees what the others do
}

// Positions on the wire are code points, even after a rune outside the basic plane.
func TestComplete(t *testing.T) {
	const code = "🌍é := fmt.Pr; x"
	f := basic()
	f.Completions = func(got string, pos int) (kernel.Completion, error) {
		if want := strings.Index(code, "; x"); got != code || pos != want {
			return kernel.Completion{}, fmt.Errorf("position %d, want %d", pos, want)
		}
		return kernel.Completion{
			Matches: []kernel.Match{{"Print", "function", "func(a ...any)"}, {"Println", "function", ""}},
			Start:   strings.Index(code, "Pr"), End: pos,
		}, nil
	}
	c := kerneltest.Start(t, f)
	m := c.Request(kerneltest.Shell, "complete_request", map[string]any{"code": code, "cursor_pos": 12})
	if !reflect.DeepEqual(m.Content["matches"], []any{"Print", "Println"}) || m.Content["cursor_start"] != 10.0 || m.Content["cursor_end"] != 12.0 {
		t.Errorf("%v", m.Content)
	}
	types := m.Content["metadata"].(map[string]any)["_jupyter_types_experimental"].([]any)
	if got := types[0].(map[string]any); got["type"] != "function" || got["signature"] != "func(a ...any)" || got["start"] != 10.0 {
		t.Errorf("%v", got)
	}
	c = kerneltest.Start(t, basic())
	m = c.Request(kerneltest.Shell, "complete_request", map[string]any{"code": "x", "cursor_pos": 99})
	if !reflect.DeepEqual(m.Content["matches"], []any{}) || m.Content["status"] != "ok" || m.Content["cursor_end"] != 1.0 {
		t.Errorf("nothing to complete: %v", m.Content)
	}
}

func TestInspect(t *testing.T) {
	c := kerneltest.Start(t, basic())
	m := c.Request(kerneltest.Shell, "inspect_request", map[string]any{"code": "fmt.Println(x)", "cursor_pos": 11, "detail_level": 1})
	if m.Content["found"] != true || !strings.Contains(fmt.Sprint(m.Content["data"]), "func Println") {
		t.Errorf("%v", m.Content)
	}
	m = c.Request(kerneltest.Shell, "inspect_request", map[string]any{"code": "nothing", "cursor_pos": 0})
	if m.Content["found"] != false || m.Content["status"] != "ok" || fmt.Sprint(m.Content["data"]) != "map[]" {
		t.Errorf("%v", m.Content)
	}
}

func TestIsComplete(t *testing.T) {
	f := basic()
	f.Incomplete = map[string]string{"if x {": "\t"}
	f.Invalid = map[string]bool{"x := := 3": true}
	c := kerneltest.Start(t, f)
	for code, want := range map[string]string{
		"x":         "map[status:complete]",
		"if x {":    "map[indent:\t status:incomplete]",
		"x := := 3": "map[status:invalid]",
	} {
		m := c.Request(kerneltest.Shell, "is_complete_request", map[string]any{"code": code})
		if got := fmt.Sprint(m.Content); got != want {
			t.Errorf("%q: %s, want %s", code, got, want)
		}
	}
}

func TestHistory(t *testing.T) {
	path := filepath.Join(t.TempDir(), "history.sqlite")
	t.Run("yesterday", func(t *testing.T) {
		c := kerneltest.Start(t, basic(), func(o *kernel.Options) { o.History = path })
		c.Execute("hello")
		c.Execute("x := 1")
	})
	c := kerneltest.Start(t, basic(), func(o *kernel.Options) { o.History = path })
	c.Execute("x")
	c.Execute("x")
	ask := func(more map[string]any) kerneltest.Message {
		more["raw"] = true
		if _, ok := more["output"]; !ok {
			more["output"] = false
		}
		return c.Request(kerneltest.Shell, "history_request", more)
	}
	for _, test := range []struct {
		ask  map[string]any
		want []string
	}{
		{map[string]any{"hist_access_type": "tail", "n": 1000}, []string{"hello", "x := 1", "x", "x"}},
		{map[string]any{"hist_access_type": "range", "session": 0, "start": 1, "stop": 2}, []string{"x"}},
		{map[string]any{"hist_access_type": "range", "session": -1, "start": 0, "stop": nil}, []string{"hello", "x := 1"}},
		{map[string]any{"hist_access_type": "search", "pattern": "x*", "unique": true}, []string{"x := 1", "x"}},
		{map[string]any{"hist_access_type": "search", "pattern": "x*", "n": 2}, []string{"x", "x"}},
		{map[string]any{"hist_access_type": "search"}, []string{"hello", "x := 1", "x", "x"}},
	} {
		if got := historySources(ask(test.ask)); !reflect.DeepEqual(got, test.want) {
			t.Errorf("%v: %q, want %q", test.ask, got, test.want)
		}
	}
	m := ask(map[string]any{"hist_access_type": "tail", "n": 1, "output": true})
	if got := fmt.Sprint(m.Content["history"]); got != "[[2 2 [x 1]]]" {
		t.Errorf("with output: %s", got)
	}
	if m := ask(map[string]any{"hist_access_type": "guess"}); m.Content["status"] != "error" {
		t.Errorf("%v", m.Content)
	}
}

// Every request gets a reply, so a client never hangs on one that this kernel
// does not know.
func TestUnknownRequests(t *testing.T) {
	c := kerneltest.Start(t, basic())
	for _, kind := range []string{"debug_request", "create_subshell_request", "future_request"} {
		for _, ch := range []kerneltest.Channel{kerneltest.Shell, kerneltest.Control} {
			m := c.Request(ch, kind, struct{}{})
			if m.Content["status"] != "error" || m.Type() != strings.TrimSuffix(kind, "request")+"reply" {
				t.Errorf("%s: %s %v", kind, m.Type(), m.Content)
			}
		}
	}
}

func TestCommOfUnknownTargetIsClosed(t *testing.T) {
	c := kerneltest.Start(t, basic())
	id := c.Send(kerneltest.Shell, "comm_open", map[string]any{"comm_id": "c1", "target_name": "who", "data": map[string]any{}})
	if m := c.Output(id, "comm_close"); m.Content["comm_id"] != "c1" {
		t.Errorf("%v", m.Content)
	}
	// Messages to a comm that is not open are ignored.
	c.Send(kerneltest.Shell, "comm_msg", map[string]any{"comm_id": "c1", "data": map[string]any{}})
	c.Send(kerneltest.Shell, "comm_close", map[string]any{"comm_id": "c1", "data": map[string]any{}})
	m := c.Request(kerneltest.Shell, "comm_info_request", struct{}{})
	if m.Content["status"] != "ok" || fmt.Sprint(m.Content["comms"]) != "map[]" {
		t.Errorf("%v", m.Content)
	}
}

func TestComm(t *testing.T) {
	closed := make(chan string, 1)
	c := kerneltest.Start(t, basic(), func(o *kernel.Options) {
		o.Comms = map[string]kernel.CommTarget{
			"echo": func(c *kernel.Comm, data json.RawMessage) error {
				c.Send(map[string]any{"opened": data})
				c.OnMessage = func(data json.RawMessage, _ [][]byte) { c.Send(data) }
				c.OnClose = func(data json.RawMessage) { closed <- string(data) }
				return nil
			},
			"refuse": func(*kernel.Comm, json.RawMessage) error { panic("no") },
		}
	})
	open := c.Send(kerneltest.Shell, "comm_open", map[string]any{"comm_id": "c1", "target_name": "echo", "data": 7})
	if m := c.Output(open, "comm_msg"); fmt.Sprint(m.Content["data"]) != "map[opened:7]" {
		t.Errorf("%v", m.Content)
	}
	msg := c.Send(kerneltest.Shell, "comm_msg", map[string]any{"comm_id": "c1", "data": "hi"})
	if m := c.Output(msg, "comm_msg"); m.Content["data"] != "hi" {
		t.Errorf("%v", m.Content)
	}
	refused := c.Send(kerneltest.Shell, "comm_open", map[string]any{"comm_id": "c2", "target_name": "refuse", "data": 7})
	c.Output(refused, "comm_close")
	for target, want := range map[string]string{"": "map[c1:map[target_name:echo]]", "echo": "map[c1:map[target_name:echo]]", "other": "map[]"} {
		m := c.Request(kerneltest.Shell, "comm_info_request", map[string]any{"target_name": target})
		if got := fmt.Sprint(m.Content["comms"]); got != want {
			t.Errorf("comms of %q: %s", target, got)
		}
	}
	c.Send(kerneltest.Shell, "comm_close", map[string]any{"comm_id": "c1", "data": "bye"})
	if got := <-closed; got != `"bye"` {
		t.Errorf("closed with %s", got)
	}
}
