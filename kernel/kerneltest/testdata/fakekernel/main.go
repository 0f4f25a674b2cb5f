// Fakekernel is a kernel for jupyter_kernel_test whose cells are known beforehand.
// It tests the protocol of package kernel without anything that compiles cells.
//
//	fakekernel kernel --connection-file FILE
package main

import (
	"context"
	"fmt"
	"os"
	"os/signal"
	"strings"
	"syscall"

	"github.com/gopherpod/gopherpod/kernel"
	"github.com/gopherpod/gopherpod/kernel/display"
	"github.com/gopherpod/gopherpod/kernel/kerneltest"
)

func main() {
	conn, err := kernel.ReadConnectionFile(os.Args[len(os.Args)-1])
	if err == nil {
		signals := make(chan os.Signal, 1)
		signal.Notify(signals, os.Interrupt, syscall.SIGTERM)
		err = kernel.Serve(context.Background(), conn, fake(), kernel.Options{Version: "fake", Signals: signals})
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

type run = func(*kerneltest.Run) error

func fake() *kerneltest.Fake {
	return &kerneltest.Fake{
		Cells: map[string]run{
			`fmt.Println("hello, world")`:          text("stdout", "hello, world\n"),
			`fmt.Fprintln(os.Stderr, "to stderr")`: text("stderr", "to stderr\n"),
			`panic("boom")`: func(*kerneltest.Run) error {
				return &kernel.EvalError{Name: "Panic", Value: "boom", Traceback: []string{"panic: boom"}}
			},
			"6 * 7":                          result("42"),
			"1.5 + 2":                        result("3.5"),
			"[]int{1, 2, 3}":                 result("[1 2 3]"),
			`display.HTML("<b>bold</b>")`:    show("text/html", "<b>bold</b>"),
			`display.Markdown("**bold**")`:   show("text/markdown", "**bold**"),
			`display.PNG([]byte("\x89PNG"))`: show("image/png", "iVBORw=="),
			"display.Clear(false)":           func(r *kerneltest.Run) error { r.Clear(false); return nil },
			"import (\n\t\"fmt\"\n\t\"os\"\n\t\"strings\"\n\n\t\"github.com/gopherpod/gopherpod/kernel/display\"\n)": func(*kerneltest.Run) error { return nil },
		},
		Completions: func(code string, pos int) (kernel.Completion, error) {
			dot := strings.LastIndexByte(code[:pos], '.') + 1
			c := kernel.Completion{Start: dot, End: pos}
			for _, name := range []string{"fmt.Fprintln", "fmt.Fprint", "strings.HasPrefix"} {
				if strings.HasPrefix(name, code[:pos]) {
					c.Matches = append(c.Matches, kernel.Match{Text: name[dot:], Type: "function"})
				}
			}
			return c, nil
		},
		Docs: map[string]kernel.Bundle{"fmt.Println": {"text/plain": "func Println(a ...any) (n int, err error)"}},
		Incomplete: map[string]string{
			"func double(n int) int {": "\t", `fmt.Println("a",`: "\t", "numbers := []int{1,": "\t",
			"if true {\n\tx := 1": "\t", "text := `raw": "", "/* a comment": "",
		},
		Invalid: map[string]bool{"x := := 3": true, "func 3() {}": true, "fmt.Println(1))": true},
	}
}

func text(stream, s string) run {
	return func(r *kerneltest.Run) error { r.Stream(stream, []byte(s)); return nil }
}

func result(s string) run {
	return func(r *kerneltest.Run) error {
		r.Result(display.Message{Data: display.MIMEMap{"text/plain": s}})
		return nil
	}
}

func show(mime, s string) run {
	return func(r *kerneltest.Run) error {
		r.Display(display.Message{Data: display.MIMEMap{mime: s, "text/plain": s}})
		return nil
	}
}
