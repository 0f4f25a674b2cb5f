package runpod

import (
	"encoding/json"
	"strings"
	"testing"
)

// The error text of a worker cannot move a terminal's cursor or hide text.
func TestWorkersErrorIsPrintable(t *testing.T) {
	for _, failure := range []any{
		"handler: \x1b[31mred\u202e \ntraceback: \x1b]0;title\x07line\n  next\u2066",
		map[string]string{"error_type": "<class 'Value\x1b[2JError'>", "error_message": "a \x1b[1mb\u202e", "error_traceback": "x\x1b[0m\n\ty"},
	} {
		b, err := json.Marshal(failure)
		if err != nil {
			t.Fatal(err)
		}
		var e JobError
		e.read(b)
		for _, text := range []string{e.Type, e.Message, e.Traceback, e.Error()} {
			if strings.ContainsAny(text, "\x1b\x07\u202e\u2066") {
				t.Errorf("%q", text)
			}
		}
		if !strings.Contains(e.Traceback, "\n") {
			t.Errorf("the lines of %q are lost", e.Traceback)
		}
	}
}
