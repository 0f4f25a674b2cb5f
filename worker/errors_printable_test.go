package worker

import "testing"

func TestErrorIsPrintable(t *testing.T) {
	e := &Error{Field: "x\x1b[1m", Message: "\u202ebad\x1b[0m"}
	if got := e.Error(); got != "x: bad" {
		t.Errorf("%q", got)
	}
}
