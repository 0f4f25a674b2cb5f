package kernel_test

import (
	"errors"
	"fmt"
	"reflect"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/gopherpod/gopherpod/kernel"
	"github.com/gopherpod/gopherpod/kernel/display"
	"github.com/gopherpod/gopherpod/kernel/kerneltest"
)

type cells = map[string]func(*kerneltest.Run) error

var errCell = &kernel.EvalError{Name: "Panic", Value: "boom", Traceback: []string{"panic: boom", "cell 1, line 1"}}

// basic returns an evaluator with the cells that most tests need.
func basic() *kerneltest.Fake {
	return &kerneltest.Fake{
		Cells: cells{
			"":       func(*kerneltest.Run) error { return nil },
			"x := 1": func(*kerneltest.Run) error { return nil },
			"hello": func(r *kerneltest.Run) error {
				r.Stream("stdout", []byte("hello\n"))
				return nil
			},
			"x": func(r *kerneltest.Run) error {
				r.Result(display.Message{Data: display.MIMEMap{"text/plain": "1"}})
				return nil
			},
			"fail": func(r *kerneltest.Run) error { return errCell },
			// Tests wait for the output before they interrupt: until then, the cell may not
			// run yet.
			"say and wait": func(r *kerneltest.Run) error {
				r.Output.Stream("stdout", []byte("waiting\n"))
				select {
				case <-r.Interrupted:
					return kerneltest.Interrupted
				case <-r.Done():
					return r.Err()
				}
			},
			"wait": func(r *kerneltest.Run) error {
				select {
				case <-r.Interrupted:
					return kerneltest.Interrupted
				case <-r.Done():
					return r.Err()
				}
			},
		},
		Values: map[string]string{"x": "1"},
		Docs:   map[string]kernel.Bundle{"fmt.Println": {"text/plain": "func Println(a ...any) (n int, err error)"}},
	}
}

func wantTypes(t *testing.T, r kerneltest.Result, want ...string) {
	t.Helper()
	if got := r.Types(); len(got)+len(want) > 0 && !reflect.DeepEqual(got, want) {
		t.Errorf("published %q, want %q", got, want)
	}
}

func TestExecute(t *testing.T) {
	c := kerneltest.Start(t, basic())
	r := c.Execute("hello")
	if r.Status() != "ok" || r.Count() != 1 || r.Stdout() != "hello\n" {
		t.Errorf("%v", r.Reply.Content)
	}
	if in := r.Of("execute_input"); len(in) != 1 || in[0].Content["code"] != "hello" || in[0].Content["execution_count"] != 1.0 {
		t.Errorf("execute_input: %v", in)
	}
	if r = c.Execute("x"); r.Text() != "1" || r.Count() != 2 || r.Of("execute_result")[0].Content["execution_count"] != 2.0 {
		t.Errorf("%v", r.Reply.Content)
	}
}

// The first message that belongs to a request is busy, and the last is idle.
func TestStatusFramesEachRequest(t *testing.T) {
	c := kerneltest.Start(t, basic())
	ids := []string{
		c.Execute("hello").ID,
		c.Execute("fail").ID,
		c.Send(kerneltest.Shell, "kernel_info_request", struct{}{}),
		c.Send(kerneltest.Control, "kernel_info_request", struct{}{}),
		c.Send(kerneltest.Shell, "nonsense_request", struct{}{}),
		c.Send(kerneltest.Shell, "comm_open", map[string]any{"comm_id": "c", "target_name": "t", "data": map[string]any{}}),
	}
	for _, id := range ids {
		c.Idle(id)
		var mine []kerneltest.Message
		for _, m := range c.IOPub() {
			if m.ParentID == id {
				mine = append(mine, m)
			}
		}
		if mine[0].Content["execution_state"] != "busy" || mine[len(mine)-1].Content["execution_state"] != "idle" {
			t.Errorf("from %s to %s", mine[0].Type(), mine[len(mine)-1].Type())
		}
	}
}

func TestFailingCellSendsOneError(t *testing.T) {
	c := kerneltest.Start(t, basic())
	r := c.Execute("fail")
	wantTypes(t, r, "error")
	e := r.Of("error")[0].Content
	for k, want := range map[string]any{"ename": "Panic", "evalue": "boom", "traceback": []any{"panic: boom", "cell 1, line 1"}} {
		if !reflect.DeepEqual(e[k], want) || !reflect.DeepEqual(r.Reply.Content[k], want) {
			t.Errorf("%s: error has %v, reply %v, want %v", k, e[k], r.Reply.Content[k], want)
		}
	}
	if _, has := e["status"]; has {
		t.Error("the error message has a status")
	}
	if r.Status() != "error" || r.Count() != 1 {
		t.Errorf("%v", r.Reply.Content)
	}
	if r = c.Execute("hello"); r.Count() != 2 || r.Status() != "ok" {
		t.Errorf("after an error: %v", r.Reply.Content)
	}
}

func TestSilent(t *testing.T) {
	f := basic()
	c := kerneltest.Start(t, f)
	for _, code := range []string{"hello", "x", "fail"} {
		r := c.ExecuteRequest(kerneltest.Request{Code: code, Silent: true, UserExpressions: map[string]string{"v": "x"}})
		if len(r.Messages) != 0 {
			t.Errorf("%s published %q", code, r.Types())
		}
		if wantStatus := map[bool]string{true: "error", false: "ok"}[code == "fail"]; r.Status() != wantStatus {
			t.Errorf("%s: %v", code, r.Reply.Content)
		}
		if code == "hello" && value(r, "v") != "1" {
			t.Errorf("user expressions of a silent cell: %v", r.Reply.Content)
		}
	}
	if r := c.Execute("hello"); r.Count() != 1 {
		t.Errorf("count after silent cells: %d", r.Count())
	}
	if n := len(historyTail(c, 10)); n != 1 {
		t.Errorf("%d cells in the history, want the one that was not silent", n)
	}
}

func TestStoreHistory(t *testing.T) {
	c := kerneltest.Start(t, basic())
	c.Execute("x := 1")
	r := c.ExecuteRequest(kerneltest.Request{Code: "hello", NoHistory: true})
	if r.Stdout() != "hello\n" || len(r.Of("execute_input")) != 1 {
		t.Errorf("published %q", r.Types())
	}
	if r := c.Execute("x"); r.Count() != 2 {
		t.Errorf("count %d, want 2", r.Count())
	}
	if got := historyTail(c, 10); !reflect.DeepEqual(got, []string{"x := 1", "x"}) {
		t.Errorf("history %q", got)
	}
}

func value(r kerneltest.Result, name string) any {
	exprs, _ := r.Reply.Content["user_expressions"].(map[string]any)
	expr, _ := exprs[name].(map[string]any)
	if expr["status"] == "error" {
		return expr["ename"]
	}
	data, _ := expr["data"].(map[string]any)
	return data["text/plain"]
}

func TestUserExpressions(t *testing.T) {
	c := kerneltest.Start(t, basic())
	r := c.ExecuteRequest(kerneltest.Request{Code: "x := 1", UserExpressions: map[string]string{"good": "x", "bad": "y"}})
	if value(r, "good") != "1" || value(r, "bad") != "CompileError" || r.Status() != "ok" {
		t.Errorf("%v", r.Reply.Content)
	}
	r = c.ExecuteRequest(kerneltest.Request{Code: "fail", UserExpressions: map[string]string{"good": "x"}})
	if value(r, "good") != nil {
		t.Errorf("evaluated after an error: %v", r.Reply.Content)
	}
}

// "Run all" sends every cell at once; the first one that fails aborts those after
// it, and cells sent after its reply run.
func TestStopOnError(t *testing.T) {
	f := basic()
	c := kerneltest.Start(t, f)
	var ids []string
	for _, code := range []string{"hello", "fail", "hello", "x"} {
		ids = append(ids, c.Start(kerneltest.Request{Code: code}))
	}
	var got []string
	for _, id := range ids {
		r := c.Wait(id)
		got = append(got, r.Status())
		if r.Status() == "aborted" && len(r.Messages) > 0 {
			t.Errorf("an aborted cell published %q", r.Types())
		}
		if _, has := r.Reply.Content["execution_count"]; has && r.Status() == "aborted" {
			t.Errorf("an aborted cell has a count: %v", r.Reply.Content)
		}
	}
	if want := []string{"ok", "error", "aborted", "aborted"}; !reflect.DeepEqual(got, want) {
		t.Errorf("%q, want %q", got, want)
	}
	if r := c.Execute("hello"); r.Status() != "ok" || r.Count() != 3 {
		t.Errorf("after the abort: %v", r.Reply.Content)
	}
	if n := len(f.Ran()); n != 3 {
		t.Errorf("%d cells ran, want 3", n)
	}
}

func TestStopOnErrorOff(t *testing.T) {
	c := kerneltest.Start(t, basic())
	first := c.Start(kerneltest.Request{Code: "fail", GoOnAfterError: true})
	second := c.Start(kerneltest.Request{Code: "hello"})
	if c.Wait(first).Status() != "error" || c.Wait(second).Status() != "ok" {
		t.Error("the second cell did not run")
	}
}

func TestBadExecuteRequest(t *testing.T) {
	c := kerneltest.Start(t, basic())
	m := c.Request(kerneltest.Shell, "execute_request", map[string]any{"code": 5})
	if m.Content["status"] != "error" || m.Content["ename"] != "BadRequest" {
		t.Errorf("%v", m.Content)
	}
	if r := c.Execute("hello"); r.Status() != "ok" {
		t.Errorf("%v", r.Reply.Content)
	}
}

func TestPanicsEndAtTheKernel(t *testing.T) {
	f := basic()
	f.Cells["bug"] = func(*kerneltest.Run) error { panic("a bug of the evaluator") }
	f.Cells["plain error"] = func(*kerneltest.Run) error { return errors.New("no EvalError") }
	f.Completions = func(string, int) (kernel.Completion, error) { panic("another") }
	c := kerneltest.Start(t, f)
	r := c.Execute("bug")
	if name, text := r.Error(); name != "KernelPanic" || text != "a bug of the evaluator" {
		t.Errorf("%s: %s", name, text)
	}
	if name, text := c.Execute("plain error").Error(); name != "KernelError" || text != "no EvalError" {
		t.Errorf("%s: %s", name, text)
	}
	m := c.Request(kerneltest.Shell, "complete_request", map[string]any{"code": "x", "cursor_pos": 1})
	if m.Content["status"] != "error" || m.Content["ename"] != "KernelPanic" {
		t.Errorf("%v", m.Content)
	}
	if r := c.Execute("hello"); r.Status() != "ok" {
		t.Errorf("%v", r.Reply.Content)
	}
}

func TestPager(t *testing.T) {
	c := kerneltest.Start(t, basic())
	for _, src := range []string{"fmt.Println?", "?fmt.Println", " ??fmt.Println\n"} {
		r := c.Execute(src)
		page := r.Reply.Content["payload"].([]any)[0].(map[string]any)
		if page["source"] != "page" || !strings.Contains(fmt.Sprint(page["data"]), "func Println") {
			t.Errorf("%s: %v", src, page)
		}
		wantTypes(t, r)
	}
	if name, _ := c.Execute("nothing?").Error(); name != "UsageError" {
		t.Errorf("%s", name)
	}
}

func TestCellKnowsWhereItComesFrom(t *testing.T) {
	f := basic()
	c := kerneltest.Start(t, f)
	c.ExecuteRequest(kerneltest.Request{Code: "hello", AllowStdin: true})
	c.Execute("hello")
	ran := f.Ran()
	if !ran[0].Interactive || ran[1].Interactive || ran[0].Count != 1 || ran[1].Count != 2 {
		t.Errorf("%+v", ran)
	}
}

// A goroutine that outlives its cell keeps writing to its own cell.
func TestOutputOutlivesItsCell(t *testing.T) {
	f := basic()
	go1, wrote := make(chan bool), make(chan bool)
	f.Cells["go"] = func(r *kerneltest.Run) error {
		go func() {
			<-go1
			r.Stream("stdout", []byte("late"))
			r.Display(display.Message{Data: display.MIMEMap{"text/plain": "later"}})
			close(wrote)
		}()
		return nil
	}
	f.Cells["next"] = func(r *kerneltest.Run) error {
		close(go1)
		<-wrote
		r.Stream("stdout", []byte("mine"))
		return nil
	}
	c := kerneltest.Start(t, f)
	first := c.Execute("go")
	if next := c.Execute("next"); next.Stdout() != "mine" {
		t.Errorf("%q", next.Stdout())
	}
	if m := c.Output(first.ID, "stream"); m.Content["text"] != "late" {
		t.Errorf("%v", m.Content)
	}
	c.Output(first.ID, "display_data")
}

// A request about code sees what the cell before it defined. While a long cell
// runs, the request is answered anyway, and the kernel stays busy.
func TestRequestsBetweenCells(t *testing.T) {
	f := basic()
	var defined atomic.Bool
	f.Cells["define"] = func(*kerneltest.Run) error {
		time.Sleep(20 * time.Millisecond) // about as long as a typical cell
		defined.Store(true)
		return nil
	}
	f.Completions = func(code string, pos int) (kernel.Completion, error) {
		if !defined.Load() {
			return kernel.Completion{}, errors.New("asked before the cell was over")
		}
		return kernel.Completion{Matches: []kernel.Match{{Text: "xyz"}}}, nil
	}
	c := kerneltest.Start(t, f)
	c.Start(kerneltest.Request{Code: "define"})
	request := map[string]any{"code": "x", "cursor_pos": 1}
	if m := c.Request(kerneltest.Shell, "complete_request", request); m.Content["status"] != "ok" {
		t.Errorf("%v", m.Content)
	}
	long := c.Start(kerneltest.Request{Code: "wait"})
	c.Output(long, "execute_input")
	complete := c.Send(kerneltest.Shell, "complete_request", request)
	if m := c.Reply(complete); m.Content["status"] != "ok" {
		t.Errorf("%v", m.Content)
	}
	c.Idle(complete)
	busy := 0
	c.Published("a second busy, so that the last status is not idle", func(m kerneltest.Message) bool {
		if m.ParentID == long && m.Content["execution_state"] == "busy" {
			busy++
		}
		return busy == 2
	})
	c.Request(kerneltest.Control, "interrupt_request", struct{}{})
	c.Wait(long)
}

// If the history cannot be stored, the first cell reports it, and later cells do not.
func TestHistoryThatKeepsNothing(t *testing.T) {
	c := kerneltest.Start(t, basic(), func(o *kernel.Options) { o.History = t.TempDir() }) // a folder
	c.Request(kerneltest.Shell, "history_request", map[string]any{"hist_access_type": "tail", "n": 1})
	for i, want := range []int{1, 0} {
		said := 0
		for _, m := range c.Execute("hello").Of("stream") {
			if text, _ := m.Content["text"].(string); m.Content["name"] == "stderr" && strings.Contains(text, "cells are not kept for later sessions: ") {
				said++
			}
		}
		if said != want {
			t.Errorf("cell %d: reported %d times, want %d", i, said, want)
		}
	}
}
