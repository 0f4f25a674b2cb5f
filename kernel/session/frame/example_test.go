package frame_test

import (
	"bufio"
	"bytes"
	"fmt"

	"github.com/gopherpod/gopherpod/kernel/session/frame"
)

// The kernel writes a command, and the session process reads it.
func Example() {
	var pipe bytes.Buffer
	if err := frame.Write(&pipe, frame.Command{Op: frame.Run, Count: 7, Entry: "nb7.main"}); err != nil {
		fmt.Println(err)
		return
	}
	var c frame.Command
	if err := frame.Read(bufio.NewReader(&pipe), &c); err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(c.Op, c.Count, c.Entry)
	// Output: run 7 nb7.main
}

// Marks in the text of stdout show which part came before an event.
func ExampleScanner() {
	token := "0123456789abcdef"
	s := frame.Scanner{
		Token: token,
		Text:  func(b []byte) { fmt.Printf("text %q\n", b) },
		Mark:  func(seq uint32) { fmt.Println("event", seq) },
	}
	fmt.Fprintf(&s, "hello\n%s", frame.Mark(token, 1))
	fmt.Fprint(&s, "world\n")
	s.Close()
	// Output:
	// text "hello\n"
	// event 1
	// text "world\n"
}
