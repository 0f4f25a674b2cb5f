package kernel_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/gopherpod/gopherpod/kernel"
	"github.com/gopherpod/gopherpod/kernel/display"
	"github.com/gopherpod/gopherpod/kernel/kerneltest"
	"github.com/gopherpod/gopherpod/kernel/secrets"
)

const canary = "CANARY-one-0123456789"

// redacting gives a kernel the secrets of a set, as the command line does.
func redacting(known *secrets.Set) func(*kernel.Options) {
	return func(o *kernel.Options) {
		o.Redact = known.Redact
		o.Stream = func() func(string, bool) string { return known.Stream().Next }
		o.Begin = known.Source
	}
}

// No output shows a secret, whether it is split at a chunk boundary, arrives in pieces
// (however far apart), is the key of a map, or is set by the cell itself.
func TestSecretsStayOutOfOutputs(t *testing.T) {
	f := basic()
	gap := make(chan struct{})
	f.Cells["cut"] = func(r *kerneltest.Run) error { // around the chunk of 1 MiB, without a line end
		r.Stream("stdout", []byte(strings.Repeat("x", 1<<20-10)+" "+canary+" end"))
		return nil
	}
	f.Cells["pieces"] = func(r *kerneltest.Run) error {
		r.Stream("stdout", []byte("first\n"+canary[:12]))
		r.Stream("stderr", []byte(canary[:5]))
		<-gap // the test has seen what came before, long after the delay of a stream
		r.Stream("stdout", []byte(canary[12:]+"\n"))
		r.Stream("stderr", []byte(canary[5:]))
		return nil
	}
	f.Cells["keys"] = func(r *kerneltest.Run) error {
		r.Display(display.Message{Data: display.MIMEMap{"application/json": map[string]any{canary: 1, canary + "2": 2, "in": map[string]int{canary: 3}}}})
		return nil
	}
	f.Cells["%env NEW_TOKEN=hunter2hunter2"] = func(r *kerneltest.Run) error {
		r.Stream("stdout", []byte("hunter2hunter2"))
		return nil
	}
	f.Cells["left"] = func(r *kerneltest.Run) error { r.Stream("stdout", []byte("the CANARY")); return nil }
	c := kerneltest.Start(t, f, redacting(secrets.NewSet([]string{"X_KEY=" + canary})))
	if got := c.Execute("cut").Stdout(); !strings.HasSuffix(got, "x *** end") || len(got) != 1<<20-10+len(" *** end") {
		t.Errorf("%d bytes, %q", len(got), got[max(0, len(got)-40):])
	}
	id := c.Start(kerneltest.Request{Code: "pieces"})
	if m := c.Output(id, "stream"); m.Content["text"] != "first\n" {
		t.Errorf("%q", m.Content["text"])
	}
	close(gap)
	r := c.Wait(id)
	if got := r.Stdout(); got != "first\n***\n" {
		t.Errorf("%q", got)
	}
	if got := c.Execute("left").Stdout(); got != "the CANARY" {
		t.Errorf("got %q, want text that only begins like a secret when the cell ends", got)
	}
	c.Execute("keys")
	c.Execute("%env NEW_TOKEN=hunter2hunter2")
	shown := ""
	for _, m := range c.IOPub() {
		shown += fmt.Sprint(m.Content)
	}
	for _, secret := range []string{canary, canary[5:], "hunter2hunter2"} {
		if strings.Contains(shown, secret) {
			t.Errorf("%s is published", secret)
		}
	}
	if !strings.Contains(shown, "*** 2:") && !strings.Contains(shown, "***2:2") {
		t.Errorf("the second key of a map is lost: %s", shown[max(0, len(shown)-800):])
	}
}

// What a cell puts where secrets are is known before any text that it publishes after that.
func TestLearn(t *testing.T) {
	env := make(chan string, 1)
	f := basic()
	text := []byte("now " + canary)
	for name, cell := range map[string]func(r *kerneltest.Run) error{
		"stream": func(r *kerneltest.Run) error { r.Stream("stdout", text); return nil },
		"display": func(r *kerneltest.Run) error {
			r.Display(display.Message{Data: display.MIMEMap{"text/html": string(text)}})
			return nil
		},
		"error": func(*kerneltest.Run) error { return errors.New(string(text)) },
	} {
		f.Cells[name] = func(r *kerneltest.Run) error {
			env <- "X_TOKEN=" + canary
			return cell(r)
		}
	}
	for name := range f.Cells {
		if name != "stream" && name != "display" && name != "error" {
			continue
		}
		known := secrets.NewSet(nil)
		c := kerneltest.Start(t, f, redacting(known), func(o *kernel.Options) {
			o.Learn = func() {
				select {
				case e := <-env:
					known.Environment([]string{e})
				default:
				}
			}
		})
		c.Execute(name)
		shown := ""
		for _, m := range c.IOPub() {
			shown += fmt.Sprint(m.Content)
		}
		if strings.Contains(shown, canary) || !strings.Contains(shown, "now ***") {
			t.Errorf("%s: %s", name, shown)
		}
	}
}
