package display_test

import (
	"context"
	"fmt"

	"github.com/gopherpod/gopherpod/kernel/display"
)

// A sink prints what a notebook would show.
type sink struct{}

func (sink) Display(m display.Message) {
	if m.Update {
		fmt.Print("instead: ")
	}
	fmt.Println(m.Data[display.MIMETypeMarkdown])
}
func (sink) Clear(bool) {}
func (sink) Format(v any) display.Message {
	return display.MakeData(display.MIMETypeText, fmt.Sprint(v))
}
func (sink) Input(prompt string, _ bool) (string, error) { return "", display.ErrNobody }
func (sink) Context() context.Context                    { return context.Background() }

// In a notebook, the session process sets the sink.
func Example() {
	display.SetSink(sink{})
	defer display.SetSink(nil)

	progress := display.Markdown("epoch **1** of 2")
	progress.Update(display.MIMEMap{display.MIMETypeMarkdown: "epoch **2** of 2"})
	// Output:
	// epoch **1** of 2
	// instead: epoch **2** of 2
}
