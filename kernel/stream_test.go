package kernel_test

import (
	"bytes"
	"fmt"
	"strings"
	"testing"

	"github.com/gopherpod/gopherpod/kernel"
	"github.com/gopherpod/gopherpod/kernel/display"
	"github.com/gopherpod/gopherpod/kernel/kerneltest"
)

// 1e5 lines arrive complete, in order and in few messages, however they were split
// when written.
func TestManyLines(t *testing.T) {
	var want bytes.Buffer
	for i := range 100_000 {
		fmt.Fprintf(&want, "line %d: grüße, 世界 🌍\n", i)
	}
	f := basic()
	f.Cells["print"] = func(r *kerneltest.Run) error {
		for text := want.Bytes(); len(text) > 0; {
			n := min(len(text), 1021) // a prime: cuts runes everywhere
			r.Stream("stdout", text[:n])
			text = text[n:]
		}
		return nil
	}
	c := kerneltest.Start(t, f)
	r := c.Execute("print")
	if got := r.Stdout(); got != want.String() {
		t.Errorf("%d bytes arrived, want %d", len(got), want.Len())
	}
	if n := len(r.Of("stream")); n > 100 {
		t.Errorf("%d messages", n)
	}
}

func TestStreamsKeepTheirOrder(t *testing.T) {
	f := basic()
	f.Cells["both"] = func(r *kerneltest.Run) error {
		r.Stream("stdout", []byte("1"))
		r.Stream("stdout", []byte("2"))
		r.Stream("stderr", []byte("3"))
		r.Stream("stdout", []byte("4"))
		r.Display(display.Message{Data: display.MIMEMap{"text/plain": "5"}})
		r.Stream("stdout", []byte("6"))
		r.Clear(true)
		r.Stream("other", []byte("7"))
		return nil
	}
	c := kerneltest.Start(t, f)
	r := c.Execute("both")
	var got []string
	for _, m := range r.Messages[1:] {
		text, _ := m.Content["text"].(string)
		got = append(got, m.Type()+text)
	}
	if want := "stream12 stream3 stream4 display_data stream6 clear_output stream7"; strings.Join(got, " ") != want {
		t.Errorf("%q, want %q", got, want)
	}
}

func TestRunesAcrossStreams(t *testing.T) {
	f := basic()
	f.Cells["split"] = func(r *kerneltest.Run) error {
		r.Stream("stdout", []byte("a\xe4\xb8"))
		r.Stream("stderr", []byte("e"))
		r.Stream("stdout", []byte("\x96b"))
		return nil
	}
	f.Cells["broken"] = func(r *kerneltest.Run) error {
		r.Stream("stdout", []byte("a\xff\xfeb\xe4\xb8"))
		return nil
	}
	c := kerneltest.Start(t, f)
	if r := c.Execute("split"); r.Stdout() != "a世b" {
		t.Errorf("%q", r.Stdout())
	}
	if got := c.Execute("broken").Stdout(); got != "a��b�" && got != "a��b��" {
		t.Errorf("%q", got)
	}
}

// Text is shown while the cell runs.
func TestTextComesWhileTheCellRuns(t *testing.T) {
	f := basic()
	seen := make(chan bool)
	f.Cells["live"] = func(r *kerneltest.Run) error {
		r.Stream("stdout", []byte("working"))
		<-seen
		return nil
	}
	c := kerneltest.Start(t, f)
	id := c.Start(kerneltest.Request{Code: "live"})
	c.Output(id, "stream")
	close(seen)
	c.Wait(id)
}

func TestDisplays(t *testing.T) {
	f := basic()
	f.Cells["show"] = func(r *kerneltest.Run) error {
		r.Display(display.Message{Data: display.MIMEMap{"text/plain": "a"}, ID: "d"})
		r.Display(display.Message{Data: display.MIMEMap{"text/plain": "b"}, Metadata: map[string]any{"m": 1}, ID: "d", Update: true})
		r.Display(display.Message{})
		r.Clear(false)
		return nil
	}
	c := kerneltest.Start(t, f)
	r := c.Execute("show")
	wantTypes(t, r, "display_data", "update_display_data", "display_data", "clear_output")
	update := r.Messages[2].Content
	if fmt.Sprint(update["transient"]) != "map[display_id:d]" || fmt.Sprint(update["metadata"]) != "map[m:1]" {
		t.Errorf("%v", update)
	}
	for _, key := range []string{"data", "metadata", "transient"} {
		if _, ok := r.Messages[3].Content[key].(map[string]any); !ok {
			t.Errorf("%s of an empty display is %v", key, r.Messages[3].Content[key])
		}
	}
}

// Only values that JSON cannot represent are lost.
func TestBundleThatCannotBeEncoded(t *testing.T) {
	f := basic()
	f.Cells["nan"] = func(r *kerneltest.Run) error {
		r.Display(display.Message{Data: display.MIMEMap{"text/plain": "NaN", "application/json": make(chan int)}})
		return nil
	}
	c := kerneltest.Start(t, f)
	r := c.Execute("nan")
	if got := fmt.Sprint(r.Of("display_data")[0].Content["data"]); got != "map[text/plain:NaN]" {
		t.Error(got)
	}
}

func TestRedaction(t *testing.T) {
	secret := "rpa_SECRET"
	f := basic()
	f.Cells["key := "+secret] = func(r *kerneltest.Run) error {
		r.Stream("stdout", []byte("key "+secret+"\n"))
		r.Display(display.Message{Data: display.MIMEMap{
			"text/html":        []string{"<b>", secret},
			"application/json": struct{ Key string }{secret},
			"image/png":        "aGk=",
		}, Metadata: map[string]any{"k": []any{secret}}})
		r.Result(display.Message{Data: display.MIMEMap{"text/plain": secret}})
		return &kernel.EvalError{Name: "E", Value: secret, Traceback: []string{secret}}
	}
	c := kerneltest.Start(t, f, func(o *kernel.Options) {
		o.Redact = func(s string) string { return strings.ReplaceAll(s, secret, "***") }
	})
	r := c.Execute("key := " + secret)
	reply := c.Request(kerneltest.Shell, "history_request", map[string]any{"hist_access_type": "tail", "n": 5, "output": true, "raw": true})
	var all strings.Builder
	for _, m := range append(c.IOPub(), r.Reply, reply) {
		all.Write(m.Message.Content)
	}
	if strings.Contains(all.String(), secret) || !strings.Contains(all.String(), "key := ***") || !strings.Contains(all.String(), "aGk=") {
		t.Error(all.String())
	}
}
