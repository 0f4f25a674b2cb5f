package wire

import (
	"fmt"
	"testing"
)

func TestSeen(t *testing.T) {
	var s Seen
	for i := range remembered + 10 {
		if !s.First(fmt.Append(nil, i)) {
			t.Fatalf("signature %d: got seen before, want new", i)
		}
		if s.First(fmt.Append(nil, i)) {
			t.Fatalf("signature %d: got new, want seen before", i)
		}
	}
	if s.First(fmt.Append(nil, 10)) || s.First(fmt.Append(nil, remembered+9)) {
		t.Error("a signature was forgotten too early")
	}
	if len(s.known) != remembered || len(s.order) != remembered {
		t.Errorf("%d and %d signatures are remembered", len(s.known), len(s.order))
	}
	for range 2 {
		if !s.First(nil) {
			t.Error("got seen before, want a message without a signature to be new")
		}
	}
}
